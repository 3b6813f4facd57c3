using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights;

/// <summary>Figures of the dashboard, of one coupon, and along time.</summary>
internal static class InsightEndpoints
{
    private static readonly string[] Intervals = ["day", "week", "month"];
    private static readonly string[] Sides = ["discount_type", "applicable_to", "channel", "location"];
    private const int MaximumSeries = 5;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/admin/coupons/analytics/summary", SummaryAsync)
            .WithName("getSystemAnalytics")
            .WithSummary("Figures of all coupons in a period")
            .WithTags("Insights")
            .WithPeriod()
            .WithAnswer(200, InsightExamples.Summary, "The figures.")
            .RequirePermission(Permissions.CouponsRead);
        api.MapGet("/admin/coupons/{id:long}/analytics", CouponAsync)
            .WithName("getCouponAnalytics")
            .WithSummary("Figures of one coupon")
            .WithTags("Insights")
            .WithAnswer(200, InsightExamples.Coupon, "The figures; what no room knows is null.")
            .WithRefusals(Entry.NotFound)
            .RequirePermission(Permissions.CouponsRead);
        api.MapGet("/insights/timeline", TimelineAsync)
            .WithName("getTimeline")
            .WithSummary("Redemptions, refusals, revenue and discounts along time")
            .WithTags("Insights")
            .WithPeriod()
            .WithQuery("interval", "string", "Length of a point; day unless given.", Intervals)
            .WithQuery(
                "coupon_id",
                "string",
                "Up to five ids with commas: one line each. All coupons together unless given."
            )
            .WithQuery("campaign_id", "string", "Ids of campaigns with commas: one line each; five lines in all.")
            .WithAnswer(200, InsightExamples.Timeline, "The lines.")
            .RequirePermission(Permissions.CouponsRead);
        api.MapGet("/insights/breakdown", BreakdownAsync)
            .WithName("getBreakdown")
            .WithSummary("Shares of a period by discount type, service, channel or location")
            .WithRemark(
                "A location is where the channel stands that a coupon was used in; the key is empty where none is known."
            )
            .WithTags("Insights")
            .WithPeriod()
            .WithQuery("by", "string", "What to divide by; discount_type unless given.", Sides)
            .WithAnswer(200, InsightExamples.Breakdown, "The shares, largest first.")
            .RequirePermission(Permissions.CouponsRead);
    }

    /// <summary>Describes the parameters <see cref="Period.Read"/> takes, and the currency.</summary>
    internal static TBuilder WithPeriod<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
        builder
            .WithQuery("from", "string", "First day, UTC; thirty days unless given.")
            .WithQuery("to", "string", "Last day, UTC; today unless given.")
            .WithQuery("currency", "string", "Of the amounts; the one with most redemptions unless given.");

    private static async Task SummaryAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var reads = new InsightReads(database, Caller.Of(context).MerchantId);
        var query = new Query(context.Request);
        var period = Period.Read(query, await reads.TodayAsync(cancel));
        var currency = query.Currency("currency");
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var summary = await reads.SummaryAsync(period, currency, cancel);
        await HttpAnswer.Json(200, summary).SendAsync(context);
    }

    private static async Task CouponAsync(HttpContext context, long id, Database database)
    {
        var reads = new InsightReads(database, Caller.Of(context).MerchantId);
        var analytics = await reads.CouponAsync(id, context.RequestAborted);
        if (analytics is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        await HttpAnswer.Json(200, analytics).SendAsync(context);
    }

    private static async Task TimelineAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var reads = new InsightReads(database, Caller.Of(context).MerchantId);
        var query = new Query(context.Request);
        var period = Period.Read(query, await reads.TodayAsync(cancel));
        var interval = query.Word("interval", Intervals) ?? Intervals[0];
        var currency = query.Currency("currency");
        var ids = new List<long>();
        foreach (var text in (query.Text("coupon_id", 120) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            if (long.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var id) && id > 0)
            {
                ids.Add(id);
            }
            else
            {
                query.Add("coupon_id", "not_an_id", "These have to be ids of coupons, with commas.");
            }
        }

        var campaigns = query.Words("campaign_id") ?? [];
        if (ids.Count + campaigns.Count > MaximumSeries)
        {
            var named = campaigns.Count > 0 ? "campaign_id" : "coupon_id";
            query.Add(named, "too_many", $"A chart has up to {MaximumSeries:maximum} lines.");
        }

        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var timeline = await reads.TimelineAsync(period, interval, currency, ids, campaigns, cancel);
        await HttpAnswer.Json(200, timeline).SendAsync(context);
    }

    private static async Task BreakdownAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var reads = new InsightReads(database, Caller.Of(context).MerchantId);
        var query = new Query(context.Request);
        var period = Period.Read(query, await reads.TodayAsync(cancel));
        var by = query.Word("by", Sides) ?? Sides[0];
        var currency = query.Currency("currency");
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await HttpAnswer.Json(200, await reads.BreakdownAsync(period, by, currency, cancel)).SendAsync(context);
    }
}
