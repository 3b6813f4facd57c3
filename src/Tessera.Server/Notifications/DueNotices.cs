using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Notifications;

/// <summary>
/// Follows the sealed log and queues a message for each customer whom an event <c>coupon.expiry_notice_due</c> concerns. The
/// cursor moves in the same transaction, and constraints say once besides. One node at a time.
/// </summary>
internal sealed class DueNotices(Database database, TimeProvider clock, ILogger<DueNotices> log)
    : Worker(clock, log, TimeSpan.FromMilliseconds(500))
{
    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        if (await NotificationStore.HoldFeedAsync(work, cancel) is not { } feed)
        {
            return false;
        }

        var (next, isCaughtUp) = await NotificationStore.NextNoticeAsync(work, feed, cancel);
        if (next is null)
        {
            await work.CommitAsync(cancel);
            return !isCaughtUp;
        }

        if (next.Runs is not null)
        {
            await NotificationStore.QueueHoldersAsync(work, next, cancel);
            await NotificationStore.MoveAsync(work, next.Seq, null, cancel);
        }
        else
        {
            var last = await NotificationStore.QueueAudienceAsync(work, next, feed.LastCustomer, cancel);
            await NotificationStore.MoveAsync(work, last is null ? next.Seq : next.Seq - 1, last, cancel);
        }

        await work.CommitAsync(cancel);
        return true;
    }
}
