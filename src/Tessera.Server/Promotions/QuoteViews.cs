using Tessera.Core.Promotions;

namespace Tessera.Server.Promotions;

/// <summary>
/// Prices and receipts as a caller may see them: who may not know whether a code exists learns the same of all that are
/// not his (convention 12).
/// </summary>
/// <param name="MayExplain">Whether the caller may know true reasons.</param>
/// <param name="Language">en or de.</param>
internal sealed record QuoteViews(bool MayExplain, string Language)
{
    private static readonly string[] Targets = ["lines", "order", "shipping"];

    public QuoteAnswer Answer(PricedCart priced, ReceiptView? receipt)
    {
        var (quote, cart) = (priced.Quote, priced.Cart);
        var secret = quote
            .Rejected.Where(r => IsSecret(r.Reason))
            .Select(static r => r.Promotion?.Id)
            .ToHashSet(StringComparer.Ordinal);
        return new QuoteAnswer(
            priced.Now,
            cart.Currency,
            quote.SubtotalMinor,
            quote.DiscountMinor,
            quote.TotalMinor,
            quote.TaxMinor,
            quote.TotalWithTaxMinor,
            [
                .. cart.Lines.Select(
                    (line, i) =>
                        new QuotedLine(
                            line.Id,
                            line.AmountMinor,
                            quote.LineDiscounts[i],
                            quote.OrderShares[i],
                            line.AmountMinor - quote.LineDiscounts[i] - quote.OrderShares[i]
                        )
                ),
            ],
            [
                .. cart.Shipping.Select(
                    (delivery, i) => new QuotedDelivery(delivery.Id, delivery.AmountMinor, quote.ShippingDiscounts[i])
                ),
            ],
            [.. quote.Applied.Select(a => Applied(a, priced))],
            [.. quote.Rejected.Select(r => Rejected(r, secret))],
            priced.Rules.Selection == Selection.BestCombination ? quote.IsSearchedWhole : null,
            receipt
        );
    }

    public ReceiptView Receipt(
        Receipt receipt,
        Guid? id,
        string kind,
        Guid? subject,
        IReadOnlyDictionary<string, string>? names
    )
    {
        var secret = receipt
            .Verdicts.Where(v => v.Reason is { } reason && IsSecret(reason))
            .Select(static v => v.Id)
            .ToHashSet(StringComparer.Ordinal);
        var shown = receipt with { Verdicts = [.. receipt.Verdicts.Select(v => Shown(v, secret))] };
        return new ReceiptView(
            kind,
            receipt.At,
            receipt.Currency,
            receipt.SubtotalMinor,
            receipt.TotalMinor,
            receipt.TaxMinor,
            [.. shown.Verdicts.Select(Verdict)],
            [
                .. receipt.Steps.Select(static s => new StepView(
                    s.Promotion,
                    Targets[(int)s.Target],
                    s.Id,
                    s.BeforeMinor,
                    s.DiscountMinor
                )),
            ],
            Language,
            Language == "de" ? ReceiptText.German(shown, names) : ReceiptText.English(shown, names),
            id,
            subject
        );
    }

    private static QuotedPromotion Applied(AppliedPromotion applied, PricedCart priced) =>
        new(
            applied.Promotion.Id,
            applied.Promotion.Version,
            applied.AmountMinor,
            applied.Promotion.Code is { } code
                ? priced.Cart.Codes.FirstOrDefault(typed => Quoting.NormalOf(typed) == code) ?? code
                : null,
            FallbackOf(priced.Quote, applied.Promotion)
        );

    /// <summary>What an applied promotion stands in for.</summary>
    public static FallbackFor? FallbackOf(Quote quote, Promotion applied) =>
        applied.IsFallback && quote.StandIns.FirstOrDefault(s => s.By == applied.Id) is { } found
            ? new FallbackFor(found.Promotion, found.Reason)
            : null;

    /// <summary>A code that may not be known is not known the second time it is typed either.</summary>
    private QuoteRejection Rejected(RejectedPromotion rejected, HashSet<string?> secret) =>
        IsSecret(rejected.Reason) || secret.Contains(rejected.Promotion?.Id ?? "")
            ? new QuoteRejection(Reasons.NotValid, rejected.Code)
            : new QuoteRejection(
                rejected.Reason,
                rejected.Code,
                rejected.Promotion?.Id,
                rejected.Layer,
                ChangeOf(rejected.Change)
            );

    private Verdict Shown(Verdict verdict, HashSet<string?> secret) =>
        verdict.Reason is { } reason && (IsSecret(reason) || secret.Contains(verdict.Id ?? ""))
            ? new Verdict(null, 0, verdict.Code, 0, Reasons.NotValid, null)
            : verdict;

    private bool IsSecret(string reason) =>
        !MayExplain && reason is Reasons.NotFound or Reasons.Inactive or Reasons.NotOwner;

    private static VerdictView Verdict(Verdict verdict) =>
        new(
            verdict.AmountMinor,
            verdict.Id,
            verdict.Id is null ? null : verdict.Version,
            verdict.Code,
            verdict.Reason,
            verdict.Layer,
            ChangeOf(verdict.Change),
            verdict.Conditions is { } conditions
                ? [.. conditions.Select(static c => new ConditionVerdictView(c.Path, c.Holds, c.Reason))]
                : null,
            verdict.IsCut ? true : null
        );

    /// <summary>The smallest change, as it is shown.</summary>
    public static SmallestChange? ChangeOf(Remedy? change) =>
        change is null
            ? null
            : new SmallestChange(change.Kind, change.Amount > 0 ? change.Amount : null, change.At, change.Subject);
}
