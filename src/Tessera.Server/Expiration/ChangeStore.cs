using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>A unit as callers name it: by its coupon and its number.</summary>
internal readonly record struct UnitName(long CouponId, long Id);

/// <summary>The SQL of changes that were asked for, and of finding the units they name.</summary>
internal static class ChangeStore
{
    /// <summary>The ends that units of a coupon may have been given by extensions, whether or not they still have them.</summary>
    public static async Task<List<DateTimeOffset>> EndsAsync(UnitOfWork work, long coupon, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select distinct valid_until from expiration.change
            where action = 'extend' and done > 0 and coalesce((selection ->> 'coupon_id')::bigint, $1) = $1
            """,
            coupon
        );
        var ends = new List<DateTimeOffset>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            ends.Add(rows.GetFieldValue<DateTimeOffset>(0));
        }

        return ends;
    }

    /// <summary>Units whose life is over, by hand or by the clock, and that are not put away yet.</summary>
    public const string Over = """
        (state in ('expired', 'cancelled', 'revoked', 'refunded') or valid_until <= platform.clock()
            and state in ('issued', 'paid', 'extended', 'pending_expiration', 'redeemed'))
        """;

    /// <summary>Keeps what was asked for, and why.</summary>
    public static Task InsertAsync(
        UnitOfWork work,
        AskedChange asked,
        string selection,
        Guid? operation,
        Guid? approval,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            insert into expiration.change (id, action, valid_until, by_override, reason, selection, operation_id, approval_id, actor,
                merchant_id, created_at, undo_until)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, platform.clock(), case when $11 then platform.undo_until() end)
            """,
            [
                asked.Id,
                NameOf(asked.Change.Action),
                Nullable(asked.Change.ValidUntil, NpgsqlDbType.TimestampTz),
                asked.Change.ByOverride,
                asked.Reason,
                new NpgsqlParameter { Value = selection, NpgsqlDbType = NpgsqlDbType.Jsonb },
                Nullable(operation, NpgsqlDbType.Uuid),
                Nullable(approval, NpgsqlDbType.Uuid),
                asked.Actor,
                Nullable(asked.MerchantId, NpgsqlDbType.Uuid),
                asked.IsKept,
            ],
            cancel
        );

    /// <summary>Adds to what came of a change.</summary>
    public static Task CountAsync(UnitOfWork work, Guid id, long done, long refused, CancellationToken cancel) =>
        work.ExecuteAsync(
            "update expiration.change set done = done + $2, refused = refused + $3 where id = $1",
            [id, done, refused],
            cancel
        );

    /// <summary>A change as it was asked for.</summary>
    public static async Task<AskedChange?> FindAsync(
        UnitOfWork work,
        Guid id,
        string? requestId,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select action, valid_until, by_override, reason, actor, merchant_id, undo_until is not null
            from expiration.change where id = $1
            """,
            id
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new AskedChange(
                id,
                new UnitChange(ActionOf(row.GetString(0)), row.Value<DateTimeOffset>(1), row.GetBoolean(2)),
                row.GetString(3),
                row.GetString(4),
                requestId,
                row.Value<Guid>(5),
                row.GetBoolean(6)
            )
            : null;
    }

    /// <summary>The present keys of units the caller may see; those that are not found are left out.</summary>
    public static async Task<Dictionary<UnitName, UnitKey>> KeysAsync(
        UnitOfWork work,
        IReadOnlyCollection<UnitName> units,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select i.coupon_id, i.id, i.valid_until from unnest($1::bigint[], $2::bigint[]) u (coupon_id, id)
            join coupons.instance i on i.coupon_id = u.coupon_id and i.id = u.id
            where $3::uuid is null or exists (select from coupons.coupon c where c.id = i.coupon_id and c.merchant_id = $3)
            """,
            new NpgsqlParameter<long[]> { TypedValue = [.. units.Select(static u => u.CouponId)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. units.Select(static u => u.Id)] },
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var keys = new Dictionary<UnitName, UnitKey>();
        while (await rows.ReadAsync(cancel))
        {
            var id = rows.GetInt64(1);
            keys[new UnitName(rows.GetInt64(0), id)] = new UnitKey(rows.GetFieldValue<DateTimeOffset>(2), id);
        }

        return keys;
    }

