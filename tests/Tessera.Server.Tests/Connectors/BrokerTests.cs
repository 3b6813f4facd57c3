using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;
using Tessera.Server.Connectors.Broker;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>The feed to, and ingestion from, a real RabbitMQ (conventions 28 and 29).</summary>
[Collection(PostgresCollection.Name)]
public sealed class BrokerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RabbitServer _rabbit = null!;
    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        _rabbit = await RabbitServer.StartAsync();
        var database = await postgres.DatabaseAsync();
        _host = await TestHost.StartAsync(
            database,
            builder =>
                builder.Services.AddSingleton(
                    new Settings { ConnectionString = database.ConnectionString, Amqp = _rabbit.Address }
                )
        );
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _rabbit.DisposeAsync();
    }

    [Fact]
    public async Task Events_are_published_once_in_order_and_come_in_once_from_the_queue()
    {
        await using var connection = await new ConnectionFactory { Uri = _rabbit.Address }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        await WaitAsync("select count(*) from connectors.feed where name = 'rabbitmq'", 1);
        for (var i = 0; i < 5; i++)
        {
            await _host.PostAsync("/api/v1/merchants", new { name = "M" + i });
        }

        var subjects = new List<string>();
        while (subjects.Count < 5)
        {
            var message = await NextAsync(channel, BrokerNames.Feed);
            using var json = JsonDocument.Parse(message.Body);
            Assert.Equal(message.BasicProperties.MessageId, json.RootElement.GetProperty("id").GetString());
            Assert.True(message.BasicProperties.Persistent);
            if (message.RoutingKey == "merchant.created")
            {
                subjects.Add(json.RootElement.GetProperty("subject").GetString()!);
            }
        }

        var made = await _host.Database.ColumnAsync<string>(
            "select 'merchant:' || id from access.merchant where name like 'M_' order by created_at"
        );
        Assert.Equal(made, subjects);

        var customer = (await _host.PostAsync("/api/v1/customers", new { external_id = "C" })).Json.GetProperty("id");
        await new Catalogue(_host.Database).CouponAsync("SAVE", "max_uses_per_user", "9");
        var used = $$$"""
            {"id":"q1","type":"coupon.redeemed","data":{"code":"SAVE","customer_id":"{{{customer}}}",
             "order":{"reference":"order-1","amount":{"amount":5000,"currency":"USD"} } } }
            """;
        await DeclaredAsync(connection, BrokerNames.Ingest);
        foreach (var body in (string[])[used, used, """{"id":"q2","type":"coupon.cancelled","data":{}}""", "no event"])
        {
            await channel.BasicPublishAsync("", BrokerNames.Ingest, Encoding.UTF8.GetBytes(body));
        }

        await WaitAsync("select count(*) from connectors.ingested", 2);
        await WaitAsync("select count(*) from connectors.ingested where state = 'parked'", 1);
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from redemptions.redemption"));
        var dead = await NextAsync(channel, BrokerNames.Dead);
        Assert.Equal("no event", Encoding.UTF8.GetString(dead.Body.Span));
    }

    /// <summary>Until a queue is there: what is sent to one that is not yet, is lost.</summary>
    private static Task DeclaredAsync(IConnection connection, string queue) =>
        Patience.UntilAsync(
            async () =>
            {
                // The question for a queue that is not there ends the channel it is asked on.
                await using var asking = await connection.CreateChannelAsync();
                try
                {
                    await asking.QueueDeclarePassiveAsync(queue);
                    return true;
                }
                catch (OperationInterruptedException)
                {
                    return false;
                }
            },
            "the queue " + queue
        );

    /// <summary>The next message of a queue.</summary>
    private static async Task<BasicGetResult> NextAsync(IChannel channel, string queue)
    {
        BasicGetResult? message = null;
        await Patience.UntilAsync(
            async () => (message = await channel.BasicGetAsync(queue, autoAck: true)) is not null,
            "a message in " + queue
        );
        return message!;
    }

    private Task WaitAsync(string sql, long count) =>
        Patience.UntilAsync(async () => await _host.Database.ScalarAsync<long>(sql) >= count, $"{sql}: {count}");
}
