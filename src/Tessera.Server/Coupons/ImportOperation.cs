using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>
/// The import of a file of coupons as an operation (BLK-02): the file is kept with it, each batch of rows commits with
/// its errors and the progress, and a run that was stopped goes on after the last batch.
/// </summary>
public static class ImportOperation
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "import";

    /// <summary>Rows in one transaction.</summary>
    public const int BatchSize = 10_000;

    /// <summary>Rows with errors that are listed; more are only counted.</summary>
    public const int MaximumErrors = 10_000;

    private const string Input = "input";
    private const int ChunkSize = 1024 * 1024;
    private const int Attempts = 5;

    private static readonly UnreadableFileException Changed = new(
        "file_changed",
        "The file changed while it was read; nothing was imported."
    );

    /// <summary>Keeps a file and asks for its import.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="name">Ends in .csv or .xlsx.</param>
    /// <param name="file">Can seek. It is read twice: checked, then kept.</param>
    /// <param name="options">How.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="leased">Whether the caller runs it itself.</param>
    /// <param name="cancel">Cancels.</param>
    /// <exception cref="UnreadableFileException">It cannot be read, or changed meanwhile: nothing was kept.</exception>
    public static async Task<Operation> CreateAsync(
        UnitOfWork work,
        string name,
        Stream file,
        ImportOptions options,
        CatalogueActor actor,
        bool leased,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(actor);
        var hash = await HashAsync(file, cancel);
        var total = await CountAsync(name, file, options, cancel);
        var input = EventLog.Payload(
            ("action", options.DryRun ? "check" : null),
            ("file", System.IO.Path.GetFileName(name)),
            ("sha256", Convert.ToHexStringLower(hash)),
            ("options", options),
            ("request_id", actor.RequestId),
            ("merchant_id", actor.MerchantId)
        );
        var operation = await OperationStore.CreateAsync(work, Kind, input, total, actor.Actor, leased, cancel);
        if (!options.DryRun)
        {
            await BulkStore.InsertPlanAsync(work, operation.Id, "import", "{}", actor, cancel);
            await BulkStore.StartAsync(work, operation.Id, cancel);
        }

        file.Position = 0;
        using var kept = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[ChunkSize];
        for (var number = 0; ; number++)
        {
            var read = await file.ReadAtLeastAsync(buffer, ChunkSize, throwOnEndOfStream: false, cancel);
            if (read == 0)
            {
                break;
            }

            kept.AppendData(buffer, 0, read);
            await OperationStore.WriteChunkAsync(work, operation.Id, Input, number, buffer[..read], cancel);
        }

        return kept.GetHashAndReset().AsSpan().SequenceEqual(hash) ? operation : throw Changed;
    }

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    /// <param name="database">Where.</param>
    /// <param name="operation">As taken.</param>
    /// <param name="progress">Told the rows done, after each commit.</param>
    /// <param name="cancel">Stops after the batch that runs.</param>
    /// <returns>Whether it ended; false when it was paused, cancelled or taken over.</returns>
    public static async Task<bool> RunAsync(
        Database database,
        Operation operation,
        Action<long>? progress,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(operation);
        using var json = JsonDocument.Parse(operation.Input);
        var input = json.RootElement;
        var options = input.GetProperty("options").Deserialize<ImportOptions>()!;
        Guid? merchant = input.GetProperty("merchant_id") is { ValueKind: JsonValueKind.String } id
            ? id.GetGuid()
            : null;
        var actor = new CatalogueActor(operation.Actor, input.GetProperty("request_id").GetString()!, merchant);
        await using var file = new FileStream(
            System.IO.Path.GetTempFileName(),
            FileMode.Open,
            FileAccess.ReadWrite,
            FileShare.None,
            ChunkSize,
            FileOptions.DeleteOnClose
        );
        await OperationStore.CopyChunksAsync(database, operation.Id, Input, file, cancel);
        var tally = ImportTally.Of(operation);
        try
        {
            if (Convert.ToHexStringLower(await HashAsync(file, cancel)) != input.GetProperty("sha256").GetString())
            {
                throw Changed;
            }

            file.Position = 0;
            var name = input.GetProperty("file").GetString()!;
            using var rows = await ImportRows.OpenAsync(name, file, options, merchant, cancel);
            var writer = new ImportWriter(operation.Id, options, actor, rows);
            return await RunAsync(database, operation, rows, writer, tally, progress, cancel);
        }
        catch (UnreadableFileException error)
        {
            await using var work = await database.BeginAsync(cancel);
            return await EndAsync(work, operation, "failed", tally, (error.Code, error.Message), cancel);
        }
    }

    private static async Task<bool> RunAsync(
        Database database,
        Operation operation,
        ImportRows rows,
        ImportWriter writer,
        ImportTally tally,
        Action<long>? progress,
        CancellationToken cancel
    )
    {
        await rows.SkipToAsync(tally.Line, cancel);

        // The next batch is read and checked while the one before is written.
        Task<ImportBatch?> ReadAsync() =>
            Task.Run(() => ImportBatch.ReadAsync(database, rows, BatchSize, cancel), cancel);
        var next = ReadAsync();
        try
        {
            while (await next is { } batch)
            {
                next = ReadAsync();
                if (await WriteAsync(database, operation, writer, batch, tally, cancel) is not { } reached)
                {
                    return false;
                }

                tally = reached;
                progress?.Invoke(tally.Done);
            }
        }
        finally
        {
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await using var last = await database.BeginAsync(cancel);
        return await EndAsync(last, operation, "succeeded", tally, null, cancel);
    }

    /// <returns>How far it is then; null when the operation was taken away.</returns>
    private static async Task<ImportTally?> WriteAsync(
        Database database,
        Operation operation,
        ImportWriter writer,
        ImportBatch batch,
        ImportTally tally,
        CancellationToken cancel
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            await using var work = await database.BeginAsync(cancel);
            try
            {
                var next = await writer.WriteAsync(work, tally, batch, cancel);
                if (
                    !await OperationStore.TryAdvanceAsync(
                        work,
                        operation,
                        next.Done,
                        next.Refused,
                        next.ToJson(),
                        cancel
                    )
                )
                {
                    return null;
                }

                await work.CommitAsync(CancellationToken.None);
                return next;
            }
            catch (PostgresException taken)
                when (taken.SqlState == PostgresErrorCodes.UniqueViolation && attempt < Attempts)
            {
                // One of the codes is taken, or was by somebody between the look and the insert: it shows now.
                writer.LooksFirst = true;
            }
        }
    }

    private static async Task<bool> EndAsync(
        UnitOfWork work,
        Operation operation,
        string status,
        ImportTally tally,
        (string Code, string Message)? reason,
        CancellationToken cancel
    )
    {
        var result = EventLog.Payload(
            ("created", tally.Created),
            ("updated", tally.Updated),
            ("skipped", tally.Skipped),
            ("refused", tally.Refused),
            ("reason", reason?.Code),
            ("message", reason?.Message)
        );
        var isOurs = await OperationStore.TryEndAsync(work, operation, status, result, cancel);
        if (isOurs)
        {
            await OperationStore.ForgetChunksAsync(work, operation.Id, Input, cancel);
        }

        await work.CommitAsync(cancel);
        return isOurs;
    }

    private static async Task<byte[]> HashAsync(Stream file, CancellationToken cancel)
    {
        file.Position = 0;
        return await SHA256.HashDataAsync(file, cancel);
    }

    /// <summary>Reads to the end, so that a file that cannot be read is refused before anything is kept.</summary>
    private static async Task<long> CountAsync(
        string name,
        Stream file,
        ImportOptions options,
        CancellationToken cancel
    )
    {
        file.Position = 0;
        using var rows = await ImportRows.OpenAsync(name, new NotClosed(file), options, null, cancel);
        return await rows.CountAsync(cancel);
    }
}

