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
            .WithRefusals(IssueUnits.NotUnique, IssueUnits.Over, IssueUnits.Spent, RegionCheck.TooShort);

    private static Task GenerateAsync(HttpContext context, long id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                CouponStore.FindAsync(work, id, actor.MerchantId, forUpdate: false, CancellationToken.None),
            async (work, coupon, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var count = fields.Integer("count", 1, CodeGeneration.MaximumCount);
                var prefix = IssueUnits.PrefixOf(fields);
                var now = await work.ClockAsync(cancel);
                var no = fields.Finish() ?? await IssueUnits.WhyNotAsync(work, coupon, null, now, cancel);
                if (no is not null)
                {
                    return HttpAnswer.Refused(context, no);
                }

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

    /// <summary>How many, and what they begin with.</summary>
    /// <param name="Count">1 to 100 million.</param>
    /// <param name="Prefix">At most 8 characters.</param>
    private sealed record Wanted(long Count, string? Prefix);

    /// <summary>The operation that generates.</summary>
    private sealed record Accepted(Guid OperationId, long Count);
}
