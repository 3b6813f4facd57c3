using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>What the <c>tessera expire</c> commands do, as the console's endpoints do it.</summary>
public sealed class PipelineControl(Database database)
{
    /// <summary>The pipeline at a glance, a name and a value a line.</summary>
    public async Task<IReadOnlyList<(string Name, string Value)>> StatusAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var figures = await ConsoleStore.FiguresAsync(work, cancel);
        var partners = await ConsoleStore.PartnersAsync(work, cancel);
        static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
        return
        [
            ("mode", figures.Mode),
            ("look_ahead_hours", Text(figures.LookAheadHours)),
            ("nodes", Text(figures.Nodes)),
            ("backlog_jobs", Text(figures.Backlog.Jobs)),
            ("backlog_units", Text(figures.Backlog.Units)),
            ("lag_seconds", Text(figures.Backlog.LagSeconds)),
            ("failed_jobs", Text(figures.Backlog.FailedJobs)),
            ("enqueued_jobs", Text(figures.Ahead.Jobs)),
            ("enqueued_units", Text(figures.Ahead.Units)),
            ("processed_per_minute", Text(figures.ProcessedPerMinute)),
            ("processed_last_hour", Text(figures.ProcessedLastHour)),
            ("failure_rate", Text(figures.FailureRate)),
            ("told_within_60_s", Text(figures.Sla.Ratio)),
            ("open_alerts", Text(figures.OpenAlerts)),
            .. partners.Select(p =>
                (
                    "partner " + p.Name,
                    $"{Text(p.LagSeconds)} s behind of {Text(p.SlaSeconds)}, {p.Breaker}{(p.DeferredAt is null ? "" : ", deferred")}"
                )
            ),
        ];
    }

    /// <summary>Sets how the pipeline runs.</summary>
    /// <param name="mode"><c>running</c>, <c>paused</c> or <c>draining</c>.</param>
    /// <param name="actor">Who.</param>
    /// <param name="cancel">Cancels.</param>
    public async Task SetModeAsync(string mode, string actor, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await ConsoleStore.SetModeAsync(work, mode, actor, null, cancel);
        await work.CommitAsync(cancel);
    }

    /// <summary>Sets how far ahead hours of ends are enqueued (EXP-01).</summary>
    /// <param name="hours">24 to 720.</param>
    /// <param name="actor">Who.</param>
    /// <param name="cancel">Cancels.</param>
    public async Task SetLookAheadAsync(int hours, string actor, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await ConsoleStore.SetLookAheadAsync(work, hours, actor, null, cancel);
        await work.CommitAsync(cancel);
    }

    /// <summary>Gives a merchant a priority.</summary>
    /// <exception cref="InvalidOperationException">There is no such merchant.</exception>
    public async Task PrioritiseAsync(Guid merchant, int priority, string actor, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using (var find = work.Command("select true from access.merchant where id = $1", merchant))
        {
            if (await find.ExecuteScalarAsync(cancel) is null)
            {
                throw new InvalidOperationException("There is no merchant of this id.");
            }
        }

        await ConsoleStore.PrioritiseAsync(work, merchant, priority, "hand", actor, null, cancel);
        await work.CommitAsync(cancel);
    }

    /// <summary>Looks at a span of time again.</summary>
    /// <returns>Hours enqueued, units told, jobs tried again.</returns>
    public async Task<(int Hours, long Units, int Retried)> ReplayAsync(
        DateTimeOffset from,
        DateTimeOffset until,
        string actor,
        CancellationToken cancel
    )
    {
        var clock = new NodeClock(database, TimeProvider.System, NullLogger<NodeClock>.Instance);
        var lookAhead = new LookAhead(database, clock, NullLogger<LookAhead>.Instance);
        var catchUp = new CatchUp(database, lookAhead, clock, NullLogger<CatchUp>.Instance);
        var found = await catchUp.ReplayAsync(from, until, cancel);
        await using var work = await database.BeginAsync(cancel);
        await ConsoleStore.TellAsync(
            work,
            "expiry_pipeline",
            "1",
            "expiry.replayed",
            0,
            actor,
            null,
            [
                ("from", from.ToString("O", CultureInfo.InvariantCulture)),
                ("until", until.ToString("O", CultureInfo.InvariantCulture)),
                ("units", found.Units),
            ],
            cancel
        );
        await work.CommitAsync(cancel);
        return found;
    }
}
