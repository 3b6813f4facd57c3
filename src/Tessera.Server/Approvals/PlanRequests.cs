using Microsoft.AspNetCore.Http;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Approvals;

/// <summary>A change of many that was taken.</summary>
/// <param name="Status">accepted or pending_approval.</param>
/// <param name="PlanId">Of the change.</param>
/// <param name="Matching">Things selected.</param>
/// <param name="OperationId">Does it; null while it waits.</param>
/// <param name="ApprovalId">The request that waits.</param>
internal sealed record PlanAccepted(string Status, Guid PlanId, long Matching, Guid? OperationId, Guid? ApprovalId);

/// <summary>How changes of many are asked for over HTTP, whatever they change.</summary>
internal static class PlanRequests
{
    private const int MinimumReason = 10;
    private const int MaximumReason = 500;

    public static readonly Refusal SelectionChanged = new(
        "selection_changed",
        "Others match by now than were shown. Look at the effect again."
    );

    public static readonly Refusal NothingSelected = new("nothing_selected", "Nothing matches.");

    /// <summary>Reads how many were shown to match, and why it is done.</summary>
    public static (long? Expected, string? Reason) Read(Fields fields, bool isReasonRequired)
    {
        var expected = fields.Integer("matching", 0, Fields.MaximumInteger, required: false);
        var reason = fields.Text("reason", MaximumReason, isReasonRequired);
        if (reason is { Length: < MinimumReason } && (isReasonRequired || reason.Length > 0))
        {
            fields.Add("reason", "too_short", $"A reason has at least {MinimumReason:minimum} characters.");
        }

        return (expected, reason is { Length: > 0 } ? reason : null);
    }

    /// <summary>Why a selection cannot be gone on with; null if it can.</summary>
    public static Refusal? Check(long matching, long? expected) =>
        matching == 0 ? NothingSelected
        : expected is { } shown && shown != matching ? SelectionChanged
        : null;

    /// <summary>Whether a plan of so many things would need a second person.</summary>
    public static async Task<bool> WouldWaitAsync(
        HttpContext context,
        UnitOfWork work,
        ApprovalService approvals,
        string kind,
        long matching
    )
    {
        var cancel = context.RequestAborted;
        var by = await Requester.OfAsync(work, Caller.Of(context), RequestIds.Of(context), cancel);
        return await approvals.WouldWaitAsync(work, kind, matching, "item", by, cancel);
    }

    /// <summary>Asks for a plan that was kept.</summary>
    public static async Task<HttpAnswer> AnswerAsync(
        HttpContext context,
        UnitOfWork work,
        ApprovalService approvals,
        string kind,
        Guid plan,
        long matching,
        string reason
    )
    {
        var cancel = CancellationToken.None;
        var by = await Requester.OfAsync(work, Caller.Of(context), RequestIds.Of(context), cancel);
        var request = new ApprovalRequest(kind, PlannedChange.InputOf(plan), reason);
        var (approval, no) = await approvals.RequestAsync(work, request, by, cancel);
        return approval is null ? HttpAnswer.Refused(context, no!)
            : approval.State == "executed"
                ? HttpAnswer.Json(
                    202,
                    new PlanAccepted("accepted", plan, matching, plan, null),
                    "/api/v1/operations/" + plan
                )
            : HttpAnswer.Json(
                202,
                new PlanAccepted("pending_approval", plan, matching, null, approval.Id),
                "/api/v1/approvals/" + approval.Id
            );
    }
}
