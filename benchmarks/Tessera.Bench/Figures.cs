using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Tessera.Bench;

/// <summary>What a benchmark prints: a table for people, then one line of JSON.</summary>
internal sealed class Figures
{
    private static readonly Stopwatch Clock = Stopwatch.StartNew();

    private readonly Dictionary<string, double> _figures = [];

    /// <summary>The median: of an even number of values, the mean of the two in the middle.</summary>
    public static double Median(IReadOnlyCollection<double> values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The value below which so great a share of the values lies. Sorts them.</summary>
    public static double Percentile(double[] values, double share)
    {
        Array.Sort(values);
        return values[Math.Min(values.Length - 1, (int)(values.Length * share))];
    }

    /// <summary>A line while it runs, with the seconds since the start.</summary>
    public static void Say(FormattableString line) =>
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{Clock.Elapsed.TotalSeconds, 6:F1} s  ")
                + line.ToString(CultureInfo.InvariantCulture)
        );

    /// <summary>Keeps a figure. Ratios are kept to a thousandth, large figures as whole numbers.</summary>
    public void Add(string name, double value) =>
        _figures[name] = value >= 1000 ? Math.Round(value) : Math.Round(value, 3);

    /// <summary>Keeps the ratio of two medians.</summary>
    public void AddRatio(string name, IReadOnlyCollection<double> ours, IReadOnlyCollection<double> theirs) =>
        Add(name, Median(ours) / Median(theirs));

    /// <summary>Prints them.</summary>
    public void Print()
    {
        var width = _figures.Keys.Max(static name => name.Length);
        foreach (var (name, value) in _figures)
        {
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{name.PadRight(width)}  {value, 14:#,##0.###}")
            );
        }

        Console.WriteLine(JsonSerializer.Serialize(_figures));
    }
}
