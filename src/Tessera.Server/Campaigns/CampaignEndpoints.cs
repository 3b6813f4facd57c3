using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Balances;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Campaigns;

/// <summary>Campaigns over HTTP (A.12). A key that acts for a merchant sees and changes that merchant's alone.</summary>
internal static class CampaignEndpoints
{
    private const string Path = "/api/v1/campaigns/";

    internal static readonly Refusal Exists = new("campaign_exists", "There is, or was, a campaign of this id.");

    private static readonly Refusal HasCoupons = new(
        "campaign_has_coupons",
        "Coupons belong to this campaign. Delete them, or give them another campaign, first."
    );

    private static readonly Refusal OtherCurrency = new(
        "coupons_in_other_currency",
        "The campaign has coupons in another currency, whose discounts a budget in this one cannot count."
    );

    private static readonly Refusal BudgetCurrency = new(
        "budget_currency_fixed",
        "The budget of this campaign has been used in another currency, which cannot change."
    );

    private static readonly string[] Statuses = ["scheduled", "active", "ended"];

    private static readonly Dictionary<string, (string Sql, string Type)> Sorts = new(StringComparer.Ordinal)
    {
        ["created_at"] = ("c.created_at", "timestamptz"),
        ["name"] = ("c.name", "text"),
        ["start_date"] = ("c.start_at", "timestamptz"),
        ["end_date"] = ("c.end_at", "timestamptz"),
    };

