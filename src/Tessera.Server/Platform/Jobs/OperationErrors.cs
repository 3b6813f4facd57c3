using System.Globalization;
using System.Text;
using Tessera.Server.Platform.Files;

namespace Tessera.Server.Platform.Jobs;

/// <summary>The error file of an operation (A.11).</summary>
public static class OperationErrors
{
    private const int FlushAt = 32 * 1024;

    /// <summary>Writes it as CSV, streamed.</summary>
    public static async Task WriteAsync(UnitOfWork work, Guid id, Stream to, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(to);
        await using var query = work.Command(
            """
            select row_number, field, code, message, value from platform.operation_error
            where operation_id = $1 order by row_number, field, code
            """,
            id
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var text = new StringBuilder();
        CsvText.AppendRow(text, "line", "field", "code", "message", "value");
        while (await rows.ReadAsync(cancel))
        {
            CsvText.AppendRow(
                text,
                rows.GetInt64(0).ToString(CultureInfo.InvariantCulture),
                rows.GetString(1),
                rows.GetString(2),
                rows.GetString(3),
                rows.Object<string>(4)
            );
            if (text.Length > FlushAt)
            {
                await to.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancel);
                text.Clear();
            }
        }

        await to.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancel);
    }
}
