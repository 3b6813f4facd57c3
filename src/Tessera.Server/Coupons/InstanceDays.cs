using System.Globalization;

namespace Tessera.Server.Coupons;

/// <summary>
/// Instances are partitioned by the day of their end. A statement names that day as a constant, so that the planner sees
/// one partition: with the day as a parameter it would plan for, and lock, every one of them.
/// </summary>
internal static class InstanceDays
{
    /// <summary>The day (UTC) on which an instance ends; the last day for those without an end.</summary>
    public static DateOnly Of(DateTimeOffset end) => DateOnly.FromDateTime(end.UtcDateTime);

    /// <summary>The condition that an instance ends on a day; the day comes from the code map, never from a caller.</summary>
    /// <param name="day">As <see cref="Of"/> gives it.</param>
    /// <param name="alias">Of the table, with its dot.</param>
    public static string Predicate(DateOnly day, string alias = "") =>
        day == DateOnly.MaxValue
            ? $"{alias}valid_until = 'infinity'"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"{alias}valid_until >= '{day:yyyy-MM-dd} 00:00:00+00' and {alias}valid_until < '{day.AddDays(1):yyyy-MM-dd} 00:00:00+00'"
            );
}
