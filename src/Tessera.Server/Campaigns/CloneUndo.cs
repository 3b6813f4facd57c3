using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Campaigns;

/// <summary>
/// Undoes the cloning of a campaign as a unit (BLK-07): its coupons that nobody touched are deleted, then the campaign itself,
/// unless somebody changed it or it still has coupons. What stays is listed as a conflict.
/// </summary>
internal sealed class CloneUndo : Undoing
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "campaign_undo";

    private static readonly FieldError Touched = new(
        "",
        "#",
        "changed_since",
        "This campaign was changed since, so it stays as it is."
    );

    private static readonly FieldError HasCoupons = new(
        "",
        "#",
        "campaign_has_coupons",
        "Coupons belong to this campaign still, so it stays."
    );

    /// <inheritdoc/>
    protected override string OperationKind => Kind;

    /// <summary>Keeps a clone as an operation that is over, in the transaction that made it.</summary>
    /// <returns>The operation.</returns>
    public static Task<Guid> KeepAsync(
        UnitOfWork work,
        string campaign,
        IReadOnlyList<(long Id, string Code)> coupons,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var input = EventLog.Payload(("campaign_id", campaign));
        return MadeCoupons.KeepAsync(work, MadeCoupons.Cloned, input, coupons, [], actor, cancel);
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    ) =>
        (await MadeCoupons.FindClonesAsync(work, operations, hold, cancel)).ToDictionary(
            static c => c.Key,
            static c => c.Value with { Permission = Permissions.CampaignsWrite }
        );

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, CancellationToken cancel)
    {
        string campaign;
        await using (var look = await database.BeginAsync(cancel))
        {
            using var input = JsonDocument.Parse(await MadeCoupons.InputAsync(look, ChangeOf(operation), cancel));
            campaign = input.RootElement.GetProperty("campaign_id").GetString()!;
        }

        var actor = BulkOperation.ActorOf(operation);
        await BulkUndo.RunAsync(
            database,
            operation,
            (work, now) => TakeBackAsync(work, campaign, actor, now, cancel),
            cancel
        );
    }

    /// <inheritdoc/>
    protected override long? ReachedBy(Operation undo) => BulkTally.Of(undo)?.Parts;

    /// <inheritdoc/>
    protected override async Task<long> CountAsync(
        UnitOfWork work,
        Undoable change,
        long after,
        CancellationToken cancel
    ) => await MadeCoupons.CountAsync(work, change.Id, (int)after, cancel) + 1;

    /// <inheritdoc/>
    protected override Task MarkAsync(UnitOfWork work, Undoable change, Guid undo, CancellationToken cancel) =>
        MadeCoupons.MarkAsync(work, change.Id, undo, cancel);

    /// <summary>Deletes the campaign, after its coupons.</summary>
    private static async Task<BulkBatch> TakeBackAsync(
        UnitOfWork work,
        string id,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (await CampaignStore.FindAsync(work, id, null, forUpdate: true, cancel) is not { } campaign)
        {
            // Somebody has deleted it.
            return new BulkBatch([], [new BulkResult(null, id, "unchanged", null)]);
        }

        var no =
            campaign.Version != 1 || await CampaignStore.IsInUseAsync(work, id, cancel) ? Touched
            : campaign.AssociatedCoupons is { Count: > 0 } ? HasCoupons
            : null;
        if (no is not null)
        {
            return new BulkBatch([], [new BulkResult(null, id, "conflict", no)]);
        }

        await CampaignStore.DeleteAsync(work, campaign, actor, now, cancel);
        return new BulkBatch([], [new BulkResult(null, id, "restored", null)], AlsoChanged: 1);
    }
}

/// <summary>Undoes clones. Every node may run it at once.</summary>
internal sealed class CloneUndoWorker(Database database, TimeProvider clock, ILogger<CloneUndoWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, CloneUndo.Kind, null, cancel) is not { } undo)
        {
            return false;
        }

        await CloneUndo.RunAsync(database, undo, cancel);
        return true;
    }
}
