using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Lanes;

namespace Tessera.Server.Expiration;

/// <summary>
/// Works jobs that have come due, in order of priority (EXP-03, EXP-12): any number of nodes, each job held by one at a
/// time. Each step is one transaction: events, releases, commands and the job's place, or nothing. A node at which callers
/// redeem takes smaller steps with pauses between them, and so leaves the more to the others.
/// </summary>
public sealed partial class Sweeper(
    Database database,
    Horizon horizon,
    NodeClock nodeClock,
    TimeProvider clock,
    ILogger<Sweeper> log
) : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    internal const string Actor = "job:expiry";

    private const int LastFailure = 10;
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(500);

    private readonly TimeProvider _clock = clock;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if ((await nodeClock.CheckAsync(cancel)).IsStopped)
        {
            return false;
        }

        var settled = await horizon.AdvanceAsync(cancel);
        if (settled == DateTimeOffset.MinValue || await TakeAsync(settled, cancel) is not { } job)
        {
            return false;
        }

        try
        {
            return await WorkAsync(job, settled, cancel);
        }
        catch (Exception error) when (!cancel.IsCancellationRequested && !Database.IsOutage(error))
        {
            LogFailed(log, job.Id, error.Message, error);
            await FailAsync(job, error.Message, cancel);
            return true;
        }
    }

    /// <summary>Steps until nothing of the job is due, or it is another's.</summary>
    private async Task<bool> WorkAsync(HeldJob job, DateTimeOffset settled, CancellationToken cancel)
    {
        for (var isFirst = true; ; isFirst = false)
        {
            var started = Stopwatch.GetTimestamp();
            var givesWay = LaneTraffic.IsBusy;
            await using var work = await database.BeginAsync(cancel);
            await work.ExecuteAsync(
                "set local work_mem = '96MB'; set local statement_timeout = '15s'; "
                    + "set local idle_in_transaction_session_timeout = '15s'",
                [],
                cancel
            );
            if (await JobStore.HoldAsync(work, job, cancel) is not { } held)
            {
                // Paused, or another's: if it is still this worker's, it need not wait for the lease when it goes on.
                await JobStore.ReleaseAsync(work, job, cancel);
                await work.CommitAsync(cancel);
                return true;
            }

            held = held with { FullStep = givesWay ? Buckets.UnitsPerStepBeside : Buckets.UnitsPerStep };
            var step = await JobStore.ExpireAsync(work, held, settled, cancel);
            await Releases.WriteAsync(work, step.Batches, step.Now, cancel);
            await Telling.ExpiredAsync(work, step.Batches, endedAt: null, cancel);
            var isFull = step.Seen == held.StepSize;
            var done =
                isFull ? step.Last!.Value
                : settled < held.Until.EndsAt ? UnitKey.Before(settled)
                : held.Until;
            var units = step.Batches.Sum(static b => b.Units);
            await JobStore.AdvanceAsync(work, held, done, units, step.Now, cancel);
            if (step.Seen > 0)
            {
                await FigureStore.CountAsync(work, NodeClock.Name, step, units, cancel);
            }

            if (!isFull)
            {
                await JobStore.ReleaseAsync(work, held, cancel);
            }

            await work.CommitAsync(CancellationToken.None);
            if (units > 0)
            {
                LogStep(log, units, job.Id, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }

            if (!isFull)
            {
                return !isFirst || step.Seen > 0 || done == held.Until;
            }

            if (givesWay)
            {
                // Half as long as the step took: two thirds of one processor at most.
                var rest = Stopwatch.GetElapsedTime(started) / 2;
                await Task.Delay(rest < LongestRest ? rest : LongestRest, _clock, cancel);
            }
        }
    }

    private async Task<HeldJob?> TakeAsync(DateTimeOffset settled, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var job = await JobStore.TakeAsync(work, NodeClock.Name, settled, cancel);
        await work.CommitAsync(cancel);
        return job;
    }

    private async Task FailAsync(HeldJob job, string error, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using var query = work.Command("select failures from expiration.job where id = $1", job.Id);
        var failures = (int)(await query.ExecuteScalarAsync(cancel) ?? 0) + 1;
        var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, failures)));
        await JobStore.FailAsync(work, job, error, pause, failures >= LastFailure, cancel);
        await FigureStore.FailedAsync(work, NodeClock.Name, cancel);
        await work.CommitAsync(cancel);
    }

    [LoggerMessage(4301, LogLevel.Information, "{Units} units of job {Job} have expired, told in {Milliseconds:F0} ms")]
    private static partial void LogStep(ILogger log, long units, long job, double milliseconds);

    [LoggerMessage(4302, LogLevel.Error, "A step of job {Job} failed: {Reason}")]
    private static partial void LogFailed(ILogger log, long job, string reason, Exception error);
}
