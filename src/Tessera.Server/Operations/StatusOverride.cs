using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Operations;

/// <summary>
/// Sets the state of a unit outside the ordinary transitions, with a justification (OPS-02): a redemption that took place
/// is recorded for a merchant, a wrong one is reversed, a dispute ends in a refund, a fault is repaired. The rows behind
/// the state, redemptions and their postings, change with it, so that every promise still holds.
/// </summary>
internal sealed class StatusOverride(ILogger<StatusOverride> log) : IApprovedAction
{
    public const int MaximumReference = 100;

    private static readonly string[] States =
    [
        "paid",
        "issued",
        "extended",
        "pending_expiration",
        "redeemed",
        "refunded",
    ];

    internal static readonly string[] Causes =
    [
        "merchant_support",
        "wrong_redemption",
        "payment_dispute",
        "technical_fault",
    ];

    private static readonly Refusal Unknown = Problems.Invalid([
        new("input.instance_id", "#/input/instance_id", "unknown_instance", "This coupon has no such instance."),
    ]);

    private static readonly Refusal NotThere = new(
        "not_the_former_state",
        "A redemption that is reversed leads back to the state before it, and to no other."
    );

    private static readonly Refusal Shared = new(
        "shared_code",
        "The unit of a shared code ends with its use. Roll the redemption back instead."
    );

    private static readonly Refusal OutsideWindow = new(
        "outside_window",
        "The redemption has to have taken place within the validity of the instance, and before now."
    );

    private static readonly Refusal NoCustomer = new(
        "no_customer",
        "The instance has no holder: say which customer used it."
    );

    private static readonly Refusal OtherHolder = new("other_holder", "Another customer holds this instance.");

    /// <inheritdoc/>
    public string Kind => "instance_status";

    /// <inheritdoc/>
    public string Permission => Permissions.InstancesOverride;

    /// <inheritdoc/>
    public long FreeSize => 0;

    /// <inheritdoc/>
    public string? Read(Fields input)
    {
        var coupon = input.Integer("coupon_id", 1, Fields.MaximumInteger);
        var instance = input.Integer("instance_id", 1, Fields.MaximumInteger);
        var to = input.Word("to", States);
        var cause = input.Word("cause", Causes);
        RecordedRedemption? redemption = null;
        if (to == "redeemed")
        {
            redemption = input.Object("redemption") is { } given ? ReadRedemption(given) : null;
        }

        return
            coupon is null
            || instance is null
            || to is null
            || cause is null
            || (to == "redeemed" && redemption is null)
            ? null
            : JsonSerializer.Serialize(
                new StatusOverrideInput(coupon.Value, instance.Value, to, cause, redemption),
                Wire.Json
            );
    }

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var wanted = JsonSerializer.Deserialize<StatusOverrideInput>(input, Wire.Json)!;
        if (await OverriddenUnits.HoldAsync(work, wanted, cancel) is not { } held)
        {
            return Unknown;
        }

        var now = await work.ClockAsync(cancel);
        if (Decide(wanted, held, now) is { } refusal)
        {
            CountRefused(wanted, held, refusal, "approvals", null);
            return refusal;
        }

