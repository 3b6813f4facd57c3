namespace Tessera.Server.Access.Limits;

/// <summary>What is counted, and how much of it a minute allows (convention 20).</summary>
/// <param name="Name">As announced in <c>RateLimit-Policy</c>.</param>
/// <param name="Quota">Requests a minute, over all nodes.</param>
public sealed record RatePolicy(string Name, long Quota)
{
    /// <summary>Length of a window, in seconds.</summary>
    public const int WindowSeconds = 60;

    /// <summary>Sign-ins from one address: a household or office signs in less often than this, a guesser more.</summary>
    public static RatePolicy SignIns { get; } = new("sign-in", 120);

    /// <summary>Requests of callers nobody knows, from one address.</summary>
    public static RatePolicy Strangers { get; } = new("strangers", 6000);

    /// <summary>Requests of one person.</summary>
    public static RatePolicy People { get; } = new("default", 12_000);

    /// <summary>Requests of one API key.</summary>
    public static RatePolicy Keys(long quota) => new("default", quota);
}

/// <summary>What is left.</summary>
/// <param name="IsAllowed">Whether this request is within the limit.</param>
/// <param name="Left">Requests left in the window.</param>
/// <param name="Seconds">Until the window ends; 1 or more.</param>
public readonly record struct RateState(bool IsAllowed, long Left, int Seconds);
