using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>A draft as the columns of its row, and as what the log tells of it. What a draft leaves open is left out.</summary>
internal static class CouponRow
{
    /// <summary>The columns with their types, as <see cref="Json"/> fills them.</summary>
    public const string Definition = """
        code text, code_kind text, distribution text, internal_name text, description jsonb, discount_type text,
        discount_percent numeric, discount_minor bigint, currency text, max_discount_minor bigint, minimum_order_minor bigint,
        maximum_order_minor bigint, max_uses_total bigint, max_uses_per_user integer, valid_from timestamptz,
        valid_until timestamptz, time_zone text, applicable_to text, consultant_restrictions integer[],
        service_type_restrictions text[], eligible_services text[], channels text[], products text[], stacking text,
        stacking_groups text[], apply_order integer, campaign_id text,
        campaign_role text, merchant_id uuid, campaign_source text, utm_source text, utm_medium text, utm_campaign text,
        notes text, is_active boolean, external_id text
        """;

    /// <summary>The columns.</summary>
    public static readonly string Names = NamesOf(null);

    /// <summary>The columns of a relation.</summary>
    public static string NamesOf(string? alias) =>
        string.Join(
            ", ",
            Definition.Split(',').Select(column => (alias is null ? "" : alias + ".") + column.Trim().Split(' ')[0])
        );

    /// <summary>Drafts with the ids of their coupons as an array of records.</summary>
    public static NpgsqlParameter Json(IReadOnlyList<(long Id, CouponDraft Draft)> drafts)
    {
        var buffer = new ArrayBufferWriter<byte>(drafts.Count * 512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var (id, draft) in drafts)
            {
                json.WriteStartObject();
                json.WriteNumber("id"u8, id);
                json.WriteString("code"u8, draft.Code);
                WriteMembers(json, draft, withWords: true);
                if (PercentOf(draft) is { } percent)
                {
                    json.WriteNumber("discount_percent"u8, percent);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return new NpgsqlParameter { Value = buffer.WrittenMemory.ToArray(), NpgsqlDbType = NpgsqlDbType.Jsonb };
    }

    /// <summary>
    /// What the log tells of a new coupon: all of it but its code, of which it names the first characters, and its words, which
    /// may name somebody and are told as they were by the first change of them.
    /// </summary>
    public static void WriteEvent(Utf8JsonWriter json, CouponDraft draft)
    {
        const int hint = 4;
        json.WriteStartObject();
        json.WriteString("code_hint"u8, draft.Code!.AsSpan(0, Math.Min(hint, draft.Code!.Length)));
        WriteMembers(json, draft, withWords: false);
        if (PercentOf(draft) is { } percent)
        {
            json.WriteString("discount_percent"u8, percent.ToString(CultureInfo.InvariantCulture));
        }

        json.WriteEndObject();
    }

    /// <summary>A value as the log tells of it: of words of people it has a mark.</summary>
    public static string? Told(string member, string? value, EventWords words) =>
        member switch
        {
            "internal_name" or "description" => words.Keep(value, isShown: true),
            "notes" => words.Keep(value),
            _ => value,
        };

    /// <summary>The percentage; null for a fixed amount.</summary>
    public static decimal? PercentOf(CouponDraft draft) =>
        draft.DiscountType switch
        {
            "percentage" => draft.DiscountValue,
            "free_session" => 100m,
            _ => null,
        };

    /// <summary>The fixed amount in minor units; null for a percentage.</summary>
    public static long? AmountOf(CouponDraft draft) =>
        draft.DiscountType == "fixed_amount" ? MinorOf(draft, draft.DiscountValue) : null;

    /// <summary>An amount of a draft in minor units.</summary>
    public static long? MinorOf(CouponDraft draft, decimal? amount) =>
        amount is { } major && Currencies.TryToMinor(major, draft.Currency, out var minor) ? minor : null;

    /// <summary>Writes the description as an object of its own.</summary>
    public static void WriteDescription(Utf8JsonWriter json, CouponDraft draft)
    {
        json.WriteStartObject();
        foreach (var (locale, text) in draft.Description)
        {
            json.WriteString(locale, text);
        }

        json.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter json, CouponDraft draft, bool withWords)
    {
        json.WriteString("code_kind"u8, draft.CodeKind);
        json.WriteString("distribution"u8, draft.Distribution);
        if (withWords)
        {
            json.WriteString("internal_name"u8, draft.InternalName);
            json.WritePropertyName("description"u8);
            WriteDescription(json, draft);
            Text(json, "notes"u8, draft.Notes);
        }

        json.WriteString("discount_type"u8, draft.DiscountType);
        Number(json, "discount_minor"u8, AmountOf(draft));
        json.WriteString("currency"u8, draft.Currency);
        Number(json, "max_discount_minor"u8, MinorOf(draft, draft.MaxDiscountAmount));
        Number(json, "minimum_order_minor"u8, MinorOf(draft, draft.MinimumOrderValue));
        Number(json, "maximum_order_minor"u8, MinorOf(draft, draft.MaximumOrderValue));
        Number(json, "max_uses_total"u8, draft.MaxUsesTotal);
        json.WriteNumber("max_uses_per_user"u8, draft.MaxUsesPerUser);
        json.WriteString("valid_from"u8, Instants.Format(draft.ValidFrom));
        json.WriteString("valid_until"u8, Instants.Format(draft.ValidUntil) ?? "infinity");
        json.WriteString("time_zone"u8, draft.TimeZone);
        json.WriteString("applicable_to"u8, draft.ApplicableTo);
        if (draft.ConsultantRestrictions is { } consultants)
        {
            json.WriteList("consultant_restrictions"u8, consultants, static (j, v) => j.WriteNumberValue(v));
        }

        List(json, "service_type_restrictions"u8, draft.ServiceTypeRestrictions);
        List(json, "eligible_services"u8, draft.EligibleServices);
        List(json, "channels"u8, draft.Channels);
        List(json, "products"u8, draft.Products);
        json.WriteString("stacking"u8, draft.Stacking);
        List(json, "stacking_groups"u8, draft.StackingGroups);
        Number(json, "apply_order"u8, draft.ApplyOrder);
        Text(json, "campaign_id"u8, draft.CampaignId);
        Text(json, "campaign_role"u8, draft.CampaignRole);
        Text(json, "merchant_id"u8, draft.MerchantId?.ToString());
        Text(json, "campaign_source"u8, draft.CampaignSource);
        Text(json, "utm_source"u8, draft.UtmSource);
        Text(json, "utm_medium"u8, draft.UtmMedium);
        Text(json, "utm_campaign"u8, draft.UtmCampaign);
        json.WriteBoolean("is_active"u8, draft.IsActive);
        Text(json, "external_id"u8, draft.ExternalId);
    }

    private static void Number(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    private static void Text(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void List(Utf8JsonWriter json, ReadOnlySpan<byte> name, IReadOnlyList<string>? values)
    {
        if (values is not null)
        {
            json.WriteList(name, values, static (j, v) => j.WriteStringValue(v));
        }
    }
}