        object after = wanted.Redemption is { } recorded
            ? new
            {
                state = wanted.To,
                redeemed_at = Instants.Format(recorded.RedeemedAt),
                order_reference = recorded.OrderReference,
                order_minor = recorded.Order.Minor,
                discount_minor = recorded.Discount.Minor,
                currency = recorded.Order.Currency,
                customer_id = recorded.CustomerId ?? held.CustomerId,
            }
            : new { state = wanted.To };
        object before = held.Standing is { } standing
            ? new
            {
                state = held.State.Name(),
                version = held.Version,
                redemption_id = standing.Id,
                order_minor = standing.OrderMinor,
                discount_minor = standing.DiscountMinor,
                currency = standing.Currency,
            }
            : new { state = held.State.Name(), version = held.Version };
        var effect = EventLog.Payload(
            ("instance_id", wanted.InstanceId),
            ("coupon_id", wanted.CouponId),
            ("cause", wanted.Cause),
            ("before", before),
            ("after", after),
            ("reverses_redemption", IsReversal(wanted, held))
        );
        return new ActionEffect(
            "instance:" + wanted.InstanceId.ToString(CultureInfo.InvariantCulture),
            effect,
            1,
            "item",
            held.MerchantId
        );
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var wanted = JsonSerializer.Deserialize<StatusOverrideInput>(action.Input, Wire.Json)!;
        var held = (await OverriddenUnits.HoldAsync(work, wanted, cancel))!;
        var now = await work.ClockAsync(cancel);
        var deed = OverrideDeed.Of(action);
        if (wanted.Redemption is { } recorded)
        {
            if (await OverrideRedemptions.RecordAsync(work, wanted, held, recorded, deed, now, cancel) is { } refusal)
            {
                CountRefused(wanted, held, refusal, action.ExecutedBy.Actor, action.CorrelationId);
                return refusal;
            }
        }
        else if (IsReversal(wanted, held))
        {
            await OverrideRedemptions.ReverseAsync(work, held, deed, now, cancel);
        }

        await OverriddenUnits.SetStateAsync(work, wanted, held, deed, now, cancel);
        return Executed.Done(
            EventLog.Payload(("version", held.Version + 1), ("before", held.State.Name()), ("after", wanted.To))
        );
    }

    /// <summary>A change of state that was refused is counted and logged, like any other (CPN-06).</summary>
    private void CountRefused(
        StatusOverrideInput wanted,
        OverriddenInstance held,
        Refusal refusal,
        string actor,
        string? requestId
    ) =>
        TransitionMeter.Refused(
            log,
            [wanted.InstanceId],
            held.State,
            InstanceStates.Parse(wanted.To),
            refusal,
            actor,
            requestId
        );

    /// <summary>Why a unit under its lock cannot be overridden so; null if it can.</summary>
    internal static Refusal? Decide(StatusOverrideInput wanted, OverriddenInstance held, DateTimeOffset now)
    {
        if (held.State == InstanceState.Reserved)
        {
            return InstanceTransitions.HeldByCheckout;
        }

        var to = InstanceStates.Parse(wanted.To);
        if (!InstanceTransitions.IsLegal(held.State, to, byOverride: true))
        {
            return InstanceTransitions.Illegal;
        }

        if (IsReversal(wanted, held))
        {
            return held.Standing is null ? InstanceTransitions.Illegal
                : held.Standing.ByShared ? Shared
                : to != (held.Prior ?? InstanceState.Issued) ? NotThere
                : null;
        }

        if (wanted.Redemption is not { } recorded)
        {
            // A later end is given by an extension, which is requested where the end is.
            return to == InstanceState.Extended ? InstanceTransitions.Illegal : null;
        }

        var customer = recorded.CustomerId ?? held.CustomerId;
        return held.State is not (InstanceState.Paid or InstanceState.PendingExpiration or InstanceState.Expired)
                ? InstanceTransitions.Illegal
            : recorded.RedeemedAt < held.ValidFrom
            || recorded.RedeemedAt >= held.ValidUntil
            || recorded.RedeemedAt > now
                ? OutsideWindow
            : customer is null ? NoCustomer
            : held.CustomerId is { } holder && holder != customer ? OtherHolder
            : null;
    }

    /// <summary>Whether the redemption that stands is taken back with it.</summary>
    internal static bool IsReversal(StatusOverrideInput wanted, OverriddenInstance held) =>
        held.State == InstanceState.Redeemed && wanted.To is not ("refunded" or "redeemed");

    private static RecordedRedemption? ReadRedemption(Fields given)
    {
        var at = given.Instant("redeemed_at");
        var reference = given.Text("order_reference", MaximumReference);
        var order = given.Money("order");
        var discount = given.Money("discount");
        var customer = given.Id("customer_id", required: false);
        if (order is { } total && discount is { } off && (off.Currency != total.Currency || off.Minor > total.Minor))
        {
            given.Add("discount", "beyond_order", "This has to be at most the order, in its currency.");
        }

        return at is null || reference is null || order is null || discount is null
            ? null
            : new RecordedRedemption(at.Value, reference, order.Value, discount.Value, customer);
    }
}
