using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>Coupons that were made many at once, kept as an operation that is over, so that it is listed and can be undone (BLK-07).</summary>
internal static class MadeCoupons
{
    /// <summary>Made with a campaign: they go with it, as the room of campaigns undoes it.</summary>
    public const string Cloned = "clone";

    /// <summary>Keeps them, in the transaction that made them.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="action">What was done.</param>
    /// <param name="input">JSON object: what its undo has to know.</param>
    /// <param name="made">Id and code of each, of the first version.</param>
    /// <param name="errors">What was not made, one an item.</param>
    /// <param name="actor">Who asked.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>The operation.</returns>
    public static async Task<Guid> KeepAsync(
        UnitOfWork work,
        string action,
        string input,
        IReadOnlyList<(long Id, string Code)> made,
        IReadOnlyList<OperationError> errors,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var id = Guid.CreateVersion7();
        await OperationStore.RecordAsync(
            work,
            id,
            BulkOperation.Kind,
            EventLog.Payload(
                ("action", action),
                ("request_id", actor.RequestId),
                ("merchant_id", actor.MerchantId),
                ("output_type", "text/csv"),
                ("output_name", $"{action}-{id}.csv")
            ),
            made.Count + errors.Count,
            errors.Count,
            EventLog.Payload(("created", made.Count), ("refused", errors.Count)),
            actor.Actor,
            cancel
        );
        await BulkStore.InsertPlanAsync(work, id, action, input, actor, cancel);
        await BulkStore.StartAsync(work, id, cancel);
        await BulkStore.AddDoneAsync(
            work,
            id,
            made.ToDictionary(static m => m.Id, static _ => (1L, (string?)null)),
            cancel
        );
        var lines = BulkOperation.Lines(
            made.Select(static m => new BulkResult(m.Id, m.Code, "created", null)),
            withHeader: true
        );
        await OperationStore.WriteChunkAsync(work, id, BulkOperation.Output, 0, lines, cancel);
        await OperationErrors.KeepAsync(work, id, errors, cancel);
        return id;
    }

    /// <summary>Which of some operations have cloned a campaign.</summary>
    public static async Task<IReadOnlyDictionary<Guid, Undoable>> FindClonesAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    ) =>
        (await BulkStore.FindAsync(work, operations, hold, cancel))
            .Values.Where(static p => p.Action == Cloned)
            .ToDictionary(static p => p.Id, static p => p.Undoable);

    /// <summary>What the undo of an operation has to know, as it was kept.</summary>
    public static async Task<string> InputAsync(UnitOfWork work, Guid operation, CancellationToken cancel) =>
        (await BulkStore.FindAsync(work, operation, null, hold: false, cancel))!.Input;

    /// <summary>How many an operation has made, in its batches from one on.</summary>
    public static Task<long> CountAsync(UnitOfWork work, Guid operation, int first, CancellationToken cancel) =>
        BulkStore.DoneAsync(work, operation, first, cancel);

    /// <summary>Writes which operation takes back what another made.</summary>
    public static Task MarkAsync(UnitOfWork work, Guid operation, Guid undo, CancellationToken cancel) =>
        BulkStore.UndoAsync(work, operation, undo, cancel);
}
