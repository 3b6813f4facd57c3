using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions.Segments;

/// <summary>The SQL of segments: each change of a definition is a version and has its event; so has a change of a list.</summary>
internal static class SegmentStore
{
    /// <summary>The columns <see cref="Read"/> takes, of alias <c>s</c>.</summary>
    public const string Columns =
        "s.id, s.merchant_id, s.name, s.currency, s.rule::text, s.version, s.created_by, s.created_at, s.updated_at";

    public static Segment Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.Value<Guid>(1),
            row.GetString(2),
            row.Object<string>(3),
            row.Object<string>(4) is { } rule ? Segment.RuleOf(rule) : null,
            row.GetInt32(5),
            row.GetString(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.GetFieldValue<DateTimeOffset>(8)
        );

    /// <summary>All segments of one owner.</summary>
    public static async Task<List<Segment>> AllAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"""
            select {Columns} from promotions.segment s
            where s.deleted_at is null and s.merchant_id is not distinct from $1 order by s.id
            """,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        var segments = new List<Segment>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            segments.Add(Read(rows));
        }

        return segments;
    }

    /// <summary>One segment, locked for a change if asked.</summary>
    public static async Task<Segment?> FindAsync(
        UnitOfWork work,
        Guid id,
        Guid? merchant,
        bool forUpdate,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select {Columns} from promotions.segment s
            where s.id = $1 and s.deleted_at is null and ($2::uuid is null or s.merchant_id = $2)
            """ + (forUpdate ? " for no key update" : ""),
            id,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Read(rows) : null;
    }

    /// <summary>
    /// Keeps changes of one owner's rules apart until the transaction ends, so that two cannot close a circle together,
    /// and nobody comes to ask for a segment that is being deleted.
    /// </summary>
    public static Task LockAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel) =>
        work.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('promotions.segment' || $1::text, 0))",
            [merchant ?? Guid.Empty],
            cancel
        );

    /// <summary>Those of the ids that no segment of the owner has.</summary>
    public static async Task<IReadOnlyList<string>> UnknownAsync(
        UnitOfWork work,
        IReadOnlyCollection<string> ids,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select w.id::text from unnest($1) w(id)
            where not exists (select from promotions.segment s where s.id = w.id and s.deleted_at is null
                and s.merchant_id is not distinct from $2)
            """,
            ids.Select(Guid.Parse).ToArray(),
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        var unknown = new List<string>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            unknown.Add(rows.GetString(0));
        }

        return unknown;
    }

    /// <summary>Whether anybody is on a list.</summary>
    public static async Task<bool> HasMembersAsync(UnitOfWork work, Segment segment, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select exists (select from promotions.segment_member where segment_id = $1)",
            segment.Id
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Whether a promotion or another segment asks for a segment.</summary>
    public static async Task<bool> IsAskedForAsync(UnitOfWork work, Segment segment, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select exists (
                select from (
                    select definition -> 'conditions' as rule from promotions.promotion
                    where deleted_at is null and merchant_id is not distinct from $2
                    union all
                    select rule from promotions.segment where deleted_at is null and merchant_id is not distinct from $2
                ) asking
                where jsonb_path_exists(rule, '$.**.segments[*] ? (@ == $id)', jsonb_build_object('id', $1::text)))
            """,
            segment.Key,
            Nullable(segment.MerchantId, NpgsqlDbType.Uuid)
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Stores the first version of a segment, or the next of one that is locked.</summary>
    public static async Task SaveAsync(UnitOfWork work, Segment segment, CatalogueActor actor, CancellationToken cancel)
    {
        await work.ExecuteAsync(
            """
            with saved as (
                insert into promotions.segment (id, merchant_id, name, currency, rule, version, created_by, created_at,
                    updated_at)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                on conflict (id) do update set name = excluded.name, currency = excluded.currency,
                    rule = excluded.rule, version = excluded.version, updated_at = excluded.updated_at
                returning id, version, name, currency, rule, updated_at
            )
            insert into promotions.segment_version (segment_id, version, name, currency, rule, created_by, created_at)
            select id, version, name, currency, rule, $10, updated_at from saved
            """,
            [
                segment.Id,
                Nullable(segment.MerchantId, NpgsqlDbType.Uuid),
                segment.Name,
                Nullable(segment.Currency, NpgsqlDbType.Text),
                Nullable(segment.Rule is { } rule ? Segment.ToBytes(rule) : null, NpgsqlDbType.Jsonb),
                segment.Version,
                segment.CreatedBy,
                segment.CreatedAt,
                segment.UpdatedAt,
                actor.Actor,
            ],
            cancel
        );
        var type = segment.Version == 1 ? "segment.created" : "segment.updated";
        await LogAsync(work, segment, type, [], actor, segment.UpdatedAt, cancel);
    }

    /// <summary>Takes a locked segment out of use; nobody is in it any more. Its versions stay.</summary>
    public static async Task DeleteAsync(
        UnitOfWork work,
        Segment segment,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            "update promotions.segment set deleted_at = $2 where id = $1",
            [segment.Id, now],
            cancel
        );
        await work.ExecuteAsync("delete from promotions.segment_member where segment_id = $1", [segment.Id], cancel);
        await LogAsync(work, segment with { Version = segment.Version + 1 }, "segment.deleted", [], actor, now, cancel);
    }

    /// <summary>Those of the customers that the directory does not have.</summary>
    public static async Task<HashSet<Guid>> StrangersAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> customers,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            "select w.id from unnest($1) w(id) where not exists (select from access.customer c where c.id = w.id)",
            customers.ToArray()
        );
        var strangers = new HashSet<Guid>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            strangers.Add(rows.GetGuid(0));
        }

        return strangers;
    }

    /// <summary>Puts customers on a locked list or takes them off.</summary>
    /// <returns>How many were not so before.</returns>
    public static async Task<int> ChangeMembersAsync(
        UnitOfWork work,
        Segment segment,
        IReadOnlyCollection<Guid> customers,
        bool add,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var changed = await work.ExecuteAsync(
            add
                ? "insert into promotions.segment_member select $1, w.id from unnest($2) w(id) on conflict do nothing"
                : "delete from promotions.segment_member where segment_id = $1 and customer_id = any($2)",
            [segment.Id, customers.ToArray()],
            cancel
        );
        if (changed > 0)
        {
            var type = add ? "segment.members_added" : "segment.members_removed";
            await LogAsync(work, segment, type, [("changed", changed)], actor, now, cancel);
        }

        return changed;
    }

    private static Task LogAsync(
        UnitOfWork work,
        Segment segment,
        string type,
        (string Name, object? Value)[] more,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        EventLog.AppendAsync(
            work,
            now,
            [
                new EventEntry(
                    "segment",
                    segment.Key,
                    type,
                    segment.Version,
                    actor.Actor,
                    EventLog.Payload([
                        ("kind", segment.Rule is null ? "list" : "rule"),
                        ("version", segment.Version),
                        .. more,
                    ]),
                    actor.RequestId
                ),
            ],
            cancel
        );

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
