using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors.Ingestion;

/// <summary>Where outside systems hand in events and definitions (CPN-15, CPN-16): by key, or signed by a partner.</summary>
internal static class IngestionEndpoints
{
    private static readonly Listed<IngestedView> Ingested = Listed.ByNumber(
        """
        select id, source, event_id, type, state, reason, attempts, body::text, created_at, updated_at
        from connectors.ingested
        """,
        "id",
        static row => new IngestedView(
            row.GetInt64(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetString(4),
            row.Object<string>(5),
            row.GetInt32(6),
            JsonDocument.Parse(row.GetString(7)).RootElement,
            row.GetFieldValue<DateTimeOffset>(8),
            row.GetFieldValue<DateTimeOffset>(9)
        ),
        static i => i.Id
    );

    private const int MaximumEvents = 100;

    private static readonly string[] States = ["applied", "known", "parked", "dropped"];

    private static readonly Refusal NotSigned = new(
        "signature_invalid",
        "The call is not signed as agreed, or its timestamp is more than five minutes off.",
        RefusalKind.Unauthenticated
    );

    private static readonly Refusal NoOneMerchant = new(
        "connector_scope",
        "This connector is of several merchants, so it is not clear for which it may act."
    );

    private static readonly Refusal NoId = new(
        "event_without_id",
        "An event has to be an object with an id: without one it cannot be known again.",
        RefusalKind.Invalid
    );

    private static readonly JsonElement Example = JsonDocument
        .Parse(
            """
            {"specversion":"1.0","id":"evt-1","source":"shop","type":"coupon.cancelled",
             "data":{"order_reference":"order-1","code":"SPRING27"}}
            """
        )
        .RootElement;

    private static readonly IngestedView Sample = new(
        17,
        "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
        "evt-1",
        "coupon.cancelled",
        "parked",
        "nothing_to_cancel",
        1,
        Example,
        Samples.At,
        Samples.At
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/ingestion").WithTags("Ingestion");
        group
            .MapPost("/events", IngestAsync)
            .WithName("ingestEvents")
            .WithSummary($"Hand in up to {MaximumEvents} events: coupon.reserved, .redeemed, .cancelled, .defined")
            .WithRemark(
                "An event is known by its id: sent again, it changes nothing, so no idempotency key is needed. The data of "
                    + "coupon.reserved and coupon.redeemed is the body of createReservation and redeemCoupon; "
                    + "coupon.cancelled names order_reference and code; coupon.defined has external_id, version and "
                    + "coupon, the body of createCoupon. What is refused is parked with its reason."
            )
            .RequirePermission(Permissions.IngestionWrite)
            .WithBody(new EventsWanted([Example]))
            .WithAnswer(200, new EventsTaken([new IngestionResult("evt-1", "applied")]), "What became of each.")
            .WithRefusals(NoId);
        group
            .MapGet("/events", ListAsync)
            .WithName("listIngestedEvents")
            .WithSummary("List what was handed in; parked ones unless asked otherwise")
            .RequirePermission(Permissions.IngestionRead)
            .WithPages(["id"])
            .WithQuery("state", "string", "Only those in this state; parked unless given.", States)
            .WithAnswer(200, new Page<IngestedView>([Sample], false, null), "A page.");
        group
            .MapPost("/retries", RetryAsync)
            .WithName("retryIngestedEvents")
            .WithSummary("Apply parked events once more, or drop them")
            .RequirePermission(Permissions.IngestionWrite)
            .WithBody(new RetryWanted([17], false))
            .WithAnswer(200, new EventsTaken([new IngestionResult("evt-1", "applied")]), "What became of each.");
        api.MapPost("/connectors/{id:guid}/events", ReceiveAsync)
            .WithName("receivePartnerEvent")
            .WithSummary("Hand in one event as a partner: a webhook signed with the connector's signing secret")
            .WithRemark("The body is one event, as of ingestEvents. Signed by Standard Webhooks; needs no API key.")
            .WithTags("Ingestion")
            .OpenToEveryone()
            .WithBody(Example)
            .WithAnswer(200, new IngestionResult("evt-1", "applied"), "What became of it.")
            .WithRefusals(NotSigned, NoId, NoOneMerchant);
    }

    private static async Task IngestAsync(HttpContext context, IngestionService service)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        _ = fields.Items("events", MaximumEvents);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        var source = new IngestionSource(caller.Actor, caller.ClientId, caller.MerchantId);
        var results = new List<IngestionResult>();
        foreach (var item in body.Json.GetProperty("events").EnumerateArray())
        {
            var bytes = Encoding.UTF8.GetBytes(item.GetRawText());
            if (await service.ApplyAsync(source, bytes, context.RequestAborted) is not { } result)
            {
                await Problems.WriteAsync(context, NoId);
                return;
            }

            results.Add(result);
        }

        await HttpAnswer.Json(200, new EventsTaken(results)).SendAsync(context);
    }

