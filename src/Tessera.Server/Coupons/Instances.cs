using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons;

/// <summary>A unit as staff sees it.</summary>
/// <param name="Id">A number.</param>
/// <param name="CouponId">Its definition.</param>
/// <param name="Code">Its own code, masked unless the caller may issue codes; null for a unit of a shared code.</param>
/// <param name="State">One of A.18; a hold that has lapsed counts no more.</param>
/// <param name="CustomerId">Its holder; null for nobody yet.</param>
/// <param name="MerchantId">Who offers it.</param>
/// <param name="CampaignId">Its campaign.</param>
/// <param name="Channel">Where it was given out.</param>
/// <param name="ValidFrom">First instant.</param>
/// <param name="ValidUntil">First instant after its validity; null for no end.</param>
/// <param name="ReservationId">The hold on it.</param>
/// <param name="ReservedUntil">When the hold lapses.</param>
/// <param name="Version">Counts its transitions.</param>
internal sealed record Instance(
    long Id,
    long CouponId,
    string? Code,
    string State,
    Guid? CustomerId,
    Guid? MerchantId,
    string? CampaignId,
    string? Channel,
    DateTimeOffset ValidFrom,
    DateTimeOffset ValidUntil,
    Guid? ReservationId,
    DateTimeOffset? ReservedUntil,
    long Version
)
{
    private const int ShownOfCode = 4;

    /// <summary>
    /// The state as it is shown, of alias <c>i</c>: a hold that has lapsed counts no more, and what is past its end has
    /// expired, whether or not the sweep has told so.
    /// </summary>
    public const string StateSql = """
        case when i.state in ('issued', 'paid', 'reserved', 'extended', 'pending_expiration')
                and i.valid_until <= platform.clock() then 'expired'
            when i.state = 'reserved' and i.reserved_until <= platform.clock() then i.prior_state else i.state end
        """;

    /// <summary>The columns <see cref="Read"/> takes, of alias <c>i</c>.</summary>
    public const string Columns = $"""
        i.id, i.coupon_id, i.code, {StateSql},
        i.customer_id, i.merchant_id, i.campaign_id, i.channel, i.valid_from, i.valid_until,
        case when i.reserved_until > platform.clock() then i.reservation_id end,
        case when i.reserved_until > platform.clock() then i.reserved_until end, i.version
        """;

    public static Instance Read(NpgsqlDataReader row, bool withCode)
    {
        var code = row.Object<string>(2);
        return new Instance(
            row.GetInt64(0),
            row.GetInt64(1),
            code is null || withCode ? code : code[..Math.Min(ShownOfCode, code.Length)] + "…",
            row.GetString(3),
            row.Value<Guid>(4),
            row.Value<Guid>(5),
            row.Object<string>(6),
            row.Object<string>(7),
            row.GetFieldValue<DateTimeOffset>(8),
            row.GetFieldValue<DateTimeOffset>(9),
            row.Value<Guid>(10),
            row.Value<DateTimeOffset>(11),
            row.GetInt64(12)
        );
    }
}

/// <summary>Reading units one by one, and ending them by hand: lock, decide, write.</summary>
internal static class Instances
{
    private static readonly Refusal NotFound = Platform.Http.Entry.NotFound;

    /// <summary>Reads a unit of a coupon that the caller may see. The key of units leads with their end, which a caller
    /// does not know: the index by coupon finds it.</summary>
    public static async Task<Instance?> FindAsync(
        UnitOfWork work,
        long coupon,
        long id,
        Guid? merchant,
        bool withCode,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select {Instance.Columns} from coupons.instance i join coupons.coupon c on c.id = i.coupon_id
            where i.coupon_id = $1 and i.id = $2 and ($3::uuid is null or c.merchant_id = $3)
            """,
            coupon,
            id,
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Instance.Read(rows, withCode) : null;
    }

    /// <summary>Cancels or revokes a unit (A.18), with its event.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="coupon">Of the coupon.</param>
    /// <param name="id">Of the unit.</param>
    /// <param name="to"><see cref="InstanceState.Cancelled"/> or <see cref="InstanceState.Revoked"/>.</param>
    /// <param name="expected">The version the caller saw; null for any.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>Null if it was done; else the reason. Nothing was written then.</returns>
    public static async Task<Refusal?> EndAsync(
        UnitOfWork work,
        long coupon,
        long id,
        InstanceState to,
        long? expected,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var seen = await FindAsync(work, coupon, id, actor.MerchantId, withCode: false, cancel);
        if (seen is null)
        {
            return NotFound;
        }

        var (held, version) = await HoldAsync(work, id, seen.ValidUntil, cancel);
        if (held is null)
        {
            return Platform.Http.ETags.Stale;
        }

        var now = await work.ClockAsync(cancel);
        if (expected is not null && expected != version)
        {
            return Platform.Http.ETags.Stale;
        }

        if (InstanceTransitions.DecideEnding(held, to, now) is { } refusal)
        {
            return refusal;
        }

        var against = await RegionRules.AgainstEndingAsync(work, [seen.ValidUntil], [id], cancel);
        if (against.TryGetValue(id, out var rule))
        {
            return rule.CheckEnding();
        }

        await work.ExecuteAsync(
            """
            update coupons.instance set state = $3, prior_state = null, version = version + 1
            where id = $1 and valid_until = $2
            """,
            [id, seen.ValidUntil, to.Name()],
            cancel
        );
        var entry = new EventEntry(
            "instance",
            id.ToString(CultureInfo.InvariantCulture),
            "coupon.state_changed",
            version + 1,
            actor.Actor,
            EventLog.Payload(
                ("from", held.State.Name()),
                ("to", to.Name()),
                ("cause", to == InstanceState.Cancelled ? "cancellation" : "grant_withdrawn"),
                ("coupon_id", seen.CouponId)
            ),
            actor.RequestId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
        return null;
    }

    /// <summary>Locks a unit.</summary>
    /// <returns>Null when it was given another end between the look and the lock; the transaction may be of no more use then.</returns>
    private static async Task<(HeldInstance? Held, long Version)> HoldAsync(
        UnitOfWork work,
        long id,
        DateTimeOffset end,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select state, prior_state, customer_id, valid_from, valid_until, reservation_id, reserved_until, version
            from coupons.instance where id = $1 and valid_until = $2 for no key update
            """,
            id,
            end
        );
        try
        {
            await using var row = await query.ExecuteReaderAsync(cancel);
            if (!await row.ReadAsync(cancel))
            {
                return (null, 0);
            }

            var held = new HeldInstance(
                InstanceStates.Parse(row.GetString(0)),
                row.Object<string>(1) is { } prior ? InstanceStates.Parse(prior) : null,
                row.Value<Guid>(2),
                row.GetFieldValue<DateTimeOffset>(3),
                row.GetFieldValue<DateTimeOffset>(4),
                row.Value<Guid>(5),
                row.Value<DateTimeOffset>(6)
            );
            return (held, row.GetInt64(7));
        }
        catch (PostgresException moved) when (moved.SqlState == PostgresErrorCodes.SerializationFailure)
        {
            // Into the partition of another month, while it was waited for.
            return (null, 0);
        }
    }
}
