using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Operations.Units;

/// <summary>Changes of the state of many units over HTTP: previewed and asked for (BLK-05, BLK-06).</summary>
internal static class UnitPlanEndpoints
{
    private const int Examples = 8;

    private static readonly Refusal OverrideForbidden = new(
        "override_forbidden",
        $"Only staff with the permission {Permissions.InstancesOverride:permission} may do this.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var units = api.MapGroup("/admin/instances/bulk").WithTags("Bulk");
        var selection = new SelectionShape(List: "code,order_reference\nSAVE8K3QWN5TB2YC,SLIP-17");
        var redemption = new RedemptionShape(
            Samples.At,
            "SLIPS-2027-03",
            new Money(2000, "USD"),
            new Money(200, "USD")
        );
        units
            .MapPost("/preview", PreviewAsync)
            .WithName("previewUnitChange")
            .WithSummary("What a change of the state of many units would do; nothing is written")
            .WithRemark(
                "A selection is a coupon, with the ids of its units, with the state they are in or whole; or a list as CSV: "
                    + $"a header with {string.Join(", ", UnitSelection.Columns)}, of which one of the first two comes first and "
                    + $"the rest may be left out; at most {UnitSelection.MaximumNamed} lines. To record redemptions that took "
                    + "place, a line may say more than the member redemption, which counts for all."
            )
            .RequirePermission(Permissions.CouponsBulk)
            .WithBody(new UnitPreviewWanted("redeemed", selection, "merchant_support", redemption))
            .WithAnswer(
                200,
                new BulkPreviewView(
                    1_200,
                    1_180,
                    5,
                    15,
                    [new BulkReason("already_redeemed", 15, ["SAVE…"])],
                    [],
                    [new BulkExample(1024, "SAVE…", [new BulkFieldDiff("state", "paid", "redeemed")])],
                    true,
                    Undoing.UsualDays
                ),
                "How many would change, stay, and be refused, and why."
            )
            .WithRefusals(OverrideForbidden);
        units
            .MapPost("/plans", RequestAsync)
            .WithName("requestUnitChange")
            .WithSummary("Change the state of many units, as an operation")
            .WithRemark(
                "The units that are selected now are kept with their versions: exactly these are changed, and those that somebody "
                    + "changed in between are left out and listed. The change can be undone as a unit (undoOperation). Beyond what one "
                    + "person may do alone a second person approves it first; the answer then names the request."
            )
            .RequirePermission(Permissions.CouponsBulk)
            .WithBody(
                new UnitChangeWanted(
                    "redeemed",
                    selection,
                    "The merchant sent the slips.",
                    "merchant_support",
                    redemption,
                    1_200
                )
            )
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                202,
                new PlanAccepted("accepted", Samples.Id, 1_200, Samples.Id, null),
                "Location is the operation that does it, or the request that waits for approval."
            )
            .WithRefusals(OverrideForbidden, PlanRequests.SelectionChanged, PlanRequests.NothingSelected);
    }

    private static async Task PreviewAsync(
        HttpContext context,
        Database database,
        ApprovalService approvals,
        Settings settings
    )
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var asked = Asked.Read(fields);
        if ((fields.Finish() ?? asked.Check(caller)) is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        var (lines, refusal) = await asked.LinesAsync(work, caller.MerchantId, cancel);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var plan = asked.PlanOf(Guid.Empty, lines, caller);
        var (verdicts, _) = await UnitDeciding.DecideAsync(work, plan, lines, hold: false, cancel);
        var kind = UnitApproval.KindOf(plan.Action);
        var waits = await PlanRequests.WouldWaitAsync(context, work, approvals, kind, lines.Count);
        var view = ViewOf(verdicts, caller.Can(Permissions.CouponsBulk)) with
        {
            NeedsApproval = waits,
            UndoDays = settings.UndoDays,
        };
        await HttpAnswer.Json(200, view).SendAsync(context);
    }

    private static async Task RequestAsync(HttpContext context, Database database, ApprovalService approvals)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var asked = Asked.Read(fields);
                var (expected, reason) = PlanRequests.Read(fields, isReasonRequired: true);
                if ((fields.Finish() ?? asked.Check(caller)) is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var (lines, refusal) = await asked.LinesAsync(work, caller.MerchantId, cancel);
                refusal ??= PlanRequests.Check(lines.Count, expected);
                if (refusal is not null)
                {
                    return HttpAnswer.Refused(context, refusal);
                }

                var plan = asked.PlanOf(Guid.CreateVersion7(), lines, caller);
                await UnitPlanStore.InsertAsync(work, plan, lines, caller.Actor, cancel);
                return await PlanRequests.AnswerAsync(
                    context,
                    work,
                    approvals,
                    UnitApproval.KindOf(plan.Action),
                    plan.Id,
                    plan.Total,
                    reason!
                );
            },
            required: true
        );
    }

    private static BulkPreviewView ViewOf(IReadOnlyList<UnitVerdict> verdicts, bool withCodes)
    {
        string Shown(UnitVerdict verdict) =>
            verdict.Held is { Code: { } code } && withCodes ? code
            : verdict.Held is { } held ? "#" + held.InstanceId.ToString(CultureInfo.InvariantCulture)
            : "line " + verdict.Line.Line.ToString(CultureInfo.InvariantCulture);
        var changing = verdicts.Where(static v => v.Outcome == "changed").ToList();
        return new BulkPreviewView(
            verdicts.Count,
            changing.Count,
            verdicts.Count(static v => v.Outcome == "unchanged"),
            verdicts.Count(static v => v.Outcome == "refused"),
            [
                .. verdicts
                    .Where(static v => v.Refused is not null)
                    .GroupBy(static v => v.Refused!.Code)
                    .Select(g => new BulkReason(g.Key, g.Count(), [.. g.Take(Examples).Select(Shown)])),
            ],
            [],
            [
                .. changing
                    .Take(Examples)
                    .Select(v => new BulkExample(
                        v.Held!.InstanceId,
                        Shown(v),
                        [new BulkFieldDiff("state", v.Held.State.Name(), v.To)]
                    )),
            ],
            false,
            Undoing.UsualDays
        );
    }

    /// <summary>What a request asks for.</summary>
    private sealed record Asked(string? To, string? Cause, UnitSelection? Selection, TookPlace Redemption)
    {
        public static Asked Read(Fields fields)
        {
            var to = fields.Word("to", UnitActions.All);
            var isEnding = to is not null && UnitActions.IsEnding(to);
            var cause = fields.Word("cause", StatusOverride.Causes, required: to is not null && !isEnding);
            if (isEnding && cause is not null)
            {
                fields.Add("cause", "not_expected", "Only an override has a cause.");
            }

            var selection = UnitSelection.Read(fields);
            var given = fields.Object("redemption", required: false);
            if (given is not null && to is not null && to != UnitActions.Redeemed)
            {
                fields.Add("redemption", "not_expected", "Only recording redemptions takes this.");
            }

            return new Asked(to, cause, selection, given is null ? TookPlace.Unknown : ReadRedemption(given));
        }

        /// <summary>Whether the caller may.</summary>
        public Refusal? Check(Caller caller) =>
            UnitActions.IsEnding(To!) || (caller.MerchantId is null && caller.Can(Permissions.InstancesOverride))
                ? null
                : OverrideForbidden;

        /// <summary>The lines, each with what the whole says where it says nothing itself.</summary>
        public async Task<(IReadOnlyList<UnitLine> Lines, Refusal? Refusal)> LinesAsync(
            UnitOfWork work,
            Guid? merchant,
            CancellationToken cancel
        )
        {
            var (lines, refusal) = await Selection!.LinesAsync(work, merchant, cancel);
            return To == UnitActions.Redeemed
                ? ([.. lines.Select(l => l with { Redemption = l.Redemption.Or(Redemption) })], refusal)
                : ([.. lines.Select(static l => l with { Redemption = TookPlace.Unknown })], refusal);
        }

        /// <summary>The plan of it.</summary>
        public UnitPlan PlanOf(Guid id, IReadOnlyList<UnitLine> lines, Caller caller) =>
            UnitPlan.New(id, To!, Cause, lines, caller.MerchantId, caller.ClientId);

        private static TookPlace ReadRedemption(Fields given)
        {
            var at = given.Instant("redeemed_at", required: false);
            var reference = given.Text("order_reference", StatusOverride.MaximumReference, required: false);
            var order = given.Money("order", required: false);
            var discount = given.Money("discount", required: false);
            if (
                order is { } total
                && discount is { } off
                && (off.Currency != total.Currency || off.Minor > total.Minor)
            )
            {
                given.Add("discount", UnitRefusals.BeyondOrder.Code, UnitRefusals.BeyondOrder.Message);
            }

            return new TookPlace(
                at,
                reference is { Length: > 0 } ? reference : null,
                order?.Minor,
                discount?.Minor,
                order?.Currency ?? discount?.Currency,
                null
            );
        }
    }

    /// <summary>Which units.</summary>
    /// <param name="CouponId">The coupon of the units; alone: all of them.</param>
    /// <param name="InstanceIds">Units of the coupon, one by one.</param>
    /// <param name="State">Units of the coupon that are in this state.</param>
    /// <param name="List">CSV with a header.</param>
    internal sealed record SelectionShape(
        long? CouponId = null,
        IReadOnlyList<long>? InstanceIds = null,
        string? State = null,
        string? List = null
    );

    /// <summary>What counts for all redemptions that are recorded.</summary>
    /// <param name="RedeemedAt">When; within the validity of each unit.</param>
    /// <param name="OrderReference">The evidence.</param>
    /// <param name="Order">What each order came to.</param>
    /// <param name="Discount">What was given on each; at most the order.</param>
    internal sealed record RedemptionShape(
        DateTimeOffset? RedeemedAt = null,
        string? OrderReference = null,
        Money? Order = null,
        Money? Discount = null
    );

    /// <summary>A change to look at.</summary>
    /// <param name="To">redeemed, former (what was redeemed gets back the state before), paid, refunded, cancelled or revoked.</param>
    /// <param name="Selection">Which units.</param>
    /// <param name="Cause">Why, as a word; not where units are cancelled or revoked.</param>
    /// <param name="Redemption">What took place, where redemptions are recorded.</param>
    private sealed record UnitPreviewWanted(
        string To,
        SelectionShape Selection,
        string? Cause = null,
        RedemptionShape? Redemption = null
    );

    /// <summary>A change to carry out.</summary>
    /// <param name="To">redeemed, former (what was redeemed gets back the state before), paid, refunded, cancelled or revoked.</param>
    /// <param name="Selection">Which units.</param>
    /// <param name="Reason">Why, in words; 10 to 500 characters.</param>
    /// <param name="Cause">Why, as a word; not where units are cancelled or revoked.</param>
    /// <param name="Redemption">What took place, where redemptions are recorded.</param>
    /// <param name="Matching">How many were shown to match: refused if it is another number by now.</param>
    private sealed record UnitChangeWanted(
        string To,
        SelectionShape Selection,
        string Reason,
        string? Cause = null,
        RedemptionShape? Redemption = null,
        long? Matching = null
    );
}
