using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Redemptions;

namespace Tessera.Server.Insights.Marketing;

/// <summary>
/// Who gets a redemption and its revenue (CMP-04). Last touch: the coupon it used. First touch: the coupon of its
/// customer's first redemption that stands. Both divide the same redemptions.
/// </summary>
internal sealed class AttributionReads(Database database, Guid? merchant)
{
    private const int MostRows = 100;

    /// <summary>By what redemptions can be divided: key and name, of a coupon <c>c</c> and its campaign <c>k</c>.</summary>
    private static readonly Dictionary<string, (string Key, string Name)> Sides = new(StringComparer.Ordinal)
    {
        ["campaign"] = ("coalesce(k.id, '')", "coalesce(k.name, '')"),
        ["coupon"] = ("c.id::text", "c.code"),
        ["marketing_channel"] = (Touches.MarketingChannel("k"), "''"),
        ["utm_source"] = (Touches.UtmSource("c", "k"), "''"),
    };

    /// <summary>The words of <c>by</c>, campaign first.</summary>
    public static IReadOnlyList<string> Words { get; } = [.. Sides.Keys];

    public async Task<AttributionTable> ReadAsync(Period period, string by, string? wanted, CancellationToken cancel)
    {
        var currency = wanted ?? await MostUsedAsync(period, cancel);
        var (key, name) = Sides[by];
        await using var command = database.Source.CreateCommand(
            $"""
            with used as materialized (
                select r.customer_id, r.coupon_id, count(*) as uses,
                    sum(case when r.currency = $4 then r.revenue_minor else 0 end)::bigint as revenue,
                    sum(case when r.currency = $4 then r.discount_minor else 0 end)::bigint as discounts
                from coupons.coupon c join redemptions.standing r on r.coupon_id = c.id
                where ($3::uuid is null or c.merchant_id = $3)
                    and r.decided_at >= ($1::date::timestamp at time zone 'UTC')
                    and r.decided_at < (($2::date + 1)::timestamp at time zone 'UTC')
                group by 1, 2
            ), person as materialized (
                select customer_id, sum(uses) as uses, sum(revenue) as revenue, sum(discounts) as discounts from used group by 1
            ), credit as (
                select coupon_id, sum(uses) as last_uses, sum(revenue) as last_revenue, sum(discounts) as last_discounts,
                    0 as first_uses, 0 as first_revenue, 0 as first_discounts
                from used group by 1
                union all
                select f.coupon_id, 0, 0, 0, sum(p.uses), sum(p.revenue), sum(p.discounts)
                from person p cross join lateral ({Touches.First("p.customer_id", "$3")}) f
                group by 1
            )
            select {key}, {name}, sum(last_uses)::bigint, sum(last_revenue)::bigint, sum(last_discounts)::bigint,
                sum(first_uses)::bigint, sum(first_revenue)::bigint, sum(first_discounts)::bigint
            from credit join coupons.coupon c on c.id = credit.coupon_id
            left join campaigns.campaign k on k.id = c.campaign_id and k.deleted_at is null
            group by 1, 2 order by 4 desc, 3 desc, 1 limit {MostRows}
            """
        );
        Bind(command, period);
        command.Parameters.Add(new() { Value = currency });
        var rows = new List<AttributionRow>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            rows.Add(
                new AttributionRow(
                    row.GetString(0),
                    row.GetString(1),
                    CreditOf(row, 2, currency),
                    CreditOf(row, 5, currency)
                )
            );
        }

        return new AttributionTable(by, currency, Period.Text(period.From), Period.Text(period.To), rows);
    }

    /// <summary>Who gets one redemption; null for one the caller may not see.</summary>
    public async Task<RedemptionAttribution?> OfRedemptionAsync(Guid id, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            """
            select r.order_reference, t.place, t.coupon_id, c.code, k.id, k.name, k.marketing_channel,
                coalesce(nullif(a.utm_source, ''), nullif(c.utm_source, ''), nullif(k.utm_source, '')), t.at
            from redemptions.redemption r
            join coupons.coupon own on own.id = r.coupon_id and ($1::uuid is null or own.merchant_id = $1)
            cross join lateral (
                select 1 as place, r.id, r.coupon_id, r.decided_at as at
                union all
                (select 2, o.id, o.coupon_id, o.decided_at from redemptions.redemption o
                join coupons.coupon oc on oc.id = o.coupon_id and ($1::uuid is null or oc.merchant_id = $1)
                where o.customer_id = r.customer_id and (o.rolled_back_at is null or o.id = r.id)
                order by o.decided_at, o.id limit 1)) t
            join coupons.coupon c on c.id = t.coupon_id
            left join campaigns.campaign k on k.id = c.campaign_id and k.deleted_at is null
            left join redemptions.arrival a on a.attempt_id = t.id
            where r.id = $2 order by t.place
            """
        );
        command.Parameters.Add(Merchant());
        command.Parameters.Add(new() { Value = id });
        var touches = new List<Touch>();
        var order = "";
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            order = row.GetString(0);
            touches.Add(
                new Touch(
                    row.GetInt64(2),
                    row.GetString(3),
                    row.Object<string>(4),
                    row.Object<string>(5),
                    row.Object<string>(6),
                    row.Object<string>(7),
                    row.GetFieldValue<DateTimeOffset>(8)
                )
            );
        }

        return touches is [var last, var first] ? new RedemptionAttribution(id, order, last, first) : null;
    }

    private static Credit CreditOf(NpgsqlDataReader row, int at, string currency) =>
        new(
            row.GetInt64(at),
            Currencies.ToMajor(row.GetInt64(at + 1), currency),
            Currencies.ToMajor(row.GetInt64(at + 2), currency)
        );

    private async Task<string> MostUsedAsync(Period period, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            """
            select d.currency from insights.coupon_day d join coupons.coupon c on c.id = d.coupon_id
            where d.day between $1 and $2 and ($3::uuid is null or c.merchant_id = $3)
            group by 1 order by sum(d.redemptions) desc, 1 limit 1
            """
        );
        Bind(command, period);
        return await command.ExecuteScalarAsync(cancel) as string ?? "USD";
    }

    private void Bind(NpgsqlCommand command, Period period)
    {
        command.Parameters.Add(new() { Value = period.From });
        command.Parameters.Add(new() { Value = period.To });
        command.Parameters.Add(Merchant());
    }

    private NpgsqlParameter Merchant() =>
        new() { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
