using System.Buffers;

namespace Tessera.Core.Promotions;

/// <summary>How an amount reaches lines, and within a line units.</summary>
internal static partial class EffectPricing
{
    /// <summary>Spreads an amount over the marked units: over goods and deliveries, then lines, then units.</summary>
    private static void Distribute(PricingState state, Effect effect, long amount)
    {
        var units = ArrayPool<int>.Shared.Rent(Math.Max(1, state.Units));
        var (count, goods) = (0, 0);
        for (var unit = 0; unit < state.Units; unit++)
        {
            if (state.Picked[unit])
            {
                units[count++] = unit;
                goods = state.SlotOf[unit] < state.Goods ? count : goods;
            }
        }

        if (goods > 0 && goods < count)
        {
            Span<long> weights =
            [
                PriceOf(state, units.AsSpan(0, goods)),
                PriceOf(state, units.AsSpan(goods, count - goods)),
            ];
            Span<long> rooms =
            [
                RoomOf(state, units.AsSpan(0, goods)),
                RoomOf(state, units.AsSpan(goods, count - goods)),
            ];
            Span<long> shares = stackalloc long[2];
            Spreading.Spread(amount, weights, rooms, shares);
            SpreadOverLines(state, units.AsSpan(0, goods), shares[0], effect.WeighByQuantity);
            SpreadOverLines(state, units.AsSpan(goods, count - goods), shares[1], effect.WeighByQuantity);
        }
        else
        {
            SpreadOverLines(state, units.AsSpan(0, count), amount, effect.WeighByQuantity);
        }

        ArrayPool<int>.Shared.Return(units);
    }

    private static long PriceOf(PricingState state, ReadOnlySpan<int> units)
    {
        long sum = 0;
        foreach (var unit in units)
        {
            sum += state.Price[unit];
        }

        return sum;
    }

    private static long RoomOf(PricingState state, ReadOnlySpan<int> units)
    {
        long sum = 0;
        foreach (var unit in units)
        {
            sum += state.RoomOf(unit);
        }

        return sum;
    }

    /// <summary>Spreads over the lines of units in cart order, then within each line.</summary>
    private static void SpreadOverLines(PricingState state, ReadOnlySpan<int> units, long amount, bool byQuantity)
    {
        if (units.Length == 0 || amount <= 0)
        {
            return;
        }

        var buffer = ArrayPool<long>.Shared.Rent(state.Slots * 3);
        var ends = ArrayPool<int>.Shared.Rent(state.Slots);
        var weights = buffer.AsSpan(0, state.Slots);
        var rooms = buffer.AsSpan(state.Slots, state.Slots);
        var shares = buffer.AsSpan(state.Slots * 2, state.Slots);
        var (lines, first) = (0, 0);
        for (var i = 1; i <= units.Length; i++)
        {
            if (i < units.Length && state.SlotOf[units[i]] == state.SlotOf[units[first]])
            {
                continue;
            }

            var line = units[first..i];
            weights[lines] = byQuantity ? line.Length : PriceOf(state, line);
            rooms[lines] = RoomOf(state, line);
            ends[lines++] = i;
            first = i;
        }

        Spreading.Spread(amount, weights[..lines], rooms[..lines], shares[..lines]);
        first = 0;
        for (var i = 0; i < lines; i++)
        {
            SpreadOverUnits(state, units[first..ends[i]], shares[i], byQuantity);
            first = ends[i];
        }

        ArrayPool<long>.Shared.Return(buffer);
        ArrayPool<int>.Shared.Return(ends);
    }

    /// <summary>Spreads over the marked units of one slot.</summary>
    private static void SpreadInSlot(PricingState state, int slot, long amount, bool byQuantity)
    {
        var length = state.EndOf(slot) - state.FirstOf(slot);
        var units = ArrayPool<int>.Shared.Rent(length);
        var count = 0;
        for (var unit = state.FirstOf(slot); unit < state.EndOf(slot); unit++)
        {
            if (state.Picked[unit])
            {
                units[count++] = unit;
            }
        }

        SpreadOverUnits(state, units.AsSpan(0, count), amount, byQuantity);
        ArrayPool<int>.Shared.Return(units);
    }

    private static void SpreadOverUnits(PricingState state, ReadOnlySpan<int> units, long amount, bool byQuantity)
    {
        if (units.Length == 1)
        {
            state.Off[units[0]] = Math.Min(amount, state.RoomOf(units[0]));
            return;
        }

        var buffer = ArrayPool<long>.Shared.Rent(units.Length * 3);
        var weights = buffer.AsSpan(0, units.Length);
        var rooms = buffer.AsSpan(units.Length, units.Length);
        var shares = buffer.AsSpan(units.Length * 2, units.Length);
        for (var i = 0; i < units.Length; i++)
        {
            weights[i] = byQuantity ? 1 : state.Price[units[i]];
            rooms[i] = state.RoomOf(units[i]);
        }

        Spreading.Spread(amount, weights, rooms, shares);
        for (var i = 0; i < units.Length; i++)
        {
            state.Off[units[i]] = shares[i];
        }

        ArrayPool<long>.Shared.Return(buffer);
    }

    /// <summary>Cuts what was computed to a cap: the cap is spread anew over the lines that were to get something.</summary>
    private static void Cut(PricingState state, Effect effect, long cap)
    {
        for (var slot = 0; slot < state.Slots; slot++)
        {
            var units = state.Off.AsSpan(state.FirstOf(slot), state.EndOf(slot) - state.FirstOf(slot));
            if (!units.ContainsAnyExcept(0))
            {
                state.Picked.AsSpan(state.FirstOf(slot), units.Length).Clear();
            }
        }

        state.Off.AsSpan(0, state.Units).Clear();
        Distribute(state, effect, cap);
    }
}
