using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using Tessera.Server.Connectors.Webhooks;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Connectors.Broker;

/// <summary>
/// Publishes the sealed log to RabbitMQ, in order (convention 28): the cursor moves only after the broker has confirmed,
/// so an event may be published twice and is never left out; its message id is its own. One node at a time.
/// </summary>
internal sealed class BrokerFeed(Database database, Settings settings, TimeProvider clock, ILogger<BrokerFeed> log)
    : Worker(clock, log, TimeSpan.FromMilliseconds(250)),
        IAsyncDisposable
{
    private const int EventsAtOnce = 500;

    private IConnection? _connection;
    private IChannel? _channel;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (settings.Amqp is not { } address)
        {
            return false;
        }

        var channel = await ChannelAsync(address, cancel);
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync(
            "insert into connectors.feed (name, seq) select 'rabbitmq', seq from audit.seal on conflict do nothing",
            [],
            cancel
        );
        long from;
        await using (
            var hold = work.Command("select seq from connectors.feed where name = 'rabbitmq' for update skip locked")
        )
        {
            if (await hold.ExecuteScalarAsync(cancel) is not long seq)
            {
                return false;
            }

            from = seq;
        }

        var events = new List<(long Seq, CloudEvent Event)>();
        await using (
            var read = work.Command(
                $"select {CloudEvent.Columns} from {CloudEvent.From} where a.seq > $1 order by a.seq limit $2",
                from,
                EventsAtOnce
            )
        )
        await using (var row = await read.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                events.Add((row.GetInt64(0), CloudEvent.Read(row)));
            }
        }

        if (events.Count > 0)
        {
            // Handed over in order, each waited for: one that is refused or returned throws, and the cursor stays.
            var confirmed = new List<Task>(events.Count);
            foreach (var (_, item) in events)
            {
                confirmed.Add(PublishAsync(channel, item, cancel));
            }

            await Task.WhenAll(confirmed);
            await work.ExecuteAsync(
                "update connectors.feed set seq = $1, updated_at = platform.clock() where name = 'rabbitmq'",
                [events[^1].Seq],
                cancel
            );
        }

        await work.CommitAsync(cancel);
        return events.Count == EventsAtOnce;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Dispose();
    }

    private static async Task PublishAsync(IChannel channel, CloudEvent item, CancellationToken cancel)
    {
        var properties = new BasicProperties
        {
            MessageId = item.Id.ToString(),
            Type = item.Type,
            ContentType = CloudEvent.MediaType,
            DeliveryMode = DeliveryModes.Persistent,
        };
        await channel.BasicPublishAsync(
            BrokerNames.Exchange,
            item.Type,
            mandatory: true,
            properties,
            item.Body,
            cancel
        );
    }

    private async Task<IChannel> ChannelAsync(Uri address, CancellationToken cancel)
    {
        if (_channel is { IsOpen: true } open)
        {
            return open;
        }

        await CloseAsync();
        _connection = await BrokerConnection.OpenAsync(address, "tessera feed", cancel);
        return _channel = await BrokerConnection.PublisherAsync(_connection, cancel);
    }

    private async Task CloseAsync()
    {
        if (_channel is { } channel)
        {
            _channel = null;
            await channel.DisposeAsync();
        }

        if (_connection is { } connection)
        {
            _connection = null;
            await connection.DisposeAsync();
        }
    }
}
