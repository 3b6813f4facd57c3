using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

// The shapes of the room's requests and answers, for the API description. Requests are read by CouponRequests, and
// coupons written by Coupon.Write, without going through these.

/// <summary>A coupon as written (A.4). Amounts are decimals in major units of its currency.</summary>
/// <param name="Code">3 to 20 of A-Z, 0-9, hyphen, underscore; unique.</param>
/// <param name="InternalName">For staff; 3 to 100 characters.</param>
/// <param name="Description">Locale to text; en has to be there.</param>
/// <param name="DiscountType">percentage, fixed_amount or free_session.</param>
/// <param name="ValidFrom">First instant, or the day it begins on in the coupon's zone.</param>
/// <param name="DiscountValue">Percent, or amount; a free session needs none.</param>
/// <param name="ValidUntil">First instant after its end, or its last day in the coupon's zone; null for no end.</param>
/// <param name="CodeKind">shared, or unique when each unit has a code of its own.</param>
/// <param name="Distribution">public, private or code.</param>
/// <param name="Currency">ISO 4217; USD unless given.</param>
/// <param name="MaxDiscountAmount">The most it gives.</param>
/// <param name="MinimumOrderValue">The least an order may be.</param>
/// <param name="MaximumOrderValue">The most an order may be.</param>
/// <param name="MaxUsesTotal">Of all customers; null for no limit.</param>
/// <param name="MaxUsesPerUser">1 to 10; 1 unless given.</param>
/// <param name="TimeZone">IANA name; UTC unless given.</param>
/// <param name="ApplicableTo">all, book_a_meeting, 30_for_30, specific_consultants or first_time_users.</param>
/// <param name="ConsultantRestrictions">Ids of the consultants it is for.</param>
/// <param name="ServiceTypeRestrictions">Session types it is for.</param>
/// <param name="EligibleServices">Services a free session may be.</param>
/// <param name="Channels">Where it may be used; null for everywhere.</param>
/// <param name="Products">SKUs it is good for; null for all.</param>
/// <param name="Stacking">stackable (unless given), or exclusive: the first eligible exclusive one of a cart applies alone (RUL-05). Where a promotion prices the coupon, the promotion's own counts.</param>
/// <param name="StackingGroups">Where two both name groups they combine only when they share one; null combines with any.</param>
/// <param name="ApplyOrder">1 to 1,000,000, as of promotions; 1 applies first. Null comes after all that has a place.</param>
/// <param name="CampaignId">The campaign it belongs to.</param>
/// <param name="CampaignRole">primary, secondary or fallback.</param>
/// <param name="MerchantId">Whose it is; null for the deployment's.</param>
/// <param name="CampaignSource">Where it was spread.</param>
/// <param name="UtmSource">Attribution.</param>
/// <param name="UtmMedium">Attribution.</param>
/// <param name="UtmCampaign">Attribution.</param>
/// <param name="Notes">For staff.</param>
/// <param name="IsActive">Whether it is on; false unless given.</param>
/// <param name="ExternalId">The deployment's own id of it; unique.</param>
internal sealed record CouponWantedShape(
    string Code,
    string InternalName,
    IReadOnlyDictionary<string, string> Description,
    string DiscountType,
    string ValidFrom,
    decimal? DiscountValue = null,
    string? ValidUntil = null,
    string? CodeKind = null,
    string? Distribution = null,
    string? Currency = null,
    decimal? MaxDiscountAmount = null,
    decimal? MinimumOrderValue = null,
    decimal? MaximumOrderValue = null,
    long? MaxUsesTotal = null,
    int? MaxUsesPerUser = null,
    string? TimeZone = null,
    string? ApplicableTo = null,
    IReadOnlyList<int>? ConsultantRestrictions = null,
    IReadOnlyList<string>? ServiceTypeRestrictions = null,
    IReadOnlyList<string>? EligibleServices = null,
    IReadOnlyList<string>? Channels = null,
    IReadOnlyList<string>? Products = null,
    string? Stacking = null,
    IReadOnlyList<string>? StackingGroups = null,
    int? ApplyOrder = null,
    string? CampaignId = null,
    string? CampaignRole = null,
    Guid? MerchantId = null,
    string? CampaignSource = null,
    string? UtmSource = null,
    string? UtmMedium = null,
    string? UtmCampaign = null,
    string? Notes = null,
    bool? IsActive = null,
    string? ExternalId = null
);

