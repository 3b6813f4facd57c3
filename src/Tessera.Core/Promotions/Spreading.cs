using System.Buffers;

namespace Tessera.Core.Promotions;

/// <summary>Exact percentages and the spreading of amounts (RUL-01).</summary>
public static class Spreading
{
    /// <summary>A percentage of an amount, half a minor unit up.</summary>
    /// <param name="amountMinor">0 or more.</param>
    /// <param name="percent">0 or more, at most 15 decimals.</param>
    public static long PercentOf(long amountMinor, decimal percent)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(percent, bits);
        var scale = (bits[3] >> 16) & 0xff;
        var mantissa = new Int128((uint)bits[2], ((ulong)(uint)bits[1] << 32) | (uint)bits[0]);
        Int128 divisor = 100;
        for (var i = 0; i < scale; i++)
        {
            divisor *= 10;
        }

        return (long)(((checked(mantissa * amountMinor) * 2) + divisor) / (divisor * 2));
    }

    /// <summary>
    /// Spreads an amount in proportion to weights, nobody taking more than there is room for; what one cannot take goes
    /// to the others in proportion. Shares are cut to whole units, and the units left over go one each to the largest
    /// cut-off fractions, ties to the earlier.
    /// </summary>
    /// <param name="amount">0 or more; what exceeds all rooms together is not given.</param>
    /// <param name="weights">0 or more each; without weight there is no share.</param>
    /// <param name="rooms">0 or more each.</param>
    /// <param name="shares">Receives the shares.</param>
    public static void Spread(long amount, ReadOnlySpan<long> weights, ReadOnlySpan<long> rooms, Span<long> shares)
    {
        const long Open = -1;
        var count = weights.Length;
        Int128 allRoom = 0;
        for (var i = 0; i < count; i++)
        {
            allRoom += rooms[i];
        }

        if (amount >= allRoom)
        {
            rooms.CopyTo(shares);
            return;
        }

        shares[..count].Fill(Open);
        Int128 rest = amount;
        Int128 weight;
        while (true)
        {
            weight = 0;
            for (var i = 0; i < count; i++)
            {
                weight += shares[i] == Open ? weights[i] : 0;
            }

            // All that would take more than they may are closed by the same proportion, then the others share anew.
            var before = rest;
            var closed = false;
            for (var i = 0; i < count; i++)
            {
                if (shares[i] == Open && (weights[i] == 0 || before * weights[i] >= (Int128)rooms[i] * weight))
                {
                    shares[i] = weights[i] == 0 ? 0 : rooms[i];
                    rest -= shares[i];
                    closed = true;
                }
            }

            if (!closed)
            {
                break;
            }
        }

        if (weight > 0)
        {
            ShareOut(rest, weight, weights, shares);
        }
    }

    private static void ShareOut(Int128 rest, Int128 weight, ReadOnlySpan<long> weights, Span<long> shares)
    {
        var count = weights.Length;
        var fractions = ArrayPool<long>.Shared.Rent(count);
        var left = rest;
        var small = weight <= int.MaxValue && rest <= int.MaxValue;
        for (var i = 0; i < count; i++)
        {
            fractions[i] = -1;
            if (shares[i] >= 0)
            {
                continue;
            }

            if (small)
            {
                (shares[i], fractions[i]) = Math.DivRem((long)rest * weights[i], (long)weight);
            }
            else
            {
                var (share, fraction) = Int128.DivRem(rest * weights[i], weight);
                (shares[i], fractions[i]) = ((long)share, (long)fraction);
            }

            left -= shares[i];
        }

        GiveOdd((int)left, fractions, shares[..count]);
        ArrayPool<long>.Shared.Return(fractions);
    }

    /// <summary>One unit each to the largest fractions; there are always fewer units than fractions above zero.</summary>
    private static void GiveOdd(int units, long[] fractions, Span<long> shares)
    {
        if (units <= 4)
        {
            for (; units > 0; units--)
            {
                var best = 0;
                for (var i = 1; i < shares.Length; i++)
                {
                    best = fractions[i] > fractions[best] ? i : best;
                }

                shares[best]++;
                fractions[best] = -1;
            }

            return;
        }

        var order = ArrayPool<int>.Shared.Rent(shares.Length);
        for (var i = 0; i < shares.Length; i++)
        {
            order[i] = i;
        }

        order
            .AsSpan(0, shares.Length)
            .Sort((a, b) => fractions[a] == fractions[b] ? a.CompareTo(b) : fractions[b].CompareTo(fractions[a]));
        for (var i = 0; i < units; i++)
        {
            shares[order[i]]++;
        }

        ArrayPool<int>.Shared.Return(order);
    }
}
