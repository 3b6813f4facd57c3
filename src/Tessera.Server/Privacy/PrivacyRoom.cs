using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>Personal data of customers, the requests of data subjects, retention and legal holds.</summary>
public static class PrivacyRoom
{
    /// <summary>Registers the stores and the worker that deletes what was kept long enough.</summary>
    public static IServiceCollection AddPrivacy(this IServiceCollection services) =>
        services
            .AddSingleton<PersonStore>()
            .AddSingleton<Erasure>()
            .AddSingleton<Fulfilment>()
            .AddRetained(PrivacyRetention.Kinds)
            .AddKeptWords(PrivacyRetention.Words)
            .AddSingleton<RetainedKinds>()
            .AddHostedService<RetentionWorker>();

    /// <summary>Adds the routes.</summary>
    public static void MapPrivacy(this IEndpointRouteBuilder api)
    {
        PersonalDataEndpoints.Map(api);
        PrivacyEndpoints.Map(api);
        RetentionEndpoints.Map(api);
        ArchiveDownload.Map(api);
        LegalHoldEndpoints.Map(api);
    }
}
