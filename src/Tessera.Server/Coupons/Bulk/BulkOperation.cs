using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>
/// Carries a plan out as an operation (BLK-08): each batch commits with its events, what it did, its results and the
/// progress, so a run that was stopped or killed goes on after the last batch and does nothing twice.
/// </summary>
internal static class BulkOperation
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "coupons_bulk";

    /// <summary>The file of results: one line a coupon.</summary>
    public const string Output = "output";

    /// <summary>Coupons that could not be changed that are listed; more are only counted.</summary>
    private const int MaximumErrors = 10_000;

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, CancellationToken cancel)
    {
        BulkPlan plan;
        await using (var look = await database.BeginAsync(cancel))
        {
            plan = (await BulkStore.FindAsync(look, operation.Id, null, hold: false, cancel))!;
        }

        using var kept = JsonDocument.Parse(plan.Input);
        var change = BulkRequests.Restore(kept.RootElement);
        var actor = ActorOf(operation);
        await RunAsync(
            database,
            operation,
            plan.Id,
            async (work, part, now) =>
            {
                var batch = await DecideAsync(work, change, part, now, cancel);
                await BulkStore.WriteAsync(work, batch.Writes, plan.Id, isUndo: false, actor, now, cancel);
                await BulkStore.CompleteAsync(work, plan.Id, part.Number, batch.Writes, cancel);
                return batch;
            },
            cancel
        );
    }

    /// <summary>Runs a step over the batches of a plan, from where the operation is, and ends it.</summary>
    /// <param name="database">Where.</param>
    /// <param name="operation">That the caller holds.</param>
    /// <param name="plan">Whose batches.</param>
    /// <param name="step">What is done with a batch, in its transaction.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="first">The batch the operation begins with.</param>
    /// <param name="last">What is done after all batches, in the transaction that ends the operation; null for nothing.</param>
    public static async Task RunAsync(
        Database database,
        Operation operation,
        Guid plan,
        Func<UnitOfWork, BulkPart, DateTimeOffset, Task<BulkBatch>> step,
        CancellationToken cancel,
        int first = 0,
        Func<UnitOfWork, DateTimeOffset, Task<BulkBatch>>? last = null
    )
    {
        var tally = BulkTally.Of(operation) ?? BulkTally.From(first);
        while (true)
        {
            await using var work = await database.BeginAsync(cancel);
            var part = await BulkStore.PartAsync(work, plan, tally.Parts, cancel);
            if (part is null && last is null)
            {
                await OperationStore.TryEndAsync(work, operation, "succeeded", tally.Result(), cancel);
                await work.CommitAsync(cancel);
                return;
            }

            var now = await work.ClockAsync(cancel);
            var batch = part is null ? await last!(work, now) : await step(work, part, now);
            await OperationErrors.KeepAsync(
                work,
                operation.Id,
                [
                    .. batch
                        .Results.Where(static r => r.Refused is not null)
                        .Take((int)Math.Max(0, MaximumErrors - tally.Refused))
                        .Select(static r => new OperationError(
                            r.Id ?? 0,
                            r.Refused!.Field,
                            r.Refused.Code,
                            r.Refused.Message,
                            r.Code
                        )),
                ],
                cancel
            );
            await OperationStore.WriteChunkAsync(
                work,
                operation.Id,
                Output,
                tally.Parts - first,
                Lines(batch.Results, withHeader: tally.Parts == first),
                cancel
            );
            tally = tally.Plus(batch);
            if (
                !await OperationStore.TryAdvanceAsync(
                    work,
                    operation,
                    tally.Done,
                    tally.Refused,
                    tally.ToJson(),
                    cancel
                )
            )
            {
                // Paused, stopped, or another node's by now: this batch did not happen.
                return;
            }

            if (part is null)
            {
                await OperationStore.TryEndAsync(work, operation, "succeeded", tally.Result(), cancel);
            }

            await work.CommitAsync(CancellationToken.None);
            if (part is null)
            {
                return;
            }
        }
    }

    /// <summary>Who is named in the events of an operation.</summary>
    public static CatalogueActor ActorOf(Operation operation)
    {
        using var input = JsonDocument.Parse(operation.Input);
        return new CatalogueActor(operation.Actor, input.RootElement.GetProperty("request_id").GetString()!);
    }

    private static async Task<BulkBatch> DecideAsync(
        UnitOfWork work,
        BulkChange change,
        BulkPart part,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var held = await BulkStore.HoldAsync(work, part.CouponIds, cancel);
        var regions = await RegionRules.OfMerchantsAsync(work, held.Values.Select(static r => r.MerchantId), cancel);
        var writes = new List<BulkWrite>(held.Count);
        var results = new List<BulkResult>(held.Count);
        for (var i = 0; i < part.CouponIds.Length; i++)
        {
            var row = held[part.CouponIds[i]];
            var verdict = change.Decide(row, part.Versions[i], now, regions.Of(row.MerchantId));
            if (verdict.Changes.Count > 0)
            {
                writes.Add(
                    new BulkWrite(
                        row,
                        BulkJson.EventTypeOf(verdict.Changes),
                        BulkJson.Patch(verdict.Changes, before: false),
                        BulkJson.Patch(verdict.Changes, before: true)
                    )
                );
            }

            var outcome =
                verdict.Refused is not null ? "refused"
                : verdict.Changes.Count > 0 ? "changed"
                : "unchanged";
            results.Add(new BulkResult(row.Id, row.Code, outcome, verdict.Refused));
        }

        return new BulkBatch(writes, results);
    }

    /// <summary>A piece of the file of results.</summary>
    internal static byte[] Lines(IEnumerable<BulkResult> results, bool withHeader)
    {
        var text = new StringBuilder();
        if (withHeader)
        {
            CsvText.AppendRow(text, "coupon_id", "code", "outcome", "reason", "message");
        }

        foreach (var result in results)
        {
            CsvText.AppendRow(
                text,
                result.Id?.ToString(CultureInfo.InvariantCulture),
                result.Code,
                result.Outcome,
                result.Refused?.Code,
                result.Refused?.Message
            );
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}

/// <summary>What became of one coupon.</summary>
/// <param name="Id">Of the coupon; null for the campaign it was made with.</param>
/// <param name="Code">Of the coupon, or the id of the campaign.</param>
/// <param name="Outcome">A word.</param>
/// <param name="Refused">Why not.</param>
internal sealed record BulkResult(long? Id, string Code, string Outcome, FieldError? Refused);

/// <summary>What became of a batch.</summary>
/// <param name="Writes">What was written.</param>
/// <param name="Results">One a coupon.</param>
/// <param name="AlsoChanged">What was changed besides coupons.</param>
internal sealed record BulkBatch(
    IReadOnlyList<BulkWrite> Writes,
    IReadOnlyList<BulkResult> Results,
    int AlsoChanged = 0
);

/// <summary>How far it is: kept as the cursor of the operation.</summary>
internal sealed record BulkTally(int Parts, long Done, long Changed, long Unchanged, long Refused)
{
    /// <summary>How far an operation has come; null before its first batch.</summary>
    public static BulkTally? Of(Operation operation) =>
        operation.Cursor is { } cursor ? JsonSerializer.Deserialize<BulkTally>(cursor)! : null;

    /// <summary>Before the batch of a number.</summary>
    public static BulkTally From(int first) => new(first, 0, 0, 0, 0);

    public BulkTally Plus(BulkBatch batch) =>
        new(
            Parts + 1,
            Done + batch.Results.Count,
            Changed + batch.Writes.Count + batch.AlsoChanged,
            Unchanged + batch.Results.Count(static r => r.Outcome == "unchanged"),
            Refused + batch.Results.Count(static r => r.Refused is not null)
        );

    public string ToJson() => JsonSerializer.Serialize(this);

    public string Result() => EventLog.Payload(("changed", Changed), ("unchanged", Unchanged), ("refused", Refused));
}

/// <summary>Runs bulk changes and their undoing. Every node may run it at once.</summary>
internal sealed class BulkWorker(Database database, TimeProvider clock, ILogger<BulkWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, BulkOperation.Kind, null, cancel) is { } change)
        {
            await BulkOperation.RunAsync(database, change, cancel);
            return true;
        }

        if (await OperationStore.TakeAsync(database, BulkUndo.Kind, null, cancel) is { } undo)
        {
            await BulkUndo.RunAsync(database, undo, cancel);
            return true;
        }

        return false;
    }
}
