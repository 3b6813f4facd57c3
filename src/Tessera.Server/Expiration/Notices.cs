using Microsoft.Extensions.Logging;
using Tessera.Core.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// Says in time, once for each end, that customers have to be told of it (AUD-05): the event
/// <c>coupon.expiry_notice_due</c>, by coupon and region, with the units as runs. It is said a day before the day of the rule,
/// so that a message that cannot be sent at once is in time all the same; the Notifications room sends it. A look goes once
/// over the ends as they come within the notice of some region, and once a day over all that are within it, for units that were
/// issued or given another end behind it.
/// </summary>
internal sealed partial class Notices(Database database, NodeClock nodeClock, ILogger<Notices> log) : IScheduledPass
{
    /// <summary>Units that one transaction looks at.</summary>
    private const int UnitsPerStep = 20_000;

    private const int CouponsPerStep = 5_000;

    /// <summary>Days before the day of the rule.</summary>
    internal const int LeadDays = 1;

    private static readonly TimeSpan RestartEvery = TimeSpan.FromHours(23);

    /// <inheritdoc/>
    public string Name => "expiry-notices";

    /// <inheritdoc/>
    public string Cron => "45 * * * * ?";

    /// <inheritdoc/>
    public async Task RunOnceAsync(CancellationToken cancel)
    {
        IReadOnlyList<int> lengths;
        await using (var look = await database.BeginAsync(cancel))
        {
            lengths = await NoticeStore.LengthsAsync(look, cancel);
        }

        foreach (var days in lengths)
        {
            while (await CanRunAsync(cancel) && await StepAsync(days, cancel)) { }
        }

        while (lengths.Count > 0 && await CanRunAsync(cancel) && await CouponsAsync(lengths.Max(), cancel)) { }

        await using var work = await database.BeginAsync(cancel);
        await NoticeStore.ForgetAsync(work, lengths, cancel);
        await work.CommitAsync(cancel);
    }

    private async Task<bool> CanRunAsync(CancellationToken cancel)
    {
        if ((await nodeClock.CheckAsync(cancel)).IsStopped)
        {
            return false;
        }

        await using var look = await database.BeginAsync(cancel);
        return (await ControlStore.ReadAsync(look, cancel)).Mode != "paused";
    }

    /// <summary>One look at the units that come next.</summary>
    /// <returns>Whether there may be more.</returns>
    private async Task<bool> StepAsync(int days, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var (seen, restartedAt) = await NoticeStore.HoldAsync(work, days, cancel);
        var now = await work.ClockAsync(cancel);
        if (now - restartedAt >= RestartEvery)
        {
            (seen, restartedAt) = (UnitKey.Before(now), now);
        }

        var until = now.AddDays(days + LeadDays);
        var (count, told, last) = await NoticeStore.TellUnitsAsync(work, days, seen, until, UnitsPerStep, cancel);
        var isFull = count == UnitsPerStep;
        await NoticeStore.AdvanceAsync(work, days, isFull ? last!.Value : UnitKey.Before(until), restartedAt, cancel);
        await work.CommitAsync(cancel);
        if (told > 0)
        {
            LogTold(log, told, days);
        }

        return isFull;
    }

    private async Task<bool> CouponsAsync(int mostDays, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var told = await NoticeStore.TellCouponsAsync(work, mostDays, CouponsPerStep, cancel);
        await work.CommitAsync(cancel);
        return told == CouponsPerStep;
    }

    [LoggerMessage(4045, LogLevel.Information, "The end of {Units} units is to be told of, {Days} days ahead")]
    private static partial void LogTold(ILogger log, long units, int days);
}
