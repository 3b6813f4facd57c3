using System.Diagnostics;
using System.Security.Cryptography;
using Npgsql;
using Tessera.Core.Connectors;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>
/// Tells one partner what is due, in rounds, for as long as this node holds its lane. Nothing is held during a call
/// but the lease, so a slow partner costs a waiting task and no connection.
/// </summary>
internal sealed class LaneRun(
    LaneStore store,
    PartnerCalls calls,
    ConnectorSecrets secrets,
    Database database,
    TimeProvider clock
)
{
    /// <summary>The reason of a call that was not made, because it was confirmed before.</summary>
    public const string KnownBefore = "confirmed_before";

    /// <summary>How many calls were made.</summary>
    public static int CallsOf(IEnumerable<Told> told) => told.Count(static t => t.Answer.Reason != KnownBefore);

    private const int UnitsPerCaller = 16;

    /// <summary>No call begins later in a round; with the longest call it stays within the lease.</summary>
    private static readonly TimeSpan BeginWithin = TimeSpan.FromSeconds(20);

    /// <summary>Runs rounds until there is nothing to tell, the partner needs a pause, or the lane is not ours.</summary>
    public async Task RunAsync(Lane claimed, CancellationToken cancel)
    {
        try
        {
            var held = claimed;
            while (!cancel.IsCancellationRequested)
            {
                if (
                    await store.RenewAsync(held, cancel) is not var (lane, connector)
                    || !await RoundAsync(lane, connector, cancel)
                )
                {
                    return;
                }

                held = lane;
            }
        }
        finally
        {
            await store.ReleaseAsync(claimed.ConnectorId, claimed.Fence);
        }
    }

    /// <summary>One round.</summary>
    /// <returns>Whether to go on at once.</returns>
    private async Task<bool> RoundAsync(Lane lane, Connector connector, CancellationToken cancel)
    {
        if (connector.Acknowledgement == "callback" && await store.LapseAsync(lane, cancel) > 0)
        {
            return await EndAsync(lane, connector, Slice.Empty, [], Round.Bad, 0);
        }

        if (lane.QuotaLeft <= 0)
        {
            await Quota.PauseAsync(store, lane, cancel);
            return false;
        }

        var slice = await store.NextAsync(connector, lane, MostOf(lane, connector), cancel);
        if (slice.Units.Count == 0)
        {
            return false;
        }

        if (connector.Encoding == "watermark")
        {
            await store.AttemptAsync(lane, slice.Units[0].Message, cancel);
        }

        var known =
            connector.Acknowledgement == "callback"
                ? await store.AwaitAsync(lane, connector, slice.Units, cancel)
                : null;
        var target = new Target(connector, await secrets.OpenAsync(database.Source, connector.Id, cancel));
        var began = Stopwatch.GetTimestamp();
        var told = await TellAsync(lane, target, slice.Units, known, cancel);
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        var good = told.Count(static t => t.Answer.IsGood || t.Answer.Outcome == Outcome.Refused);
        var round =
            good == told.Count ? Round.Good
            : good > 0 ? Round.Mixed
            : Round.Bad;
        return await EndAsync(lane, connector, slice, told, round, told.Count / Math.Max(seconds, 0.001));
    }

    private async Task<bool> EndAsync(
        Lane lane,
        Connector connector,
        Slice slice,
        IReadOnlyList<Told> told,
        Round round,
        double seen
    )
    {
        var breaker = lane.Breaker.After(round, lane.Forced == "closed");
        var asked = told.Max(static t => t.Answer.RetryAfter);
        TimeSpan? pause = round == Round.Good ? null : breaker.Pause(Chance(), asked);
        var throttled = told.Any(static t => t.Answer.Outcome == Outcome.Throttled);
        var slow = TimeSpan.FromSeconds(connector.TimeoutSeconds) / 2;
        var isSlow = told.Any(t => t.Answer.IsGood && t.Answer.Took > slow);
        var floor = (double)connector.Concurrency / connector.TimeoutSeconds;
        var isStrained = isSlow || round == Round.Mixed;
        var rate = CallRate.Next(lane.Rate, connector.RatePerSecond, seen, throttled, isStrained, floor);
        var result = new RoundResult(slice, told, breaker, pause, rate);
        return await store.RecordAsync(lane, connector, result) && pause is null;
    }

    /// <summary>Most calls of a round: few enough to be over soon, one when it finds out whether the partner is well.</summary>
    private static int MostOf(Lane lane, Connector connector)
    {
        if (lane.IsSick)
        {
            return 1;
        }

        var most = Math.Min(connector.Concurrency * UnitsPerCaller, Planning.MaximumUnits);
        if ((lane.Rate ?? connector.RatePerSecond) is { } rate)
        {
            most = (int)Math.Clamp(rate * BeginWithin.TotalSeconds / 2, 1, most);
        }

        return Math.Min(most, lane.QuotaLeft ?? most);
    }

    /// <summary>Makes the calls, some at a time and no faster than the rate; the first that fails ends the round.</summary>
    private async Task<IReadOnlyList<Told>> TellAsync(
        Lane lane,
        Target target,
        IReadOnlyList<Unit> units,
        HashSet<string>? known,
        CancellationToken cancel
    )
    {
        var began = Stopwatch.GetTimestamp();
        var told = new List<Told>();
        var next = 0;
        var hasFailed = false;
        var pace = (lane.Rate ?? target.Connector.RatePerSecond) is { } rate ? TimeSpan.FromSeconds(1 / rate) : default;
        var turn = new SemaphoreSlim(1);
        async Task CallAsync()
        {
            while (true)
            {
                Unit unit;
                await turn.WaitAsync(cancel);
                try
                {
                    var due = pace * next;
                    var elapsed = Stopwatch.GetElapsedTime(began);
                    if (hasFailed || next == units.Count || due > BeginWithin || elapsed > BeginWithin)
                    {
                        return;
                    }

                    if (due > elapsed)
                    {
                        await Task.Delay(due - elapsed, cancel);
                    }

                    unit = units[next++];
                }
                finally
                {
                    turn.Release();
                }

                var at = clock.GetUtcNow();
                var answer =
                    known?.Contains(unit.Message.Key) == false
                        ? new PartnerAnswer(Outcome.Accepted, KnownBefore, null, default)
                        : await calls.TellAsync(target, unit.Message, cancel);
                lock (told)
                {
                    told.Add(new Told(unit, answer, at));
                    hasFailed |= !answer.IsGood && answer.Outcome != Outcome.Refused;
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, target.Connector.Concurrency).Select(_ => CallAsync()));
        turn.Dispose();
        return told;
    }

    private static double Chance() => RandomNumberGenerator.GetInt32(1001) / 1000.0;
}
