using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Promotions;

/// <summary>How long it can be told why a price came out as it did (RUL-12), and whose names may stand in rules.</summary>
internal static class ReceiptRetention
{
    public static IReadOnlyList<RetainedKind> Kinds { get; } =
    [
        Of("quote_receipt", "Receipts of quotes.", 90, "'quote'"),
        Of("attempt_receipt", "Receipts of holds and refusals.", 365, "'reservation', 'refusal'"),
        Of("sale_receipt", "Receipts of what was redeemed.", 3650, "'redemption'"),
    ];

    /// <summary>Words that may name a person. A version that is changed so prices as before.</summary>
    public static IReadOnlyList<KeptWords> Words { get; } =
    [
        KeptWords.Within("promotions.promotion", "name", "definition") with
        {
            IsShown = true,
        },
        KeptWords.Within("promotions.version", json: "definition") with
        {
            IsShown = true,
        },
        KeptWords.Within("promotions.segment", "name", "rule") with
        {
            IsShown = true,
        },
        KeptWords.Within("promotions.segment_version", "name", "rule") with
        {
            IsShown = true,
        },
        KeptWords.Within("promotions.category_tree", json: "parents") with
        {
            IsShown = true,
        },
    ];

    private static RetainedKind Of(string name, string description, int days, string kinds) =>
        new(name, description, days, "promotions.receipt", $"d.kind in ({kinds}) and d.decided_at < $1")
        {
            Customer = "d.customer_id",
            MayArchive = true,
        };
}
