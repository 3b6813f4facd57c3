using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Operations.Units;

/// <summary>
/// A change of many units that may need a second person: what is agreed on is the plan, which names every unit with its version
/// (ACC-07). Units that change between the request and the run are left out by the run, and listed.
/// </summary>
internal abstract class UnitApproval : IApprovedAction
{
    private static readonly Refusal Unknown = Problems.Invalid([
        new("input.plan_id", "#/input/plan_id", "unknown_plan", "There is no change of units of this id that waits."),
    ]);

    /// <inheritdoc/>
    public abstract string Kind { get; }

    /// <inheritdoc/>
    public abstract string Permission { get; }

    /// <inheritdoc/>
    public abstract long FreeSize { get; }

    /// <summary>The kind of request an action needs.</summary>
    public static string KindOf(string action) => UnitActions.IsEnding(action) ? UnitEnding.Name : UnitOverriding.Name;

    /// <summary>The input of a request.</summary>
    public static string InputOf(Guid plan) => EventLog.Payload(("plan_id", plan));

    /// <inheritdoc/>
    public string? Read(Fields input) => input.Id("plan_id") is { } plan ? InputOf(plan) : null;

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var plan = await UnitPlanStore.FindAsync(work, PlanOf(input), hold: true, cancel);
        if (plan is not { StartedAt: null } || KindOf(plan.Action) != Kind)
        {
            return Unknown;
        }

        var effect = EventLog.Payload(
            ("action", plan.Action),
            ("cause", plan.Cause),
            ("count", plan.Total),
            ("units_hash", plan.LinesHash)
        );
        return new ActionEffect("unit_plan:" + plan.Id, effect, plan.Total, "item", plan.MerchantId);
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var plan = (await UnitPlanStore.FindAsync(work, PlanOf(action.Input), hold: true, cancel))!;
        await UnitPlanStore.StartAsync(work, plan, cancel);
        await OperationStore.CreateAsync(
            work,
            UnitOperation.Kind,
            OperationOf(plan, action),
            plan.Total,
            action.RequestedBy,
            leased: false,
            cancel,
            plan.Id
        );
        return Executed.Done(EventLog.Payload(("operation_id", plan.Id)));
    }

    /// <summary>What the operation of a plan goes by.</summary>
    public static string OperationOf(UnitPlan plan, ApprovedAction action) =>
        EventLog.Payload(
            ("action", plan.Action),
            ("approval_id", action.Id),
            ("approved_by", action.ExecutedBy.Actor),
            ("request_id", action.CorrelationId),
            ("merchant_id", plan.MerchantId),
            ("output_type", "text/csv"),
            ("output_name", $"{plan.Action}-{plan.Id}.csv")
        );

    private static Guid PlanOf(string input)
    {
        using var json = JsonDocument.Parse(input);
        return json.RootElement.GetProperty("plan_id").GetGuid();
    }
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
