using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>Many coupons in one request (A.1 <c>bulkCreateCoupons</c>).</summary>
internal static class BulkEndpoints
{
    public static void Map(IEndpointRouteBuilder api) =>
        api.MapPost("/admin/coupons/bulk", CreateAsync)
            .WithName("bulkCreateCoupons")
            .WithSummary($"Create up to {BulkCreate.Maximum} coupons, answered one by one")
            .WithTags("Coupons")
            .RequirePermission(Permissions.CouponsBulk)
            .WithBody(new BulkCreateShape([CouponDescriptions.Wanted]))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                200,
                new BulkAnswer(1, 0, [new BulkItem(0, "created", 17, CouponDescriptions.Wanted.Code)], null),
                "Those that keep the rules were made; the others were refused, with their errors. Several can be undone as a unit."
            );

    private static async Task CreateAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var items = fields.Items("coupons", BulkCreate.Maximum);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                var actor = CatalogueActor.Of(context);
                var now = await work.ClockAsync(cancel);
                return HttpAnswer.Json(200, await BulkCreate.RunAsync(work, items!, actor, now, cancel));
            },
            required: true
        );
    }

    /// <summary>The coupons to make.</summary>
    private sealed record BulkCreateShape(IReadOnlyList<CouponWantedShape> Coupons);
}
