namespace Tessera.Core.Promotions;

/// <summary>The result in the caller's terms.</summary>
internal sealed partial class PricingRun
{
    private Quote Report(PricingState state, TypedCodes codes)
    {
        var rejected = new List<RejectedPromotion>(codes.Rejected);
        foreach (var (promotion, unmet) in refused)
        {
            var code = codes.For(promotion);
            if (code is not null || rules.ReportAutomatic)
            {
                rejected.Add(
                    new RejectedPromotion(promotion, code, unmet.Reason, unmet.Change) { Layer = unmet.Layer }
                );
            }
        }

        long subtotal = 0;
        for (var slot = 0; slot < state.Goods; slot++)
        {
            subtotal += cart.Lines[slot].AmountMinor;
        }

        var (total, tax) = Totals(state);
        return new Quote
        {
            LineDiscounts = state.OwnOff.AsSpan(0, state.Goods).ToArray(),
            OrderShares = state.OrderOff.AsSpan(0, state.Goods).ToArray(),
            ShippingDiscounts = state.OwnOff.AsSpan(state.Goods, state.Slots - state.Goods).ToArray(),
            SubtotalMinor = subtotal,
            TotalMinor = total,
            TaxMinor = tax,
            TotalWithTaxMinor = cart.PricesIncludeTax ? total : total + tax,
            Applied = applied.ConvertAll(a => new AppliedPromotion(a.Promotion, a.Amount)
            {
                IsCut = cut.Contains(a.Promotion.Id),
            }),
            Rejected = rejected,
            Steps = steps,
            Conditions = conditions,
            IsSearchedWhole = !ranOutOfTime,
        };
    }

    private (long Total, long Tax) Totals(PricingState state)
    {
        var (total, tax) = (0L, 0L);
        for (var slot = 0; slot < state.Slots; slot++)
        {
            var cost = state.CostOf(slot);
            total += cost;
            var percent =
                slot < state.Goods ? cart.Lines[slot].TaxPercent : cart.Shipping[slot - state.Goods].TaxPercent;
            tax += percent is { } rate and > 0 ? TaxOn(cost, rate) : 0;
        }

        return (total, tax);
    }

    /// <summary>On the reduced price, half up; inside it when prices include tax.</summary>
    private long TaxOn(long cost, decimal rate)
    {
        if (!cart.PricesIncludeTax)
        {
            return Spreading.PercentOf(cost, rate);
        }

        // The rate as a whole number of millionths of a percent keeps the fraction exact.
        var millionths = (Int128)decimal.ToInt64(rate * 1_000_000m);
        var whole = 100_000_000 + millionths;
        return (long)(((millionths * cost * 2) + whole) / (whole * 2));
    }
}
