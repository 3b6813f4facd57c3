using System.Globalization;

namespace Tessera.Server.Tests.Support;

/// <summary>Tests that speak of today, or of this hour, begin when it will not be over before they are.</summary>
internal static class Midnight
{
    /// <summary>What such a test may take on a machine that is slow.</summary>
    private static readonly TimeSpan Needed = TimeSpan.FromMinutes(3);

    /// <summary>What such a test dates back.</summary>
    private static readonly TimeSpan Begun = TimeSpan.FromMinutes(5);

    /// <summary>The day in a time zone, once it has begun and enough of it is left: near its end, the next.</summary>
    public static async Task<string> TodayAsync(string zone = "UTC") =>
        (await AmidAsync(TimeSpan.FromDays(1), Begun, zone)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Waits until enough is left of this hour, for tests that speak of it.</summary>
    public static Task HourAsync() => AmidAsync(TimeSpan.FromHours(1), TimeSpan.Zero, "UTC");

    private static async Task<DateTimeOffset> AmidAsync(TimeSpan span, TimeSpan begun, string zone)
    {
        while (true)
        {
            var now = TimeZoneInfo.ConvertTimeBySystemTimeZoneId(TimeProvider.System.GetUtcNow(), zone);
            var gone = TimeSpan.FromTicks(now.TimeOfDay.Ticks % span.Ticks);
            if (gone >= begun && gone < span - Needed)
            {
                return now;
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }
}
