using System.Buffers;

namespace Tessera.Core.Promotions;

/// <summary>Groups of paid and reduced units.</summary>
internal static partial class EffectPricing
{
    /// <summary>Marks the reduced units and computes their discount; a unit serves once over all such effects.</summary>
    private static bool Group(PricingState state, BuyGet effect, bool original, out string reason)
    {
        var (taken, meant) = (0, false);
        var step = effect.PerLine ? 1 : Math.Max(1, state.Goods);
        for (var slot = 0; slot < state.Goods; slot += step)
        {
            taken += Group(state, effect, original, (slot, slot + step), ref meant);
        }

        reason =
            taken > 0 ? Reasons.NothingLeft
            : meant ? Reasons.RequirementNotMet
            : Reasons.ExcludedItems;
        return taken > 0;
    }

    /// <summary>The same among the units of some lines.</summary>
    private static int Group(
        PricingState state,
        BuyGet effect,
        bool original,
        (int From, int Until) slots,
        ref bool meant
    )
    {
        var units = (From: state.FirstOf(slots.From), Until: state.FirstOf(slots.Until));
        var canPay = ArrayPool<bool>.Shared.Rent(Math.Max(1, units.Until));
        var order = ArrayPool<int>.Shared.Rent(Math.Max(1, units.Until));
        var payers = 0;
        for (var slot = slots.From; slot < slots.Until; slot++)
        {
            var line = state.Cart.Lines[slot];
            var gets = Takes(line, effect.GetFilter) && Takes(line, effect.Filter);
            var pays = Takes(line, effect.BuyFilter);
            meant |= gets;
            for (var unit = state.FirstOf(slot); unit < state.EndOf(slot); unit++)
            {
                var free = !state.Served[unit] && state.Price[unit] > 0;
                state.Picked[unit] = gets && free && !state.Stopped[slot];
                canPay[unit] = pays && free;
                payers += canPay[unit] ? 1 : 0;
            }
        }

        var count = InOrder(state, effect.Pick, units.From, units.Until, order);
        var taken = TakeReduced(state, effect, canPay, payers, order.AsSpan(0, count));
        if (taken > 0)
        {
            TakePaid(state, effect, canPay, units, taken);

            // Rounded once per line, as every discount on lines.
            for (var slot = slots.From; slot < slots.Until; slot++)
            {
                OnSlot(state, effect, slot, original, isPercent: true, effect.Percent);
            }
        }

        ArrayPool<bool>.Shared.Return(canPay);
        ArrayPool<int>.Shared.Return(order);
        return taken;
    }

    /// <summary>Leaves marked only the units that are reduced: each only if enough others remain to be paid for.</summary>
    private static int TakeReduced(PricingState state, BuyGet effect, bool[] canPay, int payers, Span<int> order)
    {
        var most = effect.MaxApplications is { } groups ? (long)groups * effect.GetQuantity : long.MaxValue;
        var taken = 0;
        for (var i = 0; i < order.Length; i++)
        {
            var unit = order[i];
            var others = payers - (canPay[unit] ? 1 : 0);
            var started = (taken / effect.GetQuantity) + 1;
            if (taken < most && others >= (long)started * effect.BuyQuantity)
            {
                payers = others;
                order[taken++] = unit;
            }
            else
            {
                state.Picked[unit] = false;
            }
        }

        var kept = effect.PartialGet ? taken : taken / effect.GetQuantity * effect.GetQuantity;
        for (var i = kept; i < taken; i++)
        {
            state.Picked[order[i]] = false;
        }

        return kept;
    }

    private static void TakePaid(
        PricingState state,
        BuyGet effect,
        bool[] canPay,
        (int From, int Until) units,
        int taken
    )
    {
        var order = ArrayPool<int>.Shared.Rent(Math.Max(1, units.Until - units.From));
        var count = 0;
        for (var unit = units.From; unit < units.Until; unit++)
        {
            if (state.Picked[unit])
            {
                state.Serving[unit] = true;
            }
            else if (canPay[unit])
            {
                order[count++] = unit;
            }
        }

        var pick = effect.Pick == UnitPick.Cheapest ? UnitPick.Dearest : UnitPick.LineOrder;
        Sort(state.Price, pick, order.AsSpan(0, count));
        var groups = (taken + effect.GetQuantity - 1) / effect.GetQuantity;
        for (var i = 0; i < groups * effect.BuyQuantity; i++)
        {
            state.Serving[order[i]] = true;
        }

        ArrayPool<int>.Shared.Return(order);
    }
}
