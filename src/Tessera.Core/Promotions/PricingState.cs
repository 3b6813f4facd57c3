using System.Buffers;

namespace Tessera.Core.Promotions;

/// <summary>
/// A cart while it is priced: what each unit costs now. Goods come first, then each delivery as a line of one unit, so
/// that one way of spreading serves both.
/// </summary>
internal sealed class PricingState : IDisposable
{
    private int[] start = [];
    private bool pooled;

    public required Cart Cart { get; init; }

    /// <summary>How many of the slots are lines of goods; the others are deliveries.</summary>
    public int Goods { get; private set; }

    public int Slots { get; private set; }

    public int Units { get; private set; }

    /// <summary>What each unit costs now.</summary>
    public long[] Price { get; private set; } = [];

    /// <summary>What the effect at hand takes off each unit.</summary>
    public long[] Off { get; private set; } = [];

    /// <summary>Which units the effect at hand touches.</summary>
    public bool[] Picked { get; private set; } = [];

    /// <summary>Which units have served a buy-get effect.</summary>
    public bool[] Served { get; private set; } = [];

    /// <summary>Which units serve the buy-get effect at hand, if it gives something.</summary>
    public bool[] Serving { get; private set; } = [];

    /// <summary>The slot of each unit.</summary>
    public int[] SlotOf { get; private set; } = [];

    /// <summary>Discounts of effects on lines or deliveries, by slot.</summary>
    public long[] OwnOff { get; private set; } = [];

    /// <summary>Shares of order discounts, by slot.</summary>
    public long[] OrderOff { get; private set; } = [];

    /// <summary>Slots that later promotions leave alone.</summary>
    public bool[] Stopped { get; private set; } = [];

    public static PricingState Of(Cart cart)
    {
        var state = new PricingState { Cart = cart };
        var units = cart.Shipping.Count;
        for (var i = 0; i < cart.Lines.Count; i++)
        {
            units += cart.Lines[i].Quantity;
        }

        state.Rent(cart.Lines.Count, cart.Lines.Count + cart.Shipping.Count, units);
        var unit = 0;
        for (var slot = 0; slot < state.Slots; slot++)
        {
            state.start[slot] = unit;
            var end = unit + (slot < state.Goods ? cart.Lines[slot].Quantity : 1);
            state.Price.AsSpan(unit, end - unit).Fill(state.ListPrice(slot));
            state.SlotOf.AsSpan(unit, end - unit).Fill(slot);
            unit = end;
        }

        state.start[state.Slots] = unit;
        state.Served.AsSpan(0, units).Clear();
        state.OwnOff.AsSpan(0, state.Slots).Clear();
        state.OrderOff.AsSpan(0, state.Slots).Clear();
        state.Stopped.AsSpan(0, state.Slots).Clear();
        return state;
    }

    public PricingState Copy()
    {
        var copy = new PricingState { Cart = Cart };
        copy.Rent(Goods, Slots, Units);
        start.AsSpan(0, Slots + 1).CopyTo(copy.start);
        SlotOf.AsSpan(0, Units).CopyTo(copy.SlotOf);
        copy.TakeFrom(this);
        return copy;
    }

    /// <summary>Becomes what another state of the same cart is.</summary>
    public void TakeFrom(PricingState other)
    {
        other.Price.AsSpan(0, Units).CopyTo(Price);
        other.Served.AsSpan(0, Units).CopyTo(Served);
        other.OwnOff.AsSpan(0, Slots).CopyTo(OwnOff);
        other.OrderOff.AsSpan(0, Slots).CopyTo(OrderOff);
        other.Stopped.AsSpan(0, Slots).CopyTo(Stopped);
    }

    /// <summary>The price of a unit before discounts.</summary>
    public long ListPrice(int slot) =>
        slot < Goods ? Cart.Lines[slot].UnitPriceMinor : Cart.Shipping[slot - Goods].AmountMinor;

    /// <summary>The price no unit may fall below.</summary>
    public long FloorOf(int slot) => slot < Goods ? Cart.Lines[slot].MinimumUnitPriceMinor : 0;

    public int FirstOf(int slot) => start[slot];

    public int EndOf(int slot) => start[slot + 1];

    /// <summary>What a unit may still take.</summary>
    public long RoomOf(int unit) => Math.Max(0, Price[unit] - FloorOf(SlotOf[unit]));

    /// <summary>What a slot costs now.</summary>
    public long CostOf(int slot) => ListPrice(slot) * (start[slot + 1] - start[slot]) - OwnOff[slot] - OrderOff[slot];

    public string IdOf(int slot) => slot < Goods ? Cart.Lines[slot].Id : Cart.Shipping[slot - Goods].Id;

    public void Dispose()
    {
        if (pooled)
        {
            pooled = false;
            ArrayPool<int>.Shared.Return(start);
            ArrayPool<int>.Shared.Return(SlotOf);
            ArrayPool<long>.Shared.Return(Price);
            ArrayPool<long>.Shared.Return(Off);
            ArrayPool<bool>.Shared.Return(Picked);
            ArrayPool<bool>.Shared.Return(Served);
            ArrayPool<bool>.Shared.Return(Serving);
            ArrayPool<long>.Shared.Return(OwnOff);
            ArrayPool<long>.Shared.Return(OrderOff);
            ArrayPool<bool>.Shared.Return(Stopped);
        }
    }

    private void Rent(int goods, int slots, int units)
    {
        (Goods, Slots, Units, pooled) = (goods, slots, units, true);
        start = ArrayPool<int>.Shared.Rent(slots + 1);
        SlotOf = ArrayPool<int>.Shared.Rent(units);
        Price = ArrayPool<long>.Shared.Rent(units);
        Off = ArrayPool<long>.Shared.Rent(units);
        Picked = ArrayPool<bool>.Shared.Rent(units);
        Served = ArrayPool<bool>.Shared.Rent(units);
        Serving = ArrayPool<bool>.Shared.Rent(units);
        OwnOff = ArrayPool<long>.Shared.Rent(slots);
        OrderOff = ArrayPool<long>.Shared.Rent(slots);
        Stopped = ArrayPool<bool>.Shared.Rent(slots);
    }
}
