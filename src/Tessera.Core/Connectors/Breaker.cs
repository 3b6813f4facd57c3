namespace Tessera.Core.Connectors;

/// <summary>What one round of calls to a partner came to.</summary>
public enum Round
{
    /// <summary>Every call was answered as it should be.</summary>
    Good,

    /// <summary>Some were, some were not.</summary>
    Mixed,

    /// <summary>None was.</summary>
    Bad,
}

/// <summary>Whether a partner is called (CON-02).</summary>
public enum BreakerState
{
    /// <summary>It is.</summary>
    Closed,

    /// <summary>It is not, until the next probe.</summary>
    Open,

    /// <summary>One call finds out whether it is well again.</summary>
    HalfOpen,
}

/// <summary>
/// When a partner is called again, and when no more. Counted in rounds and not in time, so that a partner with three
/// calls a minute opens it like one with three thousand.
/// </summary>
/// <param name="State">Whether it is called.</param>
/// <param name="Failures">Bad rounds in a row.</param>
/// <param name="Recent">The last rounds, a bit each, the latest lowest; set for those that were not good.</param>
/// <param name="RecentCount">How many rounds that are; at most <see cref="Window"/>.</param>
public readonly record struct Breaker(BreakerState State, int Failures, int Recent, int RecentCount)
{
    /// <summary>Bad rounds in a row that open it.</summary>
    public const int OpensAfter = 3;

    /// <summary>Rounds of the window.</summary>
    public const int Window = 20;

    private const int LeastRounds = 10;
    private const int WindowMask = (1 << Window) - 1;

    /// <summary>Seconds before the second, third, … attempt (convention 25): a blip is over within a minute.</summary>
    private static readonly int[] Delays = [1, 3, 8, 20, 45, 60, 120, 300];

    /// <summary>The state after a round.</summary>
    /// <param name="round">What it came to.</param>
    /// <param name="isForcedClosed">Staff holds it closed: it is called however bad it is.</param>
    public Breaker After(Round round, bool isForcedClosed = false)
    {
        var failures =
            round == Round.Bad ? Math.Min(Failures + 1, 1000)
            : round == Round.Good ? 0
            : Failures;
        var recent = ((Recent << 1) | (round == Round.Good ? 0 : 1)) & WindowMask;
        var count = Math.Min(RecentCount + 1, Window);
        if (State == BreakerState.HalfOpen && round == Round.Good)
        {
            // What was before it opened says nothing about the partner as it is now.
            return new Breaker(BreakerState.Closed, 0, 0, 0);
        }

        var isBad =
            failures >= OpensAfter
            || (State == BreakerState.HalfOpen && round == Round.Bad)
            || (count >= LeastRounds && 2 * System.Numerics.BitOperations.PopCount((uint)recent) >= count);
        return new Breaker(isBad && !isForcedClosed ? BreakerState.Open : BreakerState.Closed, failures, recent, count);
    }

    /// <summary>The pause before the next round, after one that was not good.</summary>
    /// <param name="chance">From 0 to 1: spreads the pauses by a fifth either way, so that partners do not march in step.</param>
    /// <param name="asked">What the partner asked for by Retry-After; at most a day.</param>
    public TimeSpan Pause(double chance, TimeSpan? asked)
    {
        var step = Math.Clamp(Failures, State == BreakerState.Open ? OpensAfter : 1, Delays.Length);
        var own = TimeSpan.FromSeconds(Delays[step - 1] * (0.8 + 0.4 * Math.Clamp(chance, 0, 1)));
        if (asked is not { } wanted || wanted <= own)
        {
            return own;
        }

        return wanted < TimeSpan.FromDays(1) ? wanted : TimeSpan.FromDays(1);
    }
}