    /// <summary>The units of codes in their normal form; codes of no unit are left out.</summary>
    public static async Task<Dictionary<string, UnitName>> NamesAsync(
        UnitOfWork work,
        IReadOnlyCollection<string> codes,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select m.code, m.coupon_id, m.instance_id from coupons.code m
            where m.code = any($1) and m.instance_id is not null
                and ($2::uuid is null or exists (select from coupons.coupon c where c.id = m.coupon_id and c.merchant_id = $2))
            """,
            codes.ToArray(),
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var names = new Dictionary<string, UnitName>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancel))
        {
            names[rows.GetString(0)] = new UnitName(rows.GetInt64(1), rows.GetInt64(2));
        }

        return names;
    }

    /// <summary>
    /// The next units of a coupon or campaign that may concern a change: not those that were
    /// used or called off, and not those that have the new end already.
    /// </summary>
    public static async Task<List<UnitKey>> NextAsync(
        UnitOfWork work,
        Scope scope,
        UnitKey after,
        AskedChange asked,
        int limit,
        CancellationToken cancel
    )
    {
        var live =
            asked.Change.Action == UnitAction.Archive ? Over
            : asked.Change.ByOverride
                ? "state in ('issued', 'paid', 'reserved', 'extended', 'pending_expiration', 'expired')"
            : "state in ('issued', 'paid', 'reserved', 'extended', 'pending_expiration') and valid_until > platform.clock()";
        // Each in the order of its index.
        var (place, order) = scope.CouponId is null
            ? ("campaign_id = $1 and valid_until >= $2 and (valid_until, id) > ($2, $3)", "valid_until, id")
            : ("coupon_id = $1 and id > $3 and $2::timestamptz is not null", "id");
        await using var query = work.Command(
            $"""
            select valid_until, id from coupons.instance i
            where {place}
                and {live} and valid_until is distinct from $4
                and ($5::uuid is null or exists (select from coupons.coupon c where c.id = i.coupon_id and c.merchant_id = $5))
            order by {order} limit {limit}
            """,
            scope.CouponId is { } coupon ? coupon : scope.CampaignId,
            after.EndsAt,
            after.Id,
            Nullable(asked.Change.ValidUntil, NpgsqlDbType.TimestampTz),
            Nullable(asked.MerchantId, NpgsqlDbType.Uuid)
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var keys = new List<UnitKey>(limit);
        while (await rows.ReadAsync(cancel))
        {
            keys.Add(new UnitKey(rows.GetFieldValue<DateTimeOffset>(0), rows.GetInt64(1)));
        }

        return keys;
    }

    /// <summary>How many units of a coupon or campaign a change may concern, and whether it is there and the caller's to see.</summary>
    public static async Task<long?> CountAsync(
        UnitOfWork work,
        Scope scope,
        UnitAction action,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        var concerned =
            action == UnitAction.Archive
                ? Over
                : "state in ('issued', 'paid', 'reserved', 'extended', 'pending_expiration')";
        await using var query = work.Command(
            $"""
            select (select count(*) from coupons.instance i where {(
                scope.CouponId is null ? "i.campaign_id" : "i.coupon_id"
            )} = $1 and {concerned})
            from {(scope.CouponId is null ? "campaigns.campaign" : "coupons.coupon")} o
            where o.id = $1 and o.deleted_at is null and ($2::uuid is null or o.merchant_id = $2)
            """,
            scope.CouponId is { } coupon ? coupon : scope.CampaignId,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        return (long?)await query.ExecuteScalarAsync(cancel);
    }

    /// <summary>The word of an action on the wire.</summary>
    public static string NameOf(UnitAction action) =>
        action switch
        {
            UnitAction.Extend => "extend",
            UnitAction.Expire => "expire",
            UnitAction.Archive => "archive",
            UnitAction.Refund => "refund",
            _ => "cancel",
        };

    /// <summary>The action of a word.</summary>
    public static UnitAction ActionOf(string name) =>
        name switch
        {
            "extend" => UnitAction.Extend,
            "expire" => UnitAction.Expire,
            "archive" => UnitAction.Archive,
            "refund" => UnitAction.Refund,
            _ => UnitAction.Cancel,
        };

    internal static NpgsqlParameter Nullable<T>(T? value, NpgsqlDbType type)
        where T : struct => new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = type };
}

/// <summary>All units of a coupon, or of a campaign.</summary>
internal sealed record Scope(long? CouponId, string? CampaignId);
