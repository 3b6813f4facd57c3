using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Npgsql;

namespace Tessera.Bench;

/// <summary>
/// The list of coupons and the dashboard over HTTP among a million coupons with ten million instances, against one indexed
/// SELECT of the first page on a bare table through the same driver.
/// </summary>
internal static class ListBench
{
    private const int Port = 18_471;
    private const int Warm = 3;
    private const string List = "/api/v1/admin/coupons?limit=25";

    /// <summary>What is asked, by the name of its figure.</summary>
    private static readonly (string Name, string Query)[] Questions =
    [
        ("first", ""),
        ("status_active", "&status=active"),
        ("status_expired", "&status=expired"),
        ("status_scheduled", "&status=scheduled"),
        ("status_inactive", "&status=inactive"),
        ("status_limit_reached", "&status=limit_reached"),
        ("status_flagged", "&status=flagged"),
        ("type", "&discountType=fixed_amount"),
        ("applicable", "&applicableTo=first_time_users"),
        ("campaign", "&campaign=source-17"),
        ("created_last_7_days", "&dateRange.preset=last_7_days"),
        ("expires_range", "&dateRange.field=expires&dateRange.from=2090-01-01&dateRange.to=2090-02-01"),
        ("last_used_7_days", "&dateRange.field=lastUsed&dateRange.preset=last_7_days"),
        ("usage_range", "&usageRange.min=30&usageRange.max=40"),
        ("revenue_range", "&revenueRange.min=100"),
        ("conversion_range", "&conversionRange.min=0.95"),
        ("type_and_status", "&discountType=fixed_amount&status=expired"),
        ("sort_code", "&sort=code_asc"),
        ("sort_name", "&sort=internal_name_desc"),
        ("sort_type", "&sort=discount_type_asc"),
        ("sort_value", "&sort=discount_value_desc"),
        ("sort_status", "&sort=status_asc"),
        ("sort_usage", "&sort=usage_desc"),
        ("sort_revenue", "&sort=revenue_desc"),
        ("sort_conversion", "&sort=conversion_desc"),
        ("sort_expires", "&sort=expires_asc"),
        ("sort_last_used", "&sort=lastUsed_desc"),
        ("sort_two", "&sort=usage_desc,code_asc"),
        ("sort_two_many_equal", "&sort=usage_asc,code_desc"),
        ("sort_three", "&sort=status_asc,usage_asc,internal_name_desc"),
        ("search_word", "&search=Offer%2077"),
        ("search_rare", "&search=LIST-123456"),
        ("search_fuzzy", "&search=Ofer%20nomber%2077777"),
        ("search_none", "&search=qqqqzzzz"),
    ];

    /// <summary>What else staff opens: a coupon with a hundred thousand redemptions is nothing special in a year.</summary>
    private static readonly (string Name, string Path)[] Pages =
    [
        ("redemptions", "/api/v1/redemptions?limit=25"),
        ("redemptions_oldest", "/api/v1/redemptions?limit=25&sort=redeemed_at"),
        ("redemptions_of_coupon", "/api/v1/redemptions?limit=25&coupon_id=1"),
        ("redemptions_of_order", "/api/v1/redemptions?limit=25&order_reference=ORD-4711"),
        ("redemptions_of_customer", $"/api/v1/redemptions?limit=25&customer_id={Customer}"),
        ("redemptions_of_campaign", "/api/v1/redemptions?limit=25&campaign_id=none"),
        ("redemptions_of_days", "/api/v1/redemptions?limit=25&from=2026-02-01&to=2026-02-03"),
        ("redemptions_totals", "/api/v1/redemptions/totals?from=2026-02-01&to=2026-02-28"),
        ("attempts", "/api/v1/attempts?limit=25"),
        ("attempts_refused", "/api/v1/attempts?limit=25&result=refused"),
        ("coupon_usage", "/api/v1/admin/coupons/1/usage?limit=25"),
        ("coupon_units", "/api/v1/admin/coupons/1/instances?limit=25"),
        ("coupon_analytics", "/api/v1/admin/coupons/1/analytics"),
        ("coupons_of_customer", $"{List}&customer={Customer}"),
        ("status_counts", "/api/v1/admin/coupons/status-counts"),
    ];

    private const string Customer = "70efdf2e-c9b0-8607-9795-c442636b55fb";

