using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Coupons;
using Tessera.Server.Platform.Http;
using Tessera.Server.Tests.Support;
using Xunit;
using Catalogue = Tessera.Server.Tests.Support.Catalogue;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class CouponSortTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Sorts_by_figures_follow_uses_refusals_and_returns()
    {
        var catalogue = new Catalogue(_host.Database);
        foreach (var code in (string[])["NEVER", "TWICE", "ONCE", "REFUSED"])
        {
            await catalogue.CouponAsync(code);
        }

        Assert.Equal("REFUSED ONCE TWICE NEVER", await CodesAsync("usage_desc"));
        await UseAsync(catalogue, "TWICE", 1000);
        await UseAsync(catalogue, "TWICE", 2000);
        var redemption = await UseAsync(catalogue, "ONCE", 9000);
        await _host.Database.ExecuteAsync("update coupons.coupon set is_active = false where code = 'REFUSED'");
        await UseAsync(catalogue, "REFUSED", 1000);
        await RolledUpAsync();
        Assert.Equal("TWICE ONCE REFUSED NEVER", await CodesAsync("usage_desc"));
        Assert.Equal("NEVER REFUSED TWICE ONCE", await CodesAsync("revenue_asc"));
        Assert.Equal("ONCE TWICE REFUSED NEVER", await CodesAsync("lastUsed_desc"));
        Assert.Equal("ONCE TWICE REFUSED NEVER", await CodesAsync("conversion_desc"));

        var back = await _host.PostAsync($"/api/v1/redemptions/{redemption}/rollback", """{"reason": "returned"}""");
        Assert.Equal(201, back.Status);
        await RolledUpAsync();
        Assert.Equal("TWICE REFUSED ONCE NEVER", await CodesAsync("usage_desc"));
    }

    [Fact]
    public async Task A_page_of_a_sorted_list_comes_from_its_index()
    {
        await _host.Database.ExecuteAsync(
            """
            insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, valid_from, created_by)
            select 'SORT' || n, 'A coupon', '{"en": "A coupon"}', 'percentage', 10, clock_timestamp(), 'job:test'
            from generate_series(1, 20000) n
            """
        );
        await _host.Database.ExecuteAsync(
            "update coupons.total set redeemed_count = coupon_id % 100, revenue_minor = coupon_id % 1000"
        );
        await _host.Database.ExecuteAsync("vacuum analyze coupons.coupon, coupons.total");
        foreach (
            var (sort, index) in ((string, string)[])
                [
                    ("usage_desc", "total_by_use"),
                    ("usage_asc", "total_by_use"),
                    ("revenue_desc", "total_by_revenue"),
                    ("conversion_desc", "total_by_conversion"),
                    ("lastUsed_desc", "total_by_last_use"),
                    ("created_desc", "coupon_newest"),
                    ("expires_asc", "coupon_by_end"),
                ]
        )
        {
            var first = await _host.GetAsync($"{Path}?sort={sort}");
            var next = first.Json.GetProperty("next_cursor").GetString();
            foreach (var cursor in (string[])["", "&cursor=" + next])
            {
                var plan = await PlanAsync($"?sort={sort}{cursor}");
                Assert.Contains("using " + index, plan, StringComparison.Ordinal);
                Assert.DoesNotContain("Seq Scan on coupon", plan, StringComparison.Ordinal);
                Assert.DoesNotContain("Seq Scan on total", plan, StringComparison.Ordinal);
            }
        }
    }

    private async Task<string> PlanAsync(string parameters)
    {
        var request = new DefaultHttpContext().Request;
        (request.Path, request.QueryString) = (Path, new QueryString(parameters));
        var query = new Query(request);
        var cursors = _host.Services.GetRequiredService<Cursors>();
        var list = await CouponList.ReadAsync(query, cursors, null, default);
        Assert.Null(query.Finish());
        await using var command = list.Command(_host.Database.Database.Source);
        command.CommandText = "explain (costs off) " + command.CommandText;
        await using var rows = await command.ExecuteReaderAsync();
        var plan = "";
        while (await rows.ReadAsync())
        {
            plan += rows.GetString(0) + "\n";
        }

        return plan;
    }

    private async Task<string> CodesAsync(string sort)
    {
        var page = await _host.GetAsync($"{Path}?sort={sort}");
        return string.Join(
            ' ',
            page.Json.GetProperty("data").EnumerateArray().Select(c => c.GetProperty("code").GetString())
        );
    }

    private async Task<string?> UseAsync(Catalogue catalogue, string code, long minor)
    {
        var reply = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = await catalogue.CustomerAsync(),
                order = new { reference = Guid.CreateVersion7(), amount = new { amount = minor, currency = "USD" } },
            }
        );
        return reply.Status == 201 ? reply.Json.GetProperty("id").GetString() : null;
    }

    /// <summary>Waits until the worker of the host has summed up what was counted.</summary>
    private async Task RolledUpAsync()
    {
        const string behind = """
            select count(*) from coupons.total t left join coupons.usage_total u on u.coupon_id = t.coupon_id
            where (t.redeemed_count, t.refused_count, t.revenue_minor)
                <> (coalesce(u.redeemed_count, 0), coalesce(u.refused_count, 0), coalesce(u.revenue_minor, 0))
            """;
        var worker = _host.Services.GetServices<IHostedService>().OfType<TotalsWorker>().Single();
        for (var tries = 0; tries < 300 && await _host.Database.ScalarAsync<long>(behind) > 0; tries++)
        {
            await worker.RunOnceAsync(default);
            await Task.Delay(100);
        }
    }
}
