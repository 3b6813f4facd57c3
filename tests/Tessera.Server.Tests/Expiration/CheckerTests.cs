using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Bench.Partners;
using Tessera.Server.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>What has ended is asked after at partners (EXP-18).</summary>
[Collection(PostgresCollection.Name)]
public sealed class CheckerTests(PostgresFixture postgres) : PartnerTests(postgres)
{
    [Fact]
    public async Task A_partner_that_still_accepts_what_has_ended_raises_an_alert_until_it_does_not()
    {
        var (id, partner) = await PartnerAsync("shop", Behaviour.Healthy, new { encoding = "batch" });
        var given = new Catalogue(Host.Database);
        var coupon = await given.CouponAsync("ENDING", kind: "unique");
        var unit = await given.UnitAsync(coupon, "ENDINGONE", until: "(clock_timestamp() - interval '1 minute')");
        await UntilToldAsync();
        await Host.Database.ExecuteAsync("update expiration.batch set created_at = created_at - interval '2 minutes'");

        // An answer about units it was not asked for counts for nothing.
        partner.Usable = [unit, unit + 7];
        await CheckAsync();
        var alert = Assert.Single(await OpenAsync());
        Assert.Equal("still_usable", alert.GetProperty("kind").GetString());
        Assert.Equal($"connector:{id}", alert.GetProperty("subject").GetString());
        Assert.Equal(
            [unit],
            alert.GetProperty("detail").GetProperty("instance_ids").EnumerateArray().Select(i => i.GetInt64())
        );

        // Silence proves nothing, so it ends no alert.
        partner.Behaviour = Behaviour.Failing;
        await CheckAsync();
        Assert.Single(await OpenAsync());
        (partner.Behaviour, partner.Usable) = (Behaviour.Healthy, []);
        await CheckAsync();
        Assert.Empty(await OpenAsync());
    }

    private async Task CheckAsync() =>
        await Host.Services.GetServices<IScheduledPass>().OfType<Checker>().Single().RunOnceAsync(default);

    private async Task<List<JsonElement>> OpenAsync()
    {
        var open = await Host.GetAsync("/api/v1/expiry/alerts?is_open=true");
        return [.. open.Json.GetProperty("data").EnumerateArray()];
    }

    private Task UntilToldAsync() =>
        Patience.UntilAsync(
            () => Host.Database.ScalarAsync<bool>("select exists (select from expiration.batch)"),
            "a unit to be told of"
        );
}
