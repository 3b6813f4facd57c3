using System.Buffers;

namespace Tessera.Core.Promotions;

/// <summary>What one effect takes off a cart in the state earlier ones left it.</summary>
internal static partial class EffectPricing
{
    /// <summary>Applies an effect.</summary>
    /// <param name="state">The cart; changed.</param>
    /// <param name="effect">What to apply.</param>
    /// <param name="original">Whether percentages are of the price before discounts.</param>
    /// <param name="most">What may be given at most, in minor units; null is unlimited.</param>
    /// <param name="reason">Why nothing was given.</param>
    /// <param name="beyond">Whether it would have given more than may be given.</param>
    /// <returns>What was given.</returns>
    public static long Apply(
        PricingState state,
        Effect effect,
        bool original,
        long? most,
        out string reason,
        out bool beyond
    )
    {
        beyond = false;
        state.Off.AsSpan(0, state.Units).Clear();
        state.Picked.AsSpan(0, state.Units).Clear();
        state.Serving.AsSpan(0, state.Units).Clear();
        reason = Reasons.NothingLeft;
        if (effect is BuyGet buyGet)
        {
            if (!Group(state, buyGet, original, out reason))
            {
                return 0;
            }
        }
        else
        {
            if (!Pick(state, effect))
            {
                reason = Reasons.ExcludedItems;
                return 0;
            }

            if (!Compute(state, effect, original))
            {
                reason = Reasons.RequirementNotMet;
                return 0;
            }
        }

        var full = Math.Min(Total(state), effect.MaxDiscountMinor ?? long.MaxValue);
        beyond = full > most;
        var cap = Math.Min(full, most ?? long.MaxValue);
        if (Total(state) > cap)
        {
            Cut(state, effect, cap);
        }

        var given = Commit(state, effect.Target == EffectTarget.Order);
        if (given > 0)
        {
            // What gives nothing has used no unit up: a promotion that does not apply leaves the cart as it was.
            for (var unit = 0; unit < state.Units; unit++)
            {
                state.Served[unit] |= state.Serving[unit];
            }
        }

        return given;
    }

    /// <summary>Marks the units an effect may touch.</summary>
    /// <returns>False when nothing in the cart is meant by it.</returns>
    private static bool Pick(PricingState state, Effect effect)
    {
        var meant = false;
        for (var slot = 0; slot < state.Slots; slot++)
        {
            if (!Means(state, effect, slot))
            {
                continue;
            }

            meant = true;
            if (state.Stopped[slot])
            {
                continue;
            }

            for (var unit = state.FirstOf(slot); unit < state.EndOf(slot); unit++)
            {
                state.Picked[unit] = state.Price[unit] > 0;
            }
        }

        if (effect.MaxUnits is { } limit)
        {
            if (limit.PerLine)
            {
                for (var slot = 0; slot < state.Goods; slot++)
                {
                    Limit(state, limit, state.FirstOf(slot), state.EndOf(slot));
                }
            }
            else
            {
                Limit(state, limit, 0, state.FirstOf(state.Goods));
            }
        }

        return meant;
    }

    private static bool Means(PricingState state, Effect effect, int slot)
    {
        if (slot >= state.Goods)
        {
            return (
                    effect.Target == EffectTarget.Shipping
                    || effect is { Target: EffectTarget.Order, ReachesShipping: true }
                )
                && (
                    effect.ShippingMethods is not { } methods
                    || methods.Contains(state.Cart.Shipping[slot - state.Goods].Method, StringComparer.Ordinal)
                );
        }

        return effect.Target != EffectTarget.Shipping && Takes(state.Cart.Lines[slot], effect.Filter);
    }

    private static bool Takes(CartLine line, LineFilter filter) => line.Discountable && filter.Matches(line);

    /// <summary>Leaves of the marked units between two only those within a limit.</summary>
    private static void Limit(PricingState state, UnitLimit limit, int from, int to)
    {
        var order = ArrayPool<int>.Shared.Rent(Math.Max(1, to - from));
        var count = InOrder(state, limit.Pick, from, to, order);
        var keep = limit.Count ?? count;
        if (limit.GroupsOf is { } size)
        {
            keep = Math.Min(keep, count) / size * size;
        }

        for (var i = keep; i < count; i++)
        {
            state.Picked[order[i]] = false;
        }

        ArrayPool<int>.Shared.Return(order);
    }

