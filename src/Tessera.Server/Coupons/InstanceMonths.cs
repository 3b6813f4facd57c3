using System.Globalization;

namespace Tessera.Server.Coupons;

/// <summary>
/// Instances are partitioned by the month of their end. A statement about few of them names the month as a constant, so
/// that the planner sees its partition alone; one about many joins the keys and is pruned row by row.
/// </summary>
internal static class InstanceMonths
{
    /// <summary>First day of the month (UTC) in which an instance ends; the last month there is for those without an end.</summary>
    public static DateOnly Of(DateTimeOffset end)
    {
        var utc = end.UtcDateTime;
        return new DateOnly(utc.Year, utc.Month, 1);
    }

    /// <summary>The month of instances without an end.</summary>
    public static DateOnly Open { get; } = Of(DateTimeOffset.MaxValue);

    /// <summary>The condition that an instance ends in a month; the month comes from the code map, never from a caller.</summary>
    public static string Predicate(DateOnly month) =>
        month == Open
            ? "valid_until = 'infinity'"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"valid_until >= '{month:yyyy-MM-dd} 00:00:00+00' and valid_until < '{month.AddMonths(1):yyyy-MM-dd} 00:00:00+00'"
            );
}
