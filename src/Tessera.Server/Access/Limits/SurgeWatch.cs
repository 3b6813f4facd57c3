using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Access.Limits;

/// <summary>
/// Raises an alert when a caller, a merchant, an address or everybody together fails at codes beyond the limit (convention
/// 53), and clears it when that is over. Whichever node notices first writes it.
/// </summary>
public sealed partial class SurgeWatch(
    Database database,
    RateLimits limits,
    Settings settings,
    TimeProvider clock,
    ILogger<SurgeWatch> log
) : Worker(clock, log, TimeSpan.FromSeconds(2))
{
    private const string Actor = "job:surge_watch";
    private const string Kind = "failed_codes";

    private readonly FailedCodePolicies _policies = new(settings.FailedCodesPerMinute);

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var standing = _policies
            .All.SelectMany(policy => limits.Exhausted(policy).Select(who => (policy.Quota, policy.Name, Who: who)))
            .Select(one => (Subject: _policies.SubjectOf(one.Name, one.Who), one.Quota))
            .DistinctBy(static one => one.Subject)
            .ToList();
        await using var work = await database.BeginAsync(cancel);
        var now = await work.ClockAsync(cancel);
        var entries = new List<EventEntry>();
        foreach (var (subject, quota) in standing)
        {
            if (await RaiseAsync(work, subject, quota, now, cancel) is { } raised)
            {
                LogSurge(log, subject, quota);
                entries.Add(raised);
            }
        }

        await using (
            var clear = work.Command(
                """
                update access.security_alert set cleared_at = $2
                where kind = $1 and cleared_at is null and seen_at < $2 - interval '2 minutes' returning id, subject, per_minute
                """,
                Kind,
                now
            )
        )
        await using (var rows = await clear.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                entries.Add(EntryOf(rows.GetGuid(0), "security.alert_cleared", 2, rows.GetString(1), rows.GetInt64(2)));
            }
        }

        await EventLog.AppendAsync(work, now, entries, cancel);
        await work.CommitAsync(cancel);
        return false;
    }

    private static async Task<EventEntry?> RaiseAsync(
        UnitOfWork work,
        string subject,
        long quota,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var id = Guid.CreateVersion7();
        await using var insert = work.Command(
            """
            insert into access.security_alert (id, kind, subject, per_minute, raised_at, seen_at) values ($1, $2, $3, $4, $5, $5)
            on conflict (kind, subject) where cleared_at is null do update set seen_at = excluded.seen_at
            returning id
            """,
            id,
            Kind,
            subject,
            quota,
            now
        );
        return (Guid)(await insert.ExecuteScalarAsync(cancel))! == id
            ? EntryOf(id, "security.alert_raised", 1, subject, quota)
            : null;
    }

    private static EventEntry EntryOf(Guid id, string type, long sequence, string subject, long quota) =>
        new(
            "security_alert",
            id.ToString(),
            type,
            sequence,
            Actor,
            EventLog.Payload(("kind", Kind), ("subject", subject), ("per_minute", quota)),
            null
        );

    [LoggerMessage(3004, LogLevel.Warning, "Codes fail beyond {PerMinute} a minute: {Subject}")]
    private static partial void LogSurge(ILogger log, string subject, long perMinute);
}
