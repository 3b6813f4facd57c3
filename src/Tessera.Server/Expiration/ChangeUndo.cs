using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>Undoes an extension, a forced end, a cancellation or an archiving of many as a unit (BLK-07).</summary>
internal sealed class ChangeUndo : PartUndo
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "expiry_undo";

    /// <inheritdoc/>
    protected override string OperationKind => Kind;

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select operation_id, id, action, merchant_id, undo_until, undone_by from expiration.change
            where operation_id = any($1) and undo_until is not null {(hold ? "for update" : "")}
            """,
            operations.ToArray()
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        var changes = new Dictionary<Guid, Undoable>();
        while (await row.ReadAsync(cancel))
        {
            changes[row.GetGuid(0)] = new Undoable(
                row.GetGuid(1),
                row.GetString(2),
                row.Value<Guid>(3),
                row.Value<DateTimeOffset>(4),
                row.Value<Guid>(5)
            )
            {
                Permission = Permissions.ExpiryChange,
            };
        }

        return changes;
    }

    /// <inheritdoc/>
    protected override async Task<FormerUnits?> NextAsync(
        UnitOfWork work,
        Guid change,
        long after,
        CancellationToken cancel
    ) => await ChangeParts.NextAsync(work, (await ChangeStore.FindAsync(work, change, null, cancel))!, after, cancel);

    /// <inheritdoc/>
    protected override Task<long> CountAsync(UnitOfWork work, Undoable change, long after, CancellationToken cancel) =>
        ChangeParts.CountAsync(work, change.Id, after, cancel);

    /// <inheritdoc/>
    protected override Task MarkAsync(UnitOfWork work, Undoable change, Guid undo, CancellationToken cancel) =>
        work.ExecuteAsync("update expiration.change set undone_by = $2 where id = $1", [change.Id, undo], cancel);
}
