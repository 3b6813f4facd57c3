namespace Tessera.Server.Platform;

internal static class Placeholder;
