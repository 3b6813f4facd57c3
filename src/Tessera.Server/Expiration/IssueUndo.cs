using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>
/// Undoes the issuing of many units (BLK-07): what nobody has touched since is withdrawn. A unit cannot be made not to have been,
/// so its last state is <c>revoked</c>.
/// </summary>
internal sealed class IssueUndo : PartUndo
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "codes_undo";

    /// <inheritdoc/>
    protected override string OperationKind => Kind;

    /// <inheritdoc/>
    public override Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    ) => IssuedUnits.FindAsync(work, operations, hold, cancel);

    /// <inheritdoc/>
    protected override async Task<FormerUnits?> NextAsync(
        UnitOfWork work,
        Guid change,
        long after,
        CancellationToken cancel
    ) =>
        await IssuedUnits.NextAsync(work, change, after, cancel) is { } part
            ? new FormerUnits(
                part.Number,
                change,
                WasFreeing: false,
                [
                    .. part.Ids.Select(id => new FormerUnit(
                        new UnitKey(part.EndsAt, id),
                        InstanceState.Issued,
                        1,
                        InstanceState.Revoked,
                        null,
                        part.EndsAt,
                        default
                    )),
                ]
            )
            : null;

    /// <inheritdoc/>
    protected override Task<long> CountAsync(UnitOfWork work, Undoable change, long after, CancellationToken cancel) =>
        IssuedUnits.CountAsync(work, change.Id, after, cancel);

    /// <inheritdoc/>
    protected override Task MarkAsync(UnitOfWork work, Undoable change, Guid undo, CancellationToken cancel) =>
        IssuedUnits.MarkAsync(work, change.Id, undo, cancel);
}
