namespace Tessera.Core.Expiration;

/// <summary>How much an extension gives away, and how much of it one person may give alone (EXP-10).</summary>
public static class ExtensionPolicy
{
    /// <summary>Unit-days that one person may give in 24 hours without a second one.</summary>
    public const long FreeUnitDays = 30_000;

    /// <summary>The furthest end an extension may give, from now.</summary>
    public static readonly TimeSpan Furthest = TimeSpan.FromDays(730);

    /// <summary>Units times days from now to the new end, each day begun counted whole.</summary>
    /// <param name="units">How many are extended.</param>
    /// <param name="end">Their new end.</param>
    /// <param name="now">The database clock.</param>
    public static long SizeOf(long units, DateTimeOffset end, DateTimeOffset now)
    {
        var days = Math.Max(1, (long)Math.Ceiling((end - now).TotalDays));
        return units > long.MaxValue / days ? long.MaxValue : units * days;
    }
}
