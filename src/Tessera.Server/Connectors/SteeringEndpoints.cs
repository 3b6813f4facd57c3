using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Access;
using Tessera.Server.Connectors.Delivery;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>What staff does with one connector: force its breaker, send it a test call, ask it about coupons.</summary>
internal static class SteeringEndpoints
{
    private const int MaximumQuery = 1000;

    private static readonly string[] Forces = ["open", "closed"];

    public static void Map(IEndpointRouteBuilder api)
    {
        var one = api.MapGroup("/connectors/{id:guid}").WithTags("Connectors");
        one.MapPost("/breaker", ForceAsync)
            .WithName("forceBreaker")
            .WithSummary("Hold the breaker open or closed, or let it decide by itself again")
            .RequirePermission(Permissions.ConnectorsWrite)
            .WithBody(new BreakerWanted("open", "The partner asked for a pause during its maintenance."))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, new BreakerForced("open"), "How it is held.");
        one.MapPost("/test-calls", TestAsync)
            .WithName("testConnector")
            .WithSummary("Send the partner a call that changes nothing, and see what it answers")
            .RequirePermission(Permissions.ConnectorsWrite)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, new TestCall("acknowledged", "ok", 200, 84, "{}"), "What came back.");
        one.MapPost("/queries", QueryAsync)
            .WithName("queryConnector")
            .WithSummary("Ask the partner which of some coupons it would still take (EXP-18)")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithBody(new CouponQuery([4711, 4712]))
            .WithAnswer(
                200,
                new CouponQueryAnswer([4712], null),
                "Those it would still take; null when it cannot say."
            );
    }

    private static async Task ForceAsync(HttpContext context, Guid id, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var forced = fields.Word("forced", Forces, required: false);
                var reason = fields.Text("reason", 500);
                if (await ConnectorSecrets.HoldAsync(work, id, caller) is null)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                // Held closed or let go, the partner is called at once: that is what was asked for.
                await work.ExecuteAsync(
                    """
                    update connectors.lane set forced = $2, forced_by = $3,
                        breaker = case when $2 = 'closed' then 'closed' else breaker end,
                        next_attempt_at = case when $2 = 'open' then next_attempt_at else platform.clock() end
                    where connector_id = $1
                    """,
                    [
                        id,
                        new NpgsqlParameter
                        {
                            Value = (object?)forced ?? DBNull.Value,
                            NpgsqlDbType = NpgsqlDbType.Text,
                        },
                        caller.Actor,
                    ],
                    cancel
                );
                var words = new EventWords();
                var facts = EventLog.Payload(("forced", forced), ("reason", words.Keep(reason)));
                await words.WriteAsync(work, cancel);
                await TellAsync(context, work, id, "connector.breaker_forced", facts);
                return HttpAnswer.Json(200, new BreakerForced(forced));
            }
        );
    }

    private static async Task TestAsync(
        HttpContext context,
        Guid id,
        Database database,
        ConnectorSecrets secrets,
        PartnerCalls calls
    )
    {
        var caller = Caller.Of(context);
        if (await Idempotent.RepeatAsync(context, database, caller.ClientId, default))
        {
            return;
        }

        // A partner may take its time: nothing is held meanwhile.
        var cancel = context.RequestAborted;
        PartnerAnswer? told = null;
        if (await OpenAsync(id, caller, database, secrets, cancel) is var (target, now))
        {
            var key = "test-" + Guid.CreateVersion7();
            told = await calls.TellAsync(
                target,
                new Message(key, MessageKind.Test, 0, CommandBatch.Instance, [], now),
                cancel
            );
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                if (told is not { } answer || await FindAsync(work, id, caller, CancellationToken.None) is null)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                await TellAsync(context, work, id, "connector.tested", EventLog.Payload(("outcome", answer.Reason)));
                return HttpAnswer.Json(
                    200,
                    new TestCall(
                        answer.Outcome.ToString().ToLowerInvariant(),
                        answer.Reason,
                        answer.Status,
                        (int)answer.Took.TotalMilliseconds,
                        answer.Excerpt
                    )
                );
            }
        );
    }

    /// <summary>A connector the caller may call, ready to be called, and the database's clock.</summary>
    private static async Task<(Target Target, DateTimeOffset Now)?> OpenAsync(
        Guid id,
        Caller caller,
        Database database,
        ConnectorSecrets secrets,
        CancellationToken cancel
    )
    {
        Connector? connector;
        DateTimeOffset now;
        await using (var work = await database.BeginAsync(cancel))
        {
            connector = await FindAsync(work, id, caller, cancel);
            now = await work.ClockAsync(cancel);
        }

        return connector is null
            ? null
            : (new Target(connector, await secrets.OpenAsync(database.Source, id, cancel)), now);
    }

    private static async Task QueryAsync(
        HttpContext context,
        Guid id,
        Database database,
        ConnectorSecrets secrets,
        PartnerCalls calls
    )
    {
        var cancel = context.RequestAborted;
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var ids = fields.List(
            "ids",
            MaximumQuery,
            static (item, place) => item.Integer(place, 1, Fields.MaximumInteger)
        );
        var opened = await OpenAsync(id, Caller.Of(context), database, secrets, cancel);
        if ((opened is null ? Entry.NotFound : fields.Finish()) is { } no)
        {
            await Problems.WriteAsync(context, no);
            return;
        }

        var target = opened!.Value.Target;
        var (usable, reason) = await calls.QueryAsync(target, [.. ids!.Select(static i => i!.Value)], cancel);
        await HttpAnswer.Json(200, new CouponQueryAnswer(usable, reason)).SendAsync(context);
    }

    /// <summary>A connector the caller may call or change: a merchant none, not even its own.</summary>
    private static async Task<Connector?> FindAsync(UnitOfWork work, Guid id, Caller caller, CancellationToken cancel)
    {
        if (caller.MerchantId is not null)
        {
            return null;
        }

        await using var command = work.Command(
            $"select {Connector.Columns} from connectors.connector where id = $1",
            id
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? ConnectorDirectory.Of(rows) : null;
    }

    private static async Task TellAsync(HttpContext context, UnitOfWork work, Guid id, string type, string payload)
    {
        var cancel = CancellationToken.None;
        var number = await LaneEvents.NextAsync(work, id, cancel);
        var actor = Caller.Of(context).Actor;
        var entry = new EventEntry(
            "connector_lane",
            id.ToString(),
            type,
            number,
            actor,
            payload,
            RequestIds.Of(context)
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
    }

    /// <summary>How a breaker is to be held.</summary>
    /// <param name="Forced">open: no calls; closed: calls however bad it is; null: it decides by itself.</param>
    /// <param name="Reason">Why; 1 to 500 characters.</param>
    private sealed record BreakerWanted(string? Forced, string Reason);

    /// <summary>How a breaker is held.</summary>
    /// <param name="Forced">open, closed, or null when it decides by itself.</param>
    private sealed record BreakerForced(string? Forced);

    /// <summary>What a test call came to.</summary>
    /// <param name="Outcome">acknowledged, accepted, refused, throttled or failed.</param>
    /// <param name="Reason">ok, or what was wrong: http_500, timeout, address_refused, ….</param>
    /// <param name="Status">HTTP status, where one came.</param>
    /// <param name="Milliseconds">How long it took.</param>
    /// <param name="Answer">The first KiB of the answer.</param>
    private sealed record TestCall(string Outcome, string Reason, int? Status, int Milliseconds, string Answer);

    /// <summary>Coupons to ask about.</summary>
    /// <param name="Ids">1 to 1000.</param>
    private sealed record CouponQuery(IReadOnlyList<long> Ids);

    /// <summary>What the partner says.</summary>
    /// <param name="Usable">Those it would still take; null when it cannot be found out.</param>
    /// <param name="Reason">Why not.</param>
    private sealed record CouponQueryAnswer(IReadOnlyList<long>? Usable, string? Reason);
}
