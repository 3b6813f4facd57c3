using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>A stored promotion.</summary>
/// <param name="Id">Of the promotion.</param>
/// <param name="MerchantId">Whose it is; null for the deployment's.</param>
/// <param name="Draft">The definition of this version.</param>
/// <param name="CreatedBy">Who made it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When this version was made.</param>
internal sealed record StoredPromotion(
    Guid Id,
    Guid? MerchantId,
    PromotionDraft Draft,
    string CreatedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt
)
{
    /// <summary>The columns <see cref="Read"/> takes, of alias <c>p</c>.</summary>
    public const string Columns =
        "p.id, p.merchant_id, p.definition::text, p.version, p.state = 'active', p.created_by, p.created_at, p.updated_at";

    /// <summary>Counts every change.</summary>
    public int Version => Draft.Promotion.Version;

    /// <summary>Whether it is switched on.</summary>
    public bool IsActive => Draft.Promotion.Active;

    public static StoredPromotion Read(NpgsqlDataReader row, int first = 0)
    {
        var id = row.GetGuid(first);
        var definition = Encoding.UTF8.GetBytes(row.GetString(first + 2));
        return new StoredPromotion(
            id,
            row.Value<Guid>(first + 1),
            PromotionJson.Stored(definition, id, row.GetInt32(first + 3), row.GetBoolean(first + 4)),
            row.GetString(first + 5),
            row.GetFieldValue<DateTimeOffset>(first + 6),
            row.GetFieldValue<DateTimeOffset>(first + 7)
        );
    }

    /// <summary>What callers see.</summary>
    public PromotionView View(IReadOnlyList<PromotionWarning>? warnings = null)
    {
        var definition = PromotionJson.View(Draft);
        return new PromotionView
        {
            Id = Id,
            State = IsActive ? "active" : "inactive",
            Version = Version,
            MerchantId = MerchantId,
            Warnings = warnings,
            CreatedBy = CreatedBy,
            CreatedAt = CreatedAt,
            UpdatedAt = UpdatedAt,
            Name = definition.Name,
            CouponId = definition.CouponId,
            ApplyOrder = definition.ApplyOrder,
            Stacking = definition.Stacking,
            Groups = definition.Groups,
            StopFurther = definition.StopFurther,
            ValidFrom = definition.ValidFrom,
            ValidUntil = definition.ValidUntil,
            Channels = definition.Channels,
            Currency = definition.Currency,
            MaxUsesTotal = definition.MaxUsesTotal,
            MaxUsesPerUser = definition.MaxUsesPerUser,
            Limits = definition.Limits,
            Stock = definition.Stock,
            Budget = definition.Budget,
            Conditions = definition.Conditions,
            Effects = definition.Effects,
        };
    }
}

/// <summary>The SQL of promotions: each change is a new version and has its event.</summary>
internal static class PromotionStore
{
    /// <summary>Stores a new promotion, switched off.</summary>
    public static async Task<StoredPromotion> InsertAsync(
        UnitOfWork work,
        Guid id,
        PromotionDraft draft,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into promotions.promotion (id, merchant_id, coupon_id, name, apply_order, definition, created_by,
                created_at, updated_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
            """,
            [
                id,
                Nullable(actor.MerchantId, NpgsqlDbType.Uuid),
                Nullable(draft.CouponId, NpgsqlDbType.Bigint),
                draft.Name,
                draft.Promotion.Priority,
                Json(draft),
                actor.Actor,
                now,
            ],
            cancel
        );
        await KeepAsync(work, id, draft, actor, now, "promotion.created", Names(null, draft), cancel);
        return new StoredPromotion(id, actor.MerchantId, draft, actor.Actor, now, now);
    }

    /// <summary>Makes the next version of a locked promotion.</summary>
    /// <param name="work">Holds the lock.</param>
    /// <param name="before">As it is.</param>
    /// <param name="draft">As it is to be, with its state and the next version.</param>
    /// <param name="type">Of the event.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="now">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<StoredPromotion> UpdateAsync(
        UnitOfWork work,
        StoredPromotion before,
        PromotionDraft draft,
        string type,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (draft is { CouponId: { } coupon, Promotion.Active: true })
        {
            // Uses that were decided without it come before, all others see it.
            await Catalogue.HoldAsync(work, coupon, cancel);
        }

        await work.ExecuteAsync(
            """
            update promotions.promotion set coupon_id = $2, name = $3, apply_order = $4, definition = $5, state = $6,
                version = $7, updated_at = $8
            where id = $1
            """,
            [
                before.Id,
                Nullable(draft.CouponId, NpgsqlDbType.Bigint),
                draft.Name,
                draft.Promotion.Priority,
                Json(draft),
                StateOf(draft),
                draft.Promotion.Version,
                now,
            ],
            cancel
        );
        await KeepAsync(work, before.Id, draft, actor, now, type, Names(before.Draft, draft), cancel);
        return before with { Draft = draft, UpdatedAt = now };
    }

    /// <summary>Takes a locked promotion out of lists and prices; its versions stay.</summary>
    public static async Task DeleteAsync(
        UnitOfWork work,
        StoredPromotion promotion,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            "update promotions.promotion set deleted_at = $2, state = 'inactive' where id = $1",
            [promotion.Id, now],
            cancel
        );
        await LogAsync(work, promotion.Id, promotion.Version + 1, "promotion.deleted", [], actor, now, cancel);
    }

    /// <summary>Reads a promotion, and locks it for a change.</summary>
    public static async Task<StoredPromotion?> FindAsync(
        UnitOfWork work,
        Guid id,
        Guid? merchant,
        bool forUpdate,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select {StoredPromotion.Columns} from promotions.promotion p
            where p.id = $1 and p.deleted_at is null and ($2::uuid is null or p.merchant_id = $2)
            """ + (forUpdate ? " for no key update" : ""),
            id,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? StoredPromotion.Read(rows) : null;
    }

    /// <summary>One version as it was.</summary>
    public static async Task<StoredPromotion?> FindVersionAsync(
        UnitOfWork work,
        Guid id,
        int version,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select p.id, p.merchant_id, v.definition::text, v.version, v.state = 'active', p.created_by, p.created_at,
                v.created_at
            from promotions.version v join promotions.promotion p on p.id = v.promotion_id
            where v.promotion_id = $1 and v.version = $2 and ($3::uuid is null or p.merchant_id = $3)
            """,
            id,
            version,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? StoredPromotion.Read(rows) : null;
    }

    /// <summary>Whether a promotion of this id is there but deleted.</summary>
    public static async Task<bool> WasDeletedAsync(UnitOfWork work, Guid id, Guid? merchant, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select exists (select from promotions.promotion where id = $1 and deleted_at is not null
                and ($2::uuid is null or merchant_id = $2))
            """,
            id,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Why a coupon cannot be priced by a promotion: there is none, or another promotion prices it.</summary>
    public static async Task<(bool IsThere, bool IsTaken)> CouponAsync(
        UnitOfWork work,
        long coupon,
        Guid promotion,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        // Two who ask for one coupon at once wait for each other.
        await work.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('promotions.coupon', $1))",
            [coupon],
            cancel
        );
        await using var query = work.Command(
            """
            select exists (select from coupons.coupon where id = $1 and deleted_at is null
                    and merchant_id is not distinct from $3),
                exists (select from promotions.promotion where coupon_id = $1 and deleted_at is null and id <> $2)
            """,
            coupon,
            promotion,
            Nullable(merchant, NpgsqlDbType.Uuid)
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetBoolean(0), row.GetBoolean(1));
    }

