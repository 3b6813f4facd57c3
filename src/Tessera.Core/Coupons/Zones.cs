namespace Tessera.Core.Coupons;

/// <summary>Days of a named time zone.</summary>
public static class Zones
{
    /// <summary>Finds a zone by its IANA name.</summary>
    public static bool TryFind(string name, out TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(name);
        zone = TimeZoneInfo.Utc;
        return name == "UTC"
            || (name.Length is > 0 and < 64 && TimeZoneInfo.TryFindSystemTimeZoneById(name, out zone!));
    }

    /// <summary>The day an instant lies on.</summary>
    public static DateOnly DayOf(DateTimeOffset at, TimeZoneInfo zone) =>
        DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime);

    /// <summary>
    /// The first instant of a day. Where the clock jumps over midnight, the first that exists; where midnight comes
    /// twice, the earlier.
    /// </summary>
    public static DateTimeOffset StartOf(DateOnly day, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        var midnight = day.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(midnight))
        {
            midnight = midnight.AddMinutes(1);
        }

        var offset = zone.IsAmbiguousTime(midnight)
            ? zone.GetAmbiguousTimeOffsets(midnight).Max()
            : zone.GetUtcOffset(midnight);
        return new DateTimeOffset(midnight, offset).ToUniversalTime();
    }
}
