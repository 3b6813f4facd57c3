using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Redemptions;

/// <summary>
/// What the room keeps that ages. Redemptions and uses of promotions do not: the ledger and <c>verify</c> rest on them. They
/// know a customer by an id.
/// </summary>
internal static class RedemptionRetention
{
    /// <summary>The days of the figures are counted from refusals and holds; within this time they surely are.</summary>
    private const int FewestDays = 7;

    private const string Arrival = "redemptions.arrival";

    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        new(
            "attempt_origin",
            "Addresses and fingerprints of attempts, for finding fraud.",
            180,
            "redemptions.origin",
            "d.decided_at < $1"
        )
        {
            IsAppendOnly = true,
            Customer = """
                select customer_id from redemptions.redemption where id = d.attempt_id
                union all select customer_id from redemptions.refusal where id = d.attempt_id limit 1
                """,
        },
        new("refusal", "Attempts that were refused.", 730, "redemptions.refusal", "d.decided_at < $1")
        {
            FewestDays = FewestDays,
            IsAppendOnly = true,
            Customer = "d.customer_id",
            MayArchive = true,
            Parts = [new(Arrival, "p.attempt_id = d.id")],
        },
        new(
            "reservation",
            "Holds of coupons that were redeemed, released or lapsed.",
            365,
            "redemptions.reservation",
            "d.ended_at < $1"
        )
        {
            FewestDays = FewestDays,
            Customer = "d.customer_id",
            MayArchive = true,
            Parts =
            [
                new(Arrival, "p.attempt_id = d.id"),
                new("redemptions.stand_in", "p.attempt_id = d.id"),
                new("redemptions.cut", "p.attempt_id = d.id"),
            ],
        },
        new(
            "held_cart",
            "Carts that were held for a checkout.",
            365,
            "redemptions.order_reservation",
            "d.ended_at < $1"
        )
        {
            FewestDays = FewestDays,
            Customer = "d.customer_id",
            MayArchive = true,
            Parts = [new("redemptions.promotion_hold", "p.reservation_id = d.id"), new(Arrival, "p.attempt_id = d.id")],
        },
        // The sale stays: limits, the ledger and returns rest on it.
        new(
            "order_customer",
            "Who bought what: the customer of an order, and what was known of the customer then.",
            3650,
            "redemptions.placed_order",
            "d.placed_at < $1 and (d.customer_id is not null or d.cart ? 'customer')"
        )
        {
            FewestDays = 365,
            Customer = "d.customer_id",
            MayArchive = true,
            TakenOut = "customer_id = null, cart = t.cart - 'customer'",
            Parts =
            [
                new(
                    "redemptions.promotion_use",
                    "p.order_id = d.id",
                    TakenOut: "customer_id = null, email_hash = null"
                ),
            ],
        },
    ];

    /// <summary>Words that may name a person.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [KeptWords.Of("redemptions.rollback", "reason"), KeptWords.Of("redemptions.order_return", "reason")];
}