    public static void Map(IEndpointRouteBuilder api)
    {
        var campaigns = api.MapGroup("/campaigns").WithTags("Campaigns");
        var wanted = new CampaignWanted(
            "spring-2027",
            "Spring",
            "For those who come back",
            Samples.At,
            Samples.At.AddDays(30),
            "Europe/Vienna",
            null,
            new Attribution("newsletter", "email", "spring", "email"),
            new Money(1_000_000, "EUR"),
            5000
        );
        var view = new Campaign(
            "spring-2027",
            wanted.Name,
            wanted.Description,
            "active",
            wanted.StartDate,
            wanted.EndDate,
            wanted.TimeZone,
            null,
            wanted.Attribution,
            wanted.Budget,
            new Money(12_350, "EUR"),
            5000,
            61,
            "reject",
            [new AssociatedCoupon(17, "SPRING27", "primary")],
            1,
            "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
            Samples.At,
            new Money(350, "EUR"),
            1
        );
        campaigns
            .MapGet("", ListAsync)
            .WithName("listCampaigns")
            .WithSummary("List campaigns")
            .RequirePermission(Permissions.CampaignsRead)
            .WithPages([.. Sorts.Keys])
            .WithQuery("status", "string", "Only those that are to come, run, or have ended.", Statuses)
            .WithQuery("search", "string", "Part of name, description or id.")
            .WithQuery("from", "string", "Only those that run on this day, UTC, or later.")
            .WithQuery("to", "string", "Only those that run on this day, UTC, or before.")
            .WithAnswer(200, new Page<Campaign>([view with { AssociatedCoupons = null }], false, null), "A page.");
        campaigns
            .MapPost("", CreateAsync)
            .WithName("createCampaign")
            .WithSummary("Create a campaign")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithBody(wanted)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, view, "Created; Location is its address.")
            .WithRefusals(Exists);
        campaigns
            .MapGet("/{id}", GetAsync)
            .WithName("getCampaign")
            .WithSummary("Read a campaign, what is spent of its budget, and its coupons")
            .RequirePermission(Permissions.CampaignsRead)
            .WithAnswer(200, view, "The present state, with the ETag of its definition.");
        campaigns
            .MapPut("/{id}", ReplaceAsync)
            .WithName("replaceCampaign")
            .WithSummary("Replace a campaign's definition")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithIfMatch()
            .WithBody(wanted)
            .WithAnswer(200, view, "The new state, with its ETag.")
            .WithRefusals(BudgetCurrency, OtherCurrency);
        campaigns
            .MapDelete("/{id}", DeleteAsync)
            .WithName("deleteCampaign")
            .WithSummary("Delete a campaign that has no coupons; its history stays")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithIfMatch()
            .WithAnswer(204, "It is gone, or was before.")
            .WithRefusals(HasCoupons);
        foreach (var on in (bool[])[true, false])
        {
            campaigns
                .MapPost(
                    on ? "/{id}/activate" : "/{id}/deactivate",
                    (HttpContext context, string id, Database database) => SwitchAsync(context, id, database, on)
                )
                .WithName(on ? "activateCampaign" : "deactivateCampaign")
                .WithSummary($"Switch all coupons of a campaign {(on ? "on" : "off")}, from the next attempt on")
                .RequirePermission(Permissions.CampaignsWrite)
                .WithIdempotencyKey(required: false)
                .WithAnswer(200, new Switched("spring-2027", 12), "How many were changed.");
        }
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, [.. Sorts.Keys], "-created_at", merchant, cancel);
        var rows = new PageRows("c.deleted_at is null");
        rows.Equal("c.merchant_id", merchant);
        switch (query.Word("status", Statuses))
        {
            case "scheduled":
                rows.Where("c.start_at > platform.clock()");
                break;
            case "active":
                rows.Where("c.start_at <= platform.clock() and c.end_at > platform.clock()");
                break;
            case "ended":
                rows.Where("c.end_at <= platform.clock()");
                break;
            default:
                break;
        }

        rows.Where("c.end_at > {}::date::timestamp at time zone 'UTC'", query.Day("from"));
        rows.Where("c.start_at < ({}::date + 1)::timestamp at time zone 'UTC'", query.Day("to"));
        rows.Where(
            "position(lower({}) in lower(c.id || ' ' || c.name || ' ' || c.description)) > 0",
            query.Text("search", 200)
        );
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var campaigns = new Listed<Campaign>(
            $"select {Campaign.Columns} from campaigns.campaign c",
            Sorts[page.Sort],
            ("c.id", "text"),
            Campaign.Read,
            c => KeyOf(c, page.Sort)
        );
        await using var work = await database.BeginAsync(cancel);
        var found = await rows.ReadAsync(work, page, campaigns, cancel);
        Guid[] accounts = [.. found.SelectMany(static c => CampaignStore.AccountsOf(c.Id))];
        var spent = await AccountStore.StandingAsync(work, accounts, cancel);
        var answer = page.Answer(context, found, c => CampaignStore.WithSpent(c, spent), campaigns.Key);
        await answer.SendAsync(context);
    }

    private static string?[] KeyOf(Campaign campaign, string sort) =>
        [
            sort switch
            {
                "name" => campaign.Name,
                "start_date" => PageRequest.KeyOf(campaign.StartDate),
                "end_date" => PageRequest.KeyOf(campaign.EndDate ?? DateTimeOffset.MaxValue),
                _ => PageRequest.KeyOf(campaign.CreatedAt),
            },
            campaign.Id,
        ];

    private static Task CreateAsync(HttpContext context, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var wanted = CampaignRequests.Read(fields, actor.MerchantId, present: null);
                if (wanted?.MerchantId is { } merchant && !await CampaignStore.HasMerchantAsync(work, merchant, cancel))
                {
                    fields.Add("merchant_id", "unknown_reference", "There is no merchant with this id.");
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var id = wanted!.Id ?? Guid.CreateVersion7().ToString();
                var now = await work.ClockAsync(cancel);
                return await CampaignStore.TryInsertAsync(work, wanted, id, actor, now, cancel)
                    ? await ReplyAsync(work, id, 201)
                    : HttpAnswer.Refused(context, Exists);
            }
        );

    private static async Task GetAsync(HttpContext context, string id, Database database)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var merchant = Caller.Of(context).MerchantId;
        // What is spent changes without a change of the definition: the answer is never "not modified".
        var campaign = await CampaignStore.FindAsync(work, id, merchant, forUpdate: false, context.RequestAborted);
        var answer = campaign is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Json(200, campaign, etag: ETags.Of(campaign.Version));
        await answer.SendAsync(context);
    }

    private static Task ReplaceAsync(HttpContext context, string id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                CampaignStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, before, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var wanted = CampaignRequests.Read(fields, actor.MerchantId, before);
                var no = fields.Finish() ?? ETags.Check(context, ETags.Of(before.Version));
                no ??= await CheckCurrencyAsync(work, before, wanted!);
                if (no is not null)
                {
                    return HttpAnswer.Refused(context, no);
                }

                var now = await work.ClockAsync(cancel);
                await CampaignStore.UpdateAsync(work, before, wanted!, actor, now, cancel);
                return await ReplyAsync(work, id, 200);
            }
        );

    private static Task DeleteAsync(HttpContext context, string id, Database database) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, actor) =>
            {
                var cancel = CancellationToken.None;
                var campaign = await CampaignStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, cancel);
                if (campaign is null)
                {
                    return await CampaignStore.WasDeletedAsync(work, id, actor.MerchantId, cancel)
                        ? HttpAnswer.NoContent
                        : HttpAnswer.Refused(context, Entry.NotFound);
                }

                var no = ETags.Check(context, ETags.Of(campaign.Version));
                no ??= campaign.AssociatedCoupons is { Count: > 0 } ? HasCoupons : null;
                if (no is not null)
                {
                    return HttpAnswer.Refused(context, no);
                }

                await CampaignStore.DeleteAsync(work, campaign, actor, await work.ClockAsync(cancel), cancel);
                return HttpAnswer.NoContent;
            }
        );

    private static Task SwitchAsync(HttpContext context, string id, Database database, bool on) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                CampaignStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, _, actor) =>
            {
                var changed = await CouponStore.SwitchCampaignAsync(work, id, on, actor, CancellationToken.None);
                return HttpAnswer.Json(200, new Switched(id, changed));
            }
        );

    /// <summary>What was counted in one currency is not bounded in another.</summary>
    private static async Task<Refusal?> CheckCurrencyAsync(UnitOfWork work, Campaign before, CampaignWanted wanted)
    {
        if (wanted.Budget is not { } budget || budget.Currency == before.Budget?.Currency)
        {
            return null;
        }

        var money = CampaignStore.AccountsOf(before.Id)[0];
        var standing = await AccountStore.StandingAsync(work, [money], CancellationToken.None);
        if (standing.TryGetValue(money, out var spent) && spent.Unit != budget.Currency)
        {
            return BudgetCurrency;
        }

        return await CampaignStore.HasOtherCurrencyAsync(work, before.Id, budget.Currency, CancellationToken.None)
            ? OtherCurrency
            : null;
    }

    private static async Task<HttpAnswer> ReplyAsync(UnitOfWork work, string id, int status)
    {
        var campaign = await CampaignStore.FindAsync(work, id, null, forUpdate: false, CancellationToken.None);
        return HttpAnswer.Json(status, campaign, status == 201 ? Path + id : null, ETags.Of(campaign!.Version));
    }

    /// <summary>What switching a campaign did.</summary>
    /// <param name="Id">Of the campaign.</param>
    /// <param name="Changed">Coupons that were not in this state before.</param>
    private sealed record Switched(string Id, int Changed);
}
