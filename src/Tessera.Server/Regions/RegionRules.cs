using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Regions;

/// <summary>
/// Which rule counts (AUD-05). Of a coupon it is that of its merchant's region, as that is where it is promised; of a unit
/// with a holder that of the holder's region. Whoever has no region is under the rule for all others.
/// </summary>
internal static class RegionRules
{
    /// <summary>The columns of a rule, of alias <c>r</c>, in the order <see cref="Read"/> takes them.</summary>
    public const string Columns =
        "r.id, r.coupon_minimum_days, r.coupon_may_shorten, r.coupon_shortening_days, r.coupon_notice_days";

    /// <summary>The region of the customer of alias <c>cu</c>, or else of the merchant of alias <c>m</c>.</summary>
    public const string PlaceOfUnit = "coalesce(cu.attributes ->> 'region', m.region)";

    /// <summary>The rule of a row; null where none counts.</summary>
    public static RegionRule? Read(NpgsqlDataReader row, int at) =>
        row.IsDBNull(at)
            ? null
            : new RegionRule(
                row.GetString(at),
                row.GetInt32(at + 1),
                row.GetBoolean(at + 2),
                row.GetInt32(at + 3),
                row.GetInt32(at + 4)
            );

    /// <summary>The rules of coupons.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="merchants">Of the coupons; null for all there are.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<CouponRegions> OfMerchantsAsync(
        UnitOfWork work,
        IEnumerable<Guid?>? merchants,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select null::uuid, {Columns} from regions.rule_of(null) r
            union all
            select m.id, {Columns} from access.merchant m cross join lateral regions.rule_of(m.region) r
            where m.region is not null and ($1 is null or m.id = any($1))
            """,
            new NpgsqlParameter
            {
                Value = merchants is null ? DBNull.Value : merchants.OfType<Guid>().Distinct().ToArray(),
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
            }
        );
        RegionRule? rest = null;
        var own = new Dictionary<Guid, RegionRule>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            if (rows.IsDBNull(0))
            {
                rest = Read(rows, 1);
            }
            else
            {
                own[rows.GetGuid(0)] = Read(rows, 1)!;
            }
        }

        return new CouponRegions(rest, own);
    }

    /// <summary>The rules of units that are issued to customers, each once.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="merchant">Of the coupon.</param>
    /// <param name="customers">Their holders; null for units without.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<IReadOnlyList<RegionRule>> OfIssueAsync(
        UnitOfWork work,
        Guid? merchant,
        IReadOnlyList<Guid>? customers,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select distinct {Columns} from unnest($2) w (id)
            left join access.customer cu on cu.id = w.id left join access.merchant m on m.id = $1
            cross join lateral regions.rule_of({PlaceOfUnit}) r order by r.id
            """,
            Id(merchant),
            new NpgsqlParameter<Guid?[]>
            {
                TypedValue = customers is null ? [null] : [.. customers.Select(c => (Guid?)c)],
            }
        );
        var rules = new List<RegionRule>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            rules.Add(Read(rows, 0)!);
        }

        return rules;
    }

    /// <summary>The rules that keep units from being ended at once, by id; units that may be are left out.</summary>
    /// <param name="work">The transaction that holds the units.</param>
    /// <param name="ends">Of the units: their key.</param>
    /// <param name="ids">Likewise.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<IReadOnlyDictionary<long, RegionRule>> AgainstEndingAsync(
        UnitOfWork work,
        IEnumerable<DateTimeOffset> ends,
        IEnumerable<long> ids,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select i.id, {Columns} from unnest($1::timestamptz[], $2::bigint[]) k (valid_until, id)
            join coupons.instance i on i.valid_until = k.valid_until and i.id = k.id
            left join access.customer cu on cu.id = i.customer_id left join access.merchant m on m.id = i.merchant_id
            cross join lateral regions.rule_of({PlaceOfUnit}) r
            where (not r.coupon_may_shorten or r.coupon_shortening_days > 0)
                and exists (select from regions.region where not coupon_may_shorten or coupon_shortening_days > 0)
            """,
            new NpgsqlParameter<DateTimeOffset[]>
            {
                TypedValue = [.. ends],
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
            },
            new NpgsqlParameter<long[]> { TypedValue = [.. ids] }
        );
        var rules = new Dictionary<long, RegionRule>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            rules[rows.GetInt64(0)] = Read(rows, 1)!;
        }

        return rules;
    }

    private static NpgsqlParameter Id(Guid? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}

/// <summary>The rules of the coupons of some merchants.</summary>
/// <param name="rest">Of those without a region.</param>
/// <param name="own">Of the others.</param>
internal sealed class CouponRegions(RegionRule? rest, IReadOnlyDictionary<Guid, RegionRule> own)
{
    /// <summary>Nothing is asked anywhere.</summary>
    public static CouponRegions None { get; } = new(null, new Dictionary<Guid, RegionRule>());

    /// <summary>The rule of the coupons of a merchant, or of the deployment; null where none counts.</summary>
    public RegionRule? Of(Guid? merchant) => merchant is { } id && own.TryGetValue(id, out var rule) ? rule : rest;
}
