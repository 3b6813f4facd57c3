using System.IO.Compression;
using System.Runtime.CompilerServices;
using Tessera.Server.Platform.Files;

namespace Tessera.Server.Replay;

/// <summary>Streams a CSV file of a data set, plain or compressed.</summary>
internal static class DataFile
{
    /// <summary>The cells of each row, in the order of the columns asked for.</summary>
    /// <exception cref="InvalidOperationException">The file is missing, lacks a column, or has a broken row.</exception>
    public static async IAsyncEnumerable<string[]> ReadAsync(
        string directory,
        string name,
        string[] columns,
        [EnumeratorCancellation] CancellationToken cancel
    )
    {
        var path = Path.Combine(directory, name);
        if (!File.Exists(path) && !File.Exists(path += ".gz"))
        {
            throw new InvalidOperationException($"{directory} has no {name} or {name}.gz.");
        }

        await using var file = File.OpenRead(path);
        await using Stream content = path.EndsWith(".gz", StringComparison.Ordinal)
            ? new GZipStream(file, CompressionMode.Decompress)
            : file;
        using var rows = new CsvReader(content);
        int[]? places = null;
        while (await rows.ReadAsync(cancel))
        {
            if (rows.Fault is { } fault)
            {
                throw new InvalidOperationException($"{name}, line {rows.Line}: {fault}");
            }

            if (places is null)
            {
                var header = rows.Cells.ToList();
                places = [.. columns.Select(column => header.IndexOf(column))];
                if (Array.IndexOf(places, -1) is >= 0 and var missing)
                {
                    throw new InvalidOperationException($"{name} has no column {columns[missing]}.");
                }

                continue;
            }

            if (rows.Cells.Count <= places.Max())
            {
                throw new InvalidOperationException($"{name}, line {rows.Line}: too few columns.");
            }

            yield return [.. places.Select(place => rows.Cells[place])];
        }
    }
}
