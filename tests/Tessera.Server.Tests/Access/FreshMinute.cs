using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access.Limits;
using Tessera.Server.Tests.Expiration;

namespace Tessera.Server.Tests.Access;

/// <summary>A minute of rate limits that begins with the test: one that ended in its middle would give everybody a new quota.</summary>
internal static class FreshMinute
{
    /// <summary>Begins it; what comes back is done to each node that counts in it.</summary>
    public static Action<WebApplicationBuilder> Begin()
    {
        var now = TimeProvider.System.GetUtcNow();
        var left =
            TimeSpan.FromSeconds(RatePolicy.WindowSeconds)
            - TimeSpan.FromTicks(now.Ticks % (RatePolicy.WindowSeconds * TimeSpan.TicksPerSecond));
        var clock = new ShiftedClock(left);
        return builder => builder.Services.AddSingleton(new RateLimits(clock));
    }
}
