using System.Text.Json;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>A coupon as the catalogue shows it: the definition, its status at the database clock, and its figures.</summary>
internal sealed record Coupon
{
    /// <summary>
    /// The derived status (CPN-04): the first that holds of these. Uses alias <c>c</c> of coupons.coupon and <c>u</c> of
    /// coupons.usage_total, and the column <c>now</c>.
    /// </summary>
    public const string StatusSql = """
        case when c.valid_until <= k.now then 'expired' when not c.is_active then 'inactive' when c.is_flagged then 'flagged'
            when c.max_uses_total is not null and c.max_uses_total <=
                (select sum(t.redeemed_count) from coupons.usage t where t.coupon_id = c.id) then 'limit_reached' when c.valid_from > k.now then 'scheduled'
            else 'active' end
        """;

    /// <summary>
    /// Each status as a condition, in the order of their names, for finding coupons by it: an index answers what a computed
    /// word cannot. Every coupon meets exactly one. Whether uses are gone is taken from <c>coupons.total</c>, which may be
    /// seconds behind.
    /// </summary>
    public static readonly IReadOnlyList<(string Status, string Sql)> StatusConditions =
    [
        ("active", $"{Running} and not c.is_flagged and not {IsSpent} and c.valid_from <= k.now"),
        ("expired", "c.valid_until <= k.now"),
        ("flagged", $"{Running} and c.is_flagged"),
        ("inactive", "c.valid_until > k.now and not c.is_active"),
        ("limit_reached", $"{Running} and not c.is_flagged and {IsSpent}"),
        ("scheduled", $"{Running} and not c.is_flagged and not {IsSpent} and c.valid_from > k.now"),
    ];

    private const string Running = "c.valid_until > k.now and c.is_active";
    private const string IsSpent = "exists (select from coupons.total s where s.coupon_id = c.id and s.is_spent)";

    /// <summary>The columns <see cref="Read"/> takes, in its order.</summary>
    public const string Columns =
        """
            c.id, c.code, c.code_kind, c.distribution, c.internal_name, c.description::text, c.discount_type, c.discount_percent,
            c.discount_minor, c.currency, c.max_discount_minor, c.minimum_order_minor, c.maximum_order_minor, c.max_uses_total,
            c.max_uses_per_user, c.valid_from, c.valid_until, c.time_zone, c.applicable_to, c.consultant_restrictions,
            c.service_type_restrictions, c.eligible_services, c.channels, c.products, c.campaign_id, c.campaign_role,
            c.merchant_id, c.campaign_source, c.utm_source, c.utm_medium, c.utm_campaign, c.notes, c.is_active, c.external_id,
            c.stacking, c.stacking_groups, c.apply_order, c.version, c.created_by, c.created_at, c.updated_at, u.redeemed_count, u.refused_count, u.revenue_minor,
            u.discount_minor, u.last_used_at, 
            """ + StatusSql;

    /// <summary>The place of what is selected after <see cref="Columns"/>.</summary>
    public const int After = 47;

    /// <summary>Where <see cref="Columns"/> come from.</summary>
    public const string From = "coupons.coupon c " + Figures;

    /// <summary>The figures and the clock beside rows of alias <c>c</c>: looked up row by row, so for few rows.</summary>
    public const string Figures = """
            left join lateral (
                select sum(t.redeemed_count)::bigint as redeemed_count, sum(t.refused_count)::bigint as refused_count,
                    sum(t.revenue_minor)::bigint as revenue_minor, sum(t.discount_minor)::bigint as discount_minor,
                    max(t.last_used_at) as last_used_at
                from coupons.usage t where t.coupon_id = c.id) u on true
            cross join (select platform.clock() as now) k
        """;

    public required long Id { get; init; }
    public required string Code { get; init; }
    public required string CodeKind { get; init; }
    public required string Distribution { get; init; }
    public required string InternalName { get; init; }
    public required string Description { get; init; }
    public required string DiscountType { get; init; }
    public decimal? Percent { get; init; }
    public long? DiscountMinor { get; init; }
    public required string Currency { get; init; }
    public long? MaxDiscountMinor { get; init; }
    public long MinimumOrderMinor { get; init; }
    public long? MaximumOrderMinor { get; init; }
    public long? MaxUsesTotal { get; init; }
    public int MaxUsesPerUser { get; init; }
    public DateTimeOffset ValidFrom { get; init; }
    public DateTimeOffset ValidUntil { get; init; }
    public required string TimeZone { get; init; }
    public required string ApplicableTo { get; init; }
    public int[]? Consultants { get; init; }
    public string[]? SessionTypes { get; init; }
    public string[]? EligibleServices { get; init; }
    public string[]? Channels { get; init; }
    public string[]? Products { get; init; }
    public required string Stacking { get; init; }
    public string[]? StackingGroups { get; init; }
    public int? ApplyOrder { get; init; }
    public string? CampaignId { get; init; }
    public string? CampaignRole { get; init; }
    public Guid? MerchantId { get; init; }
    public string? CampaignSource { get; init; }
    public string? UtmSource { get; init; }
    public string? UtmMedium { get; init; }
    public string? UtmCampaign { get; init; }
    public string? Notes { get; init; }
    public bool IsActive { get; init; }
    public string? ExternalId { get; init; }
    public long Version { get; init; }
    public required string CreatedBy { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; init; }
    public long Redeemed { get; init; }
    public long Refused { get; init; }
    public long RevenueMinor { get; init; }
    public long DiscountsMinor { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }
    public required string Status { get; init; }

