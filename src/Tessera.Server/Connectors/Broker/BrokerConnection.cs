using RabbitMQ.Client;

namespace Tessera.Server.Connectors.Broker;

/// <summary>Opens channels to RabbitMQ with everything declared.</summary>
internal static class BrokerConnection
{
    private static readonly CreateChannelOptions Confirmed = new(
        publisherConfirmationsEnabled: true,
        publisherConfirmationTrackingEnabled: true
    );

    /// <summary>A connection that does not come back by itself: who uses it opens another.</summary>
    public static Task<IConnection> OpenAsync(Uri address, string name, CancellationToken cancel)
    {
        var factory = new ConnectionFactory
        {
            Uri = address,
            ClientProvidedName = name,
            AutomaticRecoveryEnabled = false,
            RequestedConnectionTimeout = TimeSpan.FromSeconds(5),
            RequestedHeartbeat = TimeSpan.FromSeconds(15),
        };
        return factory.CreateConnectionAsync(cancel);
    }

    /// <summary>A channel on which publishing waits for the broker's confirmation.</summary>
    public static async Task<IChannel> PublisherAsync(IConnection connection, CancellationToken cancel)
    {
        var channel = await connection.CreateChannelAsync(Confirmed, cancel);
        await channel.ExchangeDeclareAsync(
            BrokerNames.Exchange,
            ExchangeType.Topic,
            durable: true,
            cancellationToken: cancel
        );
        await QueueAsync(channel, BrokerNames.Feed, null, cancel);
        await channel.QueueBindAsync(BrokerNames.Feed, BrokerNames.Exchange, "#", cancellationToken: cancel);
        return channel;
    }

    /// <summary>A channel that consumes what outside systems send.</summary>
    public static async Task<IChannel> ConsumerAsync(IConnection connection, CancellationToken cancel)
    {
        var channel = await connection.CreateChannelAsync(cancellationToken: cancel);
        await QueueAsync(channel, BrokerNames.Dead, null, cancel);
        await QueueAsync(channel, BrokerNames.Ingest, BrokerNames.Dead, cancel);
        await channel.BasicQosAsync(0, BrokerNames.Prefetch, global: false, cancel);
        return channel;
    }

    private static Task QueueAsync(IChannel channel, string name, string? dead, CancellationToken cancel)
    {
        var arguments = new Dictionary<string, object?> { ["x-queue-type"] = "quorum" };
        if (dead is not null)
        {
            arguments["x-delivery-limit"] = BrokerNames.DeliveryLimit;
            arguments["x-dead-letter-exchange"] = "";
            arguments["x-dead-letter-routing-key"] = dead;
        }

        return channel.QueueDeclareAsync(
            name,
            durable: true,
            exclusive: false,
            autoDelete: false,
            arguments,
            cancellationToken: cancel
        );
    }
}
