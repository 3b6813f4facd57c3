using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>Codes by the million for one coupon (CPN-03), as an operation.</summary>
internal static class CodeEndpoints
{
    public static void Map(IEndpointRouteBuilder api) =>
        api.MapPost("/admin/coupons/{id:long}/generate", GenerateAsync)
            .WithName("generateCodes")
            .WithSummary("Generate any number of units with secret codes; the codes come as a file")
            .WithTags("Instances")
            .RequirePermission(Permissions.CouponsBulk)
            .WithBody(new Wanted(1_000_000, "SAVE"))
            .WithIdempotencyKey(required: true)
            .WithAnswer(202, new Accepted(Samples.Id, 1_000_000), "Location is the operation that does it.")
            .WithRefusals(IssueUnits.NotUnique, IssueUnits.Over);

    private static async Task GenerateAsync(HttpContext context, long id, Database database)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
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
                var coupon = await CouponStore.FindAsync(work, id, caller.MerchantId, forUpdate: false, cancel);
                if (coupon is null)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var fields = Fields.Of(body);
                var count = fields.Integer("count", 1, CodeGeneration.MaximumCount);
                var prefix = IssueUnits.PrefixOf(fields);
                var no = fields.Finish() ?? IssueUnits.WhyNot(coupon, await work.ClockAsync(cancel));
                if (no is not null)
                {
                    return HttpAnswer.Refused(context, no);
                }

                var actor = new CatalogueActor(caller.Actor, RequestIds.Of(context), caller.MerchantId);
                var operation = await CodeOperation.CreateAsync(
                    work,
                    id,
                    count!.Value,
                    prefix,
                    actor,
                    leased: false,
                    cancel
                );
                var location = "/api/v1/operations/" + operation.Id;
                return HttpAnswer.Json(202, new Accepted(operation.Id, count.Value), location);
            },
            required: true
        );
    }

    /// <summary>How many, and what they begin with.</summary>
    /// <param name="Count">1 to 100 million.</param>
    /// <param name="Prefix">At most 8 characters.</param>
    private sealed record Wanted(long Count, string? Prefix);

    /// <summary>The operation that generates.</summary>
    private sealed record Accepted(Guid OperationId, long Count);
}
