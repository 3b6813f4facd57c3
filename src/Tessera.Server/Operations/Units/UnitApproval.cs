using System.Collections.Frozen;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;

namespace Tessera.Server.Operations.Units;

/// <summary>A change of many units.</summary>
internal abstract class UnitApproval : PlannedChange
{
    /// <inheritdoc/>
    protected override string OperationKind => UnitOperation.Kind;

    /// <inheritdoc/>
    protected override string Subject => "unit_plan";

    /// <inheritdoc/>
    protected override IReadOnlySet<string> Words => FrozenSet<string>.Empty;

    /// <summary>The kind of request an action needs.</summary>
    public static string KindOf(string action) => UnitActions.IsEnding(action) ? UnitEnding.Name : UnitOverriding.Name;

    /// <inheritdoc/>
    protected override async Task<WaitingPlan?> HoldAsync(UnitOfWork work, Guid id, CancellationToken cancel) =>
        await UnitPlanStore.FindAsync(work, id, hold: true, cancel) is { StartedAt: null } plan
        && KindOf(plan.Action) == Kind
            ? new WaitingPlan(
                id,
                plan.Action,
                plan.MerchantId,
                plan.Total,
                EventLog.Payload(
                    ("action", plan.Action),
                    ("cause", plan.Cause),
                    ("count", plan.Total),
                    ("units_hash", plan.LinesHash)
                )
            )
            : null;

    /// <inheritdoc/>
    protected override Task StartAsync(UnitOfWork work, Guid id, CancellationToken cancel) =>
        UnitPlanStore.StartAsync(work, id, cancel);
}

/// <summary>Overriding: as for one unit, a second person agrees to each (OPS-02).</summary>
internal sealed class UnitOverriding : UnitApproval
{
    /// <summary>Stored with requests.</summary>
    public const string Name = "instances_bulk";

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override string Permission => Permissions.InstancesOverride;

    /// <inheritdoc/>
    public override long FreeSize => 0;
}

/// <summary>Cancelling and revoking.</summary>
internal sealed class UnitEnding : UnitApproval
{
    /// <summary>Stored with requests.</summary>
    public const string Name = "instances_bulk_ending";

    /// <inheritdoc/>
    public override string Kind => Name;

    /// <inheritdoc/>
    public override string Permission => Permissions.CouponsBulk;

    /// <inheritdoc/>
    public override long FreeSize => 100;
}
