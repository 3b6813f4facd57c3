using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>How partners are doing (CON-03, EXP-17).</summary>
internal static class FigureEndpoints
{
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

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/connector-figures", ListAsync)
            .WithName("listConnectorFigures")
            .WithSummary("Figures per partner: lag, queue, failures, breaker, latency, quota, service level")
            .WithTags("Connectors")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithPages(["name"])
            .WithAnswer(200, new Page<FigureView>([Sample], false, null), "A page.");

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
        // What is counted is what the lists of commands and tasks show to the same caller.
        var (own, seesTasks) = ("", "true");
        if (merchant is { } only)
        {
            values.Add(only);
            own = $"join connectors.batch b on b.id = k.batch_id and b.merchant_id = ${values.Count}";
            seesTasks = "false";
        }

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
                select count(*) filter (where k.state = 'pending' and k.due_at <= platform.clock()) as pending,
                    count(*) filter (where k.state = 'sent') as sent,
                    min(k.due_at) filter (where k.due_at <= platform.clock()) as oldest
                from connectors.command k {own} where k.connector_id = c.id and k.state in ('pending', 'sent')) q
            cross join lateral (
                select count(*) as open from connectors.task
                where connector_id = c.id and state = 'open' and {seesTasks}) t
            cross join lateral (
                select coalesce(sum(calls), 0) as calls, coalesce(sum(calls) filter (where outcome <> 'ok'), 0) as failed,
                    coalesce(sum(calls) filter (where outcome = 'ok'), 0)::float8 / nullif(sum(calls), 0) as success,
                    percentile_disc(0.5) within group (order by milliseconds) as p50,
                    percentile_disc(0.95) within group (order by milliseconds) as p95
                from connectors.attempt
                where connector_id = c.id and at >= (select at from m) - interval '1 hour' and at < (select at from m)) a
            cross join lateral (
                -- Settled or overdue: what is on its way in time says nothing yet.
                select count(*) as due, count(*) filter (where {CommandEndpoints.MetLevel}) as met
                from connectors.command k {own}
                where k.connector_id = c.id and k.due_at >= (select at from m) - interval '1 day'
                    and k.due_at < (select at from m)
                    and ({CommandEndpoints.MetLevel} or {CommandEndpoints.MissedLevel})) s
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
    /// <param name="Pending">Commands that are due and not told; to a merchant its own, as all that is counted of commands.</param>
    /// <param name="AwaitingCallback">Commands that are told and not confirmed.</param>
    /// <param name="OpenTasks">Of the manual queue, which is the house's: none to a merchant.</param>
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
}