    private static async Task ReceiveAsync(
        HttpContext context,
        Guid id,
        Database database,
        ConnectorSecrets secrets,
        IngestionService service,
        TimeProvider clock
    )
    {
        var cancel = context.RequestAborted;
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var headers = context.Request.Headers;
        var open = await secrets.OpenAsync(database.Source, id, cancel);
        var isSigned = StandardWebhooks.IsSigned(
            open.Signing,
            headers[StandardWebhooks.IdHeader],
            headers[StandardWebhooks.TimestampHeader],
            headers[StandardWebhooks.SignatureHeader],
            body.Bytes.Span,
            clock.GetUtcNow()
        );
        Connector? connector = null;
        if (isSigned)
        {
            await using var command = database.Source.CreateCommand(
                $"select {Connector.Columns} from connectors.connector where id = $1 and is_active"
            );
            command.Parameters.Add(UnitOfWork.Parameter(id));
            await using var row = await command.ExecuteReaderAsync(cancel);
            connector = await row.ReadAsync(cancel) ? ConnectorDirectory.Of(row) : null;
        }

        if (
            (
                connector is null ? NotSigned
                : connector.Merchants is { Count: > 1 } ? NoOneMerchant
                : null
            ) is
            { } no
        )
        {
            await Problems.WriteAsync(context, no);
            return;
        }

        var merchant = connector!.Merchants is [var one] ? one : (Guid?)null;
        var result = await service.ApplyAsync(new IngestionSource("connector:" + id, id, merchant), body.Bytes, cancel);
        if (result is null)
        {
            await Problems.WriteAsync(context, NoId);
            return;
        }

        await HttpAnswer.Json(200, result).SendAsync(context);
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["id"], "-id", caller.MerchantId, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("state", query.Word("state", States) ?? "parked");
        // A key that acts for one merchant sees what it handed in itself.
        rows.Equal("source", caller.MerchantId is null ? null : caller.Actor);
        await rows.AnswerAsync(context, database, query, page, Ingested);
    }

    private static async Task RetryAsync(HttpContext context, Database database, IngestionService service)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var ids = fields.List(
            "ids",
            MaximumEvents,
            static (item, place) => item.Integer(place, 1, Fields.MaximumInteger)
        );
        var drop = fields.Flag("drop", required: false) ?? false;
        if ((fields.Finish() ?? (caller.MerchantId is null ? null : DirectoryRefusals.MerchantKey)) is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        var results = new List<IngestionResult>();
        foreach (var id in ids!.Select(static i => i!.Value))
        {
            var result = drop ? await DropAsync(database, id, cancel) : await service.RetryAsync(id, cancel);
            if (result is not null)
            {
                results.Add(result);
            }
        }

        await HttpAnswer.Json(200, new EventsTaken(results)).SendAsync(context);
    }

    private static async Task<IngestionResult?> DropAsync(Database database, long id, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            """
            update connectors.ingested set state = 'dropped', updated_at = platform.clock()
            where id = $1 and state = 'parked' returning event_id, reason
            """
        );
        command.Parameters.Add(UnitOfWork.Parameter(id));
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new IngestionResult(row.GetString(0), "dropped", row.Object<string>(1))
            : null;
    }

    /// <summary>Events of an outside system.</summary>
    /// <param name="Events">1 to 100, in the order they happened; each in the shape of CloudEvents 1.0.</param>
    private sealed record EventsWanted(IReadOnlyList<JsonElement> Events);

    /// <summary>What became of events.</summary>
    /// <param name="Results">In their order.</param>
    private sealed record EventsTaken(IReadOnlyList<IngestionResult> Results);

    /// <summary>Parked events to try again or to drop.</summary>
    /// <param name="Ids">1 to 100.</param>
    /// <param name="Drop">Whether they are given up.</param>
    private sealed record RetryWanted(IReadOnlyList<long> Ids, bool? Drop = null);

    /// <summary>An event that was handed in.</summary>
    /// <param name="Id">Ours.</param>
    /// <param name="Source">Who handed it in.</param>
    /// <param name="EventId">As its source calls it.</param>
    /// <param name="Type">What it says happened.</param>
    /// <param name="State">applied, known, parked or dropped.</param>
    /// <param name="Reason">Why it was parked.</param>
    /// <param name="Attempts">How often it was tried.</param>
    /// <param name="Body">As it came.</param>
    /// <param name="CreatedAt">When it came.</param>
    /// <param name="UpdatedAt">When its state changed.</param>
    private sealed record IngestedView(
        long Id,
        string Source,
        string EventId,
        string Type,
        string State,
        string? Reason,
        int Attempts,
        JsonElement Body,
        DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt
    );
}