/// <summary>How far an import has come: kept as the cursor of its operation.</summary>
/// <param name="Line">Of the last row that was dealt with.</param>
/// <param name="Done">Rows dealt with.</param>
/// <param name="Created">Coupons made.</param>
/// <param name="Updated">Coupons changed.</param>
/// <param name="Skipped">Rows left out, as their code exists.</param>
/// <param name="Refused">Rows with errors.</param>
/// <param name="RefusedParts">Pieces of the file of them.</param>
internal sealed record ImportTally(
    long Line,
    long Done,
    long Created,
    long Updated,
    long Skipped,
    long Refused,
    int RefusedParts
)
{
    public static ImportTally Of(Operation operation) =>
        operation.Cursor is { } cursor
            ? JsonSerializer.Deserialize<ImportTally>(cursor)!
            : new ImportTally(0, 0, 0, 0, 0, 0, 0);

    public string ToJson() => JsonSerializer.Serialize(this);
}

/// <summary>Runs the imports that callers have asked for. Every node may run it at once.</summary>
internal sealed class ImportWorker(Database database, TimeProvider clock, ILogger<ImportWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, ImportOperation.Kind, null, cancel) is not { } operation)
        {
            return false;
        }

        await ImportOperation.RunAsync(database, operation, null, cancel);
        return true;
    }
}
