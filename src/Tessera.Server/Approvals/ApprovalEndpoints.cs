using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Approvals;

/// <summary>A request, as wanted.</summary>
/// <param name="Kind">What kind of change.</param>
/// <param name="Input">What it takes, by kind.</param>
/// <param name="Reason">Why, in words; 10 to 2000 characters.</param>
internal sealed record ApprovalWanted(string Kind, JsonElement Input, string Reason);

/// <summary>An approval.</summary>
/// <param name="EffectHash">Of what was shown.</param>
/// <param name="Note">For the record.</param>
internal sealed record ApproveWanted(string EffectHash, string? Note = null);

/// <summary>A rejection or withdrawal.</summary>
/// <param name="Note">For the record.</param>
internal sealed record RefuseWanted(string? Note = null);

/// <summary>Requests over HTTP: asked for, listed, read, approved, rejected, withdrawn (OPS-03).</summary>
internal static class ApprovalEndpoints
{
    private static readonly Listed<Approval> Requests = Listed.ByTime(
        $"select {Approval.Columns} from approvals.request",
        "requested_at",
        "id",
        Approval.Read,
        static r => (r.RequestedAt, r.Id)
    );

    public const int MinimumReason = 10;
    public const int MaximumReason = 2000;

    private const string Path = "/api/v1/approvals/";

    private static readonly Approval Sample = new(
        Samples.Id,
        "balance_adjustment",
        "account:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5f",
        JsonDocument.Parse("""{"account_id":"01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5f","amount":-500}""").RootElement,
        JsonDocument.Parse("""{"before":{"posted":1500},"after":{"posted":1000}}""").RootElement,
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        500,
        "EUR",
        "Booked twice by the till on 1 November.",
        "pending",
        null,
        null,
        "staff:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d60",
        "staff:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d60",
        Samples.At,
        Samples.At.AddDays(3),
        null,
        null,
        null,
        null,
        null,
        null,
        1
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/approvals").WithTags("Approvals");
        group
            .MapGet("", ListAsync)
            .WithName("listApprovals")
            .WithSummary("List requests that need a second person, and what became of them")
            .RequirePermission(Permissions.ApprovalsRead)
            .WithPages(["requested_at"])
            .WithQuery("state", "string", "Only those in this state.", Approval.States)
            .WithQuery("kind", "string", "Only those of this kind.")
            .WithQuery("subject", "string", "Only those that concern this: kind and id.")
            .WithQuery("emergency_id", "string", "Only those carried out in this emergency.")
            .WithAnswer(200, new Page<Approval>([Sample], false, null), "A page.");
        group
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getApproval")
            .WithSummary("Read a request, with its exact effect and the hash to approve it by")
            .RequirePermission(Permissions.ApprovalsRead)
            .WithAnswer(200, Sample, "The request.");
        group
            .MapPost("", RequestAsync)
            .WithName("requestApproval")
            .WithSummary("Ask for a change that may need a second person")
            .WithRemark(
                "What you may do alone, summed over 24 hours, is carried out at once, as is anything while you are in an "
                    + "emergency: state and way of the answer say so. All else waits for another person."
            )
            .RequirePermission(Permissions.ApprovalsRequest)
            .WithBody(new ApprovalWanted(Sample.Kind, Sample.Input, Sample.Reason))
            .WithIdempotencyKey(required: true)
            .WithAnswer(201, Sample, "Taken; Location is its address.")
            .WithRefusals(ApprovalRefusals.StaffOnly, ApprovalRefusals.PermissionMissing);
        Decide(
            group,
            "approve",
            "Approve a request of another person and carry it out",
            Permissions.ApprovalsDecide,
            new ApproveWanted(Sample.EffectHash, "Seen on the receipt."),
            Sample with
            {
                State = "executed",
                Way = "approved",
            },
            ApprovalRefusals.SamePerson,
            ApprovalRefusals.NewAccount,
            ApprovalRefusals.ChangedMeanwhile,
            ApprovalRefusals.OtherEffect,
            ApprovalRefusals.StaffOnly
        );
        Decide(
            group,
            "reject",
            "Reject a request of another person",
            Permissions.ApprovalsDecide,
            new RefuseWanted("No receipt."),
            Sample with
            {
                State = "rejected",
            },
            ApprovalRefusals.SamePerson,
            ApprovalRefusals.StaffOnly
        );
        Decide(
            group,
            "withdraw",
            "Withdraw a request of your own",
            Permissions.ApprovalsRequest,
            new RefuseWanted("Found the receipt."),
            Sample with
            {
                State = "withdrawn",
            },
            ApprovalRefusals.NotRequester
        );
    }

