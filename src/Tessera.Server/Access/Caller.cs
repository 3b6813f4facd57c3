using System.Collections.Frozen;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tessera.Server.Access.Limits;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>Who asks. Scope comes from here and never from the request (convention 50).</summary>
/// <param name="ClientId">The API key, or the person.</param>
/// <param name="MerchantId">The merchant it acts for; null for the whole deployment.</param>
/// <param name="Channels">The channels it may act in; null for all.</param>
/// <param name="Granted">What it may do.</param>
public sealed record Caller(Guid ClientId, Guid? MerchantId, IReadOnlyList<string>? Channels, FrozenSet<string> Granted)
{
    private readonly string _keyActor = "key:" + ClientId;

    /// <summary>The person who signed in; null for an API key, also one that was exchanged for a session.</summary>
    public Guid? PersonId { get; init; }

    /// <summary>The customer the person is; null for everyone else. Bounds every query, as the merchant does.</summary>
    public Guid? CustomerId { get; init; }

    /// <summary>Where the caller belongs: <see cref="Realms"/>. API keys are of the staff's, or a merchant's.</summary>
    public string Realm { get; init; } = MerchantId is null ? Realms.Staff : Realms.Merchant;

    /// <summary>The roles of the person, by id; none for an API key.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>The session the request came with; null for a request with an API key.</summary>
    public Guid? SessionId { get; init; }

    /// <summary>Who made the key, for a key that a person made: a key is no second person (convention 52).</summary>
    public string? MadeFor { get; init; }

    /// <summary>Requests a minute of this key; null for what the deployment allows.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>For the log: never a personal name.</summary>
    public string Actor => PersonId is { } person ? "person:" + person : _keyActor;

    /// <summary>
    /// The one who acts, for the question whether two callers are the same: the person, also when a key of the person's
    /// asks; the key, where no person is known (ACC-07).
    /// </summary>
    public string Subject => PersonId is null && MadeFor is not null ? MadeFor : Actor;

    /// <summary>Whether a permission was granted.</summary>
    public bool Can(string permission) => permission == Permissions.SignedIn || Granted.Contains(permission);

    /// <summary>The caller of a request that has passed the gate.</summary>
    /// <exception cref="InvalidOperationException">The endpoint asks for no permission.</exception>
    public static Caller Of(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Features.Get<Caller>()
            ?? throw new InvalidOperationException("This endpoint has no caller: it asks for no permission.");
    }

    /// <summary>Lets endpoints take the caller as a parameter.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context, ParameterInfo parameter) => new(Of(context));
}

/// <summary>The permission an endpoint asks for; without one nobody gets in (convention 49).</summary>
/// <param name="Permission">One of <see cref="Permissions"/>; null for endpoints open to everyone.</param>
public sealed record RequiredPermission(string? Permission);

/// <summary>That an endpoint takes a secret that somebody could guess: it is limited by address.</summary>
public sealed record GuessableEndpoint;

/// <summary>How endpoints state what they ask for.</summary>
public static class RequiredPermissionExtensions
{
    /// <summary>Only callers with the permission.</summary>
    public static TBuilder RequirePermission<TBuilder>(this TBuilder builder, string permission)
        where TBuilder : IEndpointConventionBuilder =>
        permission == Permissions.SignedIn || Permissions.All.Contains(permission)
            ? builder.WithMetadata(new RequiredPermission(permission))
            : throw new ArgumentException($"Unknown permission {permission}", nameof(permission));

    /// <summary>Everyone, without a key, so many times a minute from one address: for sign-in and the like.</summary>
    public static TBuilder OpenToGuesses<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
        builder
            .OpenToEveryone()
            .WithMetadata(new GuessableEndpoint())
            .WithMetadata(new RefusalFact([RateHeaders.Exceeded]));

    /// <summary>Everyone, without a key.</summary>
    public static TBuilder OpenToEveryone<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RequiredPermission(null));
}
