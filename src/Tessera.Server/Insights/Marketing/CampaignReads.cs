using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Insights.Marketing;

/// <summary>Figures of campaigns out of the rollups, of one merchant's campaigns or of all.</summary>
internal sealed class CampaignReads(Database database, Guid? merchant)
{
    private const int MostRows = 200;

    /// <summary>$1 first day, $2 last day, $3 merchant, $4 ids or null.</summary>
    private const string Campaigns = """
        campaigns.campaign k where k.deleted_at is null and ($3::uuid is null or k.merchant_id = $3)
            and ($4::text[] is null or k.id = any($4))
        """;

    public async Task<CampaignComparison> CompareAsync(
        Period? period,
        string? wanted,
        IReadOnlyList<string>? ids,
        CancellationToken cancel
    )
    {
        var currencies = await CurrenciesAsync(period, ids, cancel);
        var currency = wanted ?? (currencies is [var most, ..] ? most : "USD");
        await using var command = Command(
            $"""
            with chosen as materialized (
                select k.id, k.name, k.start_at, k.end_at from {Campaigns}
            ), member as materialized (
                select c.id, c.campaign_id, c.deleted_at from coupons.coupon c join chosen on chosen.id = c.campaign_id
            ), used as (
                select m.campaign_id, sum(d.redemptions)::bigint as redemptions, sum(d.rolled_back)::bigint as rolled_back,
                    sum(d.returned)::bigint as returned,
                    coalesce(sum(d.revenue_minor) filter (where d.currency = $5), 0)::bigint as revenue,
                    coalesce(sum(d.discount_minor) filter (where d.currency = $5), 0)::bigint as discounts
                from member m join insights.coupon_day d on d.coupon_id = m.id and d.day between $1 and $2 group by 1
            ), refused as (
                select m.campaign_id, sum(d.refusals)::bigint as refusals
                from member m join insights.refusal_day d on d.coupon_id = m.id and d.day between $1 and $2 group by 1
            ), held as (
                select campaign_id, count(*) filter (where deleted_at is null) as coupons from member group by 1
            ), paid as (
                select x.campaign_id, sum(x.amount_minor)::bigint as cost from campaigns.cost x join chosen on chosen.id = x.campaign_id
                where x.currency = $5 and x.day between $1 and $2 group by 1
            )
            select c.id, c.name, case when c.end_at <= platform.clock() then 'ended'
                    when c.start_at > platform.clock() then 'scheduled' else 'active' end,
                coalesce(held.coupons, 0), coalesce(redemptions, 0), coalesce(rolled_back, 0), coalesce(refusals, 0),
                coalesce(revenue, 0), coalesce(discounts, 0), coalesce(cost, 0), coalesce(returned, 0)
            from chosen c left join used on used.campaign_id = c.id left join refused on refused.campaign_id = c.id
                left join held on held.campaign_id = c.id left join paid on paid.campaign_id = c.id
            order by coalesce(revenue, 0) desc, c.start_at desc, c.id limit {MostRows}
            """,
            period,
            ids
        );
        command.Parameters.Add(new() { Value = currency });
        var rows = new List<CampaignFigures>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            rows.Add(Of(row, currency));
        }

        return new CampaignComparison(
            currency,
            currencies,
            period is null ? null : Period.Text(period.From),
            period is null ? null : Period.Text(period.To),
            rows
        );
    }

    private static CampaignFigures Of(NpgsqlDataReader row, string currency)
    {
        var (redemptions, rolledBack, refusals) = (row.GetInt64(4), row.GetInt64(5), row.GetInt64(6));
        var standing = redemptions - rolledBack;
        var (revenue, discounts, cost) = (row.GetInt64(7), row.GetInt64(8), row.GetInt64(9));
        return new CampaignFigures(
            row.GetString(0),
            row.GetString(1),
            row.GetString(2),
            row.GetInt64(3),
            redemptions,
            rolledBack,
            refusals,
            Currencies.ToMajor(revenue, currency),
            Currencies.ToMajor(discounts, currency),
            Currencies.ToMajor(cost, currency),
            standing == 0 ? null : Each(discounts + cost, standing, currency),
            InsightReads.Conversion(redemptions, row.GetInt64(10), refusals),
            Roi(revenue, cost)
        );
    }

    /// <summary>What came back for what was spent; null while nothing was.</summary>
    internal static decimal? Roi(long revenue, long cost) =>
        cost == 0 ? null : Math.Round((decimal)(revenue - cost) / cost, 4);

    private static decimal Each(long minor, long uses, string currency) =>
        Math.Round(
            Currencies.ToMajor(minor, currency) / uses,
            Currencies.DigitsOf(currency),
            MidpointRounding.AwayFromZero
        );

    /// <summary>Most redemptions first.</summary>
    private async Task<IReadOnlyList<string>> CurrenciesAsync(
        Period? period,
        IReadOnlyList<string>? ids,
        CancellationToken cancel
    )
    {
        await using var command = Command(
            $"""
            select d.currency from insights.coupon_day d join coupons.coupon c on c.id = d.coupon_id
            where d.day between $1 and $2 and c.campaign_id in (select k.id from {Campaigns})
            group by 1 order by sum(d.redemptions) desc, 1
            """,
            period,
            ids
        );
        var found = new List<string>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            found.Add(row.GetString(0));
        }

        return found;
    }

    private NpgsqlCommand Command(string sql, Period? period, IReadOnlyList<string>? ids)
    {
        var command = database.Source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = period?.From ?? new DateOnly(1900, 1, 1) });
        command.Parameters.Add(new() { Value = period?.To ?? new DateOnly(9999, 1, 1) });
        command.Parameters.Add(new() { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
        command.Parameters.Add(
            new()
            {
                Value = ids?.ToArray() ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
            }
        );
        return command;
    }
}
