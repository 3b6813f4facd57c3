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

    private static readonly Listed<ViewDay> Days = new(
        """
        select d.day, d.coupon_id, c.code, d.channel, d.views
        from insights.view_day d join coupons.coupon c on c.id = d.coupon_id
        """,
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

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/insights/views", ListAsync)
            .WithName("listViewDays")
            .WithSummary("List how often coupons were seen, by day, coupon and channel")
            .WithTags("Insights")
            .WithPages(Sorts)
            .WithQuery("from", "string", "First day, UTC.")
            .WithQuery("to", "string", "Last day, UTC.")
            .WithQuery("coupon_id", "integer", "Of this coupon alone.")
            .WithQuery("coupon_code", "string", "Of the coupon with this code, in any case.")
            .WithAnswer(200, new Page<ViewDay>([new("2026-11-02", 17, "SPRING27", "app", 240)], false, null), "A page.")
            .RequirePermission(Permissions.CouponsRead);

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, Sorts, "-day", merchant, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Where("d.day >= {}", query.Day("from"));
        rows.Where("d.day <= {}", query.Day("to"));
        rows.Equal("d.coupon_id", query.Integer("coupon_id", 1, Fields.MaximumInteger));
        rows.Where($"d.coupon_id = {CouponCodes.Coupon}", CouponCodes.Read(query));
        rows.Equal("c.merchant_id", merchant);
        await rows.AnswerAsync(context, database, query, page, Days);
    }

    /// <summary>How often a coupon was seen in a channel on a day.</summary>
    /// <param name="Day">UTC.</param>
    /// <param name="CouponId">Which coupon.</param>
    /// <param name="Code">Its code.</param>
    /// <param name="Channel">Where; empty for nowhere in particular.</param>
    /// <param name="Views">How often, as channels reported it.</param>
    internal sealed record ViewDay(string Day, long CouponId, string Code, string Channel, long Views);
}
