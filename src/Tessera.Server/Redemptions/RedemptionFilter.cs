using Microsoft.AspNetCore.Builder;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions;

/// <summary>
/// Which redemptions are meant: what they used, when and where, what became of them, and who gets them. Every figure about
/// redemptions names the rows it is made of by these (MET-24).
/// </summary>
internal sealed class RedemptionFilter
{
    private static readonly string[] Statuses = ["redeemed", "rolled_back", "used"];
    private static readonly string[] Bookings = ["booked", "completed", "attended"];
    private static readonly string[] TouchWords = ["last", "first"];

    /// <summary>By what redemptions are divided; campaigns have their own parameter.</summary>
    private static readonly string[] Sides = ["campaign", "channel", "location", "marketing_channel", "utm_source"];

    private readonly Guid? _merchant;
    private readonly bool _isFirst;
    private bool _hasCampaign;
    private bool _hasPlace;

    private RedemptionFilter(Guid? merchant, bool isFirst)
    {
        (_merchant, _isFirst) = (merchant, isFirst);
        Rows.Equal("c.merchant_id", merchant);
    }

    /// <summary>The conditions, with their values.</summary>
    public PageRows Rows { get; } = new("true");

    /// <summary>What is joined to redemptions <c>r</c> and their coupons <c>c</c>.</summary>
    public string Joins =>
        (
            _isFirst
                ? $" cross join lateral ({Touches.First("r.customer_id", _merchant is { } own ? $"'{own}'" : "null")}) f join coupons.coupon t on t.id = f.coupon_id"
                : ""
        )
        + (
            _hasCampaign
                ? $" left join campaigns.campaign k on k.id = {Touched}.campaign_id and k.deleted_at is null"
                : ""
        )
        + (_hasPlace ? " left join access.channel w on w.id = r.channel" : "");

    /// <summary>The coupon that gets a redemption: the one it used, or its customer's first.</summary>
    private string Touched => _isFirst ? "t" : "c";

    /// <summary>Reads the parameters; what is wrong with them is in the query afterwards.</summary>
    public static RedemptionFilter Read(Query query, Guid? merchant)
    {
        var filter = new RedemptionFilter(merchant, query.Word("touch", TouchWords) == "first");
        filter.ReadWhat(query);
        filter.ReadWhen(query);
        filter.ReadOutcome(query);
        return filter;
    }

    /// <summary>The redemptions of one coupon.</summary>
    public static RedemptionFilter OfCoupon(long coupon, Guid? merchant)
    {
        var filter = new RedemptionFilter(merchant, isFirst: false);
        filter.Rows.Where("r.coupon_id = {}", coupon);
        return filter;
    }

    private void ReadWhat(Query query)
    {
        Rows.Where(_isFirst ? "t.id = {}" : "r.coupon_id = {}", query.Integer("coupon_id", 1, long.MaxValue));
        Rows.Where($"{(_isFirst ? "t.id" : "r.coupon_id")} = {CouponCodes.Coupon}", CouponCodes.Read(query));
        Rows.Where(Touched + ".campaign_id = {}", query.Text("campaign_id", 64));
        Rows.Where("r.customer_id = {}", query.Id("customer_id"));
        Rows.Where("r.order_reference = {}", query.Text("order_reference", 100));
        Rows.Where("c.discount_type = {}", query.Word("discount_type", CouponRules.DiscountTypes));
        Rows.Where("c.applicable_to = {}", query.Word("applicable_to", CouponRules.Applicability));
        foreach (var side in Sides.Skip(1))
        {
            if (query.Text(side, 200) is { } value)
            {
                Rows.Where(KeyOf(side) + " = {}", value);
            }
        }

        foreach (var side in query.Words("without", Sides) ?? [])
        {
            Rows.Where(KeyOf(side) + " = ''");
        }
    }

