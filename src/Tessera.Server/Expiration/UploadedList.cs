using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Codes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>
/// A list of codes or ids, one a line (EXP-09): read chunk by chunk into a table, looked up in one pass over the
/// units, changed in batches. Every line that cannot be read, is not there or may not be changed is named with its reason.
/// </summary>
internal static class UploadedList
{
    private const int LinesPerBatch = 20_000;

    /// <summary>The header says what the lines are.</summary>
    private static readonly string[] Headers = ["code", "instance_id"];

    /// <summary>Goes on with a list where it is.</summary>
    public static async Task RunAsync(
        Database database,
        Operation operation,
        AskedChange asked,
        Tally tally,
        ILogger log,
        CancellationToken cancel
    )
    {
        var at = tally;
        if (at.Phase == 0)
        {
            try
            {
                if (await ReadAsync(database, operation, at, cancel) is not { } read)
                {
                    return;
                }

                at = read;
            }
            catch (UnreadableFileException error)
            {
                await ChangeOperation.EndAsync(database, operation, "failed", at, error.Code, cancel);
                return;
            }
        }

        if (at.Phase == 1)
        {
            if (await LookUpAsync(database, operation, asked, at, cancel) is not { } found)
            {
                return;
            }

            at = found;
        }

        for (var isMore = true; isMore; )
        {
            var before = at;
            var next = await ChangeOperation.BatchAsync(
                database,
                operation,
                async work =>
                {
                    var (after, count) = await ChangeAsync(work, operation, asked, before, log, cancel);
                    isMore = count == UnitChanges.UnitsPerBatch;
                    return after;
                },
                cancel
            );
            if (next is null)
            {
                return;
            }

            at = next;
        }

        await using (var work = await database.BeginAsync(cancel))
        {
            await work.ExecuteAsync(
                "delete from expiration.upload_line where operation_id = $1",
                [operation.Id],
                cancel
            );
            await OperationStore.ForgetChunksAsync(work, operation.Id, "input", cancel);
            await work.CommitAsync(cancel);
        }

        await ChangeOperation.EndAsync(database, operation, "succeeded", at, null, cancel);
    }

    /// <summary>Reads the header of a list.</summary>
    /// <returns>Whether its lines are codes; null when it has no header that is known.</returns>
    public static bool? AreCodes(IReadOnlyList<string> cells) =>
        cells.Count == 1 && Headers.Contains(cells[0].Trim().ToLowerInvariant())
            ? cells[0].Trim().Equals(Headers[0], StringComparison.OrdinalIgnoreCase)
            : null;

    private static async Task<Tally?> ReadAsync(
        Database database,
        Operation operation,
        Tally tally,
        CancellationToken cancel
    )
    {
        await using var file = new FileStream(
            Path.GetTempFileName(),
            FileMode.Open,
            FileAccess.ReadWrite,
            FileShare.None,
            1 << 16,
            FileOptions.DeleteOnClose
        );
        await OperationStore.CopyChunksAsync(database, operation.Id, "input", file, cancel);
        file.Position = 0;
        using var rows = new CsvReader(file);
        var areCodes =
            await rows.ReadAsync(cancel) && AreCodes(rows.Cells) is { } codes
                ? codes
                : throw new UnreadableFileException("no_header", "The first line has to be code or instance_id.");
        var at = tally;
        for (var isMore = true; isMore; )
        {
            var lines = new List<(long Line, string? Code, long? Unit)>(LinesPerBatch);
            var errors = new List<OperationError>();
            while (lines.Count + errors.Count < LinesPerBatch && (isMore = await rows.ReadAsync(cancel)))
            {
                if (rows.Line > at.Line)
                {
                    Take(rows, areCodes, lines, errors);
                }
            }

            var next = at with
            {
                Line = Math.Max(at.Line, rows.Line),
                Done = at.Done + errors.Count,
                Refused = at.Refused + errors.Count,
                Phase = isMore ? 0 : 1,
            };
            if (
                await ChangeOperation.BatchAsync(
                    database,
                    operation,
                    async work =>
                    {
                        await CopyAsync(work, operation.Id, lines, cancel);
                        await OperationErrors.KeepAsync(work, operation.Id, errors, cancel);
                        return next;
                    },
                    cancel
                )
                is null
            )
            {
                return null;
            }

            at = next;
        }

        return at;
    }

    private static void Take(
        CsvReader rows,
        bool areCodes,
        List<(long Line, string? Code, long? Unit)> lines,
        List<OperationError> errors
    )
    {
        var text = rows.Cells.Count > 0 ? rows.Cells[0].Trim() : "";
        if (rows.Fault is { } fault)
        {
            errors.Add(new OperationError(rows.Line, "", "unreadable", fault, null));
        }
        else if (rows.Cells.Count != 1)
        {
            errors.Add(new OperationError(rows.Line, "", "too_many_cells", "A line holds one code or id.", null));
        }
        else if (areCodes && CouponCode.TryNormalise(text, out var code))
        {
            lines.Add((rows.Line, code, null));
        }
        else if (!areCodes && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            lines.Add((rows.Line, null, id));
        }
        else
        {
            var message = areCodes ? "This is not a code." : "This is not the id of an instance.";
            errors.Add(
                new OperationError(rows.Line, "", areCodes ? "invalid_code" : "invalid_id", message, Shown(text))
            );
        }
    }

