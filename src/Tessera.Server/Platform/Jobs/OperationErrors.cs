using System.Globalization;
using System.Text;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform.Files;

namespace Tessera.Server.Platform.Jobs;

/// <summary>Something that could not be done.</summary>
/// <param name="Line">Of the input.</param>
/// <param name="Field">Of the line; empty for all of it.</param>
/// <param name="Code">Stable, machine-readable.</param>
/// <param name="Message">A sentence for people.</param>
/// <param name="Value">As given.</param>
public sealed record OperationError(long Line, string Field, string Code, string Message, string? Value);

/// <summary>The error file of an operation (A.11).</summary>
public static class OperationErrors
{
    private const int FlushAt = 32 * 1024;

    /// <summary>Adds errors, in the transaction of the batch that met them.</summary>
    public static async Task KeepAsync(
        UnitOfWork work,
        Guid id,
        IReadOnlyList<OperationError> errors,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(errors);
        if (errors.Count == 0)
        {
            return;
        }

        NpgsqlParameter<string?[]> Texts(Func<OperationError, string?> text) =>
            new() { TypedValue = [.. errors.Select(text)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
        await work.ExecuteAsync(
            """
            insert into platform.operation_error (operation_id, row_number, field, code, message, value)
            select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
            on conflict do nothing
            """,
            [
                id,
                errors.Select(static e => e.Line).ToArray(),
                Texts(static e => e.Field),
                Texts(static e => e.Code),
                Texts(static e => e.Message),
                Texts(static e => e.Value?.Replace("\0", "", StringComparison.Ordinal)),
            ],
            cancel
        );
    }

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
