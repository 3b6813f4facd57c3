using Microsoft.AspNetCore.Builder;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions;

// The shapes of the room's requests and answers, for the API description. Requests are read by RedemptionRequests and
// answers written by Answers without going through these, because every redemption passes there.

/// <summary>What validate, reserve and redeem take.</summary>
/// <param name="Code">Of the coupon, in any case.</param>
/// <param name="CustomerId">Who uses it.</param>
/// <param name="Order">What it is used on.</param>
/// <param name="Channel">Where; needed when the coupon or the key is bound to channels.</param>
/// <param name="ReservationId">Of the hold this redeems; redeem only.</param>
/// <param name="HoldSeconds">How long the use is held; reserve only.</param>
/// <param name="Context">Where the attempt came from, for fraud checks.</param>
/// <param name="Attribution">What brought the customer; kept with the attempt.</param>
internal sealed record AttemptShape(
    string Code,
    Guid CustomerId,
    OrderShape Order,
    string? Channel = null,
    Guid? ReservationId = null,
    int? HoldSeconds = null,
    ContextShape? Context = null,
    Arrival? Attribution = null
);

/// <summary>The order a coupon is used on.</summary>
/// <param name="Reference">The deployment's id of it; 1 to 100 characters. Validate may leave it out.</param>
/// <param name="Amount">Before the discount.</param>
/// <param name="Service">What is booked.</param>
/// <param name="SessionType">How.</param>
/// <param name="ConsultantId">With whom.</param>
/// <param name="Products">SKUs on the order; at most 500.</param>
internal sealed record OrderShape(
    string Reference,
    Money Amount,
    string? Service = null,
    string? SessionType = null,
    int? ConsultantId = null,
    IReadOnlyList<string>? Products = null
);

/// <summary>Where an attempt came from.</summary>
/// <param name="Ip">Address of the customer.</param>
/// <param name="DeviceFingerprint">As the shop computed it.</param>
/// <param name="Email">Only its hash is kept.</param>
internal sealed record ContextShape(string? Ip = null, string? DeviceFingerprint = null, string? Email = null);

/// <summary>The coupon of the typed code, when another one is used because this one is exhausted or not eligible (CMP-01).</summary>
/// <param name="CouponId">Of the code that was typed.</param>
/// <param name="Reason">limit_reached, below_minimum, or another reason of refusals.</param>
internal sealed record FallbackForShape(long CouponId, string Reason);

/// <summary>Whether, and for how much, a coupon could be used now. Nothing is held.</summary>
/// <param name="Valid">Whether it could.</param>
/// <param name="CouponId">The definition; only when it could.</param>
/// <param name="CustomerId">Who asked.</param>
/// <param name="Channel">Where.</param>
/// <param name="OrderReference">Of the order.</param>
/// <param name="OrderAmount">Before the discount.</param>
/// <param name="Discount">What it gives.</param>
/// <param name="Payable">What is left.</param>
/// <param name="ValidFrom">First instant of its window.</param>
/// <param name="ValidUntil">First instant after its window; null for no end.</param>
/// <param name="Code">Why not; only when it could not.</param>
/// <param name="Message">Why not, for people.</param>
/// <param name="FallbackFor">Only when another coupon stands in for the one of the code.</param>
internal sealed record ValidationShape(
    bool Valid,
    long? CouponId = null,
    Guid? CustomerId = null,
    string? Channel = null,
    string? OrderReference = null,
    Money? OrderAmount = null,
    Money? Discount = null,
    Money? Payable = null,
    DateTimeOffset? ValidFrom = null,
    DateTimeOffset? ValidUntil = null,
    string? Code = null,
    string? Message = null,
    FallbackForShape? FallbackFor = null
);

