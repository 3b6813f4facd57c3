namespace Tessera.Server.Connectors.Broker;

/// <summary>What is declared in RabbitMQ (convention 29): durable, replicated, and bounded in redelivery.</summary>
internal static class BrokerNames
{
    /// <summary>Events go out here, by their type as routing key.</summary>
    public const string Exchange = "tessera.events";

    /// <summary>Keeps every event until a reader takes it; others bind queues of their own.</summary>
    public const string Feed = "tessera.events.all";

    /// <summary>Events of outside systems come in here.</summary>
    public const string Ingest = "tessera.ingest";

    /// <summary>What could not be taken in, or failed too often.</summary>
    public const string Dead = "tessera.ingest.dead";

    /// <summary>Deliveries of a message before it goes to <see cref="Dead"/>.</summary>
    public const int DeliveryLimit = 5;

    /// <summary>Messages a consumer holds at a time.</summary>
    public const ushort Prefetch = 50;
}