    /// <summary>The marked units between two, in the order they are taken.</summary>
    private static int InOrder(PricingState state, UnitPick pick, int from, int to, int[] order)
    {
        var count = 0;
        for (var unit = from; unit < to; unit++)
        {
            if (state.Picked[unit])
            {
                order[count++] = unit;
            }
        }

        Sort(state.Price, pick, order.AsSpan(0, count));
        return count;
    }

    private static void Sort(long[] price, UnitPick pick, Span<int> units)
    {
        if (pick == UnitPick.Cheapest)
        {
            units.Sort((a, b) => price[a] == price[b] ? a.CompareTo(b) : price[a].CompareTo(price[b]));
        }
        else if (pick == UnitPick.Dearest)
        {
            units.Sort((a, b) => price[a] == price[b] ? a.CompareTo(b) : price[b].CompareTo(price[a]));
        }
    }

    /// <summary>Computes what is taken off each marked unit.</summary>
    /// <returns>False when the cart lacks what the effect asks for.</returns>
    private static bool Compute(PricingState state, Effect effect, bool original)
    {
        switch (effect)
        {
            case PercentOff percent:
                Value(state, effect, original, isPercent: true, percent.Percent);
                return true;
            case AmountOff amount:
                Value(state, effect, original, isPercent: false, amount.AmountMinor);
                return true;
            case TieredOff tiered:
                Tiers(state, tiered, original);
                return true;
            case FixedPrice { Target: EffectTarget.Order } price:
                Distribute(state, effect, Math.Max(0, Cost(state, original: false) - price.PriceMinor));
                return true;
            case FixedPrice price:
                EachUnit(state, unit => Math.Max(0, state.Price[unit] - price.PriceMinor));
                return true;
            case GraduatedOff graduated:
                Graduate(state, graduated);
                return true;
            case BundlePrice bundle:
                return Bundle(state, bundle);
            default:
                throw new ArgumentOutOfRangeException(nameof(effect));
        }
    }

    private static void Value(PricingState state, Effect effect, bool original, bool isPercent, decimal value)
    {
        if (effect.Target == EffectTarget.Order || effect.Allocation == Allocation.Across)
        {
            Distribute(state, effect, Of(Cost(state, original), isPercent, value));
        }
        else if (effect.Allocation == Allocation.EachUnit)
        {
            EachUnit(
                state,
                unit => Of(original ? state.ListPrice(state.SlotOf[unit]) : state.Price[unit], isPercent, value)
            );
        }
        else
        {
            for (var slot = 0; slot < state.Slots; slot++)
            {
                OnSlot(state, effect, slot, original, isPercent, value);
            }
        }
    }

    private static void OnSlot(
        PricingState state,
        Effect effect,
        int slot,
        bool original,
        bool isPercent,
        decimal value
    )
    {
        var (cost, room) = Measure(state, slot, original);
        if (room > 0)
        {
            SpreadInSlot(state, slot, Math.Min(room, Of(cost, isPercent, value)), effect.WeighByQuantity);
        }
    }

    private static long Of(long cost, bool isPercent, decimal value) =>
        isPercent ? Spreading.PercentOf(cost, value) : decimal.ToInt64(value);

    private static void Tiers(PricingState state, TieredOff tiered, bool original)
    {
        if (
            tiered.Basis == TierBasis.OwnAmount
            && tiered.Target != EffectTarget.Order
            && tiered.Allocation != Allocation.Across
        )
        {
            for (var slot = 0; slot < state.Slots; slot++)
            {
                var own = state.ListPrice(slot) * (state.EndOf(slot) - state.FirstOf(slot));
                var value = Reached(tiered, own);
                if (tiered.Allocation == Allocation.EachLine)
                {
                    OnSlot(state, tiered, slot, original, tiered.IsPercent, value);
                    continue;
                }

                for (var unit = state.FirstOf(slot); unit < state.EndOf(slot); unit++)
                {
                    var cost = original ? state.ListPrice(slot) : state.Price[unit];
                    state.Off[unit] = state.Picked[unit]
                        ? Math.Min(state.RoomOf(unit), Of(cost, tiered.IsPercent, value))
                        : 0;
                }
            }

            return;
        }

        long basis = 0;
        for (var slot = 0; slot < state.Slots; slot++)
        {
            basis += tiered.Basis switch
            {
                TierBasis.OwnAmount => Means(state, tiered, slot)
                    ? state.ListPrice(slot) * (state.EndOf(slot) - state.FirstOf(slot))
                    : 0,
                _ when slot >= state.Goods || !state.Cart.Lines[slot].Discountable => 0,
                TierBasis.OrderSubtotal => state.Cart.Lines[slot].AmountMinor,
                _ => tiered.BasisFilter.Matches(state.Cart.Lines[slot]) ? state.Cart.Lines[slot].Quantity : 0,
            };
        }

        Value(state, tiered, original, tiered.IsPercent, Reached(tiered, basis));
    }

