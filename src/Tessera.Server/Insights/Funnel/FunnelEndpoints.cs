using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Insights.Funnel;

/// <summary>From the view of a coupon to the booking that took place (MET-02): views reported, steps read.</summary>
internal static class FunnelEndpoints
{
    private const int MaximumViews = 1_000;
    private const int MaximumCount = 1_000_000;
    private const int MaximumChannel = 40;

    private static readonly Refusal WrongChannel = new(
        "wrong_channel",
        "This key may act for other channels only.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/insights/views", ReportAsync)
            .WithName("reportViews")
            .WithSummary($"Report how often coupons were seen; up to {MaximumViews} coupons at once")
            .WithRemark(
                "For channels, which gather views and report them now and then. They count for the day of the report, in "
                    + "UTC; only sums by coupon, day and channel are kept."
            )
            .WithTags("Insights")
            .WithBody(new ViewsWanted([new ViewsOfCoupon(17, 240, "app")]))
            .WithIdempotencyKey(required: true)
            .WithAnswer(202, new ViewsTaken(240), "Noted; the figures follow within seconds.")
            .WithRefusals(WrongChannel)
            .RequirePermission(Permissions.RedemptionsValidate);
        api.MapGet("/insights/funnel", FunnelAsync)
            .WithName("getFunnel")
            .WithSummary("The steps from the view of a coupon to the booking that took place")
            .WithTags("Insights")
            .WithCouponDays("Of this coupon alone.")
            .WithAnswer(200, Sample, "The steps; each counts on the day of its own beginning.")
            .RequirePermission(Permissions.CouponsRead);
    }

    private static CouponFunnel Sample { get; } =
        CouponFunnel.Of(new FunnelSums(2_400, 310, 280, 2, 30, 60, 55, 51), "2026-10-04", "2026-11-02");

    private static async Task ReportAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var views = fields.List("views", MaximumViews, Read) ?? [];
                var ids = views.Select(static v => v.CouponId).ToArray();
                var unknown = await ViewNotes.UnknownAsync(work, ids, caller.MerchantId, cancel);
                fields.Add(
                    views
                        .Index()
                        .Where(v => unknown.Contains(v.Item.CouponId))
                        .Select(static v => new FieldError(
                            $"views.{v.Index}.coupon_id",
                            $"#/views/{v.Index}/coupon_id",
                            "unknown_coupon",
                            "There is no such coupon."
                        ))
                );
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                if (caller.Channels is { } channels && views.Any(v => !channels.Contains(v.Channel ?? "")))
                {
                    return HttpAnswer.Refused(context, WrongChannel);
                }

                await ViewNotes.AddAsync(work, views, cancel);
                return HttpAnswer.Json(202, new ViewsTaken(views.Sum(static v => (long)v.Count)));
            },
            required: true
        );
    }

    private static ViewsOfCoupon? Read(Fields list, string place)
    {
        if (list.Object(place) is not { } item)
        {
            return null;
        }

        var coupon = item.Integer("coupon_id", 1, Fields.MaximumInteger);
        var count = item.Integer("count", 1, MaximumCount, required: false);
        var channel = item.Text("channel", MaximumChannel, required: false);
        return coupon is null ? null : new ViewsOfCoupon(coupon.Value, (int)(count ?? 1), channel);
    }

    private static async Task FunnelAsync(HttpContext context, Database database)
    {
        if (await CouponDays.ReadAsync(context, database) is not { Period: var period } asked)
        {
            return;
        }

        var source = new DaySource(asked.Merchant);
        var sums = await FunnelReads.SumsAsync(database, source, period, asked.CouponId, context.RequestAborted);
        var funnel = CouponFunnel.Of(sums, Period.Text(period.From), Period.Text(period.To));
        await HttpAnswer.Json(200, funnel).SendAsync(context);
    }

    /// <summary>How often coupons were seen.</summary>
    internal sealed record ViewsWanted(IReadOnlyList<ViewsOfCoupon> Views);

    /// <summary>How often one was.</summary>
    /// <param name="CouponId">Which.</param>
    /// <param name="Count">How often since the last report; once unless given.</param>
    /// <param name="Channel">Where; nowhere in particular unless given.</param>
    internal sealed record ViewsOfCoupon(long CouponId, int Count = 1, string? Channel = null);

    /// <summary>What was noted.</summary>
    /// <param name="Views">Of all coupons together.</param>
    internal sealed record ViewsTaken(long Views);
}