    public static Coupon Read(NpgsqlDataReader row) =>
        new()
        {
            Id = row.GetInt64(0),
            Code = row.GetString(1),
            CodeKind = row.GetString(2),
            Distribution = row.GetString(3),
            InternalName = row.GetString(4),
            Description = row.GetString(5),
            DiscountType = row.GetString(6),
            Percent = row.Value<decimal>(7),
            DiscountMinor = row.Value<long>(8),
            Currency = row.GetString(9),
            MaxDiscountMinor = row.Value<long>(10),
            MinimumOrderMinor = row.GetInt64(11),
            MaximumOrderMinor = row.Value<long>(12),
            MaxUsesTotal = row.Value<long>(13),
            MaxUsesPerUser = row.GetInt32(14),
            ValidFrom = row.GetFieldValue<DateTimeOffset>(15),
            ValidUntil = row.GetFieldValue<DateTimeOffset>(16),
            TimeZone = row.GetString(17),
            ApplicableTo = row.GetString(18),
            Consultants = row.Object<int[]>(19),
            SessionTypes = row.Object<string[]>(20),
            EligibleServices = row.Object<string[]>(21),
            Channels = row.Object<string[]>(22),
            Products = row.Object<string[]>(23),
            CampaignId = row.Object<string>(24),
            CampaignRole = row.Object<string>(25),
            MerchantId = row.Value<Guid>(26),
            CampaignSource = row.Object<string>(27),
            UtmSource = row.Object<string>(28),
            UtmMedium = row.Object<string>(29),
            UtmCampaign = row.Object<string>(30),
            Notes = row.Object<string>(31),
            IsActive = row.GetBoolean(32),
            ExternalId = row.Object<string>(33),
            Stacking = row.GetString(34),
            StackingGroups = row.Object<string[]>(35),
            ApplyOrder = row.Value<int>(36),
            Version = row.GetInt64(37),
            CreatedBy = row.GetString(38),
            CreatedAt = row.GetFieldValue<DateTimeOffset>(39),
            UpdatedAt = row.GetFieldValue<DateTimeOffset>(40),
            Redeemed = row.Value<long>(41) ?? 0,
            Refused = row.Value<long>(42) ?? 0,
            RevenueMinor = row.Value<long>(43) ?? 0,
            DiscountsMinor = row.Value<long>(44) ?? 0,
            LastUsedAt = row.Value<DateTimeOffset>(45),
            Status = row.GetString(46),
        };

    /// <summary>An amount in major units of its currency.</summary>
    public decimal? Major(long? minor) => minor is { } amount ? Currencies.ToMajor(amount, Currency) : null;

    /// <summary>Percent, or an amount in major units.</summary>
    public decimal? DiscountValue => Percent is { } percent ? percent / 1.000m : Major(DiscountMinor);

    /// <summary>The description every coupon has (CPN-12).</summary>
    public string? English()
    {
        using var texts = JsonDocument.Parse(Description);
        return texts.RootElement.TryGetProperty("en", out var english) ? english.GetString() : null;
    }

