using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Funnel;

/// <summary>The rows that views are kept as, and so what the first step of the funnel is made of (MET-24).</summary>
internal static class ViewDayEndpoints
{
    private static readonly string[] Sorts = ["day"];

    private const string Source = "from insights.view_day d join coupons.coupon c on c.id = d.coupon_id";

    private static readonly Listed<ViewDay> Days = new(
        "select d.day, d.coupon_id, c.code, d.channel, d.views " + Source,
        ("d.day", "date"),
        ("(d.coupon_id || ' ' || d.channel)", "text"),
        static row => new ViewDay(
            Period.Text(row.GetFieldValue<DateOnly>(0)),
            row.GetInt64(1),
            row.GetString(2),
            row.GetString(3),
            row.GetInt64(4)
        ),
        static day => [day.Day, day.CouponId.ToString(CultureInfo.InvariantCulture) + " " + day.Channel]
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/insights/views", ListAsync)
            .WithName("listViewDays")
            .WithSummary("List how often coupons were seen, by day, coupon and channel")
            .WithTags("Insights")
            .WithPages(Sorts)
            .WithViewFilter()
            .WithAnswer(200, new Page<ViewDay>([new("2026-11-02", 17, "SPRING27", "app", 240)], false, null), "A page.")
            .RequirePermission(Permissions.CouponsRead);
        api.MapGet("/insights/views/totals", TotalsAsync)
            .WithName("getViewTotals")
            .WithSummary("Count how often coupons were seen, with the filters of the list")
            .WithTags("Insights")
            .WithViewFilter()
            .WithAnswer(200, new ViewTotals(240), "Of all pages together.")
            .RequirePermission(Permissions.CouponsRead);
    }

    private static RouteHandlerBuilder WithViewFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("from", "string", "First day, UTC.")
            .WithQuery("to", "string", "Last day, UTC.")
            .WithQuery("coupon_id", "integer", "Of this coupon alone.")
            .WithQuery("coupon_code", "string", "Of the coupon with this code, in any case.");

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, Sorts, "-day", merchant, context.RequestAborted);
        await Matching(query, merchant).AnswerAsync(context, database, query, page, Days);
    }

    private static async Task TotalsAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        var rows = Matching(query, Caller.Of(context).MerchantId);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = rows.Over(
            database,
            static where => $"select coalesce(sum(d.views), 0)::bigint {Source} {where}"
        );
        var views = (long)(await command.ExecuteScalarAsync(context.RequestAborted))!;
        await HttpAnswer.Json(200, new ViewTotals(views)).SendAsync(context);
    }

    private static PageRows Matching(Query query, Guid? merchant)
    {
        var rows = new PageRows("true");
        rows.Where("d.day >= {}", query.Day("from"));
        rows.Where("d.day <= {}", query.Day("to"));
        rows.Equal("d.coupon_id", query.Integer("coupon_id", 1, Fields.MaximumInteger));
        rows.Where($"d.coupon_id = {CouponCodes.Coupon}", CouponCodes.Read(query));
        rows.Equal("c.merchant_id", merchant);
        return rows;
    }

    /// <summary>How often a coupon was seen in a channel on a day.</summary>
    /// <param name="Day">UTC.</param>
    /// <param name="CouponId">Which coupon.</param>
    /// <param name="Code">Its code.</param>
    /// <param name="Channel">Where; empty for nowhere in particular.</param>
    /// <param name="Views">How often, as channels reported it.</param>
    internal sealed record ViewDay(string Day, long CouponId, string Code, string Channel, long Views);

    /// <summary>What the days add up to.</summary>
    /// <param name="Views">How often, as channels reported it.</param>
    internal sealed record ViewTotals(long Views);
}
