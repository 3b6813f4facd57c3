using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access.Limits;
using Tessera.Server.Access.People;
using Tessera.Server.Access.People.Oidc;
using Tessera.Server.Access.People.Passkeys;
using Tessera.Server.Access.People.Saml;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Access;

/// <summary>Who may call, and for whom: keys, permissions, merchants, customers, channels.</summary>
public static class AccessRoom
{
    /// <summary>Registers the look-up of keys and sessions, and sign-in.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services) =>
        services
            .AddSingleton<ApiKeys>()
            .AddSingleton<Sessions>()
            .AddSingleton<Passwords>()
            .AddSingleton<SecondFactor>()
            .AddSingleton<SignIn>()
            .AddSingleton<Providers>()
            .AddSingleton<Authenticators>()
            .AddSingleton<RateLimits>()
            .AddRetained(AccessRetention.Kinds)
            .AddKeptWords(AccessRetention.Words)
            .AddHostedService<RateSharing>()
            .AddHostedService<SurgeWatch>();

    /// <summary>Adds the routes.</summary>
    public static void MapAccess(this IEndpointRouteBuilder api)
    {
        ArgumentNullException.ThrowIfNull(api);
        new Merchants().Map(api);
        var customers = new Customers();
        customers.Map(api);
        customers.MapBlocks(api);
        new Channels().Map(api);
        ApiKeyEndpoints.Map(api);
        ActorNames.Map(api);
        SecurityAlertEndpoints.Map(api);
        SessionEndpoints.Map(api);
        InvitationEndpoints.Map(api);
        OidcEndpoints.Map(api);
        SamlEndpoints.Map(api);
        PasskeySignInEndpoints.Map(api);
        OwnAccountEndpoints.Map(api);
        PreferenceEndpoints.Map(api);
        OwnPasskeyEndpoints.Map(api);
        PeopleEndpoints.Map(api);
        PersonSecurityEndpoints.Map(api);
        RoleEndpoints.Map(api);
    }
}
