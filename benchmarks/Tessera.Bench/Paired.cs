using System.Globalization;

namespace Tessera.Bench;

/// <summary>
/// What something adds to the cost of an operation, from many short runs without and with it, in blocks of without, with,
/// with, without (and the other way about in every second block): what drifts, cancels out within a block, and a block that
/// was disturbed does not move the median.
/// </summary>
/// <param name="Bare">Median cost without it.</param>
/// <param name="Added">Median of what it adds.</param>
/// <param name="Low">The median of the added cost of all blocks there could be is above this in 95 of 100 such benchmarks.</param>
/// <param name="High">And below this.</param>
/// <param name="Blocks">How many blocks there were.</param>
internal readonly record struct Paired(double Bare, double Added, double Low, double High, int Blocks)
{
    /// <summary>The share of throughput a full machine loses when an operation costs so much more, in percent.</summary>
    public double LostPercent => Lost(Added);

    /// <summary>The same at <see cref="Low"/>.</summary>
    public double LowPercent => Lost(Low);

    /// <summary>The same at <see cref="High"/>.</summary>
    public double HighPercent => Lost(High);

    /// <summary>Runs the blocks.</summary>
    /// <param name="blocks">At least 6, or there is no interval.</param>
    /// <param name="measure">Measures the cost of an operation once: with it, or without.</param>
    public static async Task<Paired> RunAsync(int blocks, Func<bool, Task<double>> measure)
    {
        var (bare, added) = (new double[blocks], new double[blocks]);
        for (var block = 0; block < blocks; block++)
        {
            var cost = new double[2];
            foreach (var with in block % 2 == 0 ? (bool[])[false, true, true, false] : [true, false, false, true])
            {
                cost[with ? 1 : 0] += await measure(with) / 2;
            }

            (bare[block], added[block]) = (cost[0], cost[1] - cost[0]);
        }

        // The median lies between these two of the ordered differences: the sign of each is a toss of a coin.
        var sorted = added.Order().ToArray();
        var rank = Math.Max(0, (int)Math.Floor((blocks - 1.96 * Math.Sqrt(blocks)) / 2) - 1);
        return new Paired(Figures.Median(bare), Figures.Median(added), sorted[rank], sorted[blocks - 1 - rank], blocks);
    }

    /// <summary>In words, with how certain it is.</summary>
    public string Say(string what) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{what} adds {Added:F1} µs to {Bare:F1}: {LostPercent:F1} % ({LowPercent:F1} to {HighPercent:F1} with 95 % certainty, {Blocks} blocks of four)"
        );

    private double Lost(double added) => 100 * added / (Bare + added);
}