/// <summary>A use that is held.</summary>
/// <param name="Id">Names it when redeeming or releasing.</param>
/// <param name="Status">reserved.</param>
/// <param name="CouponId">The definition.</param>
/// <param name="InstanceId">The unit.</param>
/// <param name="CustomerId">For whom.</param>
/// <param name="OrderReference">Of the order.</param>
/// <param name="OrderAmount">Before the discount.</param>
/// <param name="Discount">What it will give.</param>
/// <param name="Payable">What is left.</param>
/// <param name="ExpiresAt">When the hold lapses by itself.</param>
/// <param name="Channel">Where.</param>
/// <param name="FallbackFor">Only when another coupon stands in for the one of the code.</param>
internal sealed record ReservedShape(
    Guid Id,
    string Status,
    long CouponId,
    long InstanceId,
    Guid CustomerId,
    string OrderReference,
    Money OrderAmount,
    Money Discount,
    Money Payable,
    DateTimeOffset ExpiresAt,
    string? Channel = null,
    FallbackForShape? FallbackFor = null
);

/// <summary>A hold that was ended.</summary>
/// <param name="Id">Of the reservation.</param>
/// <param name="Status">released.</param>
/// <param name="EndedAt">When.</param>
internal sealed record ReleasedShape(Guid Id, string Status, DateTimeOffset EndedAt);

/// <summary>An accepted use.</summary>
/// <param name="Id">Of the redemption.</param>
/// <param name="Status">redeemed.</param>
/// <param name="CouponId">The definition.</param>
/// <param name="InstanceId">The unit.</param>
/// <param name="CustomerId">By whom.</param>
/// <param name="OrderReference">Of the order.</param>
/// <param name="OrderAmount">Before the discount.</param>
/// <param name="Discount">What it gave.</param>
/// <param name="Payable">What is left.</param>
/// <param name="RedeemedAt">The instant that decided, by the database clock.</param>
/// <param name="Channel">Where.</param>
/// <param name="ReservationId">Of the hold it redeemed.</param>
/// <param name="FallbackFor">Only when another coupon stands in for the one of the code.</param>
internal sealed record RedeemedShape(
    Guid Id,
    string Status,
    long CouponId,
    long InstanceId,
    Guid CustomerId,
    string OrderReference,
    Money OrderAmount,
    Money Discount,
    Money Payable,
    DateTimeOffset RedeemedAt,
    string? Channel = null,
    Guid? ReservationId = null,
    FallbackForShape? FallbackFor = null
);

/// <summary>What a rollback takes.</summary>
/// <param name="Reason">Why; 1 to 500 characters.</param>
/// <param name="ReturnUse">Whether the use can be taken again; true unless given.</param>
internal sealed record RollBackShape(string Reason, bool? ReturnUse = null);

/// <summary>A redemption given back.</summary>
/// <param name="Id">Of the rollback.</param>
/// <param name="RedemptionId">What was given back.</param>
/// <param name="Discount">What it had given.</param>
/// <param name="UseReturned">Whether the use can be taken again.</param>
/// <param name="Reason">Why.</param>
/// <param name="RolledBackAt">When.</param>
internal sealed record RolledBackShape(
    Guid Id,
    Guid RedemptionId,
    Money Discount,
    bool UseReturned,
    string Reason,
    DateTimeOffset RolledBackAt
);

/// <summary>What the API description says of the room's operations.</summary>
internal static class RedemptionDescriptions
{
    private const long Instance = 1_048_577;

    private static readonly Guid Id = new("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e");
    private static readonly Guid Customer = new("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5f");
    private static readonly DateTimeOffset At = new(2026, 11, 27, 10, 15, 0, TimeSpan.Zero);
    private static readonly OrderShape Order = new("A-1001", Eur(4999));

    /// <summary>Why a coupon may be refused (RUL-13).</summary>
    private static readonly Refusal[] Reasons =
    [
        Refusals.NotFound,
        Refusals.Blocked,
        Refusals.Inactive,
        Refusals.NotStarted,
        Refusals.Expired,
        Refusals.LimitReached,
        Refusals.UserLimitReached,
        Refusals.BudgetExhausted,
        Refusals.BelowMinimum,
        Refusals.AboveMaximum,
        Refusals.ExcludedItems,
        Refusals.WrongService,
        Refusals.WrongConsultant,
        Refusals.NotFirstTime,
        Refusals.WrongSegment,
        Refusals.WrongChannel,
        Refusals.NeedsCart,
        Refusals.WrongCurrency,
        Refusals.NotOwner,
        Refusals.AlreadyRedeemed,
        Refusals.NotValid,
    ];

