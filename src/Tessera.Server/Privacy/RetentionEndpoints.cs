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

/// <summary>How long a kind of data is kept, and what the last run did.</summary>
/// <param name="DataKind">The kind.</param>
/// <param name="Description">What it is.</param>
/// <param name="KeepDays">How long it is kept.</param>
/// <param name="Version">Counts the changes; 0 for the period it came with.</param>
/// <param name="LastRunAt">When it was last looked through.</param>
/// <param name="LastDeleted">What was deleted then.</param>
/// <param name="LastHeld">What a legal hold kept then.</param>
internal sealed record RetentionView(
    string DataKind,
    string Description,
    int KeepDays,
    int Version,
    DateTimeOffset? LastRunAt,
    long? LastDeleted,
    long? LastHeld
);

/// <summary>All kinds.</summary>
internal sealed record RetentionList(IReadOnlyList<RetentionView> Data);

/// <summary>A period, as wanted.</summary>
/// <param name="KeepDays">1 to 36500.</param>
internal sealed record RetentionWanted(int KeepDays);

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

/// <summary>Retention periods, their report, and legal holds over HTTP (AUD-08).</summary>
internal static class RetentionEndpoints
{
    private const int LongestDays = 36_500;

    private static readonly Refusal StaffOnly = new(
        "staff_only",
        "Only staff sees retention and legal holds.",
        RefusalKind.Forbidden
    );

