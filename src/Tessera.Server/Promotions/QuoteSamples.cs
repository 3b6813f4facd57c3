using Tessera.Server.Access;

namespace Tessera.Server.Promotions;

/// <summary>Examples of the API description.</summary>
internal static class QuoteSamples
{
    private const string Promotion = "01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e";

    public static readonly QuoteRequest Request = new(
        "EUR",
        [
            new QuoteLine("1", "boot-42", 8990, 1, Categories: ["shoes", "winter"]),
            new QuoteLine("2", "laces", 450, 2, Categories: ["accessories"]),
        ],
        Codes: ["spring27"],
        CustomerId: Samples.Id,
        Shipping: [new QuoteDelivery("post", "standard", 490)],
        Channel: "web"
    );

    public static readonly ReceiptView Receipt = new(
        "quote",
        Samples.At,
        "EUR",
        9890,
        9031,
        0,
        [
            new VerdictView(
                1349,
                Promotion,
                3,
                Conditions:
                [
                    new ConditionVerdictView("subtotal", true),
                    new ConditionVerdictView("any[0].customer_groups", false, "wrong_segment"),
                    new ConditionVerdictView("any[1].hours", true),
                ]
            ),
            new VerdictView(
                0,
                "coupon:17",
                2,
                "spring27",
                "below_minimum",
                "limit",
                new SmallestChange("spend_more", 110)
            ),
        ],
        [new StepView(Promotion, "lines", "1", 8990, 1349)],
        "en",
        [
            "15 % off shoes from 60 EUR takes 13.49 EUR off line 1, which cost 89.90 EUR.",
            "spring27 does not apply: the order is too small. Spend 1.10 EUR more.",
            "Goods of 98.90 EUR come to 90.31 EUR with delivery and discounts.",
        ]
    );

    public static readonly QuoteAnswer Answer = new(
        Samples.At,
        "EUR",
        9890,
        1349,
        9031,
        0,
        9031,
        [new QuotedLine("1", 8990, 1349, 0, 7641), new QuotedLine("2", 900, 0, 0, 900)],
        [new QuotedDelivery("post", 490, 0)],
        [new QuotedPromotion(Promotion, 3, 1349)],
        [new QuoteRejection("below_minimum", "spring27", "coupon:17", "limit", new SmallestChange("spend_more", 110))],
        null,
        Receipt
    );

    public static readonly IReadOnlyList<PromotionWarning> Warnings = [];
}
