using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Campaigns;

/// <summary>Cloning a campaign over HTTP (CMP-08).</summary>
internal static class CloneEndpoints
{
    public static void Map(IEndpointRouteBuilder api) =>
        api.MapPost("/campaigns/{id}/clone", CloneAsync)
            .WithName("cloneCampaign")
            .WithSummary("Copy a campaign with its coupons: fresh codes, moved dates, all of them off")
            .WithRemark("Switch the new campaign on to confirm its coupons. Its audience is not copied.")
            .WithTags("Campaigns")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithBody(new CloneWanted("Spring again", "2099-03-01", "spring-2099"))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                201,
                new Cloned("spring-2099", 12, Samples.Id),
                "Created; Location is the address of the new campaign."
            )
            .WithRefusals(CampaignEndpoints.Exists, CampaignClone.TooLarge);

    private static Task CloneAsync(HttpContext context, string id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                CampaignStore.FindAsync(work, id, actor.MerchantId, forUpdate: false, CancellationToken.None),
            async (work, from, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var wanted = CampaignRequests.ReadClone(fields, from);
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var now = await work.ClockAsync(cancel);
                var made = wanted!.Id ?? Guid.CreateVersion7().ToString();
                if (!await CampaignStore.TryInsertAsync(work, wanted, made, actor, now, cancel))
                {
                    return HttpAnswer.Refused(context, CampaignEndpoints.Exists);
                }

                var (coupons, no) = await CampaignClone.CopyCouponsAsync(work, from, wanted, made, actor, now, cancel);
                if (no is not null)
                {
                    return HttpAnswer.Refused(context, no);
                }

                await CampaignStore.ToldClonedAsync(work, made, from.Id, coupons.Count, actor, now, cancel);
                var operation = await CloneUndo.KeepAsync(work, made, coupons, actor, cancel);
                return HttpAnswer.Json(201, new Cloned(made, coupons.Count, operation), "/api/v1/campaigns/" + made);
            },
            required: true
        );

    /// <summary>A clone.</summary>
    /// <param name="Name">Of the new campaign.</param>
    /// <param name="StartDate">When it begins: a day in its zone, or an instant. Everything else moves with it.</param>
    /// <param name="Id">The deployment's own key; made here unless given.</param>
    private sealed record CloneWanted(string Name, string StartDate, string? Id = null);

    /// <summary>What was made.</summary>
    /// <param name="Id">Of the new campaign.</param>
    /// <param name="Coupons">How many it has.</param>
    /// <param name="OperationId">As which the campaign and its coupons can be taken back as a unit.</param>
    private sealed record Cloned(string Id, int Coupons, Guid OperationId);
}
