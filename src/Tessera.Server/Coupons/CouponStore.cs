using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>The SQL of coupon definitions: insert, update, switch, delete, each with its event.</summary>
internal static class CouponStore
{
    /// <summary>
    /// Stores new coupons with their codes and events. The rules have been checked; codes that exist have been left out
    /// by <see cref="TakenAsync"/>.
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

        var ids = await TakeIdsAsync(work, drafts.Count, cancel);
        await new CouponCopy().WriteAsync(work, drafts, ids, actor, now, cancel);
        return ids;
    }

    /// <summary>Takes ids for new coupons, in order. What is not used is lost.</summary>
    public static async Task<IReadOnlyList<long>> TakeIdsAsync(UnitOfWork work, int count, CancellationToken cancel)
    {
        var ids = new List<long>(count);
        await using var query = work.Command(
            "select nextval(pg_get_serial_sequence('coupons.coupon', 'id')) from generate_series(1, $1) order by 1",
            count
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            ids.Add(rows.GetInt64(0));
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

    /// <summary>Reads the coupons of codes, and locks them for a change unless it is only a look, in the order of their ids.</summary>
    /// <returns>Those that exist and may be seen, by code.</returns>
    public static async Task<Dictionary<string, Coupon>> FindByCodesAsync(
        UnitOfWork work,
        IReadOnlyCollection<string> codes,
        Guid? merchant,
        CancellationToken cancel,
        bool forUpdate = true
    )
    {
        // The locks alone first: the rows are then read as they are after the wait.
        var ids = new List<long>(codes.Count);
        await using (
            var query = work.Command(
                $"""
                select id from coupons.coupon where code = any($1) and deleted_at is null
                    and ($2::uuid is null or merchant_id = $2)
                order by id {(forUpdate ? "for no key update" : "")}
                """,
                codes.ToArray(),
                new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
            )
        )
        await using (var rows = await query.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                ids.Add(rows.GetInt64(0));
            }
        }

        return (await ReadAsync(work, ids, cancel)).ToDictionary(static c => c.Code, StringComparer.Ordinal);
    }

    /// <summary>Reads the coupons of a campaign, by id.</summary>
    public static async Task<List<Coupon>> OfCampaignAsync(
        UnitOfWork work,
        string campaign,
        int limit,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select {Coupon.Columns} from {Coupon.From}
            where c.campaign_id = $1 and c.deleted_at is null order by c.id limit $2
            """,
            campaign,
            limit
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var coupons = new List<Coupon>();
        while (await rows.ReadAsync(cancel))
        {
            coupons.Add(Coupon.Read(rows));
        }

        return coupons;
    }

    /// <summary>Replaces the definitions of coupons that are locked.</summary>
    public static async Task UpdateAsync(
        UnitOfWork work,
        IReadOnlyList<(Coupon Before, CouponDraft Draft)> changes,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (changes.Count == 0)
        {
            return;
        }

        await using (
            var update = work.Command(
                $"""
                update coupons.coupon c set ({CouponRow.Names}) = row({CouponRow.NamesOf("d")}),
                    version = c.version + 1, updated_at = $2
                from jsonb_to_recordset($1) as d (id bigint, {CouponRow.Definition})
                where c.id = d.id
                """
            )
        )
        {
            update.Parameters.Add(CouponRow.Json([.. changes.Select(static c => (c.Before.Id, c.Draft))]));
            update.Parameters.Add(At(now));
            await update.ExecuteNonQueryAsync(cancel);
        }

        foreach (var (before, draft) in changes)
        {
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
        }

        var after = await ReadAsync(work, [.. changes.Select(static c => c.Before.Id)], cancel);
        var byId = after.ToDictionary(static c => c.Id);
        var words = new EventWords();
        EventEntry[] entries =
        [
            .. changes.Select(c =>
                EventOf(c.Before, "coupon.updated", Changes(c.Before, byId[c.Before.Id], words), actor)
            ),
        ];
        await words.WriteAsync(work, cancel);
        await EventLog.AppendAsync(work, now, entries, cancel);
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

    /// <summary>Brings back a coupon that was taken out of use, if the actor may; any other stays as it is.</summary>
    public static async Task RestoreAsync(
        UnitOfWork work,
        long id,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await using var update = work.Command(
            """
            update coupons.coupon set deleted_at = null, version = version + 1, updated_at = $2
            where id = $1 and deleted_at is not null and ($3::uuid is null or merchant_id = $3) returning version
            """,
            id,
            now,
            new NpgsqlParameter { Value = actor.MerchantId ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        if (await update.ExecuteScalarAsync(cancel) is long version)
        {
            var entry = new EventEntry(
                "coupon",
                id.ToString(CultureInfo.InvariantCulture),
                "coupon.restored",
                version,
                actor.Actor,
                "{}",
                actor.RequestId
            );
            await EventLog.AppendAsync(work, now, [entry], cancel);
        }
    }

    private static async Task<List<Coupon>> ReadAsync(
        UnitOfWork work,
        IReadOnlyList<long> ids,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"select {Coupon.Columns} from {Coupon.From} where c.id = any($1) and c.deleted_at is null",
            ids.ToArray()
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var coupons = new List<Coupon>(ids.Count);
        while (await rows.ReadAsync(cancel))
        {
            coupons.Add(Coupon.Read(rows));
        }

        return coupons;
    }

    private static Task LogAsync(
        UnitOfWork work,
        Coupon coupon,
        string type,
        string payload,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    ) => EventLog.AppendAsync(work, now, [EventOf(coupon, type, payload, actor)], cancel);

    private static EventEntry EventOf(Coupon coupon, string type, string payload, CatalogueActor actor) =>
        new(
            "coupon",
            coupon.Id.ToString(CultureInfo.InvariantCulture),
            type,
            coupon.Version + 1,
            actor.Actor,
            payload,
            actor.RequestId
        );

    /// <summary>Before and after of every member that changed (CPN-09). Codes are named by their first characters.</summary>
    private static string Changes(Coupon before, Coupon after, EventWords words)
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
                        string? Told(JsonElement value) =>
                            CouponRow.Told(member.Name, Plain(member.Name, value), words);
                        json.WriteString("before"u8, Told(was));
                        json.WriteString("after"u8, Told(member.Value));
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
}
