using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>What somebody should look at: one open alert per kind and subject, with its event.</summary>
internal static class Alerts
{
    /// <summary>The subject of alerts about the pipeline as a whole.</summary>
    public const string Pipeline = "pipeline";

    /// <summary>Raises an alert, or notes that it was seen again.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="kind">One of those the table knows.</param>
    /// <param name="subject">A node, a code's instance, a partner.</param>
    /// <param name="detail">JSON object; no codes in full.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task RaiseAsync(
        UnitOfWork work,
        string kind,
        string subject,
        string detail,
        CancellationToken cancel
    )
    {
        var id = Guid.CreateVersion7();
        var now = await work.ClockAsync(cancel);
        await using var insert = work.Command(
            """
            insert into expiration.alert (id, kind, subject, detail, raised_at, seen_at) values ($1, $2, $3, $4, $5, $5)
            on conflict (kind, subject) where cleared_at is null do update set seen_at = excluded.seen_at, detail = excluded.detail
            returning id
            """,
            id,
            kind,
            subject,
            new NpgsqlParameter { Value = detail, NpgsqlDbType = NpgsqlDbType.Jsonb },
            now
        );
        if ((Guid)(await insert.ExecuteScalarAsync(cancel))! == id)
        {
            await TellAsync(work, id, "expiry.alert_raised", 1, kind, subject, now, cancel);
        }
    }

    /// <summary>Clears an alert whose cause is gone.</summary>
    public static async Task ClearAsync(UnitOfWork work, string kind, string subject, CancellationToken cancel)
    {
        await using var update = work.Command(
            """
            update expiration.alert set cleared_at = platform.clock()
            where kind = $1 and subject = $2 and cleared_at is null returning id
            """,
            kind,
            subject
        );
        if (await update.ExecuteScalarAsync(cancel) is Guid id)
        {
            var now = await work.ClockAsync(cancel);
            await TellAsync(work, id, "expiry.alert_cleared", 2, kind, subject, now, cancel);
        }
    }

    /// <summary>The open alerts of these kinds.</summary>
    public static async Task<List<(string Kind, string Subject)>> OpenAsync(
        UnitOfWork work,
        string[] kinds,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            "select kind, subject from expiration.alert where cleared_at is null and kind = any($1)",
            (object)kinds
        );
        var open = new List<(string Kind, string Subject)>();
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            open.Add((row.GetString(0), row.GetString(1)));
        }

        return open;
    }

    private static Task TellAsync(
        UnitOfWork work,
        Guid id,
        string type,
        long sequence,
        string kind,
        string subject,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        EventLog.AppendAsync(
            work,
            now,
            [
                new EventEntry(
                    "expiry_alert",
                    id.ToString(),
                    type,
                    sequence,
                    Sweeper.Actor,
                    EventLog.Payload(("kind", kind), ("subject", subject)),
                    null
                ),
            ],
            cancel
        );
}
