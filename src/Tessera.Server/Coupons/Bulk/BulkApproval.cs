using System.Collections.Frozen;
using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>
/// A bulk change that may need a second person: what is agreed on is the plan, which names every coupon with its version
/// (ACC-07). Coupons that change between the request and the run are left out by the run, and listed.
/// </summary>
internal abstract class BulkApproval : IApprovedAction
{
    private static readonly Refusal Unknown = Problems.Invalid([
        new("input.plan_id", "#/input/plan_id", "unknown_plan", "There is no bulk change of this id that waits."),
    ]);

    /// <summary>Notes may be set, and searched for, in words.</summary>
    private static readonly FrozenSet<string> Words = ["set", "filter"];

    /// <inheritdoc/>
    public abstract string Kind { get; }

    /// <inheritdoc/>
    public abstract long FreeSize { get; }

    /// <inheritdoc/>
    public string Permission => Permissions.CouponsBulk;

    /// <summary>The kind of request an action needs.</summary>
    public static string KindOf(string action) => action == "delete" ? BulkDeletion.Name : BulkChanging.Name;

    /// <summary>The input of a request.</summary>
    public static string InputOf(Guid plan) => EventLog.Payload(("plan_id", plan));

    /// <inheritdoc/>
    public string? Read(Fields input) => input.Id("plan_id") is { } plan ? InputOf(plan) : null;

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var id = PlanOf(input);
        var plan = await BulkStore.FindAsync(work, id, null, hold: true, cancel);
        if (plan is not { StartedAt: null } || KindOf(plan.Action) != Kind)
        {
            return Unknown;
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
        return new ActionEffect("bulk_plan:" + id, effect, plan.Total, "item", plan.MerchantId) { Words = Words };
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var plan = (await BulkStore.FindAsync(work, PlanOf(action.Input), null, hold: true, cancel))!;
        await BulkStore.StartAsync(work, plan.Id, cancel);
        var input = EventLog.Payload(
            ("action", plan.Action),
            ("approval_id", action.Id),
            ("request_id", action.CorrelationId),
            ("merchant_id", plan.MerchantId),
            ("output_type", "text/csv"),
            ("output_name", $"{plan.Action}-{plan.Id}.csv")
        );
        await OperationStore.CreateAsync(
            work,
            BulkOperation.Kind,
            input,
            plan.Total,
            action.RequestedBy,
            leased: false,
            cancel,
            plan.Id
        );
        return Executed.Done(EventLog.Payload(("operation_id", plan.Id)));
    }

    private static Guid PlanOf(string input)
    {
        using var json = JsonDocument.Parse(input);
        return json.RootElement.GetProperty("plan_id").GetGuid();
    }
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
