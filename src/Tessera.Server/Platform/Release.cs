using System.Reflection;

namespace Tessera.Server.Platform;

/// <summary>Which release this is.</summary>
internal static class Release
{
    /// <summary>As people write it: 0.1.0.</summary>
    public static string? Version { get; } =
        typeof(Release)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion.Split('+')[0];
}
