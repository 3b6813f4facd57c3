using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights;

/// <summary>Reads figures out of the rollups, of one merchant's coupons or of all.</summary>
internal sealed class InsightReads(Database database, Guid? merchant)
{
    private const int Performers = 10;
    private const int Recent = 12;

    private readonly DaySource _days = new(merchant);

    /// <summary>Today by the platform's clock, in UTC.</summary>
    public async Task<DateOnly> TodayAsync(CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand("select (platform.clock() at time zone 'UTC')::date");
        return (DateOnly)(await command.ExecuteScalarAsync(cancel))!;
    }

    public async Task<CouponSummary> SummaryAsync(Period period, string? wanted, CancellationToken cancel)
    {
        var currencies = await CurrenciesAsync(period, cancel);
        var currency = wanted ?? MostUsed(currencies);
        var (redemptions, returned, revenue, discounts) = await SumAsync(period, currency, cancel);
        var (before, _, _, _) = await SumAsync(period.Before, currency, cancel);
        var refusals = await ScalarAsync(
            $"select coalesce(sum(d.refusals), 0)::bigint from {_days.Refused}",
            period,
            cancel
        );
        var today = await TodayAsync(cancel);
        var now = new Period(today, today);
        var overview = new SummaryOverview(
            await Coupons.LiveCoupons.CountAsync(database.Source, merchant, cancel),
            await ScalarAsync($"select coalesce(sum(d.redemptions), 0)::bigint from {_days.Used}", now, cancel),
            Currencies.ToMajor(revenue, currency),
            Conversion(redemptions, returned, refusals),
            Trend(redemptions, before),
            redemptions,
            refusals,
            Currencies.ToMajor(discounts, currency)
        );
        return new CouponSummary(
            overview,
            await PerformersAsync(period, currency, cancel),
            await RecentAsync(cancel),
            currency,
            currencies,
            Period.Text(period.From),
            Period.Text(period.To)
        );
    }

    public async Task<Timeline> TimelineAsync(
        Period period,
        string interval,
        string? wanted,
        IReadOnlyList<long> ids,
        IReadOnlyList<string> campaigns,
        CancellationToken cancel
    )
    {
        var currency = wanted ?? MostUsed(await CurrenciesAsync(period, cancel));
        var series = new List<TimelineSeries>();
        if (ids.Count + campaigns.Count == 0)
        {
            var points = await PointsAsync(period, interval, currency, null, null, cancel);
            series.Add(new TimelineSeries(null, null, null, points));
        }

        foreach (var id in ids)
        {
            if (await NameAsync("select c.code from coupons.coupon c where c.id = $2", id, cancel) is { } code)
            {
                var points = await PointsAsync(period, interval, currency, id, null, cancel);
                series.Add(new TimelineSeries(id, null, code, points));
            }
        }

        foreach (var id in campaigns)
        {
            if (await NameAsync("select c.name from campaigns.campaign c where c.id = $2", id, cancel) is { } name)
            {
                var points = await PointsAsync(period, interval, currency, null, id, cancel);
                series.Add(new TimelineSeries(null, id, name, points));
            }
        }

        return new Timeline(interval, currency, series);
    }

    public async Task<Breakdown> BreakdownAsync(Period period, string by, string? wanted, CancellationToken cancel)
    {
        var currency = wanted ?? MostUsed(await CurrenciesAsync(period, cancel));
        // The name of a side is from a closed list of words; never the caller's own. What is of the coupon is looked up for
        // those that were used, once each.
        await using var command = Command(
            by == "location"
                    ? $"""
                    with used as (
                        select d.channel, sum(d.redemptions) as redemptions, sum(d.revenue_minor) as revenue,
                            sum(d.discount_minor) as discounts
                        from {_days.Used} and d.currency = $4 group by 1
                    )
                    select coalesce(k.location, ''), sum(u.redemptions)::bigint, sum(u.revenue)::bigint, sum(u.discounts)::bigint
                    from used u left join access.channel k on k.id = u.channel group by 1 order by 2 desc, 1 limit 50
                    """
                : by == "channel"
                    ? $"""
                    select d.channel, sum(d.redemptions)::bigint, sum(d.revenue_minor)::bigint, sum(d.discount_minor)::bigint
                    from {_days.Used} and d.currency = $4 group by 1 order by 2 desc, 1 limit 50
                    """
                : $"""
                with used as materialized (
                    select d.coupon_id, sum(d.redemptions) as redemptions, sum(d.revenue_minor) as revenue,
                        sum(d.discount_minor) as discounts
                    from {_days.UsedByCoupon} and d.currency = $4 group by 1
                )
                select c.{by}, sum(u.redemptions)::bigint, sum(u.revenue)::bigint, sum(u.discounts)::bigint
                from used u join coupons.coupon c on c.id = u.coupon_id group by 1 order by 2 desc, 1 limit 50
                """,
            period
        );
        command.Parameters.Add(new() { Value = currency });
        var rows = new List<BreakdownRow>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            rows.Add(
                new BreakdownRow(
                    row.GetString(0),
                    row.GetInt64(1),
                    Currencies.ToMajor(row.GetInt64(2), currency),
                    Currencies.ToMajor(row.GetInt64(3), currency)
                )
            );
        }

