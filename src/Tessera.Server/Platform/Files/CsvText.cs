using System.Globalization;
using System.Text;

namespace Tessera.Server.Platform.Files;

/// <summary>Writes CSV that a spreadsheet shows and never runs (convention 63).</summary>
public static class CsvText
{
    /// <summary>
    /// Appends a row of values: texts made safe, numbers, flags and instants as they are (a negative number is no formula).
    /// </summary>
    public static void AppendValues(StringBuilder text, params ReadOnlySpan<object?> cells)
    {
        ArgumentNullException.ThrowIfNull(text);
        for (var i = 0; i < cells.Length; i++)
        {
            text.Append(i == 0 ? "" : ",");
            text.Append(
                cells[i] switch
                {
                    null => "",
                    string plain => Cell(plain),
                    bool flag => flag ? "true" : "false",
                    DateTimeOffset at => at.UtcDateTime.ToString(
                        "yyyy-MM-dd'T'HH:mm:ss'Z'",
                        CultureInfo.InvariantCulture
                    ),
                    IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
                    var other => Cell(other.ToString() ?? ""),
                }
            );
        }

        text.Append("\r\n");
    }

    /// <summary>Appends a row.</summary>
    public static void AppendRow(StringBuilder text, params ReadOnlySpan<string?> cells)
    {
        ArgumentNullException.ThrowIfNull(text);
        for (var i = 0; i < cells.Length; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(Cell(cells[i] ?? ""));
        }

        text.Append("\r\n");
    }

    /// <summary>Whether a spreadsheet may take a text for a formula: it begins with a sign of one, full-width ones too.</summary>
    public static bool IsFormula(string cell) =>
        cell is { Length: > 0 } && "=+-@\t\r\n\0＝＋－＠".Contains(cell[0], StringComparison.Ordinal);

    /// <summary>A cell as it was before it was made safe: without the mark that keeps a spreadsheet from running it.</summary>
    public static string Unmarked(string cell)
    {
        ArgumentNullException.ThrowIfNull(cell);
        return cell.StartsWith('\'') && IsFormula(cell[1..]) ? cell[1..] : cell;
    }

    private static string Cell(string cell)
    {
        if (IsFormula(cell))
        {
            cell = "'" + cell;
        }

        return cell.AsSpan().ContainsAny(",\"\r\n")
            ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : cell;
    }
}
