using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Connectors.Webhooks;
using Tessera.Server.Tests.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>Where webhooks begin in the log.</summary>
[Collection(PostgresCollection.Name)]
public sealed class WebhookFeedTests(PostgresFixture postgres)
{
    [Fact]
    public async Task What_happens_before_a_node_has_looked_for_the_first_time_is_told_too()
    {
        await using var database = await postgres.DatabaseAsync();
        using var node = new Pipeline(database);
        await database.ExecuteAsync(
            """
            with w as (
                insert into connectors.webhook (id, name, url, is_active)
                values (gen_random_uuid(), 'W', 'https://example.com', true) returning id
            )
            insert into connectors.webhook_secret (webhook_id, kind, sealed, valid_until)
            select id, 'signing', '\x00', 'infinity' from w
            """
        );
        var happened = await database.ScalarAsync<Guid>(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            values (gen_random_uuid(), 'merchant', 'm', 'merchant.created', 1, 'job:test', '{}', clock_timestamp())
            returning id
            """
        );
        await Patience.UntilAsync(
            async () =>
            {
                // Transactions of other databases that are not over yet hold it back.
                await node.Sealer.SealAsync(default);
                return await database.ScalarAsync<bool>(
                    "select (select count(*) from platform.event) = (select count(*) from audit.entry)"
                );
            },
            "the log to be sealed"
        );
        using var feed = new WebhookFeed(database.Database, TimeProvider.System, NullLogger<WebhookFeed>.Instance);
        await feed.RunOnceAsync(default);
        Assert.Contains(happened, await database.ColumnAsync<Guid>("select event_id from connectors.webhook_delivery"));
    }
}