        return new Breakdown(by, currency, rows);
    }

    public Task<CouponAnalytics?> CouponAsync(long id, CancellationToken cancel) =>
        CouponFigures.ReadAsync(database, merchant, id, cancel);

    /// <summary>A share from 0 to 1, to four digits; nothing of nothing is 0.</summary>
    internal static decimal Share(long part, long whole) => whole == 0 ? 0 : Math.Round((decimal)part / whole, 4);

    /// <summary>
    /// The conversion rate, of everything that has one: uses that count, of these and the refusals. A use counts unless it was
    /// given back with its redemption, as in the list of coupons.
    /// </summary>
    internal static decimal Conversion(long redemptions, long returned, long refusals) =>
        Share(redemptions - returned, redemptions - returned + refusals);

    private static string MostUsed(IReadOnlyList<string> currencies) => currencies is [var first, ..] ? first : "USD";

    private static string Trend(long now, long before) =>
        Math.Abs(now - before) * 20 <= before ? "stable"
        : now > before ? "up"
        : "down";

    /// <summary>Most redemptions first.</summary>
    private async Task<IReadOnlyList<string>> CurrenciesAsync(Period period, CancellationToken cancel)
    {
        await using var command = Command(
            $"select d.currency from {_days.Used} group by 1 order by sum(d.redemptions) desc, 1",
            period
        );
        var found = new List<string>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            found.Add(row.GetString(0));
        }

        return found;
    }

    /// <summary>Redemptions of all currencies; amounts of one.</summary>
    private async Task<(long Redemptions, long Returned, long Revenue, long Discounts)> SumAsync(
        Period period,
        string currency,
        CancellationToken cancel
    )
    {
        await using var command = Command(
            $"""
            select coalesce(sum(d.redemptions), 0)::bigint, coalesce(sum(d.returned), 0)::bigint,
                coalesce(sum(d.revenue_minor) filter (where d.currency = $4), 0)::bigint,
                coalesce(sum(d.discount_minor) filter (where d.currency = $4), 0)::bigint
            from {_days.Used}
            """,
            period
        );
        command.Parameters.Add(new() { Value = currency });
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3));
    }

    private async Task<IReadOnlyList<TopPerformer>> PerformersAsync(
        Period period,
        string currency,
        CancellationToken cancel
    )
    {
        await using var command = Command(
            $"""
            with used as materialized (
                select d.coupon_id, sum(d.redemptions)::bigint as redemptions, sum(d.returned)::bigint as returned,
                    coalesce(sum(d.revenue_minor) filter (where d.currency = $4), 0)::bigint as revenue
                from {_days.UsedByCoupon} group by 1
            )
            select c.id, c.code, u.redemptions, u.revenue, r.refusals, u.returned
            from (select * from used order by redemptions desc, coupon_id) u
            cross join lateral (
                -- One by one: the best few are found without looking at every coupon.
                select id, code from coupons.coupon where id = u.coupon_id and deleted_at is null offset 0) c
            cross join lateral (
                select coalesce(sum(refusals), 0)::bigint as refusals from insights.refusal_day
                where coupon_id = u.coupon_id and day between $1 and $2) r
            order by u.redemptions desc, u.coupon_id limit $5
            """,
            period
        );
        command.Parameters.Add(new() { Value = currency });
        command.Parameters.Add(new() { Value = Performers });
        var best = new List<TopPerformer>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            var redemptions = row.GetInt64(2);
            var revenue = Currencies.ToMajor(row.GetInt64(3), currency);
            var share = Conversion(redemptions, row.GetInt64(5), row.GetInt64(4));
            best.Add(new TopPerformer(row.GetInt64(0), row.GetString(1), redemptions, revenue, share));
        }

        return best;
    }

    /// <summary>
    /// The latest redemptions: by their ids, which are in order of time. A merchant's own may be older than the latest of
    /// all, so these are looked for on the last days on which its coupons were used.
    /// </summary>
    private async Task<IReadOnlyList<RecentUse>> RecentAsync(CancellationToken cancel)
    {
        var latest = merchant is null
            ? "select id from redemptions.redemption where rolled_back_at is null and $1::uuid is null order by id desc limit $2"
            : """
                select r.id from (
                    select d.coupon_id, d.day from insights.coupon_day d
                    where d.coupon_id in (select c.id from coupons.coupon c where c.merchant_id = $1)
                        and d.redemptions > d.rolled_back
                    order by d.day desc fetch first $2 rows with ties) used
                join redemptions.redemption r on r.coupon_id = used.coupon_id
                    and r.decided_at >= used.day::timestamp at time zone 'UTC'
                    and r.decided_at < (used.day + 1)::timestamp at time zone 'UTC'
                where r.rolled_back_at is null order by r.decided_at desc limit $2
                """;
        await using var command = database.Source.CreateCommand(
            $"""
            select r.id, r.decided_at, c.code, r.customer_id, r.discount_minor, r.currency, r.booking_status
            from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id
            where r.id in ({latest}) order by r.decided_at desc, r.id desc
            """
        );
        command.Parameters.Add(Merchant());
        command.Parameters.Add(new() { Value = (long)Recent });
        var uses = new List<RecentUse>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            var currency = row.GetString(5);
            uses.Add(
                new RecentUse(
                    row.GetGuid(0),
                    row.GetFieldValue<DateTimeOffset>(1),
                    row.GetString(2),
                    row.GetGuid(3),
                    null,
                    Currencies.ToMajor(row.GetInt64(4), currency),
                    currency,
                    row.IsDBNull(6) ? null : row.GetString(6)
                )
            );
        }

        return uses;
    }

    /// <summary>What a line is called; null for what is not there, or not the caller's.</summary>
    private async Task<string?> NameAsync(string sql, object id, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(sql + " and ($1::uuid is null or c.merchant_id = $1)");
        command.Parameters.Add(Merchant());
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteScalarAsync(cancel) as string;
    }

    private async Task<IReadOnlyList<TimelinePoint>> PointsAsync(
        Period period,
        string interval,
        string currency,
        long? id,
        string? campaign,
        CancellationToken cancel
    )
    {
        var (used, refused) =
            id is null && campaign is null ? (_days.Used, _days.Refused) : (_days.UsedByCoupon, _days.RefusedByCoupon);
        var only =
            id is not null ? "and d.coupon_id = $6 and $7::text is null"
            : campaign is not null
                ? "and $6::bigint is null and d.coupon_id in (select c.id from coupons.coupon c where c.campaign_id = $7)"
            : "and $6::bigint is null and $7::text is null";
        await using var command = Command(
            $"""
            with used as (
                select date_trunc($5, d.day::timestamp)::date as at, sum(d.redemptions)::bigint as redemptions,
                    sum(d.rolled_back)::bigint as rolled_back,
                    coalesce(sum(d.revenue_minor) filter (where d.currency = $4), 0)::bigint as revenue,
                    coalesce(sum(d.discount_minor) filter (where d.currency = $4), 0)::bigint as discounts
                from {used} {only} group by 1
            ), refused as (
                select date_trunc($5, d.day::timestamp)::date as at, sum(d.refusals)::bigint as refusals
                from {refused} {only} group by 1
            ), axis as (
                select n::date as at from generate_series(date_trunc($5, $1::timestamp), $2::timestamp, ('1 ' || $5)::interval) n
            )
            select at, coalesce(redemptions, 0), coalesce(rolled_back, 0), coalesce(refusals, 0), coalesce(revenue, 0),
                coalesce(discounts, 0)
            from axis left join used using (at) left join refused using (at) order by at
            """,
            period
        );
        command.Parameters.Add(new() { Value = currency });
        command.Parameters.Add(new() { Value = interval });
        command.Parameters.Add(new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint });
        command.Parameters.Add(new() { Value = campaign ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        var points = new List<TimelinePoint>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            points.Add(
                new TimelinePoint(
                    Period.Text(row.GetFieldValue<DateOnly>(0)),
                    row.GetInt64(1),
                    row.GetInt64(2),
                    row.GetInt64(3),
                    Currencies.ToMajor(row.GetInt64(4), currency),
                    Currencies.ToMajor(row.GetInt64(5), currency)
                )
            );
        }

        return points;
    }

    private async Task<long> ScalarAsync(string sql, Period period, CancellationToken cancel)
    {
        await using var command = Command(sql, period);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    private NpgsqlCommand Command(string sql, Period period) => _days.Command(database, sql, period);

    private NpgsqlParameter Merchant() =>
        new() { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
