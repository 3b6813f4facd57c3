using System.Globalization;

namespace Tessera.Server.Replay;

/// <summary>What a replay found, side by side with what was published of the data.</summary>
public sealed class Figures
{
    private readonly List<Figure> _all = [];

    /// <summary>One figure.</summary>
    /// <param name="Id">Of the published fact.</param>
    /// <param name="Name">What is counted.</param>
    /// <param name="Published">Null: found, and not published.</param>
    /// <param name="Found">By the replay.</param>
    public sealed record Figure(string Id, string Name, string? Published, string Found)
    {
        /// <summary>Whether it contradicts what was published.</summary>
        public bool Differs => Published is not null && Published != Found;
    }

    /// <summary>In the order they were found.</summary>
    public IReadOnlyList<Figure> All => _all;

    /// <summary>How many differ.</summary>
    public int Differing => _all.Count(static f => f.Differs);

    /// <summary>Adds a figure.</summary>
    public void Add(string id, string name, string? published, string found) =>
        _all.Add(new Figure(id, name, published, found));

    /// <summary>Adds a count.</summary>
    public void Add(string id, string name, long? published, long found) =>
        Add(id, name, published is { } p ? Text(p) : null, Text(found));

    /// <summary>Prints all of them, then one line that sums up.</summary>
    public async Task WriteAsync(TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        var name = _all.Max(static f => f.Name.Length);
        var published = Math.Max(9, _all.Max(static f => (f.Published ?? "").Length));
        await output.WriteLineAsync($"{"fact", -6} {"".PadRight(name)} {"published".PadRight(published)} found");
        foreach (var figure in _all)
        {
            var verdict =
                figure.Published is null ? ""
                : figure.Differs ? "  DIFFERS"
                : "  equal";
            await output.WriteLineAsync(
                $"{figure.Id, -6} {figure.Name.PadRight(name)} {(figure.Published ?? "").PadRight(published)} {figure.Found}{verdict}"
            );
        }

        var compared = _all.Count(static f => f.Published is not null);
        await output.WriteLineAsync(
            Differing == 0
                ? $"All {compared} published figures are reproduced."
                : $"{Differing} of {compared} published figures differ."
        );
    }

    private static string Text(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
