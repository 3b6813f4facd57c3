using System.Text.Json.Serialization;

namespace Tessera.Server.Promotions.Segments;

/// <summary>A segment, as written (RUL-09).</summary>
/// <param name="Name">For people.</param>
/// <param name="Rule">customer_groups, segments, regions, attributes, nth_order, all, any and none; without one it is a list.</param>
/// <param name="Currency">ISO 4217; needed where the rule asks for spend.</param>
internal sealed record SegmentWanted(
    string Name,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ConditionShape? Rule = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Currency = null
);

/// <summary>A segment with its current size.</summary>
/// <param name="Id">Conditions name it in segments.</param>
/// <param name="Name">For people.</param>
/// <param name="Kind">list or rule.</param>
/// <param name="Version">Counts the changes of its definition.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When this version was made.</param>
/// <param name="MerchantId">Whose; null for the deployment's.</param>
/// <param name="Rule">Of a segment by rule.</param>
/// <param name="Currency">Of the spend its rule asks for.</param>
/// <param name="Size">Customers in it now, counted to 100,000; absent in lists, and where counting took over 2 seconds.</param>
/// <param name="SizeIsExact">False when there are more than were counted.</param>
internal sealed record SegmentView(
    Guid Id,
    string Name,
    string Kind,
    int Version,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    Guid? MerchantId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ConditionShape? Rule = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Currency = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Size = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? SizeIsExact = null
);

/// <summary>Customers of a list.</summary>
/// <param name="CustomerIds">1 to 10,000.</param>
internal sealed record SegmentMembers(IReadOnlyList<Guid> CustomerIds);

/// <summary>Where those who are in a segment are put.</summary>
/// <param name="CampaignId">The campaign; its private coupons are for its audience alone.</param>
internal sealed record SegmentAudience(string CampaignId);

/// <summary>What a change of a list did.</summary>
/// <param name="Changed">Customers that were not so before.</param>
internal sealed record SegmentChange(int Changed);

/// <summary>A customer of a segment.</summary>
/// <param name="CustomerId">Of the directory.</param>
internal sealed record SegmentMember(Guid CustomerId);
