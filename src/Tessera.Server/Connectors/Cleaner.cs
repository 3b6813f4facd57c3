using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Connectors;

/// <summary>
/// Deletes what was delivered and has been kept long enough, in small transactions, the oldest first. What waits, what
/// failed and what people still have to look at stays. Any number of nodes: rows that another deletes are skipped.
/// </summary>
internal sealed partial class Cleaner(Database database, TimeProvider clock, ILogger<Cleaner> log)
    : Worker(clock, log, TimeSpan.FromMinutes(10))
{
    /// <summary>Rows of one transaction.</summary>
    internal const int RowsPerBatch = 5000;

    /// <summary>Calls and deliveries are kept for a month.</summary>
    private const string Month = "platform.clock() - interval '30 days'";

    /// <summary>Commands are kept for a quarter: what was told to whom, and when it was confirmed.</summary>
    private const string Quarter = "platform.clock() - interval '90 days'";

    /// <summary>In this order: what refers to a row goes before the row.</summary>
    private static readonly (string Table, string Key, string Condition)[] Rules =
    [
        ("attempt", "id", $"at < (select {Month})"),
        ("awaited", "key", $"sent_at < (select {Month}) and (acknowledged_at is not null or lapsed_at is not null)"),
        // A callback is refused as too old long before its id is forgotten.
        ("accepted_callback", "connector_id, webhook_id", "at < (select platform.clock() - interval '7 days')"),
        ("webhook_delivery", "id", $"state = 'delivered' and created_at < (select {Month})"),
        (
            "task",
            "id",
            $"""
            state <> 'open' and exists (select from connectors.command c where c.connector_id = o.connector_id
                and c.position = o.position and c.state in ('acknowledged', 'done_by_hand', 'dropped')
                and c.created_at < (select {Quarter}))
            """
        ),
        (
            "command",
            "connector_id, position",
            $"""
            created_at < (select {Quarter}) and state in ('acknowledged', 'done_by_hand', 'dropped')
                and not exists (select from connectors.task t where t.connector_id = o.connector_id and t.position = o.position)
            """
        ),
        (
            "batch",
            "id",
            $"created_at < (select {Quarter}) and not exists (select from connectors.command c where c.batch_id = o.id)"
        ),
    ];

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var (deleted, hasMore) = (0, false);
        foreach (var (table, key, condition) in Rules)
        {
            await using var work = await database.BeginAsync(cancel);
            var rows = await work.ExecuteAsync(
                $"""
                delete from connectors.{table} where ({key}) in (
                    select {key} from connectors.{table} o where {condition} limit {RowsPerBatch} for update of o skip locked)
                """,
                [],
                cancel
            );
            await work.CommitAsync(CancellationToken.None);
            deleted += rows;
            hasMore |= rows == RowsPerBatch;
        }

        if (deleted > 0)
        {
            LogDeleted(log, deleted);
        }

        return hasMore;
    }

    [LoggerMessage(4060, LogLevel.Information, "{Rows} rows of deliveries and commands were old enough to be deleted")]
    private static partial void LogDeleted(ILogger log, int rows);
}
