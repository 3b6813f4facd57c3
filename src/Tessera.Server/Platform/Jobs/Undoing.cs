using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Platform.Jobs;

/// <summary>A change of many as its room keeps it, as far as undoing it is concerned.</summary>
/// <param name="Id">Of the change.</param>
/// <param name="Action">What it did.</param>
/// <param name="MerchantId">Whose things alone; null for all.</param>
/// <param name="UndoUntil">Until when it can be undone; null if it cannot.</param>
/// <param name="UndoneBy">The operation that undoes it.</param>
public sealed record Undoable(Guid Id, string Action, Guid? MerchantId, DateTimeOffset? UndoUntil, Guid? UndoneBy)
{
    /// <summary>What the change needed, besides the permission of changing many; null for nothing.</summary>
    public string? Permission { get; init; }

    /// <summary>Whether it is the house's alone.</summary>
    public bool IsForStaff { get; init; }
}

/// <summary>What an operation shows of undoing it.</summary>
/// <param name="UndoUntil">Until when it can be undone.</param>
/// <param name="UndoneBy">The operation that undoes it; null also when that was stopped, as undoing can be asked for again.</param>
public sealed record UndoFacts(DateTimeOffset? UndoUntil, Guid? UndoneBy);

/// <summary>Who asks for an undo.</summary>
/// <param name="Actor">The key or account.</param>
/// <param name="ClientId">Its id.</param>
/// <param name="MerchantId">Whose operations alone; null for all.</param>
/// <param name="RequestId">Of the request.</param>
public sealed record UndoAsked(string Actor, Guid ClientId, Guid? MerchantId, string RequestId);

/// <summary>
/// Undoing the changes of many of one room, each as a unit and within a period, which the setting TESSERA_UNDO_DAYS says (BLK-07). It is an operation like the change
/// itself; one that was stopped can be asked for again, and goes on behind what it has undone.
/// </summary>
public abstract class Undoing
{
    /// <summary>For how many days a change of many can be undone, unless a deployment says otherwise.</summary>
    public const int UsualDays = 30;

    /// <summary>Not done, or too long ago, or done already.</summary>
    public static readonly Refusal NotUndoable = new(
        "not_undoable",
        "This cannot be undone: it was undone already, or its time for that is over."
    );

    /// <summary>The change is not over.</summary>
    public static readonly Refusal StillRuns = new(
        "operation_not_over",
        "This still runs. Stop it first; what it has done can be undone then."
    );

    /// <summary>The kind of the operations that undo.</summary>
    protected abstract string OperationKind { get; }

    /// <summary>The changes of operations, by the operations; those of other rooms are left out.</summary>
    public abstract Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    );

    /// <summary>How far an undo has come, in the room's own count; null before its first batch.</summary>
    protected abstract long? ReachedBy(Operation undo);

    /// <summary>How many things a change has changed, behind what an undo has reached.</summary>
    protected abstract Task<long> CountAsync(UnitOfWork work, Undoable change, long after, CancellationToken cancel);

    /// <summary>Writes which operation undoes a change.</summary>
    protected abstract Task MarkAsync(UnitOfWork work, Undoable change, Guid undo, CancellationToken cancel);

    /// <summary>Asks for the undoing of an operation whose change is held.</summary>
    /// <returns>The operation that undoes it, or why it cannot be had.</returns>
    public async Task<(Operation? Undo, Refusal? Refusal)> RequestAsync(
        UnitOfWork work,
        Guid id,
        Undoable change,
        UndoAsked by,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(by);
        if (await OperationStore.FindAsync(work, id, by.MerchantId, cancel) is not { } operation)
        {
            return (null, Entry.NotFound);
        }

        if (!operation.IsOver)
        {
            return (null, StillRuns);
        }

        if (change.UndoUntil is null || change.UndoUntil < await work.ClockAsync(cancel))
        {
            return (null, NotUndoable);
        }

        long first = 0;
        if (change.UndoneBy is { } before)
        {
            if (
                await OperationStore.FindAsync(work, before, null, cancel) is not { } undone
                || !IsOpenAgain(undone.Status)
            )
            {
                return (null, NotUndoable);
            }

            // One that was stopped has undone whole batches; the next goes on behind them.
            first = ReachedBy(undone) ?? FirstOf(undone);
        }

        var input = EventLog.Payload(
            ("action", "undo"),
            ("plan_id", change.Id),
            ("undoes", change.Action),
            ("first", first),
            ("client_id", by.ClientId),
            ("request_id", by.RequestId),
            ("merchant_id", change.MerchantId),
            ("output_type", "text/csv"),
            ("output_name", $"undo-{id}.csv")
        );
        var total = await CountAsync(work, change, first, cancel);
        var undo = await OperationStore.CreateAsync(work, OperationKind, input, total, by.Actor, leased: false, cancel);
        await MarkAsync(work, change, undo.Id, cancel);
        return (undo, null);
    }

    /// <summary>Which of some operations can be undone, or were.</summary>
    public async Task<IReadOnlyDictionary<Guid, UndoFacts>> FactsAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        CancellationToken cancel
    )
    {
        var facts = new Dictionary<Guid, UndoFacts>();
        foreach (var (id, change) in await FindAsync(work, operations, hold: false, cancel))
        {
            var undo = change.UndoneBy is { } by ? await OperationStore.FindAsync(work, by, null, cancel) : null;
            facts[id] = new UndoFacts(change.UndoUntil, undo is null || IsOpenAgain(undo.Status) ? null : undo.Id);
        }

        return facts;
    }

    /// <summary>The change an undo is of.</summary>
    protected static Guid ChangeOf(Operation undo)
    {
        ArgumentNullException.ThrowIfNull(undo);
        using var input = JsonDocument.Parse(undo.Input);
        return input.RootElement.GetProperty("plan_id").GetGuid();
    }

    /// <summary>Where an undo begins, in the room's own count.</summary>
    protected static long FirstOf(Operation undo)
    {
        ArgumentNullException.ThrowIfNull(undo);
        using var input = JsonDocument.Parse(undo.Input);
        return input.RootElement.TryGetProperty("first", out var first) ? first.GetInt64() : 0;
    }

    /// <summary>Whether undoing may be asked for again after an undo of this status: one that will not come to its end.</summary>
    private static bool IsOpenAgain(string status) => status is "cancelled" or "failed";
}
