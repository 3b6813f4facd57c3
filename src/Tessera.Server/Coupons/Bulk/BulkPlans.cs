using Tessera.Server.Platform;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>What an operation's plan says of undoing it.</summary>
/// <param name="UndoUntil">Until when it can be undone.</param>
/// <param name="UndoneBy">The operation that undoes it.</param>
public sealed record UndoFacts(DateTimeOffset? UndoUntil, Guid? UndoneBy);

/// <summary>What other rooms may know of bulk changes.</summary>
public static class BulkPlans
{
    /// <summary>Which of some operations can be undone, or were.</summary>
    public static async Task<IReadOnlyDictionary<Guid, UndoFacts>> UndoAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        var plans = await BulkStore.FindAsync(work, operations, cancel);
        return plans.ToDictionary(static p => p.Key, static p => new UndoFacts(p.Value.UndoUntil, p.Value.UndoneBy));
    }
}
