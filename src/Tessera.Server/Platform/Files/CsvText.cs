using System.Text;

namespace Tessera.Server.Platform.Files;

/// <summary>Writes CSV that a spreadsheet shows and never runs (convention 63).</summary>
public static class CsvText
{
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

    private static string Cell(string cell)
    {
        // A formula begins with one of these, also in its full-width form.
        if (cell.Length > 0 && "=+-@\t\r\n\0＝＋－＠".Contains(cell[0], StringComparison.Ordinal))
        {
            cell = "'" + cell;
        }

        return cell.AsSpan().ContainsAny(",\"\r\n")
            ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : cell;
    }
}
