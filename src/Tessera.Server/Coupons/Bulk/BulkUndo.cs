using System.Text.Json;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>
/// Undoes a bulk change as a unit (BLK-07): what nobody touched since becomes as it was, what the change made is taken
/// out again, and everything else is listed as a conflict. It is an operation like the change itself.
/// </summary>
internal sealed class BulkUndo : Undoing
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "coupons_undo";

    private static readonly FieldError Touched = new(
        "",
        "#",
        "changed_since",
        "This coupon was changed since, so it stays as it is."
    );

    private static readonly FieldError Used = new(
        "",
        "#",
        "used_since",
        "This coupon has been used since it was made, so it stays."
    );

    /// <inheritdoc/>
    protected override string OperationKind => Kind;

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    ) =>
        (await BulkStore.FindAsync(work, operations, hold, cancel))
            .Values.Where(static p => p.Action is not (IssuedUnits.Action or MadeCoupons.Cloned))
            .ToDictionary(static p => p.Id, static p => p.Undoable);

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static Task RunAsync(Database database, Operation operation, CancellationToken cancel) =>
        RunAsync(database, operation, last: null, cancel);

    /// <summary>Runs an operation that the caller holds, with what comes after its coupons.</summary>
    internal static async Task RunAsync(
        Database database,
        Operation operation,
        Func<UnitOfWork, DateTimeOffset, Task<BulkBatch>>? last,
        CancellationToken cancel
    )
    {
        var plan = ChangeOf(operation);
        var actor = BulkOperation.ActorOf(operation);
        await BulkOperation.RunAsync(
            database,
            operation,
            plan,
            async (work, part, now) =>
            {
                var batch = await DecideAsync(work, part, now, cancel);
                await BulkStore.WriteAsync(work, batch.Writes, plan, isUndo: true, actor, now, cancel);
                return batch;
            },
            cancel,
            (int)FirstOf(operation),
            last
        );
    }

    /// <inheritdoc/>
    protected override long? ReachedBy(Operation undo) => BulkTally.Of(undo)?.Parts;

    /// <inheritdoc/>
    protected override Task<long> CountAsync(UnitOfWork work, Undoable change, long after, CancellationToken cancel) =>
        BulkStore.DoneAsync(work, change.Id, (int)after, cancel);

    /// <inheritdoc/>
    protected override Task MarkAsync(UnitOfWork work, Undoable change, Guid undo, CancellationToken cancel) =>
        BulkStore.UndoAsync(work, change.Id, undo, cancel);

    private static async Task<BulkBatch> DecideAsync(
        UnitOfWork work,
        BulkPart part,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (part.DoneIds is not { } ids)
        {
            // The change was stopped before it came here.
            return new BulkBatch([], []);
        }

        var held = await BulkStore.HoldAsync(work, ids, cancel);
        var regions = await RegionRules.OfMerchantsAsync(work, held.Values.Select(static r => r.MerchantId), cancel);
        using var befores = JsonDocument.Parse(part.Befores ?? "[]");
        var results = new List<BulkResult>(ids.Length);
        var writes = new List<BulkWrite>(ids.Length);
        for (var i = 0; i < ids.Length; i++)
        {
            var row = held[ids[i]];
            var before = part.Befores is null ? default : befores.RootElement[i];
            var wasMade = before.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;
            var no =
                row.Version != part.DoneVersions![i] ? Touched
                : wasMade ? (row.Redeemed > 0 ? Used : null)
                : regions.Of(row.MerchantId)?.Check(row.Window, row.ValidFrom, EndOf(before) ?? row.ValidUntil, now);
            results.Add(new BulkResult(row.Id, row.Code, no is null ? "restored" : "conflict", no));
            if (no is null)
            {
                writes.Add(wasMade ? TakenBack(row, now) : Restored(row, before));
            }
        }

        return new BulkBatch(writes, results);
    }

    /// <summary>The end a coupon is given back; null where that is not part of it.</summary>
    private static DateTimeOffset? EndOf(JsonElement before) =>
        !before.TryGetProperty("valid_until", out var end) ? null
        : end.ValueEquals("infinity") ? DateTimeOffset.MaxValue
        : end.GetDateTimeOffset();

    private static BulkWrite TakenBack(BulkRow row, DateTimeOffset now)
    {
        BulkFieldChange[] changes = [new("deleted_at", null, now)];
        return new BulkWrite(
            row,
            BulkJson.EventTypeOf(changes),
            BulkJson.Patch(changes, before: false),
            BulkJson.Patch(changes, before: true)
        );
    }

    private static BulkWrite Restored(BulkRow row, JsonElement before)
    {
        var type = before.EnumerateObject().Select(static f => f.Name).ToList() switch
        {
            ["deleted_at"] => "coupon.restored",
            ["is_active"] when before.GetProperty("is_active").GetBoolean() => "coupon.activated",
            ["is_active"] => "coupon.deactivated",
            _ => "coupon.updated",
        };
        return new BulkWrite(row, type, before.GetRawText(), Present(row));
    }

    /// <summary>The fields a bulk change may have set, as they are now: what the log calls before.</summary>
    private static string Present(BulkRow row) =>
        BulkJson.Patch(
            [
                new("valid_until", row.ValidUntil, null),
                new("max_uses_total", row.MaxUsesTotal, null),
                new("max_uses_per_user", row.MaxUsesPerUser, null),
                new("campaign_source", row.CampaignSource, null),
                new("notes", row.Notes, null),
            ],
            before: true
        );
}
