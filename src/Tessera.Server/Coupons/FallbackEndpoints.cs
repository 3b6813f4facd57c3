using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>What stands in for a coupon that is exhausted, or that customer or order are not eligible for (CMP-01).</summary>
internal static class FallbackEndpoints
{
    private const string Remark =
        "When a code of a shared coupon is typed and its uses, budget or stock are taken, or customer or order are not "
        + "eligible, the one that stands in is used instead, with its own terms, limits and version, and the answer and the "
        + "receipt say so. Nothing stands in for what is off, over or not begun. A coupon that names none has the one of its "
        + "campaign with the role fallback. What stands in has nothing that stands in for it.";

    public static void Map(IEndpointRouteBuilder api)
    {
        var coupons = api.MapGroup("/admin/coupons").WithTags("Coupons");
        coupons
            .MapGet("/{id:long}/fallback", GetAsync)
            .WithName("getCouponFallback")
            .WithSummary("Read what stands in for a coupon when it is exhausted or not eligible")
            .WithRemark(Remark)
            .RequirePermission(Permissions.CouponsRead)
            .WithAnswer(200, new FallbackView(7, 8, "named"), "What stands in; its source is named, campaign or none.");
        coupons
            .MapPut("/{id:long}/fallback", SetAsync)
            .WithName("setCouponFallback")
            .WithSummary("Name what stands in for a coupon when it is exhausted or not eligible")
            .WithRemark(Remark)
            .RequirePermission(Permissions.CouponsWrite)
            .WithIfMatch()
            .WithBody(new FallbackWanted(8))
            .WithAnswer(200, new FallbackView(7, 8, "named"), "What stands in now; the ETag is the coupon's.");
    }

    private static async Task GetAsync(HttpContext context, long id, Database database)
    {
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        var coupon = await CouponStore.FindAsync(work, id, Caller.Of(context).MerchantId, forUpdate: false, cancel);
        var answer = coupon is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : await ViewAsync(work, coupon, cancel);
        await answer.SendAsync(context);
    }

    private static async Task SetAsync(HttpContext context, long id, Database database)
    {
        var (caller, cancel) = (Caller.Of(context), context.RequestAborted);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var wanted = fields.Integer("fallback_coupon_id", 1, Fields.MaximumInteger, required: false);
        if (!fields.Names("fallback_coupon_id"))
        {
            fields.Add("fallback_coupon_id", "required", "Name a coupon, or null for none.");
        }

        await using var work = await database.BeginAsync(cancel);
        var coupons = new Dictionary<long, Coupon>();
        foreach (var each in new SortedSet<long> { id, wanted ?? id })
        {
            // In the order of their ids, like everybody who locks several.
            if (await CouponStore.FindAsync(work, each, caller.MerchantId, forUpdate: true, cancel) is { } found)
            {
                coupons[each] = found;
            }
        }

        var coupon = coupons.GetValueOrDefault(id);
        var refusal = coupon is null ? Entry.NotFound : ETags.Check(context, ETags.Of(coupon.Version));
        if (refusal is null && wanted is { } fallback)
        {
            fields.Add(await Fallbacks.CheckAsync(work, coupon!, coupons.GetValueOrDefault(fallback), cancel));
        }

        refusal ??= fields.Finish();
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var actor = CatalogueActor.Of(context);
        await Fallbacks.SetAsync(work, coupon!, wanted, actor, cancel);
        var now = await CouponStore.FindAsync(work, id, caller.MerchantId, forUpdate: false, cancel);
        var answer = await ViewAsync(work, now!, cancel);
        await work.CommitAsync(cancel);
        await answer.SendAsync(context);
    }

    private static async Task<HttpAnswer> ViewAsync(UnitOfWork work, Coupon coupon, CancellationToken cancel)
    {
        var found = await Fallbacks.FindAsync(work, coupon.Id, cancel);
        var source =
            found is not { IsNamed: var named } ? "none"
            : named ? "named"
            : "campaign";
        var view = new FallbackView(coupon.Id, found?.Id, source);
        return HttpAnswer.Json(200, view, etag: ETags.Of(coupon.Version));
    }

    /// <summary>What stands in for a coupon.</summary>
    /// <param name="CouponId">The coupon.</param>
    /// <param name="FallbackCouponId">What stands in for it; null for nothing.</param>
    /// <param name="Source">named, campaign or none.</param>
    internal sealed record FallbackView(long CouponId, long? FallbackCouponId, string Source);

    /// <summary>What is to stand in for a coupon.</summary>
    /// <param name="FallbackCouponId">Null for nothing but what its campaign has.</param>
    internal sealed record FallbackWanted(long? FallbackCouponId);
}