    private static async Task CopyAsync(
        UnitOfWork work,
        Guid operation,
        List<(long Line, string? Code, long? Unit)> lines,
        CancellationToken cancel
    )
    {
        await using var copy = await work.Connection.BeginBinaryImportAsync(
            "copy expiration.upload_line (operation_id, line, code, unit_id) from stdin (format binary)",
            cancel
        );
        foreach (var (line, code, unit) in lines)
        {
            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(operation, cancel);
            await copy.WriteAsync(line, cancel);
            await copy.WriteAsync(code, NpgsqlDbType.Text, cancel);
            if (unit is { } id)
            {
                await copy.WriteAsync(id, cancel);
            }
            else
            {
                await copy.WriteNullAsync(cancel);
            }
        }

        await copy.CompleteAsync(cancel);
    }

    /// <summary>Finds all units at once, and names the lines that have none. Of lines that name one unit, the first counts.</summary>
    private static Task<Tally?> LookUpAsync(
        Database database,
        Operation operation,
        AskedChange asked,
        Tally tally,
        CancellationToken cancel
    ) =>
        ChangeOperation.BatchAsync(
            database,
            operation,
            async work =>
            {
                await ExecuteAsync(
                    work,
                    """
                    update expiration.upload_line l set unit_id = m.instance_id, valid_until = m.valid_until
                    from coupons.code m where l.operation_id = $1 and l.code = m.code and m.instance_id is not null
                        and ($2::uuid is null or exists (select from coupons.coupon c where c.id = m.coupon_id and c.merchant_id = $2))
                    """,
                    operation.Id,
                    asked.MerchantId,
                    cancel
                );
                await ExecuteAsync(
                    work,
                    """
                    update expiration.upload_line l set valid_until = i.valid_until
                    from coupons.instance i where l.operation_id = $1 and l.code is null and i.id = l.unit_id
                        and ($2::uuid is null or exists (select from coupons.coupon c where c.id = i.coupon_id and c.merchant_id = $2))
                    """,
                    operation.Id,
                    asked.MerchantId,
                    cancel
                );
                var refused = await ExecuteAsync(
                    work,
                    """
                    with gone as (
                        delete from expiration.upload_line l using (
                            select line, valid_until is null as is_unknown,
                                row_number() over (partition by unit_id, valid_until is null order by line) as place
                            from expiration.upload_line where operation_id = $1
                        ) d
                        where l.operation_id = $1 and l.line = d.line and (d.is_unknown or d.place > 1)
                        returning l.line, d.is_unknown, l.code, l.unit_id
                    )
                    insert into platform.operation_error (operation_id, row_number, field, code, message, value)
                    select $1, line, '', case when is_unknown then 'not_found' else 'named_twice' end,
                        case when is_unknown then 'There is no such instance.' else 'An earlier line names this instance.' end,
                        coalesce(left(code, 4) || '…', unit_id::text)
                    from gone where $2::uuid is null or $2 is not null
                    on conflict do nothing
                    """,
                    operation.Id,
                    asked.MerchantId,
                    cancel
                );
                await ChangeStore.CountAsync(work, asked.Id, 0, tally.Refused + refused, cancel);
                return tally with
                {
                    Phase = 2,
                    Line = 0,
                    Done = tally.Done + refused,
                    Refused = tally.Refused + refused,
                };
            },
            cancel
        );

    private static async Task<(Tally Tally, int Count)> ChangeAsync(
        UnitOfWork work,
        Operation operation,
        AskedChange asked,
        Tally tally,
        ILogger log,
        CancellationToken cancel
    )
    {
        var lines = new Dictionary<UnitKey, long>();
        var last = tally.Line;
        await using (
            var query = work.Command(
                $"""
                select line, valid_until, unit_id from expiration.upload_line
                where operation_id = $1 and line > $2 order by line limit {UnitChanges.UnitsPerBatch}
                """,
                operation.Id,
                tally.Line
            )
        )
        await using (var rows = await query.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                last = rows.GetInt64(0);
                lines[new UnitKey(rows.GetFieldValue<DateTimeOffset>(1), rows.GetInt64(2))] = last;
            }
        }

        if (lines.Count == 0)
        {
            return (tally, 0);
        }

        var outcomes = (await UnitChanges.ApplyAsync(work, asked, lines.Keys, log, cancel)).ToDictionary(
            static o => o.Key,
            static o => o.Refusal
        );
        var errors = new List<OperationError>();
        foreach (var (key, line) in lines)
        {
            var refusal = outcomes.TryGetValue(key, out var known) ? known : Platform.Http.ETags.Stale;
            if (refusal is not null)
            {
                var id = ChangeOperation.Invariant(key.Id);
                errors.Add(new OperationError(line, "", refusal.Code, refusal.Message, id));
            }
        }

        await OperationErrors.KeepAsync(work, operation.Id, errors, cancel);
        var changed = lines.Count - errors.Count;
        await ChangeStore.CountAsync(work, asked.Id, changed, errors.Count, cancel);
        var next = tally with
        {
            Line = last,
            Done = tally.Done + lines.Count,
            Changed = tally.Changed + changed,
            Refused = tally.Refused + errors.Count,
        };
        return (next, lines.Count);
    }

    private static async Task<int> ExecuteAsync(
        UnitOfWork work,
        string sql,
        Guid operation,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(sql, operation, ChangeStore.Nullable(merchant, NpgsqlDbType.Uuid));
        command.CommandTimeout = 600;
        return await command.ExecuteNonQueryAsync(cancel);
    }

    private static string Shown(string text) => text.Length > 20 ? text[..20] + "…" : text;
}
