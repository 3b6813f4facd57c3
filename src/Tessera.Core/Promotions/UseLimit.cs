namespace Tessera.Core.Promotions;

/// <summary>How long uses count together.</summary>
public enum LimitPeriod
{
    /// <summary>For ever.</summary>
    Ever,

    /// <summary>A day of the zone.</summary>
    Day,

    /// <summary>A week of the zone, from Monday on.</summary>
    Week,

    /// <summary>A month of the zone.</summary>
    Month,
}

/// <summary>A bound on the uses of a promotion within a scope (RUL-08).</summary>
/// <param name="Max">Uses within the scope, 1 or more.</param>
public sealed record UseLimit(long Max)
{
    /// <summary>How long uses count together.</summary>
    public LimitPeriod Period { get; init; }

    /// <summary>The zone whose midnights begin and end periods; an IANA name.</summary>
    public string Zone { get; init; } = "UTC";

    /// <summary>Counted for each customer apart.</summary>
    public bool PerCustomer { get; init; }

    /// <summary>Only uses in this channel count; null counts all together.</summary>
    public string? Channel { get; init; }
}

/// <summary>A limit that leaves nothing.</summary>
/// <param name="Reason">See <see cref="Reasons"/>.</param>
/// <param name="Until">When it begins anew; null when it does not.</param>
public readonly record struct LimitHit(string Reason, DateTimeOffset? Until)
{
    /// <summary>The smallest change that would help, where it is not to wait.</summary>
    public Remedy? Change { get; init; }
}
