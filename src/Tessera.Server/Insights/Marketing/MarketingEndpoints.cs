using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Marketing;

/// <summary>Campaigns side by side, the course of their budgets, and who gets the revenue (CMP-03, CMP-04, CMP-09).</summary>
internal static class MarketingEndpoints
{
    private const int MostCampaigns = 20;

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/insights").WithTags("Insights");
        group
            .MapGet("/campaigns", CompareAsync)
            .WithName("compareCampaigns")
            .WithSummary("Uses, discounts, revenue, cost and conversion of campaigns, side by side")
            .WithQuery("from", "string", "First day, UTC. Without from and to: all days.")
            .WithQuery("to", "string", "Last day, UTC.")
            .WithQuery("currency", "string", "Of the amounts; the one with most redemptions unless given.")
            .WithQuery("campaign_id", "string", "Up to twenty ids with commas; all campaigns unless given.")
            .WithAnswer(200, MarketingExamples.Comparison, "One row a campaign, most revenue first; 200 at most.")
            .RequirePermission(Permissions.CampaignsRead);
        group
            .MapGet("/campaigns/{id}/burn-down", BurnDownAsync)
            .WithName("getBurnDown")
            .WithSummary("What is left of the budgets of a campaign, day by day, against an even plan")
            .WithAnswer(200, MarketingExamples.BurnDown, "Its budgets; none for a campaign without one.")
            .WithRefusals(Entry.NotFound)
            .RequirePermission(Permissions.FinanceRead);
        group
            .MapGet("/attribution", AttributionAsync)
            .WithName("getAttribution")
            .WithSummary("Redemptions and revenue by first and by last touch")
            .WithRemark(
                "Last touch is the coupon that was used, first touch the first coupon its customer ever used. "
                    + "Redemptions that were given back count for nobody."
            )
            .WithPeriod()
            .WithQuery("by", "string", "What to divide by; campaign unless given.", [.. AttributionReads.Words])
            .WithAnswer(200, MarketingExamples.Attribution, "The shares; both touches have the same sums.")
            .RequirePermission(Permissions.CampaignsRead);
        group
            .MapGet("/redemptions/{id:guid}/attribution", OfRedemptionAsync)
            .WithName("getRedemptionAttribution")
            .WithSummary("Which coupon and campaign get a redemption and the revenue of its order")
            .WithAnswer(200, MarketingExamples.OfRedemption, "Its touches.")
            .WithRefusals(Entry.NotFound)
            .RequirePermission(Permissions.CampaignsRead);
    }

    private static async Task CompareAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var isLimited = context.Request.Query.ContainsKey("from") || context.Request.Query.ContainsKey("to");
        var period = Period.Read(query, await new InsightReads(database, merchant).TodayAsync(cancel));
        var currency = query.Currency("currency");
        var ids = query.Words("campaign_id");
        if (ids?.Count > MostCampaigns)
        {
            query.Add("campaign_id", "too_many", "Up to twenty campaigns stand side by side.");
        }

        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var rows = await new CampaignReads(database, merchant).CompareAsync(
            isLimited ? period : null,
            currency,
            ids,
            cancel
        );
        await HttpAnswer.Json(200, rows).SendAsync(context);
    }

    private static async Task BurnDownAsync(HttpContext context, string id, Database database)
    {
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var today = await new InsightReads(database, merchant).TodayAsync(cancel);
        var course = await BudgetReads.ReadAsync(database, id, merchant, today, cancel);
        await SendAsync(context, course);
    }

    private static async Task AttributionAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var period = Period.Read(query, await new InsightReads(database, merchant).TodayAsync(cancel));
        var by = query.Word("by", AttributionReads.Words) ?? AttributionReads.Words[0];
        var currency = query.Currency("currency");
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var table = await new AttributionReads(database, merchant).ReadAsync(period, by, currency, cancel);
        await HttpAnswer.Json(200, table).SendAsync(context);
    }

    private static async Task OfRedemptionAsync(HttpContext context, Guid id, Database database)
    {
        var reads = new AttributionReads(database, Caller.Of(context).MerchantId);
        await SendAsync(context, await reads.OfRedemptionAsync(id, context.RequestAborted));
    }

    private static Task SendAsync<T>(HttpContext context, T? found)
        where T : class =>
        found is null ? Problems.WriteAsync(context, Entry.NotFound) : HttpAnswer.Json(200, found).SendAsync(context);
}