    private static void Decide<TBody>(
        RouteGroupBuilder group,
        string verb,
        string summary,
        string permission,
        TBody body,
        Approval answer,
        params Refusal[] refusals
    ) =>
        group
            .MapPost(
                "/{id:guid}/" + verb,
                (HttpContext context, Guid id, Database database, ApprovalService approvals) =>
                    DecideAsync(context, id, verb, database, approvals)
            )
            .WithName(verb + "Approval")
            .WithSummary(summary)
            .RequirePermission(permission)
            .WithBody(body)
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, answer, "What became of it.")
            .WithRefusals([.. refusals, ApprovalRefusals.Decided, ApprovalRefusals.Expired]);

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["requested_at"], "-requested_at", merchant, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("merchant_id", merchant);
        switch (query.Word("state", Approval.States))
        {
            case "pending":
                rows.Where("state = 'pending' and expires_at > platform.clock()");
                break;
            case "expired":
                rows.Where("(state = 'expired' or (state = 'pending' and expires_at <= platform.clock()))");
                break;
            case { } state:
                rows.Equal("state", state);
                break;
        }

        rows.Equal("kind", query.Text("kind", 60));
        rows.Equal("subject", query.Text("subject", 200));
        rows.Equal("emergency_id", query.Id("emergency_id"));
        await rows.AnswerAsync(context, database, query, page, Requests);
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var merchant = Caller.Of(context).MerchantId;
        var found = await ApprovalStore.FindAsync(work, id, merchant, hold: false, context.RequestAborted);
        var answer = found is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Json(StatusCodes.Status200OK, found);
        await answer.SendAsync(context);
    }

    private static async Task RequestAsync(HttpContext context, Database database, ApprovalService approvals)
    {
        var caller = Caller.Of(context);
        var outsider = caller.Realm == Realms.Staff ? null : ApprovalRefusals.StaffOnly;
        if (await RequestBody.TakeAsync(context, outsider) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body!);
        var kind = fields.Word("kind", [.. approvals.Actions.Select(static a => a.Kind)]);
        var action = kind is null ? null : approvals.Find(kind);
        var reason = Reason(fields);
        if (action is null)
        {
            fields.Skip("input");
        }

        var input = action is not null && fields.Object("input") is { } given ? action.Read(given) : null;
        if (
            (fields.Finish() ?? (caller.Can(action!.Permission) ? null : ApprovalRefusals.PermissionMissing)) is { } bad
        )
        {
            await Problems.WriteAsync(context, bad);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body!.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                var by = await Requester.OfAsync(work, caller, RequestIds.Of(context), cancel);
                var wanted = new ApprovalRequest(kind!, input!, reason!);
                var (approval, refused) = await approvals.RequestAsync(work, wanted, by, cancel);
                return refused is not null
                    ? HttpAnswer.Refused(context, refused)
                    : HttpAnswer.Json(201, approval, Path + approval!.Id);
            },
            required: true
        );
    }

    private static async Task DecideAsync(
        HttpContext context,
        Guid id,
        string verb,
        Database database,
        ApprovalService approvals
    )
    {
        var caller = Caller.Of(context);
        var (body, refusal) = await RequestBody.ReadAsync(context);
        var isStaffs = verb != "withdraw";
        if ((isStaffs && caller.Realm != Realms.Staff ? ApprovalRefusals.StaffOnly : refusal) is { } no)
        {
            await Problems.WriteAsync(context, no);
            return;
        }

        var fields = Fields.Of(body!);
        var hash = verb == "approve" ? fields.Text("effect_hash", 64) : null;
        var note = fields.Text("note", MaximumReason, required: false);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body!.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                var by = await Requester.OfAsync(work, caller, RequestIds.Of(context), cancel);
                var refused =
                    verb == "approve"
                        ? await approvals.ApproveAsync(work, id, hash!, note, by, cancel)
                        : await approvals.RefuseAsync(work, id, !isStaffs, note, by, cancel);
                if (refused == ApprovalRefusals.ChangedMeanwhile || refused == ApprovalRefusals.OtherEffect)
                {
                    context.MatterOfSecurity();
                }

                if (refused == ApprovalRefusals.ChangedMeanwhile)
                {
                    await approvals.VoidAsync(work, id, by, cancel);
                    return HttpAnswer.Refused(context, refused) with { LeavesTrace = true };
                }

                if (refused is not null)
                {
                    return HttpAnswer.Refused(context, refused);
                }

                var decided = await ApprovalStore.FindAsync(work, id, null, hold: false, cancel);
                return HttpAnswer.Json(200, decided);
            },
            required: true
        );
    }

    /// <summary>A reason in words.</summary>
    public static string? Reason(Fields fields)
    {
        var reason = fields.Text("reason", MaximumReason)?.Trim();
        if (reason is { Length: < MinimumReason })
        {
            fields.Add("reason", "too_short", $"Say why in at least {MinimumReason:minimum} characters.");
        }

        return reason;
    }
}
