using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>Which coupon stands in for which when it is exhausted or not eligible (CMP-01).</summary>
internal static class Fallbacks
{
    /// <summary>
    /// The id of the coupon that stands in for the one of alias <c>c</c>: the one it names, else the oldest of its campaign
    /// with the role fallback. Null for a coupon that stands in itself.
    /// </summary>
    public const string IdSql = """
        coalesce(
            (select k.fallback_id from coupons.fallback k where k.coupon_id = c.id),
            case when c.campaign_role in ('primary', 'secondary') then
                (select r.id from coupons.coupon r where r.campaign_id = c.campaign_id and r.campaign_role = 'fallback'
                    and r.deleted_at is null order by r.id limit 1) end)
        """;

    /// <summary>
    /// Joins that coupon as <c>f</c> to the code <c>m</c> of coupon <c>c</c>. A unit has a state of its own and would stand
    /// unused beside what is used in its stead, so units have none; and what has changed since it was named is looked at anew.
    /// </summary>
    public const string JoinSql = $"""
        left join coupons.coupon f on f.id = case when m.instance_id is null then {IdSql} end and f.code_kind = 'shared'
            and f.deleted_at is null and f.merchant_id is not distinct from c.merchant_id
        """;

    /// <summary>The coupons of codes (<c>$1</c>) and what stands in for each: <c>code</c>, <c>coupon_id</c>, <c>stands_in</c>.</summary>
    public const string OfCodesSql = $"""
        select m.code, v.coupon_id, v.stands_in
        from coupons.code m
        join coupons.coupon c on c.id = m.coupon_id
        {JoinSql}
        cross join lateral (values (c.id, false), (f.id, true)) v (coupon_id, stands_in)
        where m.code = any($1) and v.coupon_id is not null
        """;

    private static readonly FieldError Unknown = Error("unknown_coupon", "There is no such coupon of this merchant.");
    private static readonly FieldError Itself = Error("is_itself", "A coupon cannot stand in for itself.");
    private static readonly FieldError NotShared = Error(
        "needs_shared_code",
        "Both coupons need a shared code: a unit would stand unused beside what is used in its stead."
    );
    private static readonly FieldError OtherCurrency = Error(
        "wrong_currency",
        "An amount never crosses into another currency."
    );
    private static readonly FieldError Chained = Error(
        "has_fallback",
        "That coupon has one that stands in for it, and there are no chains."
    );
    private static readonly FieldError StandsIn = Error(
        "is_fallback",
        "This coupon stands in for another, and there are no chains."
    );

    /// <summary>What stands in for a coupon.</summary>
    /// <returns>Its id and whether it was named; null for none.</returns>
    public static async Task<(long Id, bool IsNamed)?> FindAsync(UnitOfWork work, long coupon, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"""
            select {IdSql}, exists (select from coupons.fallback k where k.coupon_id = c.id)
            from coupons.coupon c where c.id = $1
            """,
            coupon
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) && !row.IsDBNull(0) ? (row.GetInt64(0), row.GetBoolean(1)) : null;
    }

    /// <summary>Whether a coupon may stand in for another. Both are locked, so that no chain is made meanwhile.</summary>
    /// <returns>All that is in the way.</returns>
    public static async Task<List<FieldError>> CheckAsync(
        UnitOfWork work,
        Coupon coupon,
        Coupon? fallback,
        CancellationToken cancel
    )
    {
        if (fallback is null || fallback.MerchantId != coupon.MerchantId)
        {
            return [Unknown];
        }

        if (fallback.Id == coupon.Id)
        {
            return [Itself];
        }

        var errors = new List<FieldError>();
        if (coupon.CodeKind != "shared" || fallback.CodeKind != "shared")
        {
            errors.Add(NotShared);
        }

        if (coupon.Currency != fallback.Currency)
        {
            errors.Add(OtherCurrency);
        }

        if (await FindAsync(work, fallback.Id, cancel) is { IsNamed: true })
        {
            errors.Add(Chained);
        }

        if (coupon.CampaignRole == "fallback" || await IsNamedAsync(work, coupon.Id, cancel))
        {
            errors.Add(StandsIn);
        }

        return errors;
    }

    /// <summary>Names what stands in for a locked coupon, or nothing; a new version of the coupon, with its event.</summary>
    /// <returns>False when it is so already.</returns>
    public static async Task<bool> SetAsync(
        UnitOfWork work,
        Coupon coupon,
        long? fallback,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var now = await work.ClockAsync(cancel);
        var before = await FindAsync(work, coupon.Id, cancel) is { IsNamed: true } named ? named.Id : (long?)null;
        if (before == fallback)
        {
            return false;
        }

        await work.ExecuteAsync("delete from coupons.fallback where coupon_id = $1", [coupon.Id], cancel);
        if (fallback is { } id)
        {
            await work.ExecuteAsync("insert into coupons.fallback values ($1, $2)", [coupon.Id, id], cancel);
        }

        await work.ExecuteAsync(
            "update coupons.coupon set version = version + 1, updated_at = $2 where id = $1",
            [coupon.Id, now],
            cancel
        );
        await EventLog.AppendAsync(
            work,
            now,
            [
                new EventEntry(
                    "coupon",
                    coupon.Id.ToString(CultureInfo.InvariantCulture),
                    "coupon.fallback_changed",
                    coupon.Version + 1,
                    actor.Actor,
                    EventLog.Payload(("before", before), ("after", fallback)),
                    actor.RequestId
                ),
            ],
            cancel
        );
        return true;
    }

    private static async Task<bool> IsNamedAsync(UnitOfWork work, long coupon, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select exists (select from coupons.fallback where fallback_id = $1)",
            new NpgsqlParameter { Value = coupon, NpgsqlDbType = NpgsqlDbType.Bigint }
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    private static FieldError Error(string code, string message) =>
        new("fallback_coupon_id", "#/fallback_coupon_id", code, message);
}