    /// <summary>The active promotions of one owner and the stamp of that state, as one statement sees them.</summary>
    public static async Task<(long Stamp, List<StoredPromotion> Active)> ActiveAsync(
        UnitOfWork work,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select coalesce((select stamp from promotions.stamp where owner_id = $1), 0), {StoredPromotion.Columns}
            from (values (true)) as always
            left join promotions.promotion p on p.state = 'active' and p.deleted_at is null
                and coalesce(p.merchant_id, '00000000-0000-0000-0000-000000000000') = $1
            order by p.apply_order, p.id
            """,
            merchant ?? Guid.Empty
        );
        var (stamp, active) = (0L, new List<StoredPromotion>());
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            stamp = rows.GetInt64(0);
            if (!rows.IsDBNull(1))
            {
                active.Add(StoredPromotion.Read(rows, first: 1));
            }
        }

        return (stamp, active);
    }

    /// <summary>The stamp of the present state, under a lock that keeps it so until the transaction ends.</summary>
    public static async Task<long> HoldStampAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select stamp from promotions.stamp where owner_id = $1 for share",
            merchant ?? Guid.Empty
        );
        return await query.ExecuteScalarAsync(cancel) as long? ?? 0;
    }

    private static async Task KeepAsync(
        UnitOfWork work,
        Guid id,
        PromotionDraft draft,
        CatalogueActor actor,
        DateTimeOffset now,
        string type,
        IReadOnlyList<string> changed,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into promotions.version (promotion_id, version, coupon_id, state, definition, created_by, created_at)
            values ($1, $2, $3, $4, $5, $6, $7)
            """,
            [
                id,
                draft.Promotion.Version,
                Nullable(draft.CouponId, NpgsqlDbType.Bigint),
                StateOf(draft),
                Json(draft),
                actor.Actor,
                now,
            ],
            cancel
        );
        (string, object?)[] payload =
        [
            ("version", draft.Promotion.Version),
            ("state", StateOf(draft)),
            ("coupon_id", draft.CouponId),
            ("members", changed),
        ];
        await LogAsync(work, id, draft.Promotion.Version, type, payload, actor, now, cancel);
    }

    private static Task LogAsync(
        UnitOfWork work,
        Guid id,
        long version,
        string type,
        (string Name, object? Value)[] payload,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        EventLog.AppendAsync(
            work,
            now,
            [
                new EventEntry(
                    "promotion",
                    id.ToString(),
                    type,
                    version,
                    actor.Actor,
                    EventLog.Payload(payload),
                    actor.RequestId
                ),
            ],
            cancel
        );

    /// <summary>The members that differ; what they were and are is in the versions.</summary>
    private static IReadOnlyList<string> Names(PromotionDraft? before, PromotionDraft after)
    {
        var (was, now) = (before is null ? [] : Members(before), Members(after));
        return [.. was.Select(static m => m.Key).Union(now.Select(static m => m.Key)).Where(IsChanged)];

        bool IsChanged(string name) => !JsonNode.DeepEquals(was[name], now[name]);
    }

    private static JsonObject Members(PromotionDraft draft) => JsonNode.Parse(PromotionJson.ToBytes(draft))!.AsObject();

    private static string StateOf(PromotionDraft draft) => draft.Promotion.Active ? "active" : "inactive";

    private static NpgsqlParameter Json(PromotionDraft draft) =>
        new() { Value = PromotionJson.ToBytes(draft), NpgsqlDbType = NpgsqlDbType.Jsonb };

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
