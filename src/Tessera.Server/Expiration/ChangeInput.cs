using System.Text.Json;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Expiration;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>What somebody wants done to which units. Kept with requests for approval, so it holds no code.</summary>
/// <param name="Action">One of <see cref="Actions"/>.</param>
/// <param name="ValidUntil">The new end of an extension.</param>
/// <param name="ByOverride">Whether expired units are extended too.</param>
/// <param name="Units">Pairs of coupon id and instance id; null for a scope or a list.</param>
/// <param name="CouponId">All units of this coupon.</param>
/// <param name="CampaignId">All units of this campaign.</param>
/// <param name="OperationId">The uploaded list, which waits as a paused operation.</param>
/// <param name="Lines">Of the list.</param>
/// <param name="MerchantId">Whose units alone; null for all.</param>
internal sealed record ChangeInput(
    string Action,
    DateTimeOffset? ValidUntil,
    bool ByOverride,
    long[][]? Units,
    long? CouponId,
    string? CampaignId,
    Guid? OperationId,
    long? Lines,
    Guid? MerchantId
)
{
    /// <summary>The most units one request may name.</summary>
    public const int MaximumUnits = 1000;

    private const int MaximumReason = 500;
    private const int MinimumReason = 10;
    private const int MaximumCampaign = 100;
    private const int MaximumTyped = 128;

    /// <summary>What may be asked for.</summary>
    public static readonly string[] Actions = ["extend", "expire", "cancel", "archive"];

    /// <summary>What is done.</summary>
    public UnitChange Change => new(ChangeStore.ActionOf(Action), ValidUntil, ByOverride);

    /// <summary>The units named.</summary>
    public IReadOnlyList<UnitName> Names => [.. (Units ?? []).Select(static u => new UnitName(u[0], u[1]))];

    /// <summary>The coupon or campaign meant; null where units are named.</summary>
    public Scope? Scope => Units is null && OperationId is null ? new Scope(CouponId, CampaignId) : null;

    public string ToJson() => JsonSerializer.Serialize(this, Wire.Json);

    public static ChangeInput Of(string json) => JsonSerializer.Deserialize<ChangeInput>(json, Wire.Json)!;

    /// <summary>Reads action, end, override and reason, which every way of asking has.</summary>
    public static (ChangeInput Input, string? Reason) Read(Fields fields, DateTimeOffset now, Guid? merchant)
    {
        var action = fields.Word("action", Actions);
        var isExtension = action == "extend";
        var end = fields.Instant("valid_until", required: isExtension);
        var byOverride = fields.Flag("override", required: false) ?? false;
        var reason = fields.Text("reason", MaximumReason);
        if (reason is { Length: < MinimumReason })
        {
            fields.Add("reason", "too_short", $"This has to have at least {MinimumReason:minimum} characters.");
        }

        if (action is not null && !isExtension)
        {
            Unless(fields, end is null, "valid_until");
            Unless(fields, !byOverride, "override");
        }
        else if (end <= now)
        {
            fields.Add("valid_until", "in_the_past", "This has to be later than now.");
        }

        return (new ChangeInput(action ?? "", end, byOverride, null, null, null, null, null, merchant), reason);
    }

    /// <summary>Reads which units: codes, ids below a coupon, a whole coupon or a whole campaign.</summary>
    public static (ChangeInput Input, IReadOnlyList<string>? Codes) ReadUnits(Fields fields, ChangeInput input)
    {
        var codes = fields.List(
            "codes",
            MaximumUnits,
            static (item, place) =>
                item.Text(place, MaximumTyped) is not { } text ? null
                : CouponCode.TryNormalise(text, out var code) ? code
                : text,
            required: false
        );
        var coupon = fields.Integer("coupon_id", 1, Fields.MaximumInteger, required: false);
        var ids = fields.List<object>(
            "instance_ids",
            MaximumUnits,
            static (item, place) => item.Integer(place, 1, Fields.MaximumInteger),
            required: false
        );
        var campaign = fields.Text("campaign_id", MaximumCampaign, required: false);
        if (ids is not null && coupon is null)
        {
            fields.Add("coupon_id", "required", "Instances are named below their coupon.");
        }

        string[] ways = ["codes", "coupon_id", "campaign_id"];
        if (ways.Count(fields.Has) != 1)
        {
            fields.Add("codes", "one_of", "Name either codes, or a coupon with or without instances, or a campaign.");
        }

        return (
            input with
            {
                Units =
                    ids is not null && coupon is not null
                        ? [.. ids.Select(id => new[] { coupon.Value, (long)id })]
                        : null,
                CouponId = coupon,
                CampaignId = campaign,
            },
            codes
        );
    }

    private static void Unless(Fields fields, bool isRight, string name)
    {
        if (!isRight)
        {
            fields.Add(name, "not_expected", "Only an extension takes this.");
        }
    }
}
