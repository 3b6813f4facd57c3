using Tessera.Server.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Platform;

namespace Tessera.Server.Notifications;

/// <summary>
/// Raises an alert while customers who have to be told have not been by the day the law says (AUD-05), and while messages wait
/// because there is no mail server; clears it when that is over.
/// </summary>
internal sealed class NoticeWatch(Database database, Settings settings) : IScheduledPass
{
    private const string Subject = "notifications";

    /// <inheritdoc/>
    public string Name => "notice-watch";

    /// <inheritdoc/>
    public string Cron => "30 * * * * ?";

    /// <inheritdoc/>
    public async Task RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var (late, queued) = await NotificationStore.WaitingAsync(work, cancel);
        await SetAsync(work, "notice_late", late, late > 0, cancel);
        await SetAsync(work, "mail_missing", queued, queued > 0 && settings.Smtp is null, cancel);
        await work.CommitAsync(cancel);
    }

    private static Task SetAsync(UnitOfWork work, string kind, long messages, bool stands, CancellationToken cancel) =>
        stands
            ? Alerts.RaiseAsync(work, kind, Subject, EventLog.Payload(("messages", messages)), cancel)
            : Alerts.ClearAsync(work, kind, Subject, cancel);
}