    private static readonly (string Name, string Path)[] Dashboard =
    [
        ("dashboard_summary", "/api/v1/admin/coupons/analytics/summary"),
        ("dashboard_timeline", "/api/v1/insights/timeline"),
        ("dashboard_breakdown", "/api/v1/insights/breakdown"),
        ("funnel", "/api/v1/insights/funnel"),
    ];

    public static async Task<int> RunAsync(Options options)
    {
        var coupons = options.Quick ? 100_000 : 1_000_000;
        var instances = options.Instances ?? coupons * 10;
        var rounds = options.Quick ? 12 : 20;
        await using var ground = await Ground.MakeAsync();
        await FillAsync(ground, coupons, instances);
        await RedeemedAsync(ground, coupons);
        await ground.SettleAsync();
        await using var server = await ground.ServeAsync(Port, options.Lanes);
        await server.IdleAsync();
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Port}") };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Key);

        var figures = new Figures();
        var bare = await P95Async(rounds * 2, () => BareAsync(ground));
        var slowest = 0.0;
        foreach (
            var (name, path) in Questions.Select(static q => (q.Name, List + q.Query)).Concat(Pages).Concat(Dashboard)
        )
        {
            var p95 = await P95Async(rounds, () => AskAsync(client, path));
            Figures.Say($"{name}: p95 {p95:F1} ms");
            figures.Add(name + "_p95_ms", p95);
            slowest = Math.Max(slowest, p95);
            if (name == "first")
            {
                figures.Add("first_over_bare", p95 / bare);
            }
        }

