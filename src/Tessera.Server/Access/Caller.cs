using System.Collections.Frozen;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;

namespace Tessera.Server.Access;

/// <summary>Who asks. Scope comes from here and never from the request (convention 50).</summary>
/// <param name="ClientId">The API key.</param>
/// <param name="MerchantId">The merchant it acts for; null for the whole deployment.</param>
/// <param name="Channels">The channels it may act in; null for all.</param>
/// <param name="Granted">What it may do.</param>
public sealed record Caller(Guid ClientId, Guid? MerchantId, IReadOnlyList<string>? Channels, FrozenSet<string> Granted)
{
    /// <summary>For the log: never a personal name.</summary>
    public string Actor { get; } = "key:" + ClientId;

    /// <summary>Whether a permission was granted.</summary>
    public bool Can(string permission) => Granted.Contains(permission);

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

/// <summary>How endpoints state what they ask for.</summary>
public static class RequiredPermissionExtensions
{
    /// <summary>Only callers with the permission.</summary>
    public static TBuilder RequirePermission<TBuilder>(this TBuilder builder, string permission)
        where TBuilder : IEndpointConventionBuilder =>
        Permissions.All.Contains(permission)
            ? builder.WithMetadata(new RequiredPermission(permission))
            : throw new ArgumentException($"Unknown permission {permission}", nameof(permission));

    /// <summary>Everyone, without a key.</summary>
    public static TBuilder OpenToEveryone<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RequiredPermission(null));
}
