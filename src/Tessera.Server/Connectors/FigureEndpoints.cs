using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>How partners are doing (CON-03, EXP-17), and what became of each command, from due to acknowledged.</summary>
internal static class FigureEndpoints
{
    private static readonly Listed<CommandView> Commands = Listed.ByNumber(
        $"select {CommandColumns} {CommandSource}",
        "k.position",
        ReadCommand,
        static c => c.Position
    );

    private static readonly string[] States = ["pending", "sent", "acknowledged", "manual", "done_by_hand", "dropped"];

    private static readonly FigureView Sample = new(
        Samples.Id,
        "Corner Shops Ltd",
        "partner_rest",
        "batch",
        true,
        "closed",
        null,
        0,
        null,
        50,
        1234,
        100_000,
        3,
        0,
        1,
        12.5,
        0.998,
        42,
        180,
        0.995,
        60,
        null,
        Samples.At,
        Samples.At,
        Samples.At,
        "timeout",
        null,
        null,
        Samples.At,
        1236,
        2,
        1200,
        6
    );

    private static readonly CommandView Command = new(
        4711,
        "disable",
        "instance",
        10_000,
        10_000,
        "acknowledged",
        Samples.At.AddSeconds(-1),
        Samples.At,
        Samples.At.AddSeconds(0.2),
        Samples.At.AddSeconds(0.2),
        Samples.At.AddSeconds(0.4),
        0.4,
        1,
        null
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/connector-figures", ListAsync)
            .WithName("listConnectorFigures")
            .WithSummary("Figures per partner: lag, queue, failures, breaker, latency, quota, service level")
            .WithTags("Connectors")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithPages(["name"])
            .WithAnswer(200, new Page<FigureView>([Sample], false, null), "A page.");
        var one = api.MapGroup("/connectors/{id:guid}/commands").WithTags("Connectors");
        one.MapGet("", StreamAsync)
            .WithName("listCommands")
            .WithSummary("The stream of a connector, the latest first: each command's way from due to acknowledged")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithPages(["position"])
            .WithCommandFilter()
            .WithAnswer(200, new Page<CommandView>([Command], false, null), "A page.");
        one.MapGet("/totals", TotalsAsync)
            .WithName("getCommandTotals")
            .WithSummary("Count commands of a connector, with the filters of the list")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithCommandFilter()
            .WithAnswer(200, new CommandTotals(1200, 25_000), "Of all pages together.");
        one.MapGet("/{position:long}", TimelineAsync)
            .WithName("getCommand")
            .WithSummary("The timeline of a command: every attempt with its answer")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithAnswer(
                200,
                new TimelineView(
                    Command,
                    [4711, 4712],
                    [new AttemptView("c4711-0", Samples.At.AddSeconds(0.2), 184, 200, "ok", "{\"acknowledged\":true}")]
                ),
                "From due to acknowledged; the first hundred ids and the last hundred attempts."
            );
    }

