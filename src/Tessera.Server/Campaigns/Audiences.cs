using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Privacy;

namespace Tessera.Server.Campaigns;

/// <summary>Who a campaign was sent to (CPN-03). An audience changes without a new version: its events bear the present one.</summary>
internal static class Audiences
{
    /// <summary>Adds everybody of a segment to the audience of a campaign.</summary>
    /// <returns>How many were not in it before; null when the actor has no such campaign.</returns>
    public static async Task<int?> AddAsync(
        UnitOfWork work,
        string campaign,
        IReadOnlyCollection<Guid> customers,
        Guid segment,
        CatalogueActor actor,
        CancellationToken cancel
    ) =>
        await CampaignStore.FindAsync(work, campaign, actor.MerchantId, forUpdate: false, cancel) is { } found
            ? await AddAsync(work, found, customers, segment, actor, cancel)
            : null;

    /// <summary>Adds customers to the audience of a campaign, with one event.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="campaign">Which.</param>
    /// <param name="customers">Customers of the directory.</param>
    /// <param name="segment">Where they are from, if they were found by a segment.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>How many were not in it before; who objects to marketing is not added (AUD-06).</returns>
    public static async Task<int> AddAsync(
        UnitOfWork work,
        Campaign campaign,
        IReadOnlyCollection<Guid> customers,
        Guid? segment,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var added = await work.ExecuteAsync(
            $"""
            insert into campaigns.audience (campaign_id, customer_id) select $1, id from unnest($2) as wanted (id)
            where not {Objections.Of(Objections.Marketing, "id")} order by id on conflict do nothing
            """,
            [campaign.Id, customers.ToArray()],
            cancel
        );
        (string, object?)[] facts = segment is { } id ? [("count", added), ("segment_id", id)] : [("count", added)];
        await TellAsync(work, campaign, "campaign.audience_added", facts, actor, cancel);
        return added;
    }

    /// <summary>Takes a customer out of the audience of a campaign.</summary>
    /// <returns>Whether the customer was in it; null when the caller has no such campaign.</returns>
    public static async Task<bool?> RemoveAsync(
        UnitOfWork work,
        string campaign,
        Guid customer,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        if (await CampaignStore.FindAsync(work, campaign, actor.MerchantId, forUpdate: false, cancel) is not { } found)
        {
            return null;
        }

        var removed = await work.ExecuteAsync(
            "delete from campaigns.audience where campaign_id = $1 and customer_id = $2",
            [campaign, customer],
            cancel
        );
        if (removed > 0)
        {
            await TellAsync(work, found, "campaign.audience_removed", [("customer_id", customer)], actor, cancel);
        }

        return removed > 0;
    }

    private static async Task TellAsync(
        UnitOfWork work,
        Campaign campaign,
        string type,
        (string, object?)[] facts,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var payload = EventLog.Payload(facts);
        var entry = new EventEntry(
            "campaign",
            campaign.Id,
            type,
            campaign.Version,
            actor.Actor,
            payload,
            actor.RequestId
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
    }
}
