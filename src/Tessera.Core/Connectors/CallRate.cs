namespace Tessera.Core.Connectors;

/// <summary>
/// Calls a second that a partner is spared beyond (CON-02): halved when it objects, a little less when it is slow, a
/// little more with every good round, up to what was configured.
/// </summary>
public static class CallRate
{
    /// <summary>The slowest: one call in ten seconds.</summary>
    public const double Least = 0.1;

    /// <summary>Beyond this, it is not held back.</summary>
    public const double Unbounded = 2000;

    /// <summary>The rate after a round.</summary>
    /// <param name="rate">The rate of the round; null for unbounded.</param>
    /// <param name="configured">The most there may be; null for no bound.</param>
    /// <param name="seen">Calls a second that were made.</param>
    /// <param name="wasThrottled">The partner said that it was too much.</param>
    /// <param name="wasStrained">Some calls failed, or took more than half of the time they may.</param>
    /// <param name="floor">
    /// Calls a second if each took all its time: strain alone does not hold a partner back further, for one that is slow
    /// by nature would never be told everything.
    /// </param>
    /// <returns>Null for unbounded.</returns>
    public static double? Next(
        double? rate,
        double? configured,
        double seen,
        bool wasThrottled,
        bool wasStrained,
        double floor
    )
    {
        var now = rate ?? configured;
        if (wasThrottled || wasStrained)
        {
            var from = Math.Min(now ?? seen, Math.Max(seen, Least));
            return wasThrottled ? Math.Max(Least, from * 0.5) : Math.Max(Math.Min(floor, now ?? floor), from * 0.8);
        }

        if (now is not { } held)
        {
            return null;
        }

        var more = held * 1.25 + 0.1;
        return configured is { } most ? Math.Min(more, most)
            : more > Unbounded ? null
            : more;
    }
}
