using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Campaigns;

/// <summary>What was spent on making a campaign known, day by day: what its return is measured against (CMP-03).</summary>
internal static class CostEndpoints
{
    private const int MostCosts = 1000;

    private static readonly Cost Sample = new(
        Samples.Id,
        "2027-01-31",
        new Money(90_000, "EUR"),
        "Posters",
        "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e"
    );

    private static readonly Refusal TooMany = new(
        "too_many_costs",
        $"A campaign has up to {MostCosts:maximum} costs; enter sums of days or weeks."
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var costs = api.MapGroup("/campaigns/{id}/costs").WithTags("Campaigns");
        costs
            .MapGet("", ListAsync)
            .WithName("listCosts")
            .WithSummary("List what was spent on making a campaign known")
            .RequirePermission(Permissions.FinanceRead)
            .WithAnswer(200, new Page<Cost>([Sample], false, null), "All of them, latest day first.");
        costs
            .MapPost("", AddAsync)
            .WithName("addCost")
            .WithSummary("Enter what was spent on a day")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithBody(new CostWanted(Sample.Day, Sample.Amount, Sample.Note))
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, Sample, "Entered.")
            .WithRefusals(Entry.NotFound, TooMany);
        costs
            .MapDelete("/{cost:guid}", RemoveAsync)
            .WithName("removeCost")
            .WithSummary("Take back a cost that was entered wrongly")
            .RequirePermission(Permissions.CampaignsWrite)
            .WithAnswer(204, "It is gone, or was before.")
            .WithRefusals(Entry.NotFound);
    }

    private static async Task ListAsync(HttpContext context, string id, Database database)
    {
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        var merchant = Caller.Of(context).MerchantId;
        if (await CampaignStore.FindAsync(work, id, merchant, forUpdate: false, cancel) is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        await using var command = work.Command(
            """
            select id, to_char(day, 'YYYY-MM-DD'), amount_minor, currency, note, created_by from campaigns.cost
            where campaign_id = $1 order by day desc, id desc
            """,
            id
        );
        var costs = new List<Cost>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            var amount = new Money(row.GetInt64(2), row.GetString(3));
            costs.Add(new Cost(row.GetGuid(0), row.GetString(1), amount, row.GetString(4), row.GetString(5)));
        }

        await HttpAnswer.Json(200, new Page<Cost>(costs, false, null)).SendAsync(context);
    }

    private static Task AddAsync(HttpContext context, string id, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            // Locked, so that the most a campaign may have holds.
            (work, actor) =>
                CampaignStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, campaign, fields, actor) =>
            {
                var cancel = CancellationToken.None;
                var isDay = Instants.TryParseDay(fields.Text("day", 10) ?? "", out var day);
                if (!isDay && fields.Has("day"))
                {
                    fields.Add("day", "not_a_date", Instants.NotADay);
                }

                var amount = fields.Money("amount");
                if (amount is { Minor: <= 0 })
                {
                    fields.Add("amount", "not_positive", "A cost has to be more than nothing.");
                }

                var note = fields.Text("note", 200, required: false) ?? "";
                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                var cost = new Cost(Guid.CreateVersion7(), Instants.Format(day), amount!.Value, note, actor.Actor);
                var added = await work.ExecuteAsync(
                    $"""
                    insert into campaigns.cost (id, campaign_id, day, amount_minor, currency, note, created_by)
                    select $1, $2, $3, $4, $5, $6, $7
                    where (select count(*) from campaigns.cost where campaign_id = $2) < {MostCosts}
                    """,
                    [cost.Id, id, day, cost.Amount.Minor, cost.Amount.Currency, note, actor.Actor],
                    cancel
                );
                if (added == 0)
                {
                    return HttpAnswer.Refused(context, TooMany);
                }

                await TellAsync(work, actor, campaign, "campaign.cost_added", cost);
                return HttpAnswer.Json(201, cost, $"/api/v1/campaigns/{id}/costs/{cost.Id}");
            }
        );

    private static Task RemoveAsync(HttpContext context, string id, Guid cost, Database database) =>
        CatalogueChange.OnAsync(
            context,
            database,
            (work, actor) =>
                CampaignStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, CancellationToken.None),
            async (work, campaign, actor) =>
            {
                var cancel = CancellationToken.None;
                Cost gone;
                await using (
                    var remove = work.Command(
                        """
                        delete from campaigns.cost where id = $1 and campaign_id = $2
                        returning to_char(day, 'YYYY-MM-DD'), amount_minor, currency, note, created_by
                        """,
                        cost,
                        id
                    )
                )
                await using (var row = await remove.ExecuteReaderAsync(cancel))
                {
                    if (!await row.ReadAsync(cancel))
                    {
                        return HttpAnswer.NoContent;
                    }

                    var amount = new Money(row.GetInt64(1), row.GetString(2));
                    gone = new Cost(cost, row.GetString(0), amount, row.GetString(3), row.GetString(4));
                }

                await TellAsync(work, actor, campaign, "campaign.cost_removed", gone);
                return HttpAnswer.NoContent;
            }
        );

    /// <summary>Costs change without a new version of the campaign: their events bear the present one.</summary>
    private static async Task TellAsync(
        UnitOfWork work,
        CatalogueActor actor,
        Campaign campaign,
        string type,
        Cost cost
    )
    {
        var words = new EventWords();
        var payload = EventLog.Payload(
            ("cost_id", cost.Id),
            ("day", cost.Day),
            ("amount", cost.Amount.Minor),
            ("currency", cost.Amount.Currency),
            ("note", words.Keep(cost.Note))
        );
        await words.WriteAsync(work, default);
        var entry = new EventEntry(
            "campaign",
            campaign.Id,
            type,
            campaign.Version,
            actor.Actor,
            payload,
            actor.RequestId
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(default), [entry], default);
    }

    /// <summary>A cost as it is entered.</summary>
    /// <param name="Day">When it was spent, as a date.</param>
    /// <param name="Amount">How much.</param>
    /// <param name="Note">What for; up to 200 characters.</param>
    private sealed record CostWanted(string Day, Money Amount, string? Note);

    /// <summary>A cost (CMP-03).</summary>
    /// <param name="Id">Its id.</param>
    /// <param name="Day">When it was spent.</param>
    /// <param name="Amount">How much.</param>
    /// <param name="Note">What for.</param>
    /// <param name="CreatedBy">Who entered it.</param>
    private sealed record Cost(Guid Id, string Day, Money Amount, string Note, string CreatedBy);
}
