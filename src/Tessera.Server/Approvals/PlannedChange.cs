using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Approvals;

/// <summary>A plan that waits, as whoever agrees to it is shown it.</summary>
/// <param name="Id">Also of the operation that carries it out.</param>
/// <param name="Action">What it does.</param>
/// <param name="MerchantId">Whose things alone; null for all.</param>
/// <param name="Total">Things selected.</param>
/// <param name="Effect">JSON object: what would happen, with a hash over all that is selected.</param>
public sealed record WaitingPlan(Guid Id, string Action, Guid? MerchantId, long Total, string Effect);

/// <summary>
/// A change of many that may need a second person: what is agreed on is the plan, which names everything with its version
/// (ACC-07). What changes between the request and the run is left out by the run, and listed. The run is an operation.
/// </summary>
public abstract class PlannedChange : IApprovedAction
{
    private static readonly Refusal Unknown = Problems.Invalid([
        new("input.plan_id", "#/input/plan_id", "unknown_plan", "There is no change of this id that waits."),
    ]);

    /// <inheritdoc/>
    public abstract string Kind { get; }

    /// <inheritdoc/>
    public abstract string Permission { get; }

    /// <inheritdoc/>
    public abstract long FreeSize { get; }

    /// <summary>The kind of the operations that carry plans out.</summary>
    protected abstract string OperationKind { get; }

    /// <summary>What plans are called in the subject of a request.</summary>
    protected abstract string Subject { get; }

    /// <summary>Members of the effect that hold words of people.</summary>
    protected abstract IReadOnlySet<string> Words { get; }

    /// <summary>The input of a request.</summary>
    public static string InputOf(Guid plan) => EventLog.Payload(("plan_id", plan));

    /// <summary>What the operation of a plan goes by.</summary>
    public static string OperationOf(Guid plan, string what, Guid? merchant, ApprovedAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return EventLog.Payload(
            ("action", what),
            ("approval_id", action.Id),
            ("approved_by", action.ExecutedBy.Actor),
            ("request_id", action.CorrelationId),
            ("merchant_id", merchant),
            ("output_type", "text/csv"),
            ("output_name", $"{what}-{plan}.csv")
        );
    }

    /// <inheritdoc/>
    public string? Read(Fields input) => input?.Id("plan_id") is { } plan ? InputOf(plan) : null;

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel) =>
        await HoldAsync(work, PlanOf(input), cancel) is { } plan
            ? new ActionEffect($"{Subject}:{plan.Id}", plan.Effect, plan.Total, "item", plan.MerchantId)
            {
                Words = Words,
            }
            : Unknown;

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(action);
        var plan = (await HoldAsync(work, PlanOf(action.Input), cancel))!;
        await StartAsync(work, plan.Id, cancel);
        await OperationStore.CreateAsync(
            work,
            OperationKind,
            OperationOf(plan.Id, plan.Action, plan.MerchantId, action),
            plan.Total,
            action.RequestedBy,
            leased: false,
            cancel,
            plan.Id
        );
        return Executed.Done(EventLog.Payload(("operation_id", plan.Id)));
    }

    /// <summary>Reads a plan under its lock; null when none of this kind and id waits.</summary>
    protected abstract Task<WaitingPlan?> HoldAsync(UnitOfWork work, Guid id, CancellationToken cancel);

    /// <summary>Writes that a plan begins, and until when it can be undone.</summary>
    protected abstract Task StartAsync(UnitOfWork work, Guid id, CancellationToken cancel);

    private static Guid PlanOf(string input)
    {
        using var json = JsonDocument.Parse(input);
        return json.RootElement.GetProperty("plan_id").GetGuid();
    }
}
