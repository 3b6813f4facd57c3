using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Privacy;

/// <summary>A kind of data with a period after which it is deleted (AUD-08).</summary>
/// <param name="Name">Stored in policies and reports; never changes.</param>
/// <param name="KeepDays">Unless a policy says otherwise.</param>
/// <param name="Description">What it is.</param>
/// <param name="Due">The rows that are over; $1 is the cutoff. Of alias <c>d</c>.</param>
/// <param name="Held">
/// The condition under which a row belongs to a customer with a legal hold; null for data that belongs to nobody.
/// </param>
internal sealed record RetainedKind(string Name, int KeepDays, string Description, string Due, string? Held);

/// <summary>Deletes what was kept long enough, with a report; what a legal hold keeps is counted, and kept.</summary>
public sealed partial class RetentionWorker(Database database, TimeProvider clock, ILogger<RetentionWorker> log)
    : Worker(clock, log, TimeSpan.FromMinutes(10))
{
    private const int BatchLimit = 5000;

    private const string HeldAttempt = """
        exists (select from privacy.legal_hold h where h.ended_at is null and h.customer_id = any(array(
            select customer_id from redemptions.redemption where id = d.attempt_id
            union all select customer_id from redemptions.refusal where id = d.attempt_id)))
        """;

    internal static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "attempt_origin",
            180,
            "Addresses and fingerprints of attempts, for finding fraud.",
            "redemptions.origin d where d.decided_at < $1",
            HeldAttempt
        ),
        new(
            "reveal_reason",
            730,
            "Why personal data was revealed, in words.",
            "privacy.reveal d where d.at < $1",
            "exists (select from privacy.legal_hold h where h.ended_at is null and h.customer_id = d.customer_id)"
        ),
        new(
            "request_origin",
            365,
            "Addresses from which staff and merchants made changes.",
            "audit.request_origin d where d.at < $1",
            null
        ),
        new("session", 90, "Sessions that are over.", "people.session d where d.expires_at < $1", null),
    ];

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        foreach (var kind in Kinds)
        {
            await RunAsync(kind, force: false, cancel);
        }

        return false;
    }

    /// <summary>One run of a kind: at most one a day, unless it is forced.</summary>
    internal async Task RunAsync(RetainedKind kind, bool force, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        // One node at a time; the others find that it was done today.
        await work.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('privacy.retention ' || $1, 0))",
            [kind.Name],
            cancel
        );
        int days;
        bool isDue;
        bool isHeld;
        await using (
            var state = work.Command(
                """
                select coalesce((select keep_days from privacy.retention where data_kind = $1), $2),
                    not exists (select from privacy.retention_run where data_kind = $1
                        and at > platform.clock() - interval '23 hours'),
                    exists (select from privacy.legal_hold where data_kind = $1 and ended_at is null)
                """,
                kind.Name,
                kind.KeepDays
            )
        )
        await using (var row = await state.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            (days, isDue, isHeld) = (row.GetInt32(0), row.GetBoolean(1), row.GetBoolean(2));
        }

        if (!isDue && !force)
        {
            return;
        }

        var now = await work.ClockAsync(cancel);
        var cutoff = now.AddDays(-days);
        var kept = isHeld ? "true" : kind.Held ?? "false";
        var deleted = 0L;
        int batch;
        do
        {
            var due = $"{kind.Due} and not ({kept}) limit {BatchLimit}";
            var table = kind.Due[..kind.Due.IndexOf(' ', StringComparison.Ordinal)];
            batch = await work.ExecuteAsync(
                $"delete from {table} where ctid = any(array(select d.ctid from {due}))",
                [cutoff],
                cancel
            );
            deleted += batch;
        } while (batch == BatchLimit);

        await using var count = work.Command($"select count(*) from {kind.Due} and ({kept})", cutoff);
        var held = (long)(await count.ExecuteScalarAsync(cancel))!;
        var id = Guid.CreateVersion7();
        await work.ExecuteAsync(
            """
            insert into privacy.retention_run (id, data_kind, keep_days, cutoff, deleted, held, at)
            values ($1, $2, $3, $4, $5, $6, $7)
            """,
            [id, kind.Name, days, cutoff, deleted, held, now],
            cancel
        );
        if (deleted > 0)
        {
            var facts = EventLog.Payload(
                ("data_kind", kind.Name),
                ("keep_days", days),
                ("deleted", deleted),
                ("held", held)
            );
            var entry = new EventEntry("retention", id.ToString(), "retention.ran", 1, "job:retention", facts, null);
            await EventLog.AppendAsync(work, now, [entry], cancel);
        }

        await work.CommitAsync(cancel);
        LogRan(log, kind.Name, deleted, held);
    }

    [LoggerMessage(3202, LogLevel.Information, "Retention of {Kind}: {Deleted} deleted, {Held} held")]
    private static partial void LogRan(ILogger log, string kind, long deleted, long held);
}
