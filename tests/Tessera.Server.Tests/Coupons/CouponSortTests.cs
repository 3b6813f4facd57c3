using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Coupons;
using Tessera.Server.Platform.Http;
using Tessera.Server.Tests.Insights;
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
    public async Task Pages_of_several_sorts_and_of_statuses_hold_every_coupon_once_in_order_across_the_ends_of_what_is_equal()
    {
        // Each status with seven coupons, all created at one instant, with equal figures among them; and deleted ones.
        await _host.Database.ExecuteAsync(
            """
            insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, valid_from, valid_until,
                is_active, is_flagged, max_uses_total, created_by, created_at, deleted_at)
            select 'ST-' || n, 'Name ' || n % 3, '{"en": "A coupon"}', 'percentage', 10,
                now() + case when n % 7 = 5 then interval '1 day' else interval '-2 days' end,
                case when n % 7 = 1 then now() - interval '1 day' else 'infinity' end,
                n % 7 <> 3 and n <> 1, n % 7 = 2 or n in (3, 8), case when n % 7 in (4, 0) then 5 end, 'job:test', now(),
                case when n % 7 = 6 then now() end
            from generate_series(1, 49) n
            """
        );
        await _host.Database.ExecuteAsync(
            """
            insert into coupons.usage (coupon_id, shard, redeemed_count)
            select id, 0, case when id % 7 = 4 then 5 when id % 7 = 0 then 4 else id % 3 end from coupons.coupon
            """
        );
        await RolledUpAsync();
        Assert.Equal(
            ["active 7", "expired 7", "flagged 7", "inactive 7", "limit_reached 7", "scheduled 7"],
            await _host.Database.ColumnAsync<string>(
                $"select status || ' ' || count(*) from ({Statuses}) s group by status order by status"
            )
        );
        await AssertCountsAsync("", [42, 7, 7, 7, 7, 7, 7]);
        await AssertCountsAsync("?status=expired&usageRange.min=5", [7, 0, 0, 0, 0, 7, 0]);
        foreach (
            var (query, order) in ((string, string)[])
                [
                    ("sort=status_asc", "status, id"),
                    ("sort=status_desc", "status desc, id desc"),
                    ("sort=status_asc,usage_desc", "status, redeemed_count desc, id desc"),
                    ("sort=status_desc,internal_name_asc", "status desc, internal_name, id"),
                    ("sort=status_asc,internal_name_desc,usage_asc", "status, internal_name desc, redeemed_count, id"),
                    ("sort=internal_name_asc,status_desc", "internal_name, status desc, id desc"),
                    ("sort=usage_asc,code_desc", "redeemed_count, code desc, id desc"),
                    (
                        "sort=internal_name_desc,usage_asc,code_desc",
                        "internal_name desc, redeemed_count, code desc, id desc"
                    ),
                    ("sort=created_asc,usage_desc,internal_name_asc", "redeemed_count desc, internal_name, id"),
                    ("sort=status_desc&status=scheduled,expired,active", "status desc, id desc"),
                ]
        )
        {
            var some = query.Contains("&status", StringComparison.Ordinal)
                ? "where status in ('scheduled', 'expired', 'active')"
                : "";
            var expected = await _host.Database.ColumnAsync<string>(
                $"select code from ({Statuses}) s {some} order by {order}"
            );
            foreach (var limit in (int[])[1, 4, 7, 100])
            {
                Assert.Equal(
                    (query, limit, string.Join(' ', expected)),
                    (query, limit, string.Join(' ', await PagedAsync($"{query}&limit={limit}")))
                );
            }
        }
    }

    [Fact]
    public async Task Coupons_that_can_be_redeemed_are_counted_as_they_change_without_looking_at_all_of_them()
    {
        var merchant = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync("insert into access.merchant (id, name) values ($1, 'Mine')", merchant);
        foreach (
            var change in (string[])
                [
                    """
                        insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, valid_from,
                            valid_until, is_active, is_flagged, max_uses_total, created_by, merchant_id)
                        select 'LIVE-' || n, 'A coupon', '{"en": "A coupon"}', 'percentage', 10,
                            now() + make_interval(mins => 7 * n - 1500), now() + make_interval(mins => 11 * n - 1200), n % 5 <> 0,
                            n % 9 = 0, case when n % 4 = 0 then 3 end, 'job:test', case when n % 3 = 0 then $1 end
                        from generate_series(1, 400) n
                        """,
                    "update coupons.coupon set is_active = not is_active where id % 6 = 0 and $1 is not null",
                    "update coupons.coupon set valid_until = 'infinity' where id % 7 = 0 and $1 is not null",
                    "update coupons.coupon set deleted_at = now() where id % 10 = 0 and $1 is not null",
                    "update coupons.coupon set deleted_at = null where id % 20 = 0 and $1 is not null",
                    "update coupons.coupon set merchant_id = $1 where id % 8 = 0",
                    "insert into coupons.usage (coupon_id, shard, redeemed_count) select id, 0, id % 6 from coupons.coupon where $1 is not null",
                    "update coupons.coupon set max_uses_total = 2 where id % 5 = 1 and $1 is not null",
                    "update coupons.usage set redeemed_count = redeemed_count / 2 where $1 is not null",
                ]
        )
        {
            await _host.Database.ExecuteAsync(change, merchant);
            await RolledUpAsync();
            foreach (var whose in (Guid?[])[null, merchant])
            {
                var counted = await LiveCoupons.CountAsync(_host.Database.Database.Source, whose, default);
                var active = await _host.Database.ScalarAsync<long>(
                    $"""
                    select count(*) from ({Statuses}) s where status = 'active'
                        and ({(whose is null ? "$1 is not null" : "merchant_id = $1")})
                    """,
                    merchant
                );
                Assert.Equal((change, whose, active), (change, whose, counted));
            }
        }

        Assert.InRange(
            await _host.Database.ScalarAsync<long>("select count(*) from coupons.live_hour"),
            1,
            16
                * await _host.Database.ScalarAsync<long>(
                    "select count(distinct (merchant_id, hour)) from coupons.live_hour"
                )
        );
    }

    [Fact]
    public async Task A_page_of_a_sorted_list_comes_from_its_index()
    {
        await _host.Database.ExecuteAsync(
            """
            insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, valid_from, is_active,
                created_by)
            select 'SORT' || n, 'A coupon', '{"en": "A coupon"}', 'percentage', 10, clock_timestamp(), true, 'job:test'
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
                    ("status_asc", "coupon_pkey"),
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

    private const string Statuses = $"""
        select c.id, c.code, c.internal_name, c.merchant_id, t.redeemed_count, {Coupon.StatusSql} as status
        from coupons.coupon c join coupons.total t on t.coupon_id = c.id cross join (select platform.clock() as now) k
        where c.deleted_at is null
        """;

    /// <summary>The codes of all pages, one after the other.</summary>
    private async Task<List<string>> PagedAsync(string query)
    {
        var codes = new List<string>();
        for (string? cursor = ""; cursor is not null; )
        {
            var page = await _host.GetAsync($"{Path}?{query}{(cursor.Length > 0 ? "&cursor=" + cursor : "")}");
            Assert.True(page.Status == 200, page.Body);
            codes.AddRange(
                page.Json.GetProperty("data").EnumerateArray().Select(static c => c.GetProperty("code").GetString()!)
            );
            cursor = page.Json.GetProperty("next_cursor").GetString();
        }

        return codes;
    }

    private async Task<string> PlanAsync(string parameters)
    {
        var request = new DefaultHttpContext().Request;
        (request.Path, request.QueryString) = (Path, new QueryString(parameters));
        var query = new Query(request);
        var cursors = _host.Services.GetRequiredService<Cursors>();
        var list = await CouponList.ReadAsync(query, cursors, null, default);
        Assert.Null(query.Finish());
        var now = await _host.Database.ScalarAsync<DateTime>("select clock_timestamp()");
        await using var command = list.Command(_host.Database.Database.Source, now, list.Stretches().First());
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
    /// <summary>In all, then active, inactive, scheduled, expired, with their limit reached, flagged.</summary>
    private async Task AssertCountsAsync(string query, long[] expected)
    {
        var counts = (await _host.GetAsync($"{Path}/status-counts{query}")).Json;
        string[] names = ["total", "active", "inactive", "scheduled", "expired", "limit_reached", "flagged"];
        Assert.Equal(expected, names.Select(name => counts.GetProperty(name).GetInt64()));
    }

    private Task RolledUpAsync() => Settled.UntilTotalledAsync(_host);
}