    private void ReadWhen(Query query)
    {
        Rows.Where("r.decided_at >= {}", query.Instant("from"));
        Rows.Where("r.decided_at < {}", query.Instant("to", isEnd: true));
        Rows.Where("extract(isodow from r.decided_at at time zone 'UTC') = {}", query.Integer("weekday", 1, 7));
        Rows.Where("extract(month from r.decided_at at time zone 'UTC') = {}", query.Integer("month", 1, 12));
        Rows.Where("extract(quarter from r.decided_at at time zone 'UTC') = {}", query.Integer("quarter", 1, 4));
    }

    private void ReadOutcome(Query query)
    {
        Rows.Where("r.currency = {}", query.Currency("currency"));
        if (query.Word("status", Statuses) is { } status)
        {
            Rows.Where(
                status switch
                {
                    "redeemed" => "r.rolled_back_at is null",
                    "rolled_back" => "r.rolled_back_at is not null",
                    _ =>
                        "not exists (select from redemptions.rollback g where g.redemption_id = r.id and g.use_returned)",
                }
            );
        }

        if (query.Word("booking", Bookings) is { } booking)
        {
            Rows.Where("r.rolled_back_at is null and r.booking_status is not null");
            if (booking != "booked")
            {
                var said = booking == "attended" ? "b.attended" : "b.status = 'completed'";
                Rows.Where($"exists (select from redemptions.booking b where b.redemption_id = r.id and {said})");
            }
        }
    }

    /// <summary>What a redemption counts for on a side; empty for nothing.</summary>
    private string KeyOf(string side)
    {
        _hasPlace |= side == "location";
        _hasCampaign |= side is "campaign" or "marketing_channel" or "utm_source";
        return side switch
        {
            "campaign" => "coalesce(k.id, '')",
            "channel" => "coalesce(r.channel, '')",
            "location" => "coalesce(w.location, '')",
            "marketing_channel" => Touches.MarketingChannel("k"),
            _ => Touches.UtmSource(Touched, "k"),
        };
    }
}

/// <summary>How operations say that they take a <see cref="RedemptionFilter"/>.</summary>
internal static class RedemptionFilterExtensions
{
    public static TBuilder WithRedemptionFilter<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
        builder
            .WithQuery("coupon_id", "integer", "Redemptions of this coupon.")
            .WithQuery("coupon_code", "string", "Redemptions of the coupon with this code, in any case.")
            .WithQuery("customer_id", "string", "Redemptions of this customer.")
            .WithQuery("order_reference", "string", "Redemptions on this order.")
            .WithQuery("campaign_id", "string", "Redemptions of coupons of this campaign.")
            .WithQuery("from", "string", "Only from this instant, or the beginning of this day, UTC, on.")
            .WithQuery("to", "string", "Only before this instant, or the end of this day.")
            .WithQuery("weekday", "integer", "Only of this day of the week, UTC: 1 is Monday.")
            .WithQuery("month", "integer", "Only of this month, 1 to 12, of any year.")
            .WithQuery("quarter", "integer", "Only of this quarter, 1 to 4, of any year.")
            .WithQuery(
                "status",
                "string",
                "Only those that stand, that were given back, or whose use counts.",
                ["redeemed", "rolled_back", "used"]
            )
            .WithQuery("currency", "string", "Only those in this currency.")
            .WithQuery("discount_type", "string", "Of coupons of this kind.", [.. CouponRules.DiscountTypes])
            .WithQuery("applicable_to", "string", "Of coupons for these.", [.. CouponRules.Applicability])
            .WithQuery("channel", "string", "Through this channel.")
            .WithQuery("location", "string", "Through channels that stand here now.")
            .WithQuery("marketing_channel", "string", "Of campaigns of this marketing channel.")
            .WithQuery("utm_source", "string", "Of coupons, or else their campaigns, with this source.")
            .WithQuery(
                "without",
                "string",
                "Only those that have none of these: campaign, channel, location, marketing_channel, utm_source."
            )
            .WithQuery(
                "booking",
                "string",
                "Those that stand with a booking; with one that took place; where the customer came.",
                ["booked", "completed", "attended"]
            )
            .WithQuery(
                "touch",
                "string",
                "Whose coupon_id, coupon_code, campaign_id, marketing_channel and utm_source are meant: those of the coupon that was used, "
                    + "or of the customer's first.",
                ["last", "first"]
            );
}