    public static RouteHandlerBuilder DescribeValidate(this RouteHandlerBuilder operation) =>
        operation
            .WithBody(new AttemptShape("SAVE10", Customer, Order))
            .WithAnswer(
                200,
                new ValidationShape(true, 7, Customer, null, "A-1001", Eur(4999), Eur(500), Eur(4499), At),
                "Whether it could be used; a no has its reason in code."
            );

    public static RouteHandlerBuilder DescribeReserve(this RouteHandlerBuilder operation) =>
        operation
            .WithBody(new AttemptShape("SAVE10", Customer, Order, HoldSeconds: 900))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                201,
                new ReservedShape(
                    Id,
                    "reserved",
                    7,
                    Instance,
                    Customer,
                    "A-1001",
                    Eur(4999),
                    Eur(500),
                    Eur(4499),
                    At.AddMinutes(15)
                ),
                "Held; Location is its address."
            )
            .WithRefusals(Reasons);

    public static RouteHandlerBuilder DescribeRelease(this RouteHandlerBuilder operation) =>
        operation
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, new ReleasedShape(Id, "released", At), "The use can be taken again.")
            .WithRefusals(Refusals.ReservationNotFound, Refusals.ReservationEnded);

    public static RouteHandlerBuilder DescribeRedeem(this RouteHandlerBuilder operation) =>
        operation
            .WithBody(new AttemptShape("SAVE10", Customer, Order))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                201,
                new RedeemedShape(Id, "redeemed", 7, Instance, Customer, "A-1001", Eur(4999), Eur(500), Eur(4499), At),
                "Used; Location is its address."
            )
            .WithRefusals(Reasons)
            .WithRefusals(Refusals.ReservationNotFound, Refusals.ReservationEnded, Refusals.ReservationMismatch);

    public static RouteHandlerBuilder DescribeRollBack(this RouteHandlerBuilder operation) =>
        operation
            .WithBody(new RollBackShape("Order cancelled", true))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                201,
                new RolledBackShape(Id, Customer, Eur(500), true, "Order cancelled", At),
                "Given back; Location is the redemption."
            )
            .WithRefusals(Refusals.RedemptionNotFound, Refusals.AlreadyRolledBack, Orders.OrderRefusals.PartOfAnOrder);

    public static RouteHandlerBuilder DescribeRedemptionList(this RouteHandlerBuilder operation) =>
        operation.WithAnswer(200, new Page<RedemptionReads.RedemptionView>([Redemption], false, null), "A page.");

    public static RouteHandlerBuilder DescribeRedemption(this RouteHandlerBuilder operation) =>
        operation.WithAnswer(200, Redemption, "The redemption.");

    public static RouteHandlerBuilder DescribeReservation(this RouteHandlerBuilder operation) =>
        operation.WithAnswer(
            200,
            new RedemptionReads.ReservationView(
                Id,
                "reserved",
                7,
                Instance,
                Customer,
                null,
                "A-1001",
                Eur(4999),
                Eur(500),
                At,
                At.AddMinutes(15),
                null
            ),
            "The reservation; its status is reserved, redeemed, released or lapsed."
        );

    public static RouteHandlerBuilder DescribeUsage(this RouteHandlerBuilder operation) =>
        operation.WithAnswer(
            200,
            new Page<RedemptionReads.UsageView>([RedemptionReads.UsageView.Of(Redemption)], false, null),
            "A page."
        );

    private static RedemptionReads.RedemptionView Redemption =>
        new(
            Id,
            "redeemed",
            7,
            "SPRING27",
            Instance,
            Customer,
            null,
            "A-1001",
            Eur(4999),
            Eur(500),
            Eur(4499),
            At,
            null,
            null,
            null,
            new Arrival(null, "newsletter", "email", "spring")
        );

    private static Money Eur(long minor) => new(minor, "EUR");
}
