namespace Tessera.Core.Coupons;

/// <summary>Days of a named time zone.</summary>
public static class Zones
{
    /// <summary>Finds a zone by its IANA name; UTC when there is none, so that other errors can still be found.</summary>
    public static bool TryFind(string name, out TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name == "UTC" || name.Length is 0 or > 63 || !TimeZoneInfo.TryFindSystemTimeZoneById(name, out var found))
        {
            zone = TimeZoneInfo.Utc;
            return name == "UTC";
        }

        zone = found;
        return true;
    }

    /// <summary>The day an instant lies on.</summary>
    public static DateOnly DayOf(DateTimeOffset at, TimeZoneInfo zone) =>
        DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime);

    /// <summary>The same time of day some days later; where the clock jumps over it, the first time that exists.</summary>
    public static DateTimeOffset AddDays(DateTimeOffset at, int days, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        var local = DateTime
            .SpecifyKind(TimeZoneInfo.ConvertTime(at, zone).DateTime, DateTimeKind.Unspecified)
            .AddDays(days);
        while (zone.IsInvalidTime(local))
        {
            local = local.AddMinutes(1);
        }

        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset).ToUniversalTime();
    }

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
