using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Retention;
using Tessera.Server.Promotions.Segments;

namespace Tessera.Server.Promotions;

/// <summary>Promotions: rules kept in versions, prices of carts, and why they came out as they did.</summary>
public static class PromotionsRoom
{
    /// <summary>Registers the compiled books and what keeps them present.</summary>
    public static IServiceCollection AddPromotions(this IServiceCollection services)
    {
        services.AddSingleton<PromotionCatalogue>();
        services.AddSingleton<QuoteClock>();
        services.AddSingleton<Quoting>();
        return services
            .AddRetained(ReceiptRetention.Kinds)
            .AddKeptWords(ReceiptRetention.Words)
            .AddHostedService<CatalogueListener>();
    }

    /// <summary>Adds the routes.</summary>
    public static void MapPromotions(this IEndpointRouteBuilder api)
    {
        PromotionEndpoints.Map(api);
        SegmentEndpoints.Map(api);
        CategoryEndpoints.Map(api);
        QuoteEndpoints.Map(api);
        ReceiptEndpoints.Map(api);
    }
}
