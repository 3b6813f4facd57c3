using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>Who changes the catalogue, for the log.</summary>
/// <param name="Actor">For example <c>key:…</c>.</param>
/// <param name="RequestId">Correlation id.</param>
/// <param name="MerchantId">Whose coupons alone are seen; null for all.</param>
public sealed record CatalogueActor(string Actor, string RequestId, Guid? MerchantId = null);

/// <summary>The SQL of coupon definitions: insert, update, switch, delete, each with its event.</summary>
internal static class CouponStore
{
    private const string Definition = """
        code text, code_kind text, distribution text, internal_name text, description jsonb, discount_type text,
        discount_percent numeric, discount_minor bigint, currency text, max_discount_minor bigint, minimum_order_minor bigint,
        maximum_order_minor bigint, max_uses_total bigint, max_uses_per_user integer, valid_from timestamptz,
        valid_until timestamptz, time_zone text, applicable_to text, consultant_restrictions integer[],
        service_type_restrictions text[], eligible_services text[], channels text[], products text[], campaign_id text,
        campaign_role text, merchant_id uuid, campaign_source text, utm_source text, utm_medium text, utm_campaign text,
        notes text, is_active boolean, external_id text
        """;

    private static readonly string Names = string.Join(
        ", ",
        Definition.Split(',').Select(static column => column.Trim().Split(' ')[0])
    );

    /// <summary>
    /// Stores new coupons with their codes and events, set-based. The rules have been checked; codes that exist have
    /// been left out by <see cref="TakenAsync"/>.
    /// </summary>
    /// <returns>The ids, in the order of the drafts.</returns>
    /// <exception cref="PostgresException">23505: somebody took a code meanwhile. Nothing was written.</exception>
    public static async Task<IReadOnlyList<long>> InsertAsync(
        UnitOfWork work,
        IReadOnlyList<CouponDraft> drafts,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (drafts.Count == 0)
        {
            return [];
        }

        var ids = new List<long>(drafts.Count);
        await using (
            var insert = work.Command(
                $"""
                with given as materialized (
                    select row_number() over () as place, d.* from jsonb_to_recordset($1) as d ({Definition})
                ), numbered as materialized (
                    select nextval(pg_get_serial_sequence('coupons.coupon', 'id')) as id, g.* from given g order by place
                ), made as (
                    insert into coupons.coupon (id, {Names}, created_by, created_at, updated_at)
                    overriding system value
                    select id, {Names}, $2, $3, $3 from numbered
                ), coded as (
                    insert into coupons.code (code, coupon_id) select code, id from numbered
                ), logged as (
                    insert into platform.event
                        (id, aggregatetype, aggregateid, type, sequence, actor, payload, correlation_id, created_at)
                    select gen_random_uuid(), 'coupon', n.id::text, 'coupon.created', 1, $2,
                        jsonb_strip_nulls(to_jsonb(n) - '{"{"}place,id,code,discount_percent{"}"}'::text[]
                            || jsonb_build_object('code_hint', left(n.code, 4), 'discount_percent', n.discount_percent::text)),
                        $4, $3
                    from numbered n
                )
                select id from numbered order by place
                """
            )
        )
        {
            insert.Parameters.Add(Json(drafts));
            insert.Parameters.Add(new NpgsqlParameter { Value = actor.Actor });
            insert.Parameters.Add(At(now));
            insert.Parameters.Add(new NpgsqlParameter { Value = actor.RequestId });
            await using var rows = await insert.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                ids.Add(rows.GetInt64(0));
            }
        }

