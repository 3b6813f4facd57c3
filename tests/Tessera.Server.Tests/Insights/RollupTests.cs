using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Insights;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

[Collection(PostgresCollection.Name)]
public sealed class RollupTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private Catalogue _catalogue = null!;

    public async Task InitializeAsync()
    {
        await Midnight.TodayAsync();
        _host = await TestHost.StartAsync(postgres);
        _catalogue = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Figures_of_the_days_equal_their_source_rows_and_can_be_made_again()
    {
        var often = await _catalogue.CouponAsync("OFTEN", "currency, max_uses_per_user", "'EUR', 10");
        var once = await _catalogue.CouponAsync("ONCE", "currency, max_uses_total", "'EUR', 1");
        var customer = await _catalogue.CustomerAsync();
        var ids = new List<string>();
        foreach (var order in Enumerable.Range(1, 5))
        {
            ids.Add(await RedeemAsync("OFTEN", customer, $"o-{order}", 1_000 * order, 201));
        }

        await RedeemAsync("ONCE", customer, "o-6", 5_000, 201);
        await RedeemAsync("ONCE", await _catalogue.CustomerAsync(), "o-7", 5_000, 409);
        var back = await _host.PostAsync($"/api/v1/redemptions/{ids[1]}/rollback", new { reason = "returned" });
        Assert.InRange(back.Status, 200, 201);
        await Settled.UntilCountedAsync(_host);
        await AssertEqualAsync();

        var summary = (await _host.GetAsync("/api/v1/admin/coupons/analytics/summary")).Json;
        var overview = summary.GetProperty("overview");
        Assert.Equal(6, overview.GetProperty("total_redemptions_today").GetInt64());
        // 90 % of 10, 30, 40, 50 and 50 euros; the order of 20 was given back.
        Assert.Equal(162m, overview.GetProperty("total_revenue_generated").GetDecimal());
        Assert.Equal("OFTEN", summary.GetProperty("top_performers")[0].GetProperty("code").GetString());
        var analytics = (await _host.GetAsync($"/api/v1/admin/coupons/{once}/analytics")).Json;
        var usage = analytics.GetProperty("usage_statistics");
        Assert.Equal(
            (2, 1, 1, 0.5m),
            (
                usage.GetProperty("total_attempts").GetInt64(),
                usage.GetProperty("successful_redemptions").GetInt64(),
                usage.GetProperty("failed_attempts").GetInt64(),
                usage.GetProperty("success_rate").GetDecimal()
            )
        );
        var timeline = (await _host.GetAsync($"/api/v1/insights/timeline?coupon_id={often},{once}")).Json;
        Assert.Equal([5L, 1L], SumsOf(timeline));

        await _host.Services.GetRequiredService<Rollup>().RebuildAsync(CancellationToken.None);
        await Settled.UntilCountedAsync(_host);
        await AssertEqualAsync();
    }

    [Fact]
    public async Task A_refusal_that_was_asked_for_early_and_decided_late_is_counted_too()
    {
        const string counted = "select coalesce(sum(refusals), 0)::bigint from insights.refusal_total";
        var (early, late) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await _host.Database.ExecuteAsync(
            """
            insert into redemptions.refusal (id, operation, reason, client_id, decided_at)
            values (least($1, $2), 'redeem', 'expired', $1, clock_timestamp() + interval '1 hour'),
                (greatest($1, $2), 'redeem', 'expired', $1, clock_timestamp() - interval '1 minute')
            """,
            early,
            late
        );
        var rollup = _host.Services.GetRequiredService<Rollup>();
        await Patience.UntilAsync(
            async () =>
            {
                await rollup.RunOnceAsync(default);
                return await _host.Database.ScalarAsync<long>(counted) == 1;
            },
            "the one that was decided long ago to be counted"
        );

        // Time goes by.
        await _host.Database.ExecuteAsync(
            "update redemptions.refusal set decided_at = clock_timestamp() - interval '40 seconds' where decided_at > clock_timestamp()"
        );
        await Settled.UntilCountedAsync(_host);
        Assert.Equal(2, await _host.Database.ScalarAsync<long>(counted));
        await SourceRecords.AssertEqualAsync(_host.Database);
    }

    [Fact]
    public async Task A_period_that_cannot_be_is_refused_with_its_field()
    {
        var reply = await _host.GetAsync(
            "/api/v1/insights/timeline?from=2026-05-01&to=2026-04-01&coupon_id=x&interval=hour"
        );
        Assert.Equal(400, reply.Status);
        Assert.Equal(["coupon_id", "from", "interval"], reply.Errors.Select(static e => e.Field).Order());
    }

    private static IEnumerable<long> SumsOf(System.Text.Json.JsonElement timeline) =>
        timeline
            .GetProperty("series")
            .EnumerateArray()
            .Select(static s =>
                s.GetProperty("points").EnumerateArray().Sum(static p => p.GetProperty("redemptions").GetInt64())
            );

    private async Task<string> RedeemAsync(string code, Guid customer, string order, long amount, int expected)
    {
        var reply = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = customer,
                order = new { reference = order, amount = new { amount, currency = "EUR" } },
            }
        );
        Assert.Equal((expected, reply.Body), (reply.Status, reply.Body));
        return reply.Status == 201 ? reply.Json.GetProperty("id").GetString()! : "";
    }

    private async Task AssertEqualAsync()
    {
        await SourceRecords.AssertEqualAsync(_host.Database);
        Assert.True(await _host.Database.ScalarAsync<long>("select count(*) from insights.coupon_day") >= 2);
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>("select sum(refusals)::bigint from insights.refusal_day")
        );
    }
}