    /// <summary>As it would be written: what a change or a copy of it begins with.</summary>
    public CouponDraft ToDraft() =>
        new()
        {
            Code = Code,
            CodeKind = CodeKind,
            Distribution = Distribution,
            InternalName = InternalName,
            Description = JsonSerializer.Deserialize<Dictionary<string, string>>(Description)!,
            DiscountType = DiscountType,
            DiscountValue = DiscountValue,
            Currency = Currency,
            MaxDiscountAmount = Major(MaxDiscountMinor),
            MinimumOrderValue = Major(MinimumOrderMinor)!.Value,
            MaximumOrderValue = Major(MaximumOrderMinor),
            MaxUsesTotal = MaxUsesTotal,
            MaxUsesPerUser = MaxUsesPerUser,
            ValidFrom = ValidFrom,
            ValidUntil = ValidUntil == DateTimeOffset.MaxValue ? null : ValidUntil,
            TimeZone = TimeZone,
            ApplicableTo = ApplicableTo,
            ConsultantRestrictions = Consultants,
            ServiceTypeRestrictions = SessionTypes,
            EligibleServices = EligibleServices,
            Channels = Channels,
            Products = Products,
            Stacking = Stacking,
            StackingGroups = StackingGroups,
            ApplyOrder = ApplyOrder,
            CampaignId = CampaignId,
            CampaignRole = CampaignRole,
            MerchantId = MerchantId,
            CampaignSource = CampaignSource,
            UtmSource = UtmSource,
            UtmMedium = UtmMedium,
            UtmCampaign = UtmCampaign,
            Notes = Notes,
            IsActive = IsActive,
            ExternalId = ExternalId,
        };

    /// <summary>As the admin endpoints show it.</summary>
    public JsonElement ToJson() => JsonDocument.Parse(JsonOut.Bytes(Write)).RootElement;

    /// <summary>As the admin endpoints show it: amounts as decimals in major units.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("id"u8, Id);
        json.WriteString("code"u8, Code);
        json.WriteString("code_kind"u8, CodeKind);
        json.WriteString("distribution"u8, Distribution);
        json.WriteString("internal_name"u8, InternalName);
        json.WritePropertyName("description"u8);
        json.WriteRawValue(Description);
        json.WriteString("discount_type"u8, DiscountType);
        json.WriteOptional("discount_value"u8, DiscountValue);
        json.WriteString("currency"u8, Currency);
        json.WriteOptional("max_discount_amount"u8, Major(MaxDiscountMinor));
        json.WriteNumber("minimum_order_value"u8, Currencies.ToMajor(MinimumOrderMinor, Currency));
        json.WriteOptional("maximum_order_value"u8, Major(MaximumOrderMinor));
        json.WriteOptional("max_uses_total"u8, MaxUsesTotal);
        json.WriteNumber("max_uses_per_user"u8, MaxUsesPerUser);
        json.WriteString("valid_from"u8, Instants.Format(ValidFrom));
        json.WriteString("valid_until"u8, Instants.Format(ValidUntil));
        json.WriteString("time_zone"u8, TimeZone);
        json.WriteString("applicable_to"u8, ApplicableTo);
        json.WriteList("consultant_restrictions"u8, Consultants, static (j, v) => j.WriteNumberValue(v));
        json.WriteList("service_type_restrictions"u8, SessionTypes, static (j, v) => j.WriteStringValue(v));
        json.WriteList("eligible_services"u8, EligibleServices, static (j, v) => j.WriteStringValue(v));
        json.WriteList("channels"u8, Channels, static (j, v) => j.WriteStringValue(v));
        json.WriteList("products"u8, Products, static (j, v) => j.WriteStringValue(v));
        json.WriteString("stacking"u8, Stacking);
        json.WriteList("stacking_groups"u8, StackingGroups, static (j, v) => j.WriteStringValue(v));
        json.WriteOptional("apply_order"u8, ApplyOrder);
        json.WriteString("campaign_id"u8, CampaignId);
        json.WriteString("campaign_role"u8, CampaignRole);
        json.WriteString("merchant_id"u8, MerchantId?.ToString());
        json.WriteString("campaign_source"u8, CampaignSource);
        json.WriteString("utm_source"u8, UtmSource);
        json.WriteString("utm_medium"u8, UtmMedium);
        json.WriteString("utm_campaign"u8, UtmCampaign);
        json.WriteString("notes"u8, Notes);
        json.WriteBoolean("is_active"u8, IsActive);
        json.WriteString("external_id"u8, ExternalId);
        json.WriteString("status"u8, Status);
        json.WriteNumber("usage_count"u8, Redeemed);
        json.WriteNumber("refused_count"u8, Refused);
        json.WriteNumber("revenue_generated"u8, Currencies.ToMajor(RevenueMinor, Currency));
        json.WriteNumber("total_discounts_given"u8, Currencies.ToMajor(DiscountsMinor, Currency));
        json.WriteNumber(
            "conversion_rate"u8,
            Redeemed + Refused == 0 ? 0 : decimal.Round((decimal)Redeemed / (Redeemed + Refused), 4)
        );
        json.WriteString("lastUsed"u8, Instants.Format(LastUsedAt));
        json.WriteString("created_by"u8, CreatedBy);
        json.WriteString("created_at"u8, Instants.Format(CreatedAt));
        json.WriteString("updated_at"u8, Instants.Format(UpdatedAt));
        json.WriteNumber("version"u8, Version);
        json.WriteEndObject();
    }
}
