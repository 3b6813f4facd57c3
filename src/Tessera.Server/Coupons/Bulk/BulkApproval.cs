using System.Collections.Frozen;
using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>A change of many coupons.</summary>
internal abstract class BulkApproval : PlannedChange
{
    /// <summary>Notes may be set, and searched for, in words.</summary>
    private static readonly FrozenSet<string> SetAndFilter = ["set", "filter"];

    /// <inheritdoc/>
    public override string Permission => Permissions.CouponsBulk;

    /// <inheritdoc/>
    protected override string OperationKind => BulkOperation.Kind;

    /// <inheritdoc/>
    protected override string Subject => "bulk_plan";

    /// <inheritdoc/>
    protected override IReadOnlySet<string> Words => SetAndFilter;

    /// <summary>The kind of request an action needs.</summary>
    public static string KindOf(string action) => action == "delete" ? BulkDeletion.Name : BulkChanging.Name;

    /// <inheritdoc/>
    protected override async Task<WaitingPlan?> HoldAsync(UnitOfWork work, Guid id, CancellationToken cancel)
    {
        var plan = await BulkStore.FindAsync(work, id, null, hold: true, cancel);
        if (plan is not { StartedAt: null } || KindOf(plan.Action) != Kind)
        {
            return null;
        }

        using var asked = JsonDocument.Parse(plan.Input);
        var effect = EventLog.Payload(
            ("action", plan.Action),
            ("set", asked.RootElement.GetProperty("set")),
            ("extend_days", asked.RootElement.GetProperty("extend_days")),
            ("filter", asked.RootElement.GetProperty("filter")),
            ("count", plan.Total),
            ("coupons_hash", plan.ItemsHash)
        );
        return new WaitingPlan(id, plan.Action, plan.MerchantId, plan.Total, effect);
    }

    /// <inheritdoc/>
    protected override Task StartAsync(UnitOfWork work, Guid id, CancellationToken cancel) =>
        BulkStore.StartAsync(work, id, cancel);
}

/// <summary>Switching and editing.</summary>
internal sealed class BulkChanging : BulkApproval
{
    /// <summary>Stored with requests.</summary>
    public const string Name = "coupons_bulk";

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override long FreeSize => 20_000;
}

/// <summary>Deleting.</summary>
internal sealed class BulkDeletion : BulkApproval
{
    /// <summary>Stored with requests.</summary>
    public const string Name = "coupons_bulk_delete";

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override long FreeSize => 1_000;
}