    private static decimal Reached(TieredOff tiered, long basis)
    {
        var (value, highest) = (tiered.Base, decimal.MinValue);
        foreach (var tier in tiered.Tiers)
        {
            if (basis >= tier.From && tier.From > highest)
            {
                (value, highest) = (tier.Value, tier.From);
            }
        }

        return value;
    }

    private static void Graduate(PricingState state, GraduatedOff graduated)
    {
        for (var slot = 0; slot < state.Goods; slot++)
        {
            var taken = 0;
            for (var unit = state.FirstOf(slot); unit < state.EndOf(slot); unit++)
            {
                if (state.Picked[unit] && taken < (graduated.MaxUnitsPerLine ?? int.MaxValue))
                {
                    var off = taken++ == 0 ? graduated.FirstMinor : graduated.AdditionalMinor;
                    state.Off[unit] = Math.Min(off, state.RoomOf(unit));
                }
            }
        }
    }

    private static bool Bundle(PricingState state, BundlePrice bundle)
    {
        var order = ArrayPool<int>.Shared.Rent(Math.Max(1, state.Units));
        var count = InOrder(state, bundle.Pick, 0, state.FirstOf(state.Goods), order);
        var bundles = Math.Min(count / bundle.Quantity, bundle.MaxApplications ?? int.MaxValue);
        for (var i = bundles * bundle.Quantity; i < count; i++)
        {
            state.Picked[order[i]] = false;
        }

        for (var i = 0; i < bundles; i++)
        {
            var units = order.AsSpan(i * bundle.Quantity, bundle.Quantity);
            units.Sort();
            long cost = 0;
            foreach (var unit in units)
            {
                cost += state.Price[unit];
            }

            SpreadOverLines(state, units, Math.Max(0, cost - bundle.PriceMinor), byQuantity: false);
        }

        ArrayPool<int>.Shared.Return(order);
        return bundles > 0;
    }

    private static void EachUnit(PricingState state, Func<int, long> off)
    {
        for (var unit = 0; unit < state.Units; unit++)
        {
            state.Off[unit] = state.Picked[unit] ? Math.Min(off(unit), state.RoomOf(unit)) : 0;
        }
    }

    private static long Cost(PricingState state, bool original)
    {
        long cost = 0;
        for (var slot = 0; slot < state.Slots; slot++)
        {
            cost += Measure(state, slot, original).Cost;
        }

        return cost;
    }

    /// <summary>What the marked units of a slot cost, and what they may take.</summary>
    private static (long Cost, long Room) Measure(PricingState state, int slot, bool original)
    {
        var (cost, room) = (0L, 0L);
        for (var unit = state.FirstOf(slot); unit < state.EndOf(slot); unit++)
        {
            if (state.Picked[unit])
            {
                cost += original ? state.ListPrice(slot) : state.Price[unit];
                room += state.RoomOf(unit);
            }
        }

        return (cost, room);
    }

    private static long Total(PricingState state)
    {
        long total = 0;
        for (var unit = 0; unit < state.Units; unit++)
        {
            total += state.Off[unit];
        }

        return total;
    }

    private static long Commit(PricingState state, bool order)
    {
        var into = order ? state.OrderOff : state.OwnOff;
        long total = 0;
        for (var unit = 0; unit < state.Units; unit++)
        {
            var off = state.Off[unit];
            if (off > 0)
            {
                state.Price[unit] -= off;

                // What an order discount takes off a delivery is a discount on the delivery.
                var slot = state.SlotOf[unit];
                (slot < state.Goods ? into : state.OwnOff)[slot] += off;
                total += off;
            }
        }

        return total;
    }
}
