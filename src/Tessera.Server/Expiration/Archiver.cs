using Microsoft.Extensions.Logging;
using Tessera.Core.Coupons;
using Tessera.Core.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// Puts away the units of coupons that carry a time to live (EXP-16): once a day for each coupon, batch by batch, each in one
/// transaction with its events. Where the terms say so, what was paid and not used is refunded first: the event
/// <c>refunded</c> is what a payment system follows. Any number of nodes: a coupon is held by one at a time.
/// </summary>
internal sealed partial class Archiver(Database database, NodeClock nodeClock, ILogger<Archiver> log) : IScheduledPass
{
    /// <inheritdoc/>
    public string Name => "archiver";

    /// <inheritdoc/>
    public string Cron => "30 * * * * ?";

    /// <inheritdoc/>
    public async Task RunOnceAsync(CancellationToken cancel)
    {
        while (!(await nodeClock.CheckAsync(cancel)).IsStopped && await StepAsync(cancel)) { }
    }

    /// <summary>One batch.</summary>
    /// <returns>Whether there may be more.</returns>
    private async Task<bool> StepAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        if (await TimeToLiveStore.TakeAsync(work, cancel) is not { } due)
        {
            return false;
        }

        var keys = await TimeToLiveStore.NextAsync(work, due, UnitChanges.UnitsPerBatch, cancel);
        if (keys.Count > 0)
        {
            if (due.RefundsPaid)
            {
                var paid = keys.Where(static k => k.IsPaid).Select(static k => k.Key).ToList();
                await ApplyAsync(work, due, UnitAction.Refund, paid, cancel);
            }

            var done = await ApplyAsync(work, due, UnitAction.Archive, [.. keys.Select(static k => k.Key)], cancel);
            LogArchived(log, done, due.CouponId);
        }

        var isWhole = keys.Count < UnitChanges.UnitsPerBatch;
        await TimeToLiveStore.PassAsync(work, due, isWhole ? null : keys[^1].Key.Id, cancel);
        await work.CommitAsync(CancellationToken.None);
        return true;
    }

    private async Task<int> ApplyAsync(
        UnitOfWork work,
        DueCoupon due,
        UnitAction action,
        IReadOnlyCollection<UnitKey> keys,
        CancellationToken cancel
    )
    {
        if (keys.Count == 0)
        {
            return 0;
        }

        var asked = new AskedChange(
            Guid.CreateVersion7(),
            new UnitChange(action, null, ByOverride: false),
            FormattableString.Invariant($"Time to live: {due.Days} days after the end"),
            Sweeper.Actor,
            null,
            null,
            IsKept: false
        );
        await ChangeStore.InsertAsync(work, asked, EventLog.Payload(("coupon_id", due.CouponId)), null, null, cancel);
        var outcomes = await UnitChanges.ApplyAsync(work, asked, keys, log, cancel);
        var done = outcomes.Count(static o => o.Refusal is null);
        await ChangeStore.CountAsync(work, asked.Id, done, outcomes.Count - done, cancel);
        return done;
    }

    [LoggerMessage(
        4040,
        LogLevel.Information,
        "{Units} units of coupon {Coupon} were archived: their time to live is over"
    )]
    private static partial void LogArchived(ILogger log, int units, long coupon);
}
