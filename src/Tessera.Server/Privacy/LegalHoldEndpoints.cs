using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Privacy;

/// <summary>A hold, as wanted: of a customer, or of a kind of data.</summary>
/// <param name="Matter">The file number of the matter; no names.</param>
/// <param name="CustomerId">Whose data is kept.</param>
/// <param name="DataKind">Or which kind, of everybody.</param>
internal sealed record LegalHoldWanted(string Matter, Guid? CustomerId = null, string? DataKind = null);

/// <summary>A legal hold: while it stands, nothing of it is deleted.</summary>
internal sealed record LegalHold(
    Guid Id,
    Guid? CustomerId,
    string? DataKind,
    string Matter,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? EndedAt
)
{
    public const string Columns = "id, customer_id, data_kind, matter, created_by, created_at, ended_at";

    public static LegalHold Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.Value<Guid>(1),
            row.Object<string>(2),
            row.GetString(3),
            row.GetString(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.Value<DateTimeOffset>(6)
        );
}

/// <summary>Legal holds over HTTP (AUD-08).</summary>
internal static class LegalHoldEndpoints
{
    private static readonly Listed<LegalHold> Holds = Listed.ByTime(
        $"select {LegalHold.Columns} from privacy.legal_hold",
        "created_at",
        "id",
        LegalHold.Read,
        static h => (h.CreatedAt, h.Id)
    );

    private static readonly LegalHold Hold = new(
        Samples.Id,
        new Guid("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5f"),
        null,
        "2026-C-114",
        "person:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d60",
        Samples.At,
        null
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var holds = api.MapGroup("/legal-holds").WithTags("Privacy");
        holds
            .MapGet("", ListHoldsAsync)
            .WithName("listLegalHolds")
            .WithSummary("List legal holds")
            .RequirePermission(Permissions.RetentionManage)
            .LogReads("legal_holds")
            .WithPages(["created_at"])
            .WithQuery("customer_id", "string", "Only those of this customer.")
            .WithQuery("is_standing", "boolean", "Only those that stand, or were ended.")
            .WithAnswer(200, new Page<LegalHold>([Hold], false, null), "A page.")
            .WithRefusals(RetentionEndpoints.StaffOnly);
        holds
            .MapPost("", CreateHoldAsync)
            .WithName("createLegalHold")
            .WithSummary("Keep the data of a customer, or a kind of data, whatever its period says")
            .RequirePermission(Permissions.RetentionManage)
            .WithBody(new LegalHoldWanted("2026-C-114", Hold.CustomerId))
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Hold, "It stands.")
            .WithRefusals(RetentionEndpoints.StaffOnly);
        holds
            .MapPost("/{id:guid}/end", EndHoldAsync)
            .WithName("endLegalHold")
            .WithSummary("End a legal hold")
            .RequirePermission(Permissions.RetentionManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, Hold with { EndedAt = Samples.At.AddDays(90) }, "It is over.")
            .WithRefusals(RetentionEndpoints.StaffOnly);
    }

    private static async Task ListHoldsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["created_at"], "-created_at", null, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("customer_id", query.Id("customer_id"));
        if (query.Flag("is_standing") is { } isStanding)
        {
            rows.Where("ended_at is " + (isStanding ? "null" : "not null"));
        }

        await rows.AnswerAsync(context, database, query, page, Holds, RetentionEndpoints.Outsider(context));
    }

    private static Task CreateHoldAsync(HttpContext context, Database database, RetainedKinds kinds) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var matter = fields.Text("matter", 100);
                var customer = fields.Id("customer_id", required: false);
                var kind = fields.Word("data_kind", kinds.Names, required: false);
                if (fields.Has("customer_id") == fields.Has("data_kind"))
                {
                    fields.Add("customer_id", "either_or", "Name a customer or a kind of data: one of them.");
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                // An erasure that has found no hold is not over yet: this one stands when it is, or is found by the next.
                await work.ExecuteAsync(
                    "select from access.customer where id = $1 for share",
                    [
                        new NpgsqlParameter
                        {
                            Value = customer ?? (object)DBNull.Value,
                            NpgsqlDbType = NpgsqlDbType.Uuid,
                        },
                    ],
                    cancel
                );
                var id = Guid.CreateVersion7();
                var now = await work.ClockAsync(cancel);
                await work.ExecuteAsync(
                    """
                    insert into privacy.legal_hold (id, customer_id, data_kind, matter, created_by, created_at)
                    values ($1, $2, $3, $4, $5, $6)
                    """,
                    [
                        id,
                        new NpgsqlParameter
                        {
                            Value = customer ?? (object)DBNull.Value,
                            NpgsqlDbType = NpgsqlDbType.Uuid,
                        },
                        new NpgsqlParameter { Value = kind ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                        matter,
                        Caller.Of(context).Actor,
                        now,
                    ],
                    cancel
                );
                (string, object?)[] facts = [("customer_id", customer), ("data_kind", kind)];
                await RetentionEndpoints.TellAsync(
                    context,
                    work,
                    "legal_hold",
                    id.ToString(),
                    "legal_hold.created",
                    1,
                    facts
                );
                return HttpAnswer.Json(201, await FindAsync(work, id, cancel), $"/api/v1/legal-holds/{id}");
            },
            first: RetentionEndpoints.Outsider(context)
        );

    private static async Task EndHoldAsync(HttpContext context, Guid id, Database database)
    {
        if (RetentionEndpoints.Outsider(context) is { } outsider)
        {
            await Problems.WriteAsync(context, outsider);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            default,
            async work =>
            {
                var cancel = CancellationToken.None;
                var now = await work.ClockAsync(cancel);
                var ended = await work.ExecuteAsync(
                    "update privacy.legal_hold set ended_at = $2 where id = $1 and ended_at is null",
                    [id, now],
                    cancel
                );
                if (ended > 0)
                {
                    await RetentionEndpoints.TellAsync(
                        context,
                        work,
                        "legal_hold",
                        id.ToString(),
                        "legal_hold.ended",
                        2,
                        []
                    );
                }

                return await FindAsync(work, id, cancel) is { } hold
                    ? HttpAnswer.Json(200, hold)
                    : HttpAnswer.Refused(context, Entry.NotFound);
            }
        );
    }

    private static async Task<LegalHold?> FindAsync(UnitOfWork work, Guid id, CancellationToken cancel)
    {
        await using var command = work.Command($"select {LegalHold.Columns} from privacy.legal_hold where id = $1", id);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? LegalHold.Read(rows) : null;
    }
}
