using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights;

/// <summary>The figures of one coupon (A.8): sums from the days, people from the redemptions themselves.</summary>
internal static class CouponFigures
{
    private const string Sql = $"""
        select c.code, c.internal_name, c.created_by, c.created_at, c.currency, {Coupons.Coupon.StatusSql},
            coalesce(d.redemptions, 0), coalesce(d.revenue, 0), coalesce(d.discounts, 0), coalesce(d.rolled_back, 0),
            p.people, p.repeated, p.completed, p.returned, coalesce(x.cost, 0), p.attended
        from coupons.coupon c
        cross join (select platform.clock() as now) k
        cross join lateral (
            select sum(redemptions)::bigint as redemptions, sum(rolled_back)::bigint as rolled_back,
                sum(revenue_minor) filter (where currency = c.currency)::bigint as revenue,
                sum(discount_minor) filter (where currency = c.currency)::bigint as discounts
            from insights.coupon_day where coupon_id = c.id) d
        cross join lateral (
            select count(*) as people, count(*) filter (where uses > 1) as repeated, coalesce(sum(completed), 0)::bigint as completed,
                coalesce(sum(attended), 0)::bigint as attended,
                count(*) filter (where exists (select from redemptions.redemption o where o.customer_id = by_person.customer_id
                    and o.decided_at > by_person.first_at and o.rolled_back_at is null)) as returned
            from (select customer_id, count(*) as uses, min(decided_at) as first_at,
                    count(*) filter (where booking_status = 'completed') as completed,
                    count(*) filter (where b.attended) as attended
                from redemptions.redemption r left join redemptions.booking b on b.redemption_id = r.id
                where coupon_id = c.id and rolled_back_at is null group by 1) by_person) p
        cross join lateral (
            -- What its campaign cost, by its share of the campaign's redemptions.
            select (sum(k.amount_minor) * coalesce(d.redemptions, 0) / nullif((
                select sum(o.redemptions) from coupons.coupon s join insights.coupon_day o on o.coupon_id = s.id
                where s.campaign_id = c.campaign_id), 0))::bigint as cost
            from campaigns.cost k where k.campaign_id = c.campaign_id and k.currency = c.currency) x
        where c.id = $1 and ($2::uuid is null or c.merchant_id = $2)
        """;

    public static async Task<CouponAnalytics?> ReadAsync(
        Database database,
        Guid? merchant,
        long id,
        CancellationToken cancel
    )
    {
        var reasons = await ReasonsAsync(database, id, cancel);
        await using var command = database.Source.CreateCommand(Sql);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Of(row, reasons) : null;
    }

    private static CouponAnalytics Of(NpgsqlDataReader row, IReadOnlyList<RefusalCount> reasons)
    {
        var currency = row.GetString(4);
        var (redeemed, failed) = (row.GetInt64(6), reasons.Sum(static r => r.Count));
        var standing = redeemed - row.GetInt64(9);
        var discounts = Currencies.ToMajor(row.GetInt64(8), currency);
        var people = row.GetInt64(10);
        var digits = Currencies.DigitsOf(currency);
        return new CouponAnalytics(
            new CouponFacts(
                row.GetString(0),
                row.GetString(1),
                row.GetString(2),
                row.GetFieldValue<DateTimeOffset>(3),
                Folded(row.GetString(5))
            ),
            new UsageStatistics(
                redeemed + failed,
                redeemed,
                failed,
                InsightReads.Share(redeemed, redeemed + failed),
                people,
                row.GetInt64(11)
            ),
            new FinancialImpact(
                currency,
                discounts,
                Currencies.ToMajor(row.GetInt64(7), currency),
                standing == 0 ? 0 : Math.Round(discounts / standing, digits, MidpointRounding.AwayFromZero),
                Marketing.CampaignReads.Roi(row.GetInt64(7), row.GetInt64(14))
            ),
            new ConversionAnalysis(
                row.GetInt64(12),
                row.GetInt64(15),
                row.GetInt64(12) == 0 ? null : InsightReads.Share(row.GetInt64(15), row.GetInt64(12)),
                people == 0 ? null : InsightReads.Share(row.GetInt64(13), people)
            ),
            new FraudIndicators(null, [], null, failed, reasons)
        );
    }

    /// <summary>Six statuses in three words .</summary>
    private static string Folded(string status) =>
        status switch
        {
            "expired" => "expired",
            "active" or "flagged" => "active",
            _ => "inactive",
        };

    private static async Task<IReadOnlyList<RefusalCount>> ReasonsAsync(
        Database database,
        long id,
        CancellationToken cancel
    )
    {
        await using var command = database.Source.CreateCommand(
            "select reason, sum(refusals)::bigint from insights.refusal_day where coupon_id = $1 group by 1 order by 2 desc, 1"
        );
        command.Parameters.Add(new() { Value = id });
        var reasons = new List<RefusalCount>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            reasons.Add(new RefusalCount(row.GetString(0), row.GetInt64(1)));
        }

        return reasons;
    }
}
