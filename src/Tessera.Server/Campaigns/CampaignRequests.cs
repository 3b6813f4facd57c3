using System.Text.RegularExpressions;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Campaigns;

/// <summary>What callers send of campaigns.</summary>
internal static partial class CampaignRequests
{
    /// <summary>The channels of A.12.</summary>
    private static readonly string[] Overflows = ["reject", "clip"];

    public static readonly string[] MarketingChannels = ["email", "social", "paid_ads", "organic"];

    /// <summary>Reads a campaign; what is wrong is in the fields afterwards.</summary>
    /// <param name="fields">The body.</param>
    /// <param name="merchant">Whose key asks; null for the deployment's.</param>
    /// <param name="present">What is replaced; null for a new one.</param>
    public static CampaignWanted? Read(Fields fields, Guid? merchant, Campaign? present)
    {
        var id = fields.Text("id", 64, required: false);
        if (id is not null && !Id().IsMatch(id))
        {
            fields.Add("id", "invalid_id", "An id has letters, digits, dots, hyphens and underscores only.");
        }

        if (id is not null && present is not null && id != present.Id)
        {
            fields.Add("id", "immutable", "The id of a campaign cannot change.");
        }

        var name = fields.Text("name", 200);
        var description = fields.Text("description", 4000, required: false) ?? "";
        var zoneName = fields.Text("time_zone", 64, required: false) ?? "UTC";
        if (!Zones.TryFind(zoneName, out var zone))
        {
            fields.Add("time_zone", "unknown_time_zone", "This has to be an IANA time zone.");
        }

        var start = InstantOf(fields, "start_date", zone, required: true, isEnd: false);
        var end = InstantOf(fields, "end_date", zone, required: false, isEnd: true);
        if (end <= start)
        {
            fields.Add("end_date", "end_before_start", "The end has to be after the start.");
        }

        var owner = MerchantOf(fields, merchant, present);
        var attribution = AttributionOf(fields);
        var budget = fields.Money("budget", required: false);
        if (budget is { Minor: <= 0 })
        {
            fields.Add("budget", "not_positive", "A budget has to be more than nothing.");
        }

        var uses = fields.Integer("budget_uses", 1, Fields.MaximumInteger, required: false);
        var overflow = fields.Word("budget_on_overflow", Overflows, required: false);
        return name is null || start is null
            ? null
            : new CampaignWanted(
                id,
                name,
                description,
                start.Value,
                end,
                zoneName,
                owner,
                attribution,
                budget,
                uses,
                overflow ?? present?.BudgetOnOverflow ?? Overflows[0]
            );
    }

    /// <summary>Reads what is different in a clone: its id, its name and its start, with which its end moves.</summary>
    public static CampaignWanted? ReadClone(Fields fields, Campaign from)
    {
        var id = fields.Text("id", 64, required: false);
        if (id is not null && !Id().IsMatch(id))
        {
            fields.Add("id", "invalid_id", "An id has letters, digits, dots, hyphens and underscores only.");
        }

        var name = fields.Text("name", 200);
        Zones.TryFind(from.TimeZone, out var zone);
        var start = InstantOf(fields, "start_date", zone, required: true, isEnd: false);
        if (name is null || start is not { } begins)
        {
            return null;
        }

        var days = Zones.DayOf(begins, zone).DayNumber - Zones.DayOf(from.StartDate, zone).DayNumber;
        DateTimeOffset? end = from.EndDate is { } until ? Zones.AddDays(until, days, zone) : null;
        if (end <= begins)
        {
            fields.Add(
                "start_date",
                "end_before_start",
                "The end, which moves by whole days, has to be after the start."
            );
        }

        return new CampaignWanted(
            id,
            name,
            from.Description,
            begins,
            end,
            from.TimeZone,
            from.MerchantId,
            from.Attribution,
            from.Budget,
            from.BudgetUses,
            from.BudgetOnOverflow
        );
    }

    private static Guid? MerchantOf(Fields fields, Guid? merchant, Campaign? present)
    {
        var wanted = fields.Id("merchant_id", required: false);
        if (merchant is not null && wanted is not null && wanted != merchant)
        {
            fields.Add("merchant_id", "not_yours", "This key acts for another merchant.");
        }

        var owner = merchant ?? wanted;
        if (present is not null && owner != present.MerchantId)
        {
            fields.Add("merchant_id", "immutable", "The merchant of a campaign cannot change.");
        }

        return owner;
    }

    private static Attribution AttributionOf(Fields fields) =>
        fields.Object("attribution", required: false) is { } given
            ? new Attribution(
                given.Text("utm_source", 200, required: false),
                given.Text("utm_medium", 200, required: false),
                given.Text("utm_campaign", 200, required: false),
                given.Word("marketing_channel", MarketingChannels, required: false)
            )
            : new Attribution(null, null, null, null);

    private static DateTimeOffset? InstantOf(Fields fields, string name, TimeZoneInfo zone, bool required, bool isEnd)
    {
        var text = fields.Text(name, 40, required);
        if (text is null)
        {
            return null;
        }

        if (CouponRequests.TryParseInstant(text, zone, isEnd, out var at))
        {
            return at;
        }

        fields.Add(name, "not_an_instant", "This has to be a date, or a time with its offset.");
        return null;
    }

    [GeneratedRegex(@"\A[A-Za-z0-9._-]{1,64}\z", RegexOptions.NonBacktracking)]
    private static partial Regex Id();
}
