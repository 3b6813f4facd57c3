using System.Globalization;
using System.Text;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>
/// The file of the rows an import refused (A.11): each as it is in the source, with its line and its errors behind it, so
/// that this file can be mended and imported.
/// </summary>
internal static class RejectedRows
{
    /// <summary>The kind of its pieces.</summary>
    public const string Kind = "refused";

    /// <summary>Adds rows, in the transaction of the batch that refused them.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="operation">The import.</param>
    /// <param name="part">How many pieces the file has.</param>
    /// <param name="columns">Of the source.</param>
    /// <param name="rows">With their errors.</param>
    /// <param name="cancel">Cancels.</param>
    public static Task KeepAsync(
        UnitOfWork work,
        Guid operation,
        int part,
        IReadOnlyList<string> columns,
        IEnumerable<ImportRow> rows,
        CancellationToken cancel
    )
    {
        var text = new StringBuilder();
        if (part == 0)
        {
            CsvText.AppendRow(text, Header(columns));
        }

        foreach (var row in rows.OrderBy(static r => r.Line))
        {
            CsvText.AppendRow(text, CellsOf(columns.Count, row));
        }

        var content = Encoding.UTF8.GetBytes(text.ToString());
        return OperationStore.WriteChunkAsync(work, operation, Kind, part, content, cancel);
    }

    /// <summary>The columns of the source, and the remarks.</summary>
    public static string[] Header(IReadOnlyList<string> columns) => [.. columns, .. ImportRows.Remarks];

    /// <summary>The cells of a row; one that could not be cut into cells has its whole text in the first.</summary>
    public static string[] CellsOf(int columns, ImportRow row) =>
        [
            .. row.Source,
            .. Enumerable.Repeat("", columns - row.Source.Count),
            row.Line.ToString(CultureInfo.InvariantCulture),
            string.Join(
                "; ",
                row.Errors.Select(static e => e.Field.Length > 0 ? $"{e.Field}: {e.Message}" : e.Message)
            ),
        ];
}