        figures.Add("bare_p95_ms", bare);
        figures.Add("slowest_p95_ms", slowest);
        figures.Add("coupons", coupons);
        figures.Add("instances", instances);
        figures.Print();
        return 0;
    }

    /// <summary>Coupons of every kind and status, their units, what was used of a tenth of them, and a quarter of figures by day.</summary>
    private static async Task FillAsync(Ground ground, int coupons, int instances)
    {
        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        await ground.ExecuteAsync(
            $$"""
            insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, discount_minor,
                max_uses_total, max_uses_per_user, valid_from, valid_until, is_active, applicable_to, campaign_source,
                created_by, created_at)
            select 'LIST-' || n, 'Offer number ' || n, jsonb_build_object('en', 'Offer ' || n || ' of the season'),
                case when n % 3 = 0 then 'fixed_amount' else 'percentage' end,
                case when n % 3 <> 0 then 5 + n % 60 end, case when n % 3 = 0 then 100 + n % 5000 end,
                case when n % 50 = 0 then 10 end, 10,
                case when n % 20 = 1 then now() + interval '30 days' else now() - interval '400 days' - make_interval(mins => n % 500000) end,
                case n % 5 when 0 then 'infinity' when 1 then now() + interval '40 days' + make_interval(mins => n % 90000)
                    when 2 then now() - make_interval(mins => n % 400000)
                    else timestamptz '2090-01-01' + make_interval(mins => n % 2000000) end,
                n % 10 <> 3, case when n % 7 = 0 then 'first_time_users' else 'all' end, 'source-' || n % 500, 'job:bench',
                now() - make_interval(mins => n % 1000000)
            from generate_series(1, {{Text(coupons)}}) n
            """
        );
        await ground.ExecuteAsync("insert into coupons.code (code, coupon_id) select code, id from coupons.coupon");
        await ground.ExecuteAsync(
            """
            insert into coupons.usage (coupon_id, shard, redeemed_count, refused_count, revenue_minor, discount_minor, last_used_at)
            select id, 0, 1 + id % 50, id % 7, (1 + id % 50) * 2500, (1 + id % 50) * 300, now() - make_interval(mins => (id % 200000)::int)
            from coupons.coupon where id % 10 = 0;
            update coupons.total t set redeemed_count = u.redeemed_count, refused_count = u.refused_count,
                revenue_minor = u.revenue_minor, last_used_at = u.last_used_at
            from coupons.usage u where u.coupon_id = t.coupon_id
            """
        );
        await ground.ExecuteAsync(
            "select coupons.ensure_instance_months(array_agg(date_trunc('day', now()) + make_interval(days => d))) from generate_series(1, 90) d"
        );
        const int step = 1_000_000;
        for (var from = 0; from < instances; from += step)
        {
            await ground.ExecuteAsync(
                $"""
                with size as (select max(id) as most from coupons.coupon),
                block as (select setval('coupons.instance_block', nextval('coupons.instance_block') + {Text(
                    step
                )} / 1024 + 1) * 1024 as last)
                insert into coupons.instance (id, valid_until, coupon_id, valid_from, state)
                select last - {Text(
                    step
                )} + n, date_trunc('day', now()) + make_interval(days => 1 + n % 90), 1 + n % most,
                    now() - interval '30 days', case when n % 4 = 0 then 'redeemed' else 'issued' end
                from block, size, generate_series(0, {Text(Math.Min(step, instances - from) - 1)}) n
                """
            );
        }

        await ground.ExecuteAsync(
            """
            insert into insights.coupon_day (coupon_id, day, currency, channel, redemptions, rolled_back, revenue_minor, discount_minor)
            select c.id, current_date - d, 'USD', case d % 3 when 0 then 'app' else 'web-shop' end, 5 + c.id % 40, c.id % 2,
                12500, 1500
            from (select id from coupons.coupon order by id limit 3000) c, generate_series(0, 89) d;
            insert into insights.refusal_day (coupon_id, day, reason, refusals)
            select c.id, current_date - d, 'below_minimum', 1 + c.id % 5
            from (select id from coupons.coupon order by id limit 3000) c, generate_series(0, 89) d;
            insert into insights.day_total (day, currency, channel, redemptions, rolled_back, revenue_minor, discount_minor,
                reservations, from_reservation, booked, completed, attended, returned)
            select day, currency, channel, sum(redemptions), sum(rolled_back), sum(revenue_minor), sum(discount_minor),
                sum(reservations), sum(from_reservation), sum(booked), sum(completed), sum(attended), sum(returned)
            from insights.coupon_day group by 1, 2, 3;
            insert into insights.refusal_total (day, refusals) select day, sum(refusals) from insights.refusal_day group by 1;
            create table public.bare as select * from coupons.coupon;
            create index on public.bare (created_at desc, id desc);
            grant select on public.bare to tessera_app
            """
        );
    }

    /// <summary>As many redemptions as coupons, a tenth of them of one, which others take no notice of.</summary>
    private static Task RedeemedAsync(Ground ground, int redemptions) =>
        ground.ExecuteAsync(
            $"""
            begin;
            set local session_replication_role = replica;
            insert into redemptions.redemption (id, coupon_id, coupon_version, instance_id, instance_end, by_shared_code,
                customer_id, client_id, channel, order_reference, order_minor, discount_minor, currency, valid_from, valid_until,
                decided_at, idempotency_key)
            select gen_random_uuid(), case when n % 10 = 0 then 1 else 1 + n % 1000 end, 1, n, timestamptz '2030-01-01', false,
                md5((n % 50000)::text)::uuid, gen_random_uuid(), case n % 3 when 0 then 'app' else 'web-shop' end, 'ORD-' || n,
                5000, 500, 'USD', timestamptz '2020-01-01', timestamptz '2030-01-01',
                timestamptz '2026-01-01' + n * interval '10 s', gen_random_uuid()
            from generate_series(1, {redemptions.ToString(CultureInfo.InvariantCulture)}) n;
            commit
            """
        );

    private static async Task<double> P95Async(int rounds, Func<Task> ask)
    {
        for (var i = 0; i < Warm; i++)
        {
            await ask();
        }

        var times = new double[rounds];
        for (var i = 0; i < rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await ask();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return Figures.Percentile(times, 0.95);
    }

    private static async Task AskAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(new Uri(path, UriKind.Relative));
        await answer.Content.ReadAsByteArrayAsync();
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{path} is answered {(int)answer.StatusCode}.");
        }
    }

    private static async Task BareAsync(Ground ground)
    {
        await using var connection = await ground.Database.Source.OpenConnectionAsync();
        await using var command = new NpgsqlCommand(
            "select * from public.bare where deleted_at is null order by created_at desc, id desc limit 26",
            connection
        );
        await using var row = await command.ExecuteReaderAsync();
        while (await row.ReadAsync())
        {
            row.GetString(row.GetOrdinal("code"));
        }
    }
}
