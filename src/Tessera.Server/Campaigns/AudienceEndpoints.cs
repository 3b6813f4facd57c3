using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Privacy;

namespace Tessera.Server.Campaigns;

/// <summary>The customers a campaign was sent to: who else has its private coupons cannot use them (CPN-03).</summary>
internal static class AudienceEndpoints
{
    private const int MaximumCustomers = 1000;

    public static void Map(IEndpointRouteBuilder api)
    {
        var audience = api.MapGroup("/campaigns/{id}/audience").WithTags("Campaigns");
        audience
            .MapGet("", ListAsync)
            .WithName("listAudience")
            .WithSummary("List the customers a campaign is sent to, without those who object to marketing")
            .RequirePermission(Permissions.CampaignsRead)
            .WithPages(["customer_id"])
            .WithAnswer(200, new Page<Member>([new Member(Samples.Id)], false, null), "A page.");
        audience
            .MapPost("", AddAsync)
            .WithName("addToAudience")
            .WithSummary($"Add up to {MaximumCustomers} customers to the audience of a campaign")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithBody(new Customers([Samples.Id]))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, new Changed(1), "How many were not in it before.");
        audience
            .MapDelete("/{customer:guid}", RemoveAsync)
            .WithName("removeFromAudience")
            .WithSummary("Take a customer out of the audience of a campaign")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithAnswer(204, "The customer is not in it any more.");
    }

    private static async Task ListAsync(HttpContext context, string id, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["customer_id"], "customer_id", merchant, cancel);
        await using var work = await database.BeginAsync(cancel);
        var campaign = await CampaignStore.FindAsync(work, id, merchant, forUpdate: false, cancel);
        if ((query.Finish() ?? (campaign is null ? Entry.NotFound : null)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var values = new List<object?> { id };
        var beyond = page.Where("customer_id", "uuid", "customer_id", "uuid", values);
        var rows = new List<Member>(page.Fetch);
        await using (
            var command = work.Command(
                $"""
                select customer_id from campaigns.audience a where campaign_id = $1 and {beyond}
                    and not {Objections.Of(Objections.Marketing, "a.customer_id")}
                {page.OrderBy("customer_id", "customer_id")}
                """,
                values.ToArray()
            )
        )
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                rows.Add(new Member(row.GetGuid(0)));
            }
        }

        static string?[] KeyOf(Member member) => [member.CustomerId.ToString(), member.CustomerId.ToString()];
        await page.Answer(context, rows, static r => r, KeyOf).SendAsync(context);
    }

    private static Task AddAsync(HttpContext context, string id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                CampaignStore.FindAsync(work, id, actor.MerchantId, forUpdate: false, CancellationToken.None),
            async (work, campaign, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var customers = fields.List("customer_ids", MaximumCustomers, static (item, place) => item.Id(place));
                Guid[] ids = [.. (customers ?? []).Select(static c => c!.Value)];
                await using (
                    var query = work.Command(
                        """
                        select count(*) from unnest($1) as wanted (id)
                        where not exists (select from access.customer c where c.id = wanted.id)
                        """,
                        ids
                    )
                )
                {
                    if ((long)(await query.ExecuteScalarAsync(cancel))! is > 0 and var unknown)
                    {
                        fields.Add("customer_ids", "unknown_reference", $"{unknown:count} of these are no customers.");
                    }
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var added = await Audiences.AddAsync(work, campaign, ids, segment: null, actor, cancel);
                return HttpAnswer.Json(200, new Changed(added));
            }
        );

    private static async Task RemoveAsync(HttpContext context, string id, Guid customer, Database database)
    {
        var cancel = CancellationToken.None;
        await using var work = await database.BeginAsync(context.RequestAborted);
        if (await Audiences.RemoveAsync(work, id, customer, CatalogueActor.Of(context), cancel) is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        await work.CommitAsync(cancel);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Customers by their ids.</summary>
    private sealed record Customers(IReadOnlyList<Guid> CustomerIds);

    /// <summary>A customer of an audience.</summary>
    private sealed record Member(Guid CustomerId);

    /// <summary>How many were changed.</summary>
    private sealed record Changed(int Count);
}
