using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>How the pipeline runs.</summary>
/// <param name="Mode">
/// <c>running</c>; <c>paused</c>: nothing is enqueued or worked; <c>draining</c>: what is enqueued is worked, nothing new is.
/// Effective expiry never depends on it (RED-07).
/// </param>
/// <param name="LookAhead">How far ahead hours are enqueued.</param>
/// <param name="ChangedBy">Who set it.</param>
/// <param name="ChangedAt">When.</param>
/// <param name="Version">Counts its changes.</param>
internal sealed record Control(
    string Mode,
    TimeSpan LookAhead,
    string ChangedBy,
    DateTimeOffset ChangedAt,
    int Version
);

/// <summary>The SQL of the pipeline's one row of settings.</summary>
internal static class ControlStore
{
    public static async Task<Control> ReadAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select mode, extract(epoch from look_ahead)::bigint, changed_by, changed_at, version from expiration.control"
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return new Control(
            row.GetString(0),
            TimeSpan.FromSeconds(row.GetInt64(1)),
            row.GetString(2),
            row.GetFieldValue<DateTimeOffset>(3),
            row.GetInt32(4)
        );
    }
}
