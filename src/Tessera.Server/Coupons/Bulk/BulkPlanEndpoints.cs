using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>Bulk changes over HTTP: previewed and asked for (BLK-03, BLK-06).</summary>
internal static class BulkPlanEndpoints
{
    private static readonly BulkFilterShape Filter = new("active", "spring");

    public static void Map(IEndpointRouteBuilder api)
    {
        var bulk = api.MapGroup("/admin/coupons/bulk").WithTags("Bulk");
        var set = new BulkSetShape("2027-12-31", 500, 2, "newsletter", "Extended after the storm.");
        bulk.MapPost("/preview", PreviewAsync)
            .WithName("previewBulkChange")
            .WithSummary("What a change of many coupons would do; nothing is written")
            .WithRemark(
                "A selection has ids, or a filter with the parameters of the list of coupons; an empty filter is all of them."
            )
            .RequirePermission(Permissions.CouponsBulk)
            .WithBody(new BulkPreviewWanted("edit", new BulkSelectionShape(null, Filter), set))
            .WithAnswer(
                200,
                new BulkPreviewView(
                    12_480,
                    12_000,
                    400,
                    80,
                    [new BulkReason("not_after_start", 80, ["SUMMER27"])],
                    [new BulkReason("works_again", 12, ["SPRING26"])],
                    [new BulkExample(17, "SPRING27", [new BulkFieldDiff("max_uses_total", null, "500")])],
                    true,
                    Undoing.UsualDays
                ),
                "How many would change, stay, and be refused, and why."
            );
        bulk.MapPost("/plans", RequestAsync)
            .WithName("requestBulkChange")
            .WithSummary("Change many coupons, as an operation that can be undone as a unit")
            .WithRemark(
                "The coupons that match now are kept with their versions: exactly these are changed, and those that somebody "
                    + "changed in between are left out and listed. Beyond what one person may do alone a second person "
                    + "approves it first; the answer then names the request."
            )
            .RequirePermission(Permissions.CouponsBulk)
            .WithBody(
                new BulkWanted(
                    "edit",
                    new BulkSelectionShape(null, Filter),
                    set,
                    null,
                    12_480,
                    "Extended after the storm."
                )
            )
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                202,
                new PlanAccepted("accepted", Samples.Id, 12_480, Samples.Id, null),
                "Location is the operation that does it, or the request that waits for approval."
            )
            .WithRefusals(PlanRequests.SelectionChanged, PlanRequests.NothingSelected);
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
        var change = BulkRequests.ReadChange(fields);
        var selection = BulkRequests.ReadSelection(
            fields,
            caller.MerchantId,
            withMoney: caller.Can(Permissions.FinanceRead)
        );
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await selection!.SearchAsync(database.Search, cancel);
        await using var work = await database.BeginAsync(cancel);
        var view = await BulkPreview.RunAsync(work, change!, selection, cancel);
        var kind = BulkApproval.KindOf(BulkRequests.WordOf(change!.Action));
        var waits = await PlanRequests.WouldWaitAsync(context, work, approvals, kind, view.Matching);
        await HttpAnswer
            .Json(200, view with { NeedsApproval = waits, UndoDays = settings.UndoDays })
            .SendAsync(context);
    }

    private static async Task RequestAsync(HttpContext context, Database database, ApprovalService approvals)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var change = BulkRequests.ReadChange(fields);
        var selection = BulkRequests.ReadSelection(
            fields,
            caller.MerchantId,
            withMoney: caller.Can(Permissions.FinanceRead)
        );
        var (expected, reason) = PlanRequests.Read(fields, isReasonRequired: false);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await selection!.SearchAsync(database.Search, context.RequestAborted);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                var id = Guid.CreateVersion7();
                var word = BulkRequests.WordOf(change!.Action);
                var request = RequestIds.Of(context);
                var total = await BulkStore.CreateAsync(
                    work,
                    id,
                    word,
                    BulkRequests.Kept(body, request),
                    selection,
                    new CatalogueActor(caller.Actor, request, caller.MerchantId),
                    cancel
                );
                return PlanRequests.Check(total, expected) is { } refusal
                    ? HttpAnswer.Refused(context, refusal)
                    : await PlanRequests.AnswerAsync(
                        context,
                        work,
                        approvals,
                        BulkApproval.KindOf(word),
                        id,
                        total,
                        reason ?? $"Bulk change of coupons: {word}."
                    );
            },
            required: true
        );
    }

    /// <summary>Parameters of the list of coupons; any of them.</summary>
    internal sealed record BulkFilterShape(string? Status = null, string? Search = null);

    /// <summary>Which coupons.</summary>
    /// <param name="Ids">One by one; at most 10000.</param>
    /// <param name="Filter">All that match; empty for every coupon.</param>
    internal sealed record BulkSelectionShape(IReadOnlyList<long>? Ids = null, BulkFilterShape? Filter = null);

    /// <summary>Fields that are set; null clears those that may be empty.</summary>
    /// <param name="ValidUntil">The last day, each in its own zone, or an instant; null for no end.</param>
    /// <param name="MaxUsesTotal">Null for no limit.</param>
    /// <param name="MaxUsesPerUser">1 to 10.</param>
    /// <param name="CampaignSource">Null for none.</param>
    /// <param name="Notes">Null for none.</param>
    internal sealed record BulkSetShape(
        string? ValidUntil = null,
        long? MaxUsesTotal = null,
        int? MaxUsesPerUser = null,
        string? CampaignSource = null,
        string? Notes = null
    );

    /// <summary>A change to look at.</summary>
    /// <param name="Action">activate, deactivate, edit or delete.</param>
    /// <param name="Selection">Which coupons.</param>
    /// <param name="Set">Of an edit: fields that are set.</param>
    /// <param name="ExtendDays">Of an edit: days by which ends move.</param>
    private sealed record BulkPreviewWanted(
        string Action,
        BulkSelectionShape Selection,
        BulkSetShape? Set = null,
        int? ExtendDays = null
    );

    /// <summary>A change to carry out.</summary>
    /// <param name="Action">activate, deactivate, edit or delete.</param>
    /// <param name="Selection">Which coupons.</param>
    /// <param name="Set">Of an edit: fields that are set.</param>
    /// <param name="ExtendDays">Of an edit: days by which ends move.</param>
    /// <param name="Matching">How many were shown to match: refused if it is another number by now.</param>
    /// <param name="Reason">Why, for whoever approves it; 10 to 500 characters.</param>
    private sealed record BulkWanted(
        string Action,
        BulkSelectionShape Selection,
        BulkSetShape? Set = null,
        int? ExtendDays = null,
        long? Matching = null,
        string? Reason = null
    );
}
