using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>Why a row is not stored.</summary>
/// <param name="Line">Of the file.</param>
/// <param name="Error">The field and the reason.</param>
/// <param name="Value">As given.</param>
internal sealed record RowFault(long Line, FieldError Error, string? Value);

/// <summary>The rows of one transaction of an import, read and checked.</summary>
/// <param name="Rows">Those without an error so far.</param>
/// <param name="Refused">The others.</param>
/// <param name="Faults">What is wrong with them.</param>
/// <param name="Count">Rows in all.</param>
/// <param name="Line">Of the last of them.</param>
internal sealed record ImportBatch(
    IReadOnlyList<ImportRow> Rows,
    IReadOnlyList<ImportRow> Refused,
    IReadOnlyList<RowFault> Faults,
    int Count,
    long Line
)
{
    /// <summary>Reads the next rows and checks them.</summary>
    /// <returns>Null when there are none.</returns>
    public static async Task<ImportBatch?> ReadAsync(
        Database database,
        ImportRows rows,
        int limit,
        CancellationToken cancel
    )
    {
        DateTimeOffset now;
        await using (var work = await database.BeginAsync(cancel))
        {
            now = await work.ClockAsync(cancel);
        }

        var good = new List<ImportRow>(limit);
        var refused = new List<ImportRow>();
        var faults = new List<RowFault>();
        var count = 0;
        var line = 0L;
        while (count < limit && await rows.ReadAsync(now, cancel) is { } row)
        {
            count++;
            line = row.Line;
            if (row.Errors.Count == 0)
            {
                good.Add(row);
            }
            else
            {
                refused.Add(row);
                faults.AddRange(row.Errors.Select(e => new RowFault(row.Line, e, rows.Shown(e.Field))));
            }
        }

        return count == 0 ? null : new ImportBatch(good, refused, faults, count, line);
    }
}
