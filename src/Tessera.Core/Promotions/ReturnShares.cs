namespace Tessera.Core.Promotions;

/// <summary>What one promotion took off a line or delivery, and how much of that has come back.</summary>
/// <param name="Use">The use of the promotion.</param>
/// <param name="DiscountMinor">What it took off in all.</param>
/// <param name="ReturnedMinor">What earlier returns gave back of it.</param>
public sealed record SoldShare(Guid Use, long DiscountMinor, long ReturnedMinor);

/// <summary>A line or delivery as it was sold.</summary>
/// <param name="Quantity">Units, 1 or more; a delivery is one unit.</param>
/// <param name="AmountMinor">Before discounts; a multiple of the quantity.</param>
/// <param name="Returned">Units that earlier returns gave back.</param>
/// <param name="Shares">By promotion, in the order in which they applied.</param>
public sealed record SoldLine(int Quantity, long AmountMinor, int Returned, IReadOnlyList<SoldShare> Shares);

/// <summary>What the return of some units of a line gives back.</summary>
/// <param name="PaidMinor">To the customer.</param>
/// <param name="Shares">To the promotions, in their order; together with what was paid, the price of the units.</param>
public sealed record ReturnedShare(long PaidMinor, IReadOnlyList<long> Shares);

/// <summary>
/// Splits what was paid for a line, and what each promotion gave on it, over its units (RED-12): each unit stands for an
/// equal part. Parts are cut where the running sum is rounded, so any sequence of returns adds up to the whole, exactly.
/// </summary>
public static class ReturnShares
{
    /// <summary>What comes back with some units.</summary>
    /// <param name="line">As sold, with earlier returns.</param>
    /// <param name="units">1 or more, no more than are left.</param>
    public static ReturnedShare Of(SoldLine line, int units)
    {
        ArgumentNullException.ThrowIfNull(line);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(units);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(units, line.Quantity - line.Returned);
        var count = line.Shares.Count;
        var left = new long[count];
        var shares = new long[count];
        Int128 discount = 0;
        long before = 0;
        for (var i = 0; i < count; i++)
        {
            left[i] = line.Shares[i].DiscountMinor - line.Shares[i].ReturnedMinor;
            discount += line.Shares[i].DiscountMinor;
            before += line.Shares[i].ReturnedMinor;
        }

        // Half a minor unit goes to the earlier units; the last unit takes what is left.
        var after = (long)(((discount * (line.Returned + units) * 2) + line.Quantity) / (line.Quantity * (Int128)2));
        var given = after - before;
        Spreading.Spread(given, left, left, shares);
        var price = (long)((Int128)line.AmountMinor * units / line.Quantity);
        return new ReturnedShare(price - given, shares);
    }
}
