using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Server.Approvals;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Operations;

/// <summary>A unit, under its lock where it is to be changed.</summary>
/// <param name="CouponId">Of the definition.</param>
/// <param name="InstanceId">Its id.</param>
/// <param name="Code">Its own; null for a unit of a shared code.</param>
/// <param name="Channel">Where it was given out.</param>
/// <param name="State">As stored.</param>
/// <param name="Prior">Where an undone redemption leads back to.</param>
/// <param name="CustomerId">The holder.</param>
/// <param name="MerchantId">Who offers it.</param>
/// <param name="CampaignId">Its campaign.</param>
/// <param name="ValidFrom">First instant.</param>
/// <param name="ValidUntil">First instant after it.</param>
/// <param name="Version">Counts its transitions.</param>
/// <param name="CouponVersion">Of the definition.</param>
/// <param name="PerCustomer">Uses a customer may have of the coupon.</param>
/// <param name="Total">Uses the coupon may have; null for any number.</param>
/// <param name="Standing">The redemption that stands.</param>
internal sealed record OverriddenInstance(
    long CouponId,
    long InstanceId,
    string? Code,
    string? Channel,
    InstanceState State,
    InstanceState? Prior,
    Guid? CustomerId,
    Guid? MerchantId,
    string? CampaignId,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    long Version,
    long CouponVersion,
    int PerCustomer,
    int? Total,
    StandingRedemption? Standing
);

/// <summary>Who overrides, and what of: named in the rows and events it leaves.</summary>
/// <param name="Id">Of the redemption or rollback it makes.</param>
/// <param name="ApprovalId">What allowed it; null for an undo.</param>
/// <param name="RequestedBy">Who asked.</param>
/// <param name="Actor">Who let it happen.</param>
/// <param name="ClientId">Their account or key.</param>
/// <param name="RequestId">Of the request.</param>
/// <param name="Plan">The change of many units it is part of.</param>
/// <param name="IsUndo">Whether it takes that change back.</param>
internal sealed record OverrideDeed(
    Guid Id,
    Guid? ApprovalId,
    string RequestedBy,
    string Actor,
    Guid ClientId,
    string RequestId,
    Guid? Plan = null,
    bool IsUndo = false
)
{
    /// <summary>Of one unit.</summary>
    public static OverrideDeed Of(ApprovedAction action) =>
        new(
            action.Id,
            action.Id,
            action.RequestedBy,
            action.ExecutedBy.Actor,
            action.ExecutedBy.ClientId,
            action.CorrelationId
        );

    /// <summary>What an event of it says, after what happened.</summary>
    public string Payload(params ReadOnlySpan<(string, object?)> facts) =>
        Plan is { } plan
            ? EventLog.Payload([.. facts, ("approval_id", ApprovalId), (IsUndo ? "undo_of" : "bulk_id", plan)])
            : EventLog.Payload([.. facts, ("approval_id", ApprovalId)]);
}

/// <summary>A redemption that stands.</summary>
internal sealed record StandingRedemption(Guid Id, bool ByShared, long OrderMinor, long DiscountMinor, string Currency);

/// <summary>The SQL of the units that are overridden: read, locked, and set, with the event.</summary>
internal static class OverriddenUnits
{
    /// <summary>Reads a unit under its lock.</summary>
    public static async Task<OverriddenInstance?> HoldAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        CancellationToken cancel
    )
    {
        // What the clock has ended is written down first: the override goes on from there, in the row and in the log.
        await EndedUnits.WriteDownAsync(work, [(wanted.CouponId, wanted.InstanceId)], cancel);
        return await ReadAsync(work, [(wanted.CouponId, wanted.InstanceId)], hold: true, cancel) is [{ } held]
            ? held
            : null;
    }

    /// <summary>Reads units in the order in which they are locked; those that are not there are left out.</summary>
    public static async Task<IReadOnlyList<OverriddenInstance>> ReadAsync(
        UnitOfWork work,
        IReadOnlyCollection<(long CouponId, long Id)> units,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            select i.state, i.prior_state, i.customer_id, c.merchant_id, c.campaign_id, i.valid_from, i.valid_until,
                i.version, c.version, c.max_uses_per_user, r.id, r.by_shared_code, r.order_minor, r.discount_minor, r.currency,
                c.max_uses_total, i.coupon_id, i.id, i.code, i.channel
            from unnest($1::bigint[], $2::bigint[]) k (coupon_id, id)
            join coupons.instance i on i.coupon_id = k.coupon_id and i.id = k.id
            join coupons.coupon c on c.id = i.coupon_id
            left join redemptions.redemption r on r.instance_id = i.id and r.rolled_back_at is null
            order by i.valid_until, i.id {(hold ? "for no key update of i" : "")}
            """,
            new NpgsqlParameter<long[]> { TypedValue = [.. units.Select(static u => u.CouponId)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. units.Select(static u => u.Id)] }
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        var read = new List<OverriddenInstance>(units.Count);
        while (await row.ReadAsync(cancel))
        {
            read.Add(Read(row));
        }

        return read;
    }

    /// <summary>Sets the state, with its event.</summary>
    public static async Task SetStateAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        OverriddenInstance held,
        OverrideDeed deed,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            update coupons.instance set state = $3, version = version + 1,
                prior_state = case when $3 = 'redeemed' then $4 end,
                customer_id = coalesce(customer_id, $5)
            where id = $1 and valid_until = $2
            """,
            [wanted.InstanceId, held.ValidUntil, wanted.To, held.State.Name(), Nullable(wanted.Redemption?.CustomerId)],
            cancel
        );
        var entry = new EventEntry(
            "instance",
            wanted.InstanceId.ToString(CultureInfo.InvariantCulture),
            "coupon.state_changed",
            held.Version + 1,
            deed.Actor,
            deed.Payload(
                ("from", held.State.Name()),
                ("to", wanted.To),
                ("cause", "override"),
                ("override", wanted.Cause),
                ("coupon_id", wanted.CouponId),
                ("requested_by", deed.RequestedBy)
            ),
            deed.RequestId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }

    private static OverriddenInstance Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(16),
            row.GetInt64(17),
            row.Object<string>(18),
            row.Object<string>(19),
            InstanceStates.Parse(row.GetString(0)),
            row.Object<string>(1) is { } prior ? InstanceStates.Parse(prior) : null,
            row.Value<Guid>(2),
            row.Value<Guid>(3),
            row.Object<string>(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetInt64(7),
            row.GetInt64(8),
            row.GetInt32(9),
            row.Value<int>(15),
            row.Value<Guid>(10) is { } id
                ? new StandingRedemption(id, row.GetBoolean(11), row.GetInt64(12), row.GetInt64(13), row.GetString(14))
                : null
        );

    private static NpgsqlParameter Nullable(Guid? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