        return ids;
    }

    /// <summary>Which of the codes are taken, by coupons or instances.</summary>
    public static async Task<HashSet<string>> TakenAsync(
        UnitOfWork work,
        IEnumerable<string> codes,
        CancellationToken cancel
    )
    {
        await using var query = work.Command("select code from coupons.code where code = any($1)");
        query.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. codes] });
        var taken = new HashSet<string>(StringComparer.Ordinal);
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            taken.Add(rows.GetString(0));
        }

        return taken;
    }

    /// <summary>Which of the external ids belong to coupons.</summary>
    public static async Task<HashSet<string>> TakenExternalIdsAsync(
        UnitOfWork work,
        IEnumerable<string> ids,
        CancellationToken cancel
    )
    {
        await using var query = work.Command("select external_id from coupons.coupon where external_id = any($1)");
        query.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. ids] });
        var taken = new HashSet<string>(StringComparer.Ordinal);
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            taken.Add(rows.GetString(0));
        }

        return taken;
    }

    /// <summary>Reads a coupon, and locks it for a change.</summary>
    public static async Task<Coupon?> FindAsync(
        UnitOfWork work,
        long id,
        Guid? merchant,
        bool forUpdate,
        CancellationToken cancel
    )
    {
        if (forUpdate)
        {
            // The lock alone first: the row is then read as it is after the wait.
            await work.ExecuteAsync("select from coupons.coupon where id = $1 for no key update", [id], cancel);
        }

        await using var query = work.Command(
            $"""
            select {Coupon.Columns} from {Coupon.From}
            where c.id = $1 and c.deleted_at is null and ($2::uuid is null or c.merchant_id = $2)
            """
        );
        query.Parameters.Add(new NpgsqlParameter { Value = id });
        query.Parameters.Add(
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Coupon.Read(rows) : null;
    }

    /// <summary>Replaces the definition of a coupon that is locked.</summary>
    public static async Task UpdateAsync(
        UnitOfWork work,
        Coupon before,
        CouponDraft draft,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await using (
            var update = work.Command(
                $"""
                update coupons.coupon c set ({Names}) = (select {Names} from jsonb_to_recordset($2) as d ({Definition})),
                    version = c.version + 1, updated_at = $3
                where c.id = $1
                """
            )
        )
        {
            update.Parameters.Add(new NpgsqlParameter { Value = before.Id });
            update.Parameters.Add(Json([draft]));
            update.Parameters.Add(At(now));
            await update.ExecuteNonQueryAsync(cancel);
        }

        if (draft.Code != before.Code)
        {
            await work.ExecuteAsync(
                "update coupons.code set code = $2 where code = $1",
                [before.Code, draft.Code!],
                cancel
            );
        }

        if (before.MaxUsesTotal is null && draft.MaxUsesTotal is { } maximum)
        {
            var account = LimitAccount.OfCoupon(before.Id, maximum);
            await AccountStore.OpenAsync(work, account, before.Redeemed, Guid.CreateVersion7(), now, cancel);
        }

        var after = await FindAsync(work, before.Id, null, forUpdate: false, cancel);
        await LogAsync(work, before, "coupon.updated", Changes(before, after!), actor, now, cancel);
    }

    /// <summary>Switches a locked coupon on or off (CPN-08).</summary>
    public static async Task SwitchAsync(
        UnitOfWork work,
        Coupon coupon,
        bool on,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            "update coupons.coupon set is_active = $2, version = version + 1, updated_at = $3 where id = $1",
            [coupon.Id, on, now],
            cancel
        );
        var type = on ? "coupon.activated" : "coupon.deactivated";
        await LogAsync(work, coupon, type, "{}", actor, now, cancel);
    }

    /// <summary>Switches all coupons of a campaign that is locked.</summary>
    /// <returns>How many were not in this state before.</returns>
    public static Task<int> SwitchCampaignAsync(
        UnitOfWork work,
        string campaign,
        bool on,
        CatalogueActor actor,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            with due as (
                select id from coupons.coupon where campaign_id = $1 and deleted_at is null and is_active <> $2
                order by id for no key update
            ), changed as (
                update coupons.coupon c set is_active = $2, version = c.version + 1, updated_at = platform.clock()
                from due where c.id = due.id
                returning c.id, c.version, c.updated_at
            )
            insert into platform.event
                (id, aggregatetype, aggregateid, type, sequence, actor, payload, correlation_id, created_at)
            select gen_random_uuid(), 'coupon', id::text, case when $2 then 'coupon.activated' else 'coupon.deactivated' end,
                version, $3, jsonb_build_object('campaign_id', $1), $4, updated_at
            from changed order by id
            """,
            [campaign, on, actor.Actor, actor.RequestId],
            cancel
        );

    /// <summary>Takes a locked coupon out of lists and use; its code stays taken .</summary>
    public static async Task DeleteAsync(
        UnitOfWork work,
        Coupon coupon,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            "update coupons.coupon set deleted_at = $2, version = version + 1, updated_at = $2 where id = $1",
            [coupon.Id, now],
            cancel
        );
        await LogAsync(work, coupon, "coupon.deleted", "{}", actor, now, cancel);
    }

    private static Task LogAsync(
        UnitOfWork work,
        Coupon coupon,
        string type,
        string payload,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        EventLog.AppendAsync(
            work,
            now,
            [
                new EventEntry(
                    "coupon",
                    coupon.Id.ToString(CultureInfo.InvariantCulture),
                    type,
                    coupon.Version + 1,
                    actor.Actor,
                    payload,
                    actor.RequestId
                ),
            ],
            cancel
        );

    /// <summary>Before and after of every member that changed (CPN-09). Codes are named by their first characters.</summary>
    private static string Changes(Coupon before, Coupon after)
    {
        using var old = JsonDocument.Parse(JsonOut.Bytes(before.Write));
        using var changed = JsonDocument.Parse(JsonOut.Bytes(after.Write));
        return Encoding.UTF8.GetString(
            JsonOut
                .Bytes(json =>
                {
                    json.WriteStartObject();
                    foreach (var member in changed.RootElement.EnumerateObject())
                    {
                        var was = old.RootElement.GetProperty(member.Name);
                        if (member.Name is "version" or "updated_at" || was.GetRawText() == member.Value.GetRawText())
                        {
                            continue;
                        }

                        json.WriteStartObject(member.Name == "code" ? "code_hint" : member.Name);
                        json.WriteString("before"u8, Plain(member.Name, was));
                        json.WriteString("after"u8, Plain(member.Name, member.Value));
                        json.WriteEndObject();
                    }

                    json.WriteEndObject();
                })
                .Span
        );
    }

    private static string? Plain(string name, JsonElement value)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => value.GetString(),
            _ => value.GetRawText(),
        };
        return name == "code" ? text?[..Math.Min(4, text.Length)] : text;
    }

    private static NpgsqlParameter At(DateTimeOffset at) =>
        new() { Value = at, NpgsqlDbType = NpgsqlDbType.TimestampTz };

    private static NpgsqlParameter Json(IReadOnlyList<CouponDraft> drafts)
    {
        var buffer = new ArrayBufferWriter<byte>(drafts.Count * 512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var draft in drafts)
            {
                Write(json, draft);
            }

            json.WriteEndArray();
        }

        return new NpgsqlParameter { Value = buffer.WrittenMemory.ToArray(), NpgsqlDbType = NpgsqlDbType.Jsonb };
    }

    private static void Write(Utf8JsonWriter json, CouponDraft draft)
    {
        long? Minor(decimal? amount) =>
            amount is { } major && Currencies.TryToMinor(major, draft.Currency, out var minor) ? minor : null;

        json.WriteStartObject();
        json.WriteString("code"u8, draft.Code);
        json.WriteString("code_kind"u8, draft.CodeKind);
        json.WriteString("distribution"u8, draft.Distribution);
        json.WriteString("internal_name"u8, draft.InternalName);
        json.WriteStartObject("description"u8);
        foreach (var (locale, text) in draft.Description)
        {
            json.WriteString(locale, text);
        }

        json.WriteEndObject();
        json.WriteString("discount_type"u8, draft.DiscountType);
        json.WriteOptional(
            "discount_percent"u8,
            draft.DiscountType switch
            {
                "percentage" => draft.DiscountValue,
                "free_session" => 100m,
                _ => null,
            }
        );
        json.WriteOptional(
            "discount_minor"u8,
            draft.DiscountType == "fixed_amount" ? Minor(draft.DiscountValue) : null
        );
        json.WriteString("currency"u8, draft.Currency);
        json.WriteOptional("max_discount_minor"u8, Minor(draft.MaxDiscountAmount));
        json.WriteOptional("minimum_order_minor"u8, Minor(draft.MinimumOrderValue));
        json.WriteOptional("maximum_order_minor"u8, Minor(draft.MaximumOrderValue));
        json.WriteOptional("max_uses_total"u8, draft.MaxUsesTotal);
        json.WriteNumber("max_uses_per_user"u8, draft.MaxUsesPerUser);
        json.WriteString("valid_from"u8, Instants.Format(draft.ValidFrom));
        json.WriteString("valid_until"u8, Instants.Format(draft.ValidUntil) ?? "infinity");
        json.WriteString("time_zone"u8, draft.TimeZone);
        json.WriteString("applicable_to"u8, draft.ApplicableTo);
        json.WriteList(
            "consultant_restrictions"u8,
            draft.ConsultantRestrictions,
            static (j, v) => j.WriteNumberValue(v)
        );
        json.WriteList(
            "service_type_restrictions"u8,
            draft.ServiceTypeRestrictions,
            static (j, v) => j.WriteStringValue(v)
        );
        json.WriteList("eligible_services"u8, draft.EligibleServices, static (j, v) => j.WriteStringValue(v));
        json.WriteList("channels"u8, draft.Channels, static (j, v) => j.WriteStringValue(v));
        json.WriteList("products"u8, draft.Products, static (j, v) => j.WriteStringValue(v));
        json.WriteString("campaign_id"u8, draft.CampaignId);
        json.WriteString("campaign_role"u8, draft.CampaignRole);
        json.WriteString("merchant_id"u8, draft.MerchantId?.ToString());
        json.WriteString("campaign_source"u8, draft.CampaignSource);
        json.WriteString("utm_source"u8, draft.UtmSource);
        json.WriteString("utm_medium"u8, draft.UtmMedium);
        json.WriteString("utm_campaign"u8, draft.UtmCampaign);
        json.WriteString("notes"u8, draft.Notes);
        json.WriteBoolean("is_active"u8, draft.IsActive);
        json.WriteString("external_id"u8, draft.ExternalId);
        json.WriteEndObject();
    }
}