    private static readonly RetentionView View = new(
        "attempt_origin",
        "Addresses and fingerprints of attempts, for finding fraud.",
        180,
        1,
        Samples.At,
        412,
        3
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
        var retention = api.MapGroup("/retention").WithTags("Privacy");
        retention
            .MapGet("", ListAsync)
            .WithName("listRetention")
            .WithSummary("List how long each kind of data is kept, and what the last run deleted and held")
            .RequirePermission(Permissions.RetentionManage)
            .LogReads("retention")
            .WithAnswer(200, new RetentionList([View]), "All kinds.")
            .WithRefusals(StaffOnly);
        retention
            .MapPut("/{kind}", SetAsync)
            .WithName("setRetention")
            .WithSummary("Set how long a kind of data is kept")
            .RequirePermission(Permissions.RetentionManage)
            .WithIfMatch()
            .WithBody(new RetentionWanted(90))
            .WithAnswer(200, View with { KeepDays = 90 }, "The new period, with its ETag.")
            .WithRefusals(StaffOnly);
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
            .WithRefusals(StaffOnly);
        holds
            .MapPost("", CreateHoldAsync)
            .WithName("createLegalHold")
            .WithSummary("Keep the data of a customer, or a kind of data, whatever its period says")
            .RequirePermission(Permissions.RetentionManage)
            .WithBody(new LegalHoldWanted("2026-C-114", Hold.CustomerId))
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Hold, "It stands.")
            .WithRefusals(StaffOnly);
        holds
            .MapPost("/{id:guid}/end", EndHoldAsync)
            .WithName("endLegalHold")
            .WithSummary("End a legal hold")
            .RequirePermission(Permissions.RetentionManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, Hold with { EndedAt = Samples.At.AddDays(90) }, "It is over.")
            .WithRefusals(StaffOnly);
    }

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        if ((query.Finish() ?? Outsider(context)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var views = new List<RetentionView>();
        foreach (var kind in RetentionWorker.Kinds)
        {
            views.Add(await ViewAsync(work, kind, context.RequestAborted));
        }

        await HttpAnswer.Json(200, new RetentionList(views)).SendAsync(context);
    }

    private static async Task SetAsync(HttpContext context, string kind, Database database)
    {
        if (await BodyAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var days = fields.Integer("keep_days", 1, LongestDays);
        var known = RetentionWorker.Kinds.FirstOrDefault(k => k.Name == kind);
        if ((known is null ? Entry.NotFound : fields.Finish()) is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                await work.ExecuteAsync(
                    "select pg_advisory_xact_lock(hashtextextended('privacy.retention ' || $1, 0))",
                    [kind],
                    cancel
                );
                var before = await ViewAsync(work, known!, cancel);
                if (ETags.Check(context, ETags.Of(before.Version)) is { } stale)
                {
                    return HttpAnswer.Refused(context, stale);
                }

                await work.ExecuteAsync(
                    """
                    insert into privacy.retention as r (data_kind, keep_days) values ($1, $2)
                    on conflict (data_kind) do update set keep_days = excluded.keep_days, version = r.version + 1
                    """,
                    [kind, (int)days!.Value],
                    cancel
                );
                var after = await ViewAsync(work, known!, cancel);
                (string, object?)[] facts = [("before", before.KeepDays), ("after", after.KeepDays)];
                await TellAsync(context, work, "retention", kind, "retention.changed", after.Version, facts);
                return HttpAnswer.Json(200, after, etag: ETags.Of(after.Version));
            }
        );
    }

    private static async Task ListHoldsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["created_at"], "-created_at", null, cancel);
        var values = new List<object?>();
        var conditions = new List<string> { "true" };
        if (query.Id("customer_id") is { } customer)
        {
            values.Add(customer);
            conditions.Add($"customer_id = ${values.Count}");
        }

        if (query.Flag("is_standing") is { } isStanding)
        {
            conditions.Add("ended_at is " + (isStanding ? "null" : "not null"));
        }

        if ((query.Finish() ?? Outsider(context)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        conditions.Add(page.Where("created_at", "timestamptz", "id", "uuid", values));
        var rows = new List<LegalHold>(page.Fetch);
        await using (
            var command = database.Source.CreateCommand(
                $"select {LegalHold.Columns} from privacy.legal_hold where {string.Join(" and ", conditions)} "
                    + page.OrderBy("created_at", "id")
            )
        )
        {
            values.ForEach(value => command.Parameters.Add(UnitOfWork.Parameter(value)));
            await using var row = await command.ExecuteReaderAsync(cancel);
            while (await row.ReadAsync(cancel))
            {
                rows.Add(LegalHold.Read(row));
            }
        }

        await page.Answer(context, rows, static h => h, static h => [PageRequest.KeyOf(h.CreatedAt), h.Id.ToString()])
            .SendAsync(context);
    }

    private static async Task CreateHoldAsync(HttpContext context, Database database)
    {
        if (await BodyAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var matter = fields.Text("matter", 100);
        var customer = fields.Id("customer_id", required: false);
        var kind = fields.Word("data_kind", [.. RetentionWorker.Kinds.Select(static k => k.Name)], required: false);
        if (fields.Has("customer_id") == fields.Has("data_kind"))
        {
            fields.Add("customer_id", "either_or", "Name a customer or a kind of data: one of them.");
        }

        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
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
                await TellAsync(context, work, "legal_hold", id.ToString(), "legal_hold.created", 1, facts);
                return HttpAnswer.Json(201, await FindAsync(work, id, cancel), $"/api/v1/legal-holds/{id}");
            }
        );
    }

    private static async Task EndHoldAsync(HttpContext context, Guid id, Database database)
    {
        if (Outsider(context) is { } outsider)
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
                    await TellAsync(context, work, "legal_hold", id.ToString(), "legal_hold.ended", 2, []);
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

    private static async Task<RetentionView> ViewAsync(UnitOfWork work, RetainedKind kind, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            select coalesce(p.keep_days, $2), coalesce(p.version, 0), r.at, r.deleted, r.held
            from (select) one
            left join privacy.retention p on p.data_kind = $1
            left join lateral (select at, deleted, held from privacy.retention_run
                where data_kind = $1 order by at desc limit 1) r on true
            """,
            kind.Name,
            kind.KeepDays
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return new RetentionView(
            kind.Name,
            kind.Description,
            row.GetInt32(0),
            row.GetInt32(1),
            row.Value<DateTimeOffset>(2),
            row.Value<long>(3),
            row.Value<long>(4)
        );
    }

    private static async Task<RequestBody?> BodyAsync(HttpContext context)
    {
        if (await RequestBody.TakeAsync(context, Outsider(context)) is not { } body)
        {
            return null;
        }

        return body;
    }

    private static Refusal? Outsider(HttpContext context) =>
        Caller.Of(context).Realm == Realms.Staff ? null : StaffOnly;

    private static async Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        string aggregate,
        string id,
        string type,
        int version,
        (string, object?)[] facts
    )
    {
        var entry = new EventEntry(
            aggregate,
            id,
            type,
            version,
            Caller.Of(context).Actor,
            EventLog.Payload(facts),
            RequestIds.Of(context)
        );
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(CancellationToken.None),
            [entry],
            CancellationToken.None
        );
    }
}
