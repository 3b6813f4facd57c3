using Microsoft.Extensions.Logging;

namespace Tessera.Server.Access.People.Oidc;

/// <summary>The identity provider of the deployment, if it has one.</summary>
public sealed partial class Providers(Settings settings, TimeProvider clock, ILogger<Providers> log) : IDisposable
{
    /// <summary>Null: there is none.</summary>
    public OidcProvider? Oidc { get; } = settings.Oidc is { } options ? new OidcProvider(options, clock) : null;

    /// <summary>Says in the log what is wrong with it.</summary>
    public void Tell(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        LogAway(log, error.Message, error.InnerException?.Message ?? "");
    }

    /// <inheritdoc/>
    public void Dispose() => Oidc?.Dispose();

    [LoggerMessage(3020, LogLevel.Error, "The identity provider failed: {Reason} {Cause}")]
    private static partial void LogAway(ILogger log, string reason, string cause);
}
