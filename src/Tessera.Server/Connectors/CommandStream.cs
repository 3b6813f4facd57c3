using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors;

/// <summary>The streams of commands to the partners. Others append; the lanes of the connectors deliver.</summary>
public static class CommandStream
{
    /// <summary>
    /// Tells every connector concerned, in the transaction of the change: one row per connector and batch, whatever the
    /// number of ids. A command for the same coupon appended later is delivered later.
    /// </summary>
    /// <param name="work">The transaction that changed the coupons, and that holds their rows.</param>
    /// <param name="batches">In the order they happened.</param>
    /// <param name="cancel">Cancels before the statements are sent.</param>
    /// <returns>Commands written: the sum over the batches of the connectors concerned.</returns>
    public static async Task<int> AppendAsync(
        UnitOfWork work,
        IReadOnlyList<CommandBatch> batches,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(batches);
        var written = 0;
        await using var statement = work.Command(
            """
            with batch as (
                insert into connectors.batch (kind, subject, merchant_id, channel, ids, ends_at, is_early)
                values ($1, $2, $3, $4, $5, $6, $7)
                returning id
            )
            insert into connectors.command (connector_id, batch_id, kind, size, chunk, due_at)
            select c.id, batch.id, $1, cardinality($5), case c.encoding when 'single' then 1 else c.batch_size end,
                -- Who cannot schedule is told when it takes effect (R-09); an enabling takes effect at once.
                case when $1 = 'enable' or (c.can_schedule and c.encoding <> 'watermark') then platform.clock() else greatest($6, platform.clock()) end
            from batch cross join connectors.connector c
            where c.is_active
                and ($3::uuid is null or c.merchants is null or $3 = any(c.merchants))
                and ($4::text is null or c.channels is null or $4 = any(c.channels))
            """,
            Text(""),
            Text(""),
            new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Uuid, Value = DBNull.Value },
            Text(""),
            Array.Empty<long>(),
            DateTimeOffset.UnixEpoch,
            false
        );
        foreach (var batch in batches)
        {
            foreach (var ids in batch.Ids.Chunk(CommandBatch.MaximumIds))
            {
                statement.Parameters[0].Value = batch.Kind == CommandKind.Disable ? "disable" : "enable";
                statement.Parameters[1].Value = batch.CouponKind;
                statement.Parameters[2].Value = (object?)batch.MerchantId ?? DBNull.Value;
                statement.Parameters[3].Value = (object?)batch.Channel ?? DBNull.Value;
                statement.Parameters[4].Value = ids;
                statement.Parameters[5].Value = batch.EndsAt;
                statement.Parameters[6].Value = batch.IsEarly;
                written += await statement.ExecuteNonQueryAsync(cancel);
            }
        }

        return written;
    }

    private static NpgsqlParameter Text(string value) => new() { Value = value, NpgsqlDbType = NpgsqlDbType.Text };
}
