using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions;

/// <summary>Makes a problem document of a refusal (convention 10).</summary>
/// <param name="refusal">Why not.</param>
/// <param name="instance">Path of the request.</param>
/// <param name="requestId">Its correlation id.</param>
/// <returns>Status and body as sent.</returns>
public delegate (int Status, byte[] Body) RenderProblem(Refusal refusal, string instance, string requestId);

/// <summary>
/// The answers of the room, as bytes: what is sent is what is kept under the idempotency key (convention 15), so both
/// are made once, by the lane.
/// </summary>
public sealed class Answers(RenderProblem problem)
{
    private static readonly Refusal Reused = new(
        "idempotency_key_reused",
        "This idempotency key was used for another request.",
        RefusalKind.KeyReused
    );

    internal Answer KeyReused(Asker asker) => Problem(asker, Reused);

    /// <summary>A no. Callers without the right see one answer for what they need not know (convention 12).</summary>
    internal Answer Refused(Asker asker, Refusal refusal) =>
        Problem(asker, Shown(asker, refusal)) with
        {
            Refusal = refusal,
        };

    internal static Answer Valid(AttemptCommand attempt, CouponTerms coupon, Grant grant, StoodInFor? stoodIn) =>
        new(
            200,
            Json(json =>
            {
                json.WriteBoolean("valid"u8, true);
                WriteUse(json, attempt, coupon, null, (grant, stoodIn));
                json.WriteString("valid_from"u8, Instant(grant.ValidFrom));
                WriteInstant(json, "valid_until"u8, grant.ValidUntil);
            }),
            DiscountMinor: grant.DiscountMinor
        );

    internal Answer NotValid(AttemptCommand attempt, Refusal refusal)
    {
        var shown = Shown(attempt.Asker, refusal);
        if (shown.Kind is not RefusalKind.Conflict)
        {
            return Refused(attempt.Asker, refusal);
        }

        var body = Json(json =>
        {
            json.WriteBoolean("valid"u8, false);
            json.WriteString("code"u8, shown.Code);
            json.WriteString("message"u8, shown.Message);
            Problems.WriteChange(json, shown.Change);
        });
        return new Answer(200, body, Refusal: refusal);
    }

    internal static Answer Redeemed(
        AttemptCommand attempt,
        CouponTerms coupon,
        InstanceRow instance,
        Grant grant,
        StoodInFor? stoodIn,
        DateTimeOffset at
    ) =>
        new(
            201,
            Json(json =>
            {
                json.WriteString("id"u8, attempt.Id);
                json.WriteString("status"u8, "redeemed");
                WriteUse(json, attempt, coupon, instance, (grant, stoodIn));
                json.WriteString("redeemed_at"u8, Instant(at));
                if (attempt.ReservationId is { } reservation)
                {
                    json.WriteString("reservation_id"u8, reservation);
                }
            }),
            "/api/v1/redemptions/" + attempt.Id,
            DiscountMinor: grant.DiscountMinor
        );

    internal static Answer Reserved(
        AttemptCommand attempt,
        CouponTerms coupon,
        InstanceRow instance,
        Grant grant,
        StoodInFor? stoodIn,
        DateTimeOffset until
    ) =>
        new(
            201,
            Json(json =>
            {
                json.WriteString("id"u8, attempt.Id);
                json.WriteString("status"u8, "reserved");
                WriteUse(json, attempt, coupon, instance, (grant, stoodIn));
                json.WriteString("expires_at"u8, Instant(until));
            }),
            "/api/v1/reservations/" + attempt.Id,
            DiscountMinor: grant.DiscountMinor
        );

    internal static Answer Released(ReservationRow reservation, DateTimeOffset at) =>
        new(
            200,
            Json(json =>
            {
                json.WriteString("id"u8, reservation.Id);
                json.WriteString("status"u8, "released");
                json.WriteString("ended_at"u8, Instant(at));
            })
        );

    internal static Answer RolledBack(
        RollBackCommand command,
        RedemptionRow redemption,
        bool useReturned,
        DateTimeOffset at
    ) =>
        new(
            201,
            Json(json =>
            {
                json.WriteString("id"u8, command.Id);
                json.WriteString("redemption_id"u8, redemption.Id);
                WriteMoney(json, "discount"u8, redemption.DiscountMinor, redemption.Currency);
                json.WriteBoolean("use_returned"u8, useReturned);
                json.WriteString("reason"u8, command.Reason);
                json.WriteString("rolled_back_at"u8, Instant(at));
            }),
            "/api/v1/redemptions/" + redemption.Id
        );

    /// <summary>Money on the wire (convention 3).</summary>
    internal static void WriteMoney(Utf8JsonWriter json, ReadOnlySpan<byte> name, long minor, string currency)
    {
        json.WriteStartObject(name);
        json.WriteNumber("amount"u8, minor);
        json.WriteString("currency"u8, currency);
        json.WriteEndObject();
    }

    /// <summary>An instant on the wire (convention 2); no end is null.</summary>
    internal static void WriteInstant(Utf8JsonWriter json, ReadOnlySpan<byte> name, DateTimeOffset? at)
    {
        if (at is { } instant && instant != DateTimeOffset.MaxValue)
        {
            json.WriteString(name, Instant(instant));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    internal static byte[] Json(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static string Instant(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);

    private static void WriteUse(
        Utf8JsonWriter json,
        AttemptCommand attempt,
        CouponTerms coupon,
        InstanceRow? instance,
        (Grant Grant, StoodInFor? For) decided
    )
    {
        var grant = decided.Grant;
        json.WriteNumber("coupon_id"u8, coupon.Id);
        if (instance is not null)
        {
            json.WriteNumber("instance_id"u8, instance.Id);
        }

        json.WriteString("customer_id"u8, attempt.CustomerId);
        if (attempt.Channel is { } channel)
        {
            json.WriteString("channel"u8, channel);
        }

        json.WriteString("order_reference"u8, attempt.Order.Reference);
        var currency = attempt.Order.Currency;
        WriteMoney(json, "order_amount"u8, attempt.Order.AmountMinor, currency);
        WriteMoney(json, "discount"u8, grant.DiscountMinor, currency);
        WriteMoney(json, "payable"u8, attempt.Order.AmountMinor - grant.DiscountMinor, currency);
        if (decided.For is { } primary)
        {
            json.WriteStartObject("fallback_for"u8);
            json.WriteNumber("coupon_id"u8, primary.CouponId);
            json.WriteString("reason"u8, primary.Reason);
            json.WriteEndObject();
        }
    }

    private static Refusal Shown(Asker asker, Refusal refusal) =>
        !asker.MayExplain
        && (refusal == Refusals.NotFound || refusal == Refusals.Inactive || refusal == Refusals.NotOwner)
            ? Refusals.NotValid
            : refusal;

    private Answer Problem(Asker asker, Refusal refusal)
    {
        var (status, body) = problem(refusal, asker.Path, asker.RequestId);
        return new Answer(status, body, Refusal: refusal);
    }
}