/// <summary>A coupon as read: what was written, its status and its figures. Amounts are decimals in major units.</summary>
/// <param name="Id">JSON-safe integer.</param>
/// <param name="Status">active, scheduled, expired, inactive, flagged or limit_reached, as of now.</param>
/// <param name="UsageCount">Standing redemptions.</param>
/// <param name="RefusedCount">Attempts that were refused.</param>
/// <param name="RevenueGenerated">Net paid on orders that used it.</param>
/// <param name="TotalDiscountsGiven">Sum of its discounts.</param>
/// <param name="ConversionRate">Redemptions per attempt, from 0 to 1.</param>
/// <param name="LastUsed">When it was last redeemed.</param>
/// <param name="Version">Counts its changes; the ETag names it.</param>
internal sealed record CouponShape(
    long Id,
    string Code,
    string CodeKind,
    string Distribution,
    string InternalName,
    IReadOnlyDictionary<string, string> Description,
    string DiscountType,
    decimal? DiscountValue,
    string Currency,
    decimal? MaxDiscountAmount,
    decimal MinimumOrderValue,
    decimal? MaximumOrderValue,
    long? MaxUsesTotal,
    int MaxUsesPerUser,
    DateTimeOffset ValidFrom,
    DateTimeOffset? ValidUntil,
    string TimeZone,
    string ApplicableTo,
    IReadOnlyList<int>? ConsultantRestrictions,
    IReadOnlyList<string>? ServiceTypeRestrictions,
    IReadOnlyList<string>? EligibleServices,
    IReadOnlyList<string>? Channels,
    IReadOnlyList<string>? Products,
    string Stacking,
    IReadOnlyList<string>? StackingGroups,
    int? ApplyOrder,
    string? CampaignId,
    string? CampaignRole,
    Guid? MerchantId,
    string? CampaignSource,
    string? UtmSource,
    string? UtmMedium,
    string? UtmCampaign,
    string? Notes,
    bool IsActive,
    string? ExternalId,
    string Status,
    long UsageCount,
    long RefusedCount,
    [property: Guarded(Permissions.FinanceRead)] decimal RevenueGenerated,
    [property: Guarded(Permissions.FinanceRead)] decimal TotalDiscountsGiven,
    decimal ConversionRate,
    [property: JsonPropertyName("lastUsed")] DateTimeOffset? LastUsed,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    long Version
);

/// <summary>Codes whose state is asked for.</summary>
/// <param name="Codes">At most 1000, in any case.</param>
internal sealed record CodesWantedShape(IReadOnlyList<string> Codes);

/// <summary>What the API description says of the room's operations.</summary>
internal static class CouponDescriptions
{
    private static readonly DateTimeOffset At = new(2026, 11, 2, 9, 30, 0, TimeSpan.Zero);

    private static readonly Dictionary<string, string> Words = new() { ["en"] = "Ten percent off" };

    internal static readonly CouponWantedShape Wanted = new(
        "SAVE10",
        "Autumn ten percent",
        Words,
        "percentage",
        "2030-11-01",
        10,
        "2030-11-30",
        Currency: "EUR",
        MaxUsesTotal: 1000,
        IsActive: true
    );

    private static readonly CouponShape View = new(
        7,
        "SAVE10",
        "shared",
        "code",
        "Autumn ten percent",
        Words,
        "percentage",
        10,
        "EUR",
        null,
        0,
        null,
        1000,
        1,
        At,
        At.AddDays(30),
        "UTC",
        "all",
        null,
        null,
        null,
        null,
        null,
        "stackable",
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        null,
        true,
        null,
        "active",
        12,
        3,
        540.12m,
        60.01m,
        0.8m,
        At.AddDays(1),
        "key:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
        At,
        At,
        1
    );

    private static readonly CodeState State = new("SAVE10", "active", true, At, At.AddDays(30), 7, null, At.AddDays(1));

    public static RouteHandlerBuilder DescribeCouponList(this RouteHandlerBuilder operation) =>
        operation.WithAnswer(200, new Page<CouponShape>([View], false, null), "A page.");

    public static RouteHandlerBuilder DescribeCreate(this RouteHandlerBuilder operation) =>
        operation
            .WithBody(Wanted)
            .WithIdempotencyKey(required: false)
            .WithAnswer(201, View, "Created; Location is its address.")
            .WithRefusals(Catalogue.Duplicate, Catalogue.DuplicateExternalId);

    public static RouteHandlerBuilder DescribeCoupon(this RouteHandlerBuilder operation) =>
        operation
            .WithAnswer(200, View, "The present state, with its ETag.")
            .WithAnswer(304, "The caller has the present state.");

    public static RouteHandlerBuilder DescribeUpdate(this RouteHandlerBuilder operation) =>
        operation
            .WithBody(Wanted)
            .WithIfMatch()
            .WithAnswer(200, View, "The new state, with its ETag.")
            .WithRefusals(Catalogue.Duplicate, Catalogue.DuplicateExternalId);

    public static RouteHandlerBuilder DescribeDelete(this RouteHandlerBuilder operation) =>
        operation.WithIfMatch().WithAnswer(204, "It is out of use, or was before.");

    public static RouteHandlerBuilder DescribeSwitch(this RouteHandlerBuilder operation) =>
        operation.WithIdempotencyKey(required: false).WithAnswer(200, View, "The new state, with its ETag.");

    public static RouteHandlerBuilder DescribeState(this RouteHandlerBuilder operation) =>
        operation.WithAnswer(200, State, "Its state; unknown for codes that are not the caller's to see.");

    public static RouteHandlerBuilder DescribeStates(this RouteHandlerBuilder operation) =>
        operation
            .WithBody(new CodesWantedShape(["SAVE10"]))
            .WithAnswer(200, new CodeStateEndpoints.CodeStateList([State]), "Their states, in the order asked for.");
}
