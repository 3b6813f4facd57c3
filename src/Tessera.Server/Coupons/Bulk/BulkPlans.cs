using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>What an operation's plan says of undoing it.</summary>
/// <param name="UndoUntil">Until when it can be undone.</param>
/// <param name="UndoneBy">The operation that undoes it; null also when that was stopped, as undoing can be asked for again.</param>
public sealed record UndoFacts(DateTimeOffset? UndoUntil, Guid? UndoneBy);

/// <summary>What other rooms may know of bulk changes.</summary>
public static class BulkPlans
{
    /// <summary>For how long a change of many can be undone (BLK-07).</summary>
    public static TimeSpan UndoPeriod => BulkStore.UndoPeriod;

    /// <summary>Which of some operations can be undone, or were.</summary>
    public static async Task<IReadOnlyDictionary<Guid, UndoFacts>> UndoAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        var plans = await BulkStore.FindAsync(work, operations, cancel);
        var undos = new Dictionary<Guid, Guid?>(plans.Count);
        foreach (var (id, plan) in plans)
        {
            var undo = plan.UndoneBy is { } by ? await OperationStore.FindAsync(work, by, null, cancel) : null;
            undos[id] = undo is null || BulkUndo.IsOpenAgain(undo.Status) ? null : undo.Id;
        }

        return plans.ToDictionary(static p => p.Key, p => new UndoFacts(p.Value.UndoUntil, undos[p.Key]));
    }
}