    private static RouteHandlerBuilder WithCommandFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("state", "string", "In one or more of these states: " + string.Join(", ", States) + ".")
            .WithQuery("due", "boolean", "Whether only those that are due by now.")
            .WithQuery("from", "string", "Due from this instant, or the beginning of this day, UTC, on.")
            .WithQuery("to", "string", "Due before this instant, or the end of this day.")
            .WithQuery(
                "service_level",
                "string",
                "One or more of: met (acknowledged in time), missed (late, or overdue by now). On its way in time is neither."
            );

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["name"], "name", merchant, cancel);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var values = new List<object?>();
        var scope = ConnectorScope.Of(Caller.Of(context), values);
        var beyond = page.Where("name", "text", "id", "uuid", values);
        await using var command = database.Source.CreateCommand(
            $"""
            with m as materialized (select platform.clock() as at)
            select c.id, c.name, c.kind, c.encoding, c.is_active, l.breaker, l.forced, l.failures,
                case when l.breaker <> 'closed' then l.next_attempt_at end, l.rate::float8,
                case when l.quota_day = (platform.clock() at time zone 'UTC')::date then l.quota_used else 0 end,
                c.quota_per_day, q.pending, q.sent, t.open,
                greatest(extract(epoch from platform.clock() - q.oldest), 0)::float8,
                a.success, a.p50, a.p95, s.met::float8 / nullif(s.due, 0), c.sla_seconds, l.sla_breached_at, l.last_success_at,
                l.last_failure_at, l.last_acknowledged_at, l.last_error, l.mark, l.deferred_at,
                (select at from m), a.calls, a.failed, s.due, s.due - s.met
            from (select * from connectors.connector where {scope} and {beyond} {page.OrderBy("name", "id")}) c
            join connectors.lane l on l.connector_id = c.id
            cross join lateral (
                select count(*) filter (where state = 'pending' and due_at <= platform.clock()) as pending,
                    count(*) filter (where state = 'sent') as sent,
                    min(due_at) filter (where due_at <= platform.clock()) as oldest
                from connectors.command where connector_id = c.id and state in ('pending', 'sent')) q
            cross join lateral (
                select count(*) as open from connectors.task where connector_id = c.id and state = 'open') t
            cross join lateral (
                select coalesce(sum(calls), 0) as calls, coalesce(sum(calls) filter (where outcome <> 'ok'), 0) as failed,
                    coalesce(sum(calls) filter (where outcome = 'ok'), 0)::float8 / nullif(sum(calls), 0) as success,
                    percentile_disc(0.5) within group (order by milliseconds) as p50,
                    percentile_disc(0.95) within group (order by milliseconds) as p95
                from connectors.attempt
                where connector_id = c.id and at >= (select at from m) - interval '1 hour' and at < (select at from m)) a
            cross join lateral (
                -- Settled or overdue: what is on its way in time says nothing yet.
                select count(*) as due, count(*) filter (where {MetLevel}) as met
                from connectors.command k
                where k.connector_id = c.id and k.due_at >= (select at from m) - interval '1 day'
                    and k.due_at < (select at from m) and ({MetLevel} or {MissedLevel})) s
            order by c.name, c.id
            """
        );
        values.ForEach(value => command.Parameters.Add(UnitOfWork.Parameter(value)));
        var views = new List<FigureView>();
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                views.Add(ReadFigures(row));
            }
        }

        if (page.Descending)
        {
            views.Reverse();
        }

        await page.Answer(context, views, static v => v, static v => [v.Name, v.ConnectorId.ToString()])
            .SendAsync(context);
    }

    private static FigureView ReadFigures(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetBoolean(4),
            row.GetString(5),
            row.Object<string>(6),
            row.GetInt32(7),
            row.Value<DateTimeOffset>(8),
            row.Value<double>(9) is { } rate ? Math.Round(rate, 2) : null,
            row.GetInt32(10),
            row.Value<int>(11),
            row.GetInt64(12),
            row.GetInt64(13),
            row.GetInt64(14),
            row.Value<double>(15) is { } lag ? Math.Round(lag, 3) : 0,
            row.Value<double>(16) is { } success ? Math.Round(success, 4) : null,
            row.Value<int>(17),
            row.Value<int>(18),
            row.Value<double>(19) is { } adherence ? Math.Round(adherence, 4) : null,
            row.GetInt32(20),
            row.Value<DateTimeOffset>(21),
            row.Value<DateTimeOffset>(22),
            row.Value<DateTimeOffset>(23),
            row.Value<DateTimeOffset>(24),
            row.Object<string>(25),
            row.Value<DateTimeOffset>(26),
            row.Value<DateTimeOffset>(27),
            row.GetFieldValue<DateTimeOffset>(28),
            row.GetInt64(29),
            row.GetInt64(30),
            row.GetInt64(31),
            row.GetInt64(32)
        );

    private const string CommandColumns = """
        k.position, k.kind, b.subject, k.size, k.done, k.state, k.created_at, k.due_at, k.first_sent_at, k.sent_at,
        k.acknowledged_at, extract(epoch from k.acknowledged_at - k.due_at)::float8, k.attempts, k.error
        """;

    private const string CommandSource = """
        from connectors.command k join connectors.batch b on b.id = k.batch_id join connectors.connector c on c.id = k.connector_id
        """;

    /// <summary>Of a command <c>k</c> of connector <c>c</c>: acknowledged in time.</summary>
    private const string MetLevel =
        "coalesce(k.acknowledged_at <= k.due_at + c.sla_seconds * interval '1 second', false)";

    /// <summary>Acknowledged late, or overdue by now.</summary>
    private const string MissedLevel =
        "coalesce(k.acknowledged_at, platform.clock()) > k.due_at + c.sla_seconds * interval '1 second'";

    private static readonly string[] Levels = ["met", "missed"];

    private static async Task StreamAsync(HttpContext context, Guid id, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["position"], "-position", caller.MerchantId, cancel);
        var refused = await ConnectorScope.RefusedAsync(database, id, caller, cancel);
        await Matching(query, id, caller).AnswerAsync(context, database, query, page, Commands, refused);
    }

    private static async Task TotalsAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var rows = Matching(query, id, caller);
        if ((query.Finish() ?? await ConnectorScope.RefusedAsync(database, id, caller, cancel)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = rows.Over(
            database,
            static where => $"select count(*), coalesce(sum(k.size), 0)::bigint {CommandSource} {where}"
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        var totals = new CommandTotals(row.GetInt64(0), row.GetInt64(1));
        await HttpAnswer.Json(200, totals).SendAsync(context);
    }

    private static PageRows Matching(Query query, Guid id, Caller caller)
    {
        var rows = new PageRows("true");
        rows.Equal("k.connector_id", id);
        // A partner is told of the house's coupons as well: those are not the merchant's.
        rows.Equal("b.merchant_id", caller.MerchantId);
        rows.Where("k.state = any({})", query.Words("state", States)?.ToArray());
        if (query.Flag("due") ?? false)
        {
            rows.Where("k.due_at <= platform.clock()");
        }

        rows.Where("k.due_at >= {}", query.Instant("from"));
        rows.Where("k.due_at < {}", query.Instant("to", isEnd: true));
        rows.Where(
            $"case when {MetLevel} then 'met' when {MissedLevel} then 'missed' end = any({{}})",
            query.Words("service_level", Levels)?.ToArray()
        );
        return rows;
    }

    private static async Task TimelineAsync(HttpContext context, Guid id, long position, Database database)
    {
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        CommandView? view = null;
        long[] ids = [];
        var caller = Caller.Of(context);
        if (await ConnectorScope.SeesAsync(work, id, caller, cancel))
        {
            await using var command = work.Command(
                $"""
                select {CommandColumns}, b.ids[1:100] {CommandSource}
                where k.connector_id = $1 and k.position = $2 and ($3 or b.merchant_id = $4)
                """,
                id,
                position,
                caller.MerchantId is null,
                caller.MerchantId ?? Guid.Empty
            );
            await using var row = await command.ExecuteReaderAsync(cancel);
            if (await row.ReadAsync(cancel))
            {
                view = ReadCommand(row);
                ids = row.GetFieldValue<long[]>(14);
            }
        }

        if (view is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var attempts = new List<AttemptView>();
        await using (
            var command = work.Command(
                """
                select key, at, milliseconds, status, outcome,
                    -- What the partner said of several commands at once may speak of coupons that are not the merchant's.
                    case when $3 or from_position = to_position then answer else '' end
                from connectors.attempt
                where connector_id = $1 and to_position >= $2 and from_position <= $2
                order by to_position, id desc limit 100
                """,
                id,
                position,
                caller.MerchantId is null
            )
        )
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                attempts.Add(
                    new AttemptView(
                        row.GetString(0),
                        row.GetFieldValue<DateTimeOffset>(1),
                        row.GetInt32(2),
                        row.Value<int>(3),
                        row.GetString(4),
                        row.GetString(5)
                    )
                );
            }
        }

        attempts.Sort(static (one, other) => one.At.CompareTo(other.At));
        await HttpAnswer.Json(200, new TimelineView(view, ids, attempts)).SendAsync(context);
    }

    private static CommandView ReadCommand(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetString(1),
            row.GetString(2),
            row.GetInt32(3),
            row.GetInt32(4),
            row.GetString(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.Value<DateTimeOffset>(8),
            row.Value<DateTimeOffset>(9),
            row.Value<DateTimeOffset>(10),
            row.Value<double>(11) is { } seconds ? Math.Round(seconds, 3) : null,
            row.GetInt32(12),
            row.Object<string>(13)
        );

    /// <summary>How a partner is doing.</summary>
    /// <param name="ConnectorId">Of the partner.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Kind">Of its connector.</param>
    /// <param name="Encoding">single, batch or watermark.</param>
    /// <param name="IsActive">Whether it is told.</param>
    /// <param name="Breaker">closed, open or half_open.</param>
    /// <param name="Forced">open or closed when staff holds it so.</param>
    /// <param name="Failures">Bad rounds in a row.</param>
    /// <param name="NextAttemptAt">When it is called again, while the breaker is not closed.</param>
    /// <param name="RatePerSecond">Calls a second it is held to now; null for no bound.</param>
    /// <param name="QuotaUsed">Calls of today.</param>
    /// <param name="QuotaPerDay">Calls it may get a day.</param>
    /// <param name="Pending">Commands that are due and not told.</param>
    /// <param name="AwaitingCallback">Commands that are told and not confirmed.</param>
    /// <param name="OpenTasks">Of the manual queue.</param>
    /// <param name="LagSeconds">Since the oldest command that is due and not acknowledged.</param>
    /// <param name="SuccessRate">Share of the calls of the last hour that went well; null for none.</param>
    /// <param name="LatencyP50Ms">Of those calls.</param>
    /// <param name="LatencyP95Ms">Of those calls.</param>
    /// <param name="SlaAdherence">Share of the commands of the last day that were acknowledged in time.</param>
    /// <param name="SlaSeconds">What in time means.</param>
    /// <param name="SlaBreachedAt">Since when it is behind; null when it is not.</param>
    /// <param name="LastSuccessAt">Of a call.</param>
    /// <param name="LastFailureAt">Of a call.</param>
    /// <param name="LastAcknowledgedAt">Of a command.</param>
    /// <param name="LastError">Reason of the last failure.</param>
    /// <param name="Mark">The low-water mark it has acknowledged.</param>
    /// <param name="DeferredAt">Since when it waits, because critical partners go first; null when it does not.</param>
    /// <param name="MeasuredAt">When these figures were taken: their last hour and day end here.</param>
    /// <param name="Calls">Of the last hour.</param>
    /// <param name="FailedCalls">Of those.</param>
    /// <param name="JudgedCommands">Of the last day: acknowledged, or overdue.</param>
    /// <param name="LateCommands">Of those: not acknowledged in time.</param>
    private sealed record FigureView(
        Guid ConnectorId,
        string Name,
        string Kind,
        string Encoding,
        bool IsActive,
        string Breaker,
        string? Forced,
        int Failures,
        DateTimeOffset? NextAttemptAt,
        double? RatePerSecond,
        int QuotaUsed,
        int? QuotaPerDay,
        long Pending,
        long AwaitingCallback,
        long OpenTasks,
        double LagSeconds,
        double? SuccessRate,
        int? LatencyP50Ms,
        int? LatencyP95Ms,
        double? SlaAdherence,
        int SlaSeconds,
        DateTimeOffset? SlaBreachedAt,
        DateTimeOffset? LastSuccessAt,
        DateTimeOffset? LastFailureAt,
        DateTimeOffset? LastAcknowledgedAt,
        string? LastError,
        DateTimeOffset? Mark,
        DateTimeOffset? DeferredAt,
        DateTimeOffset MeasuredAt,
        long Calls,
        long FailedCalls,
        long JudgedCommands,
        long LateCommands
    );

    /// <summary>How many there are.</summary>
    /// <param name="Count">Commands of all pages.</param>
    /// <param name="Units">Coupons in them.</param>
    private sealed record CommandTotals(long Count, long Units);

    /// <summary>A command of a stream.</summary>
    /// <param name="Position">In the stream.</param>
    /// <param name="Kind">disable or enable.</param>
    /// <param name="Subject">instance or coupon.</param>
    /// <param name="Size">How many coupons.</param>
    /// <param name="Done">How many of them were told.</param>
    /// <param name="State">pending, sent, acknowledged, manual, done_by_hand or dropped.</param>
    /// <param name="CreatedAt">When it was appended.</param>
    /// <param name="DueAt">When the partner was to be told.</param>
    /// <param name="FirstSentAt">When it was first tried.</param>
    /// <param name="SentAt">When it was last tried.</param>
    /// <param name="AcknowledgedAt">When the partner confirmed.</param>
    /// <param name="Seconds">From due to acknowledged.</param>
    /// <param name="Attempts">Rounds it was tried in.</param>
    /// <param name="Error">Of the last one that failed.</param>
    private sealed record CommandView(
        long Position,
        string Kind,
        string Subject,
        int Size,
        int Done,
        string State,
        DateTimeOffset CreatedAt,
        DateTimeOffset DueAt,
        DateTimeOffset? FirstSentAt,
        DateTimeOffset? SentAt,
        DateTimeOffset? AcknowledgedAt,
        double? Seconds,
        int Attempts,
        string? Error
    );

    /// <summary>One call.</summary>
    /// <param name="Key">Of idempotency.</param>
    /// <param name="At">When it began.</param>
    /// <param name="Milliseconds">How long it took.</param>
    /// <param name="Status">HTTP status, where one came.</param>
    /// <param name="Outcome">ok, or what was wrong.</param>
    /// <param name="Answer">
    /// The first KiB of it, as text; to a merchant not that of a call that told of several commands.
    /// </param>
    private sealed record AttemptView(
        string Key,
        DateTimeOffset At,
        int Milliseconds,
        int? Status,
        string Outcome,
        string Answer
    );

    /// <summary>What became of a command.</summary>
    /// <param name="Command">As it stands.</param>
    /// <param name="FirstIds">The first hundred of its coupons.</param>
    /// <param name="Attempts">In order.</param>
    private sealed record TimelineView(
        CommandView Command,
        IReadOnlyList<long> FirstIds,
        IReadOnlyList<AttemptView> Attempts
    );
}
