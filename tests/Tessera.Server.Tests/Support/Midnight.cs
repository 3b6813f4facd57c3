using System.Globalization;

namespace Tessera.Server.Tests.Support;

/// <summary>Tests that speak of today begin when it will not be over before they are.</summary>
internal static class Midnight
{
    /// <summary>What such a test may take on a machine that is slow.</summary>
    private static readonly TimeSpan Needed = TimeSpan.FromMinutes(3);

    /// <summary>What such a test dates back.</summary>
    private static readonly TimeSpan Begun = TimeSpan.FromMinutes(5);

    /// <summary>The day in a time zone, once it has begun and enough of it is left: near its end, the next.</summary>
    public static async Task<string> TodayAsync(string zone = "UTC")
    {
        while (true)
        {
            var now = TimeZoneInfo.ConvertTimeBySystemTimeZoneId(TimeProvider.System.GetUtcNow(), zone);
            if (now.TimeOfDay >= Begun && now.TimeOfDay < TimeSpan.FromDays(1) - Needed)
            {
                return now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            }

            await Task.Delay(TimeSpan.FromSeconds(1));
        }
    }
}
