using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Connectors.Broker;
using Tessera.Server.Connectors.Delivery;
using Tessera.Server.Connectors.Ingestion;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Connectors.Webhooks;
using Tessera.Server.Platform.Outbound;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Connectors;

/// <summary>Partners: what they are told, whether they obeyed, and what to do when they do not.</summary>
public static class ConnectorsRoom
{
    /// <summary>Registers what the room needs.</summary>
    public static IServiceCollection AddConnectors(this IServiceCollection services) =>
        services
            .AddSingleton<Egress>()
            .AddSingleton<ConnectorSecrets>()
            .AddSingleton<RestPartner>()
            .AddSingleton<FilePartner>()
            .AddSingleton<InternalPartner>()
            .AddSingleton<PartnerCalls>()
            .AddSingleton<IngestionService>()
            .AddSingleton<WebhookSecrets>()
            .AddHostedService<BrokerFeed>()
            .AddHostedService<BrokerIngestion>()
            .AddHostedService<WebhookFeed>()
            .AddHostedService<WebhookSender>()
            .AddHostedService<Settler>()
            .AddRetained(ConnectorRetention.Kinds)
            .AddKeptWords(ConnectorRetention.Words)
            .AddSingleton<LaneStore>()
            .AddSingleton<LaneRun>()
            .AddSingleton<DeliveryWorker>()
            .AddHostedService(static s => s.GetRequiredService<DeliveryWorker>());

    /// <summary>Adds the routes.</summary>
    public static void MapConnectors(this IEndpointRouteBuilder api)
    {
        var settings = api.ServiceProvider.GetRequiredService<Settings>();
        new ConnectorDirectory(settings.EgressAllow.Count > 0).Map(api);
        SecretEndpoints.Map(api);
        AcknowledgementEndpoints.Map(api);
        SteeringEndpoints.Map(api);
        TaskEndpoints.Map(api);
        FigureEndpoints.Map(api);
        CommandEndpoints.Map(api);
        CallEndpoints.Map(api);
        new WebhookDirectory(settings.EgressAllow.Count > 0).Map(api);
        WebhookEndpoints.Map(api);
        IngestionEndpoints.Map(api);
    }
}
