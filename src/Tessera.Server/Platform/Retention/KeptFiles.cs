using System.IO.Compression;
using System.Text;
using Npgsql;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Platform.Retention;

/// <summary>
/// Files of operations, uploaded and made, that may name a person: an erasure looks through their text, that of workbooks
/// included, and removes those that do. What is not over needs its file still.
/// </summary>
public static class KeptFiles
{
    private const int BufferSize = 64 * 1024;

    /// <summary>The first bytes of a workbook, which is a ZIP.</summary>
    private static readonly byte[] Zip = "PK\x03\x04"u8.ToArray();

    /// <summary>Whether work that is not over speaks of somebody, in what it was asked or in its files.</summary>
    public static async Task<bool> AreInUseAsync(
        UnitOfWork work,
        IReadOnlyList<string> traces,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using (
            var asked = work.Command(
                """
                select exists (select from platform.operation o where o.status in ('pending', 'running', 'paused') and exists (
                    select from unnest($1::text[]) x
                    where strpos(lower(concat_ws(' ', o.input::text, o.cursor::text)), lower(x)) > 0))
                """,
                (object)traces.ToArray()
            )
        )
        {
            if (await asked.ExecuteScalarAsync(cancel) is true)
            {
                return true;
            }
        }

        return (await FindAsync(work, traces, areOver: false, cancel)).Count > 0;
    }

    /// <summary>Removes the files that speak of somebody.</summary>
    /// <returns>How many.</returns>
    public static async Task<int> RemoveAsync(UnitOfWork work, IReadOnlyList<string> traces, CancellationToken cancel)
    {
        var found = await FindAsync(work, traces, areOver: true, cancel);
        foreach (var (operation, kind) in found)
        {
            await OperationStore.ForgetChunksAsync(work, operation, kind, cancel);
        }

        return found.Count;
    }

    private static async Task<List<(Guid Operation, string Kind)>> FindAsync(
        UnitOfWork work,
        IReadOnlyList<string> traces,
        bool areOver,
        CancellationToken cancel
    )
    {
        var files = new List<(Guid Operation, string Kind, int Pieces)>();
        await using (
            var query = work.Command(
                """
                select c.operation_id, c.kind, max(c.number) + 1 from platform.operation_chunk c
                join platform.operation o on o.id = c.operation_id
                where (o.status in ('succeeded', 'failed', 'cancelled')) = $1 group by 1, 2
                """,
                areOver
            )
        )
        await using (var rows = await query.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                files.Add((rows.GetGuid(0), rows.GetString(1), rows.GetInt32(2)));
            }
        }

        var found = new List<(Guid, string)>();
        foreach (var (operation, kind, pieces) in traces.Count > 0 ? files : [])
        {
            await using var file = new FileStream(
                Path.GetTempFileName(),
                FileMode.Open,
                FileAccess.ReadWrite,
                FileShare.None,
                BufferSize,
                FileOptions.DeleteOnClose
            );
            for (var number = 0; number < pieces; number++)
            {
                await using var read = work.Command(
                    "select content from platform.operation_chunk where operation_id = $1 and kind = $2 and number = $3",
                    operation,
                    kind,
                    number
                );
                await file.WriteAsync((await read.ExecuteScalarAsync(cancel)) as byte[] ?? [], cancel);
            }

            file.Position = 0;
            if (await SpeaksAsync(file, traces, cancel))
            {
                found.Add((operation, kind));
            }
        }

        return found;
    }

    private static async Task<bool> SpeaksAsync(Stream file, IReadOnlyList<string> traces, CancellationToken cancel)
    {
        var start = new byte[Zip.Length];
        var isZip = await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancel) == Zip.Length;
        file.Position = 0;
        if (!isZip || !start.AsSpan().SequenceEqual(Zip))
        {
            return await IsInAsync(file, traces, cancel);
        }

        try
        {
            using var workbook = new ZipArchive(file, ZipArchiveMode.Read, leaveOpen: true);
            foreach (var part in workbook.Entries)
            {
                await using var content = await part.OpenAsync(cancel);
                if (await IsInAsync(content, traces, cancel))
                {
                    return true;
                }
            }

            return false;
        }
        catch (InvalidDataException)
        {
            // Nobody can tell what it says: it goes.
            return true;
        }
    }

    /// <summary>Whether a text has one of them, across the bounds of what is read at once.</summary>
    private static async Task<bool> IsInAsync(Stream text, IReadOnlyList<string> traces, CancellationToken cancel)
    {
        var overlap = traces.Max(static t => t.Length) - 1;
        using var reader = new StreamReader(
            text,
            Encoding.UTF8,
            detectEncodingFromByteOrderMarks: true,
            BufferSize,
            true
        );
        var buffer = new char[overlap + BufferSize];
        var kept = 0;
        while (await reader.ReadBlockAsync(buffer.AsMemory(kept), cancel) is var read and > 0)
        {
            var all = kept + read;
            foreach (var trace in traces)
            {
                if (buffer.AsSpan(0, all).Contains(trace, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }

            kept = Math.Min(overlap, all);
            buffer.AsSpan(all - kept, kept).CopyTo(buffer);
        }

        return false;
    }
}
