using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Connectors;
using Tessera.Server.Privacy;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

[Collection(PostgresCollection.Name)]
public sealed class ConnectorRetentionTests(PostgresFixture postgres)
{
    [Fact]
    public async Task What_was_delivered_long_ago_is_deleted_and_what_is_open_or_young_stays()
    {
        await using var database = await postgres.DatabaseAsync();
        await database.ExecuteAsync(
            """
            insert into connectors.connector (id, name, kind, address, encoding, acknowledgement, can_schedule, batch_size, concurrency,
                sla_seconds, timeout_seconds, callback_seconds, manual_after_seconds, is_active)
            values ('00000000-0000-0000-0000-000000000001', 'P', 'internal', '', 'batch', 'sync', false, 10, 1, 60, 10, 60, 600, false);
            insert into connectors.batch (kind, subject, ids, ends_at, is_early, created_at)
            select 'disable', 'instance', '{1}', clock_timestamp(), false, clock_timestamp() - n * interval '50 days' from generate_series(0, 3) n;
            insert into connectors.command (connector_id, batch_id, kind, size, chunk, due_at, state, created_at)
            select '00000000-0000-0000-0000-000000000001', id, kind, 1, 1, created_at,
                case when created_at < clock_timestamp() - interval '140 days' then 'manual' else 'acknowledged' end, created_at
            from connectors.batch;
            insert into connectors.task (id, connector_id, position, cause)
            select gen_random_uuid(), connector_id, position, 'undelivered' from connectors.command where state = 'manual';
            insert into connectors.task (id, connector_id, position, cause, state)
            select gen_random_uuid(), connector_id, position, 'refused', 'done' from connectors.command where state <> 'manual';
            insert into connectors.attempt (connector_id, from_position, to_position, key, at, milliseconds, outcome)
            select connector_id, position, position, 'k' || position, due_at, 1, 'ok' from connectors.command;
            insert into connectors.webhook (id, name, url, is_active)
            values ('00000000-0000-0000-0000-000000000002', 'W', 'https://example.com', false);
            insert into connectors.webhook_delivery (webhook_id, event_id, event_type, seq, state, next_attempt_at, created_at)
            select '00000000-0000-0000-0000-000000000002', gen_random_uuid(), 't', n, case n when 2 then 'failed' else 'delivered' end,
                clock_timestamp(), clock_timestamp() - n * interval '20 days' from generate_series(0, 3) n;
            """
        );
        using var worker = new RetentionWorker(
            database.Database,
            new RetainedKinds(ConnectorRetention.Kinds),
            TimeProvider.System,
            NullLogger<RetentionWorker>.Instance
        );
        Assert.False(await worker.RunOnceAsync(default));

        // Of 0, 50, 100 and 150 days: the third is gone; people have not looked at the fourth.
        Assert.Equal(
            ["acknowledged", "acknowledged", "manual"],
            await database.ColumnAsync<string>("select state from connectors.command order by position")
        );
        Assert.Equal(3, await database.ScalarAsync<long>("select count(*) from connectors.batch"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from connectors.attempt"));
        Assert.Equal(1, await database.ScalarAsync<long>("select count(*) from connectors.task where state = 'open'"));
        Assert.Equal(
            ["0 delivered", "1 delivered", "2 failed"],
            await database.ColumnAsync<string>(
                "select seq || ' ' || state from connectors.webhook_delivery order by seq"
            )
        );
    }
}
