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

    /// <summary>Days of the period and of coupons the caller may see; $1 from, $2 to, $3 merchant.</summary>
    private const string Days = """
        insights.coupon_day d join coupons.coupon c on c.id = d.coupon_id
        where d.day between $1 and $2 and ($3::uuid is null or c.merchant_id = $3)
        """;

    private const string Refused = """
        insights.refusal_day d left join coupons.coupon c on c.id = d.coupon_id
        where d.day between $1 and $2 and ($3::uuid is null or c.merchant_id = $3)
        """;

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
        var (redemptions, revenue, discounts) = await SumAsync(period, currency, cancel);
        var (before, _, _) = await SumAsync(period.Before, currency, cancel);
        var refusals = await ScalarAsync($"select coalesce(sum(d.refusals), 0)::bigint from {Refused}", period, cancel);
        var today = await TodayAsync(cancel);
        var now = new Period(today, today);
        var overview = new SummaryOverview(
            await ActiveAsync(cancel),
            await ScalarAsync($"select coalesce(sum(d.redemptions), 0)::bigint from {Days}", now, cancel),
            Currencies.ToMajor(revenue, currency),
            Share(redemptions, redemptions + refusals),
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
        CancellationToken cancel
    )
    {
        var currency = wanted ?? MostUsed(await CurrenciesAsync(period, cancel));
        var lines = ids.Count == 0 ? [null] : ids.Select(static id => (long?)id).ToArray();
        var series = new List<TimelineSeries>();
        foreach (var id in lines)
        {
            if (await CodeAsync(id, cancel) is { } code)
            {
                var points = await PointsAsync(period, interval, currency, id, cancel);
                series.Add(new TimelineSeries(id, id is null ? null : code, points));
            }
        }

        return new Timeline(interval, currency, series);
    }

    public async Task<Breakdown> BreakdownAsync(Period period, string by, string? wanted, CancellationToken cancel)
    {
        var currency = wanted ?? MostUsed(await CurrenciesAsync(period, cancel));
        // From a closed list of words; never the caller's own.
        var key = by switch
        {
            "channel" => "d.channel",
            "applicable_to" => "c.applicable_to",
            _ => "c.discount_type",
        };
        await using var command = Command(
            $"""
            select {key}, sum(d.redemptions)::bigint, sum(d.revenue_minor)::bigint, sum(d.discount_minor)::bigint
            from {Days} and d.currency = $4 group by 1 order by 2 desc, 1 limit 50
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

    private static string MostUsed(IReadOnlyList<string> currencies) => currencies is [var first, ..] ? first : "USD";

    private static string Trend(long now, long before) =>
        Math.Abs(now - before) * 20 <= before ? "stable"
        : now > before ? "up"
        : "down";

    /// <summary>Most redemptions first.</summary>
    private async Task<IReadOnlyList<string>> CurrenciesAsync(Period period, CancellationToken cancel)
    {
        await using var command = Command(
            $"select d.currency from {Days} group by 1 order by sum(d.redemptions) desc, 1",
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
    private async Task<(long Redemptions, long Revenue, long Discounts)> SumAsync(
        Period period,
        string currency,
        CancellationToken cancel
    )
    {
        await using var command = Command(
            $"""
            select coalesce(sum(d.redemptions), 0)::bigint,
                coalesce(sum(d.revenue_minor) filter (where d.currency = $4), 0)::bigint,
                coalesce(sum(d.discount_minor) filter (where d.currency = $4), 0)::bigint
            from {Days}
            """,
            period
        );
        command.Parameters.Add(new() { Value = currency });
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2));
    }

    private async Task<long> ActiveAsync(CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            $"""
            select count(*) from coupons.coupon c cross join (select platform.clock() as now) k
            where c.deleted_at is null and c.is_active and c.valid_from <= k.now
                and ($1::uuid is null or c.merchant_id = $1) and {Coupons.Coupon.StatusSql} = 'active'
            """
        );
        command.Parameters.Add(Merchant());
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    private async Task<IReadOnlyList<TopPerformer>> PerformersAsync(
        Period period,
        string currency,
        CancellationToken cancel
    )
    {
        await using var command = Command(
            $"""
            with best as (
                select c.id, c.code, sum(d.redemptions)::bigint as redemptions,
                    coalesce(sum(d.revenue_minor) filter (where d.currency = $4), 0)::bigint as revenue
                from {Days} and c.deleted_at is null group by 1, 2 order by 3 desc, 1 limit $5
            )
            select b.id, b.code, b.redemptions, b.revenue, coalesce((select sum(r.refusals) from insights.refusal_day r
                where r.coupon_id = b.id and r.day between $1 and $2), 0)::bigint
            from best b order by b.redemptions desc, b.id
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
            var share = Share(redemptions, redemptions + row.GetInt64(4));
            best.Add(new TopPerformer(row.GetInt64(0), row.GetString(1), redemptions, revenue, share));
        }

        return best;
    }

    /// <summary>The latest redemptions, found through the log: it is in order of time, redemptions are by coupon.</summary>
    private async Task<IReadOnlyList<RecentUse>> RecentAsync(CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            """
            select r.id, r.decided_at, c.code, r.customer_id, r.discount_minor, r.currency, r.booking_status
            from (select id from redemptions.redemption order by id desc limit 500) latest
            join redemptions.redemption r on r.id = latest.id
            join coupons.coupon c on c.id = r.coupon_id
            where r.rolled_back_at is null and ($1::uuid is null or c.merchant_id = $1)
            order by r.decided_at desc, r.id desc limit $2
            """
        );
        command.Parameters.Add(Merchant());
        command.Parameters.Add(new() { Value = Recent });
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

    /// <summary>The code of a coupon the caller may see; empty for all coupons; null for one that is not theirs.</summary>
    private async Task<string?> CodeAsync(long? id, CancellationToken cancel)
    {
        if (id is null)
        {
            return "";
        }

        await using var command = database.Source.CreateCommand(
            "select c.code from coupons.coupon c where c.id = $2 and ($1::uuid is null or c.merchant_id = $1)"
        );
        command.Parameters.Add(Merchant());
        command.Parameters.Add(new() { Value = id });
        return await command.ExecuteScalarAsync(cancel) as string;
    }

    private async Task<IReadOnlyList<TimelinePoint>> PointsAsync(
        Period period,
        string interval,
        string currency,
        long? id,
        CancellationToken cancel
    )
    {
        await using var command = Command(
            $"""
            with used as (
                select date_trunc($5, d.day::timestamp)::date as at, sum(d.redemptions)::bigint as redemptions,
                    sum(d.rolled_back)::bigint as rolled_back,
                    coalesce(sum(d.revenue_minor) filter (where d.currency = $4), 0)::bigint as revenue,
                    coalesce(sum(d.discount_minor) filter (where d.currency = $4), 0)::bigint as discounts
                from {Days} and ($6::bigint is null or d.coupon_id = $6) group by 1
            ), refused as (
                select date_trunc($5, d.day::timestamp)::date as at, sum(d.refusals)::bigint as refusals
                from {Refused} and ($6::bigint is null or d.coupon_id = $6) group by 1
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

    private NpgsqlCommand Command(string sql, Period period)
    {
        var command = database.Source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = period.From });
        command.Parameters.Add(new() { Value = period.To });
        command.Parameters.Add(Merchant());
        return command;
    }

    private NpgsqlParameter Merchant() =>
        new() { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
