namespace Tessera.Core.Coupons;

/// <summary>
/// A coupon as somebody wants it (A.4), with the plain numbers of the admin endpoints: amounts are decimals in major
/// units of <see cref="Currency"/>. Nothing in it has been checked.
/// </summary>
public sealed record CouponDraft
{
    /// <summary>What customers type; of a coupon with unique codes only a name.</summary>
    public string? Code { get; init; }

    /// <summary><c>shared</c>: the code is redeemed itself; <c>unique</c>: only the codes generated below it.</summary>
    public string CodeKind { get; init; } = "shared";

    /// <summary><c>public</c>, <c>private</c> or <c>code</c> (CPN-03).</summary>
    public string Distribution { get; init; } = "code";

    /// <summary>For staff.</summary>
    public string? InternalName { get; init; }

    /// <summary>Locale to text (CPN-12).</summary>
    public IReadOnlyDictionary<string, string> Description { get; init; } = new Dictionary<string, string>();

    /// <summary><c>percentage</c>, <c>fixed_amount</c> or <c>free_session</c>.</summary>
    public string? DiscountType { get; init; }

    /// <summary>Percent, or an amount in major units; 100 for free sessions .</summary>
    public decimal? DiscountValue { get; init; }

    /// <summary>ISO 4217.</summary>
    public string Currency { get; init; } = "USD";

    /// <summary>The most it gives, in major units.</summary>
    public decimal? MaxDiscountAmount { get; init; }

    /// <summary>In major units.</summary>
    public decimal MinimumOrderValue { get; init; }

    /// <summary>In major units.</summary>
    public decimal? MaximumOrderValue { get; init; }

    /// <summary>Null for no limit.</summary>
    public long? MaxUsesTotal { get; init; }

    /// <summary>1 to 10.</summary>
    public long MaxUsesPerUser { get; init; } = 1;

    /// <summary>First instant; null when it was given and cannot be read.</summary>
    public DateTimeOffset? ValidFrom { get; init; }

    /// <summary>First instant after it; null for no end.</summary>
    public DateTimeOffset? ValidUntil { get; init; }

    /// <summary>IANA zone in which its days begin and end.</summary>
    public string TimeZone { get; init; } = "UTC";

    /// <summary>RUL-07.</summary>
    public string ApplicableTo { get; init; } = "all";

    /// <summary>Consultants it is limited to.</summary>
    public IReadOnlyList<int>? ConsultantRestrictions { get; init; }

    /// <summary>Session types it is limited to.</summary>
    public IReadOnlyList<string>? ServiceTypeRestrictions { get; init; }

    /// <summary>Services a free session may be.</summary>
    public IReadOnlyList<string>? EligibleServices { get; init; }

    /// <summary>Channels it is limited to.</summary>
    public IReadOnlyList<string>? Channels { get; init; }

    /// <summary>Products it is limited to.</summary>
    public IReadOnlyList<string>? Products { get; init; }

    /// <summary><c>stackable</c> or <c>exclusive</c> (RUL-05).</summary>
    public string Stacking { get; init; } = Promotions.Stacking.Words[0];

    /// <summary>Combines only with what shares one of these, or names none; null for any.</summary>
    public IReadOnlyList<string>? StackingGroups { get; init; }

    /// <summary>1 applies first; null comes after all that has a place.</summary>
    public long? ApplyOrder { get; init; }

    /// <summary>Its campaign.</summary>
    public string? CampaignId { get; init; }

    /// <summary><c>primary</c>, <c>secondary</c> or <c>fallback</c>.</summary>
    public string? CampaignRole { get; init; }

    /// <summary>Who offers it.</summary>
    public Guid? MerchantId { get; init; }

    /// <summary>CMP-02.</summary>
    public string? CampaignSource { get; init; }

    /// <summary>CMP-02.</summary>
    public string? UtmSource { get; init; }

    /// <summary>CMP-02.</summary>
    public string? UtmMedium { get; init; }

    /// <summary>CMP-02.</summary>
    public string? UtmCampaign { get; init; }

    /// <summary>For staff.</summary>
    public string? Notes { get; init; }

    /// <summary>Switched on.</summary>
    public bool IsActive { get; init; }

    /// <summary>The caller's own id of it.</summary>
    public string? ExternalId { get; init; }
}
