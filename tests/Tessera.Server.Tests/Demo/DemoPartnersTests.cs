using Tessera.Server.Demo;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Outbound;
using Xunit;

namespace Tessera.Server.Tests.Demo;

public sealed class DemoPartnersTests
{
    [Theory]
    [InlineData(DemoPartner.Well, 12, 1, 1)]
    [InlineData(DemoPartner.Flaky, 12, 1, 1)]
    [InlineData(DemoPartner.Flaky, 13, 3, 20)]
    public async Task One_partner_is_well_and_the_other_is_away_every_fourth_minute_and_fails_now_and_then(
        string name,
        int minute,
        int fewest,
        int most
    )
    {
        var clock = new Clock(new DateTimeOffset(2026, 3, 1, 9, minute, 0, TimeSpan.Zero));
        using var egress = new Egress(new Settings(), [new DemoPartner(name, clock)]);
        var kinds = new List<int>();
        for (var call = 0; call < 20; call++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "https://" + name + "/coupons/disable");
            kinds.Add((await egress.SendAsync(request, TimeSpan.FromSeconds(5), default)).Status);
        }

        Assert.InRange(kinds.Distinct().Count(), fewest, most);
        Assert.Equal(
            name == DemoPartner.Well ? 200
                : minute == 12 ? 503
                : 200,
            kinds[0]
        );
    }

    private sealed class Clock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
