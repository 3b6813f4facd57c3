using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>
/// A change of a whole coupon or campaign, or of an uploaded list, as an operation: each batch commits with its errors and
/// the progress, and a run that was stopped goes on after the last batch.
/// </summary>
internal static class ChangeOperation
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "expiry_change";

    private const int Attempts = 5;

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, ILogger log, CancellationToken cancel)
    {
        using var json = JsonDocument.Parse(operation.Input);
        var input = json.RootElement;
        var request = input.TryGetProperty("request_id", out var id) ? id.GetString() : null;
        var tally = Tally.Of(operation);
        if (!input.TryGetProperty("change_id", out var change))
        {
            // Somebody let a list go on that still waits for its approval.
            await EndAsync(database, operation, "failed", tally, "not_approved", cancel);
            return;
        }

        AskedChange? asked;
        await using (var look = await database.BeginAsync(cancel))
        {
            asked = await ChangeStore.FindAsync(look, change.GetGuid(), request, cancel);
        }

        if (input.TryGetProperty("upload", out _))
        {
            await UploadedList.RunAsync(database, operation, asked!, tally, log, cancel);
            return;
        }

        var scope = new Scope(
            input.GetProperty("coupon_id") is { ValueKind: JsonValueKind.Number } coupon ? coupon.GetInt64() : null,
            input.GetProperty("campaign_id").GetString()
        );
        await RunAsync(database, operation, asked!, scope, tally, log, cancel);
    }

    /// <summary>Ends an operation with what came of it.</summary>
    internal static async Task EndAsync(
        Database database,
        Operation operation,
        string status,
        Tally tally,
        string? reason,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        var result = EventLog.Payload(("changed", tally.Changed), ("refused", tally.Refused), ("reason", reason));
        await OperationStore.TryEndAsync(work, operation, status, result, cancel);
        await work.CommitAsync(cancel);
    }

    /// <summary>Does one batch; when a unit moved while it was waited for, all of it again.</summary>
    /// <returns>What was done, or null when the operation is another's by now, or was stopped.</returns>
    internal static async Task<Tally?> BatchAsync(
        Database database,
        Operation operation,
        Func<UnitOfWork, Task<Tally>> run,
        CancellationToken cancel
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            await using var work = await database.BeginAsync(cancel);
            try
            {
                var next = await run(work);
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
            catch (PostgresException moved) when (UnitChanges.IsMoved(moved) && attempt < Attempts)
            {
                // The next look finds the unit where it is now.
            }
        }
    }

    private static async Task RunAsync(
        Database database,
        Operation operation,
        AskedChange asked,
        Scope scope,
        Tally tally,
        ILogger log,
        CancellationToken cancel
    )
    {
        for (var isMore = true; isMore; )
        {
            var at = tally;
            var next = await BatchAsync(
                database,
                operation,
                async work =>
                {
                    var after = new UnitKey(at.At ?? DateTimeOffset.MinValue, at.Id);
                    var keys = await ChangeStore.NextAsync(
                        work,
                        scope,
                        after,
                        asked,
                        UnitChanges.UnitsPerBatch,
                        cancel
                    );
                    isMore = keys.Count == UnitChanges.UnitsPerBatch;
                    if (keys.Count == 0)
                    {
                        return at;
                    }

                    var outcomes = await UnitChanges.ApplyAsync(work, asked, keys, log, cancel);
                    var refused = outcomes.Where(static o => o.Refusal is not null).ToList();
                    await OperationErrors.KeepAsync(
                        work,
                        operation.Id,
                        [.. refused.Select(static o => Error(o.Key.Id, o.Refusal!))],
                        cancel
                    );
                    var changed = outcomes.Count - refused.Count;
                    await ChangeStore.CountAsync(work, asked.Id, changed, refused.Count, cancel);
                    return at with
                    {
                        Done = at.Done + keys.Count,
                        Changed = at.Changed + changed,
                        Refused = at.Refused + refused.Count,
                        At = keys[^1].EndsAt,
                        Id = keys[^1].Id,
                    };
                },
                cancel
            );
            if (next is null)
            {
                return;
            }

            tally = next;
        }

        await EndAsync(database, operation, "succeeded", tally, null, cancel);
    }

    /// <summary>Why a unit stays as it is, in the file of an operation.</summary>
    internal static OperationError Error(long unit, Refusal refusal) =>
        new(unit, "instance_id", refusal.Code, refusal.Message, Invariant(unit));

    internal static string Invariant(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>How far an operation has come.</summary>
/// <param name="Phase">Of an uploaded list: 0 reading, 1 looking up, 2 changing.</param>
/// <param name="Line">The last line that is done with, in its phase.</param>
/// <param name="At">The last key that is done with: end.</param>
/// <param name="Id">The last key that is done with: id.</param>
/// <param name="Done">Units or lines done.</param>
/// <param name="Changed">Units changed.</param>
/// <param name="Refused">Units or lines refused.</param>
internal sealed record Tally(int Phase, long Line, DateTimeOffset? At, long Id, long Done, long Changed, long Refused)
{
    public string ToJson() => JsonSerializer.Serialize(this, Wire.Json);

    public static Tally Of(Operation operation) =>
        operation.Cursor is { } cursor
            ? JsonSerializer.Deserialize<Tally>(cursor, Wire.Json)!
            : new Tally(0, 0, null, -1, 0, 0, 0);
}

/// <summary>Runs the changes that callers have asked for, and their undoing. Every node may run it at once.</summary>
internal sealed class ChangeWorker(Database database, TimeProvider clock, ILogger<ChangeWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    private static readonly (string Kind, PartUndo Undo)[] Undos =
    [
        (ChangeUndo.Kind, new ChangeUndo()),
        (IssueUndo.Kind, new IssueUndo()),
    ];

    private readonly ILogger _log = log;

    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, ChangeOperation.Kind, null, cancel) is { } change)
        {
            await ChangeOperation.RunAsync(database, change, _log, cancel);
            return true;
        }

        foreach (var (kind, undoing) in Undos)
        {
            if (await OperationStore.TakeAsync(database, kind, null, cancel) is { } undo)
            {
                await undoing.RunAsync(database, undo, cancel);
                return true;
            }
        }

        return false;
    }
}
