using System.Globalization;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>A change of many coupons, as kept.</summary>
/// <param name="Id">Also of the operation that carries it out.</param>
/// <param name="Action">activate, deactivate, edit, delete, import, create, clone or issue.</param>
/// <param name="Input">What was asked for.</param>
/// <param name="MerchantId">Whose coupons alone; null for all.</param>
/// <param name="Total">Coupons selected.</param>
/// <param name="ItemsHash">Over their ids and versions.</param>
/// <param name="StartedAt">Null while it waits for approval.</param>
/// <param name="UndoUntil">Until when it can be undone.</param>
/// <param name="UndoneBy">The operation that undoes it.</param>
internal sealed record BulkPlan(
    Guid Id,
    string Action,
    string Input,
    Guid? MerchantId,
    long Total,
    string ItemsHash,
    DateTimeOffset? StartedAt,
    DateTimeOffset? UndoUntil,
    Guid? UndoneBy
)
{
    /// <summary>What undoing it goes by.</summary>
    public Undoable Undoable => new(Id, Action, MerchantId, UndoUntil, UndoneBy);
}

/// <summary>A batch of a plan.</summary>
/// <param name="Number">From 0.</param>
/// <param name="CouponIds">Selected, in order.</param>
/// <param name="Versions">Of them, when they were selected.</param>
/// <param name="DoneIds">Changed; null before.</param>
/// <param name="DoneVersions">What the change made of their versions.</param>
/// <param name="Befores">JSON array: what their fields were; null for what the plan made.</param>
internal sealed record BulkPart(
    int Number,
    long[] CouponIds,
    long[] Versions,
    long[]? DoneIds,
    long[]? DoneVersions,
    string? Befores
);

/// <summary>One coupon of a batch with what is written of it.</summary>
/// <param name="Row">As it was, under its lock.</param>
/// <param name="Type">Of its event.</param>
/// <param name="Patch">JSON object: the columns that change.</param>
/// <param name="Before">JSON object: what they were.</param>
internal sealed record BulkWrite(BulkRow Row, string Type, string Patch, string Before);

/// <summary>The SQL of bulk changes: plans, their batches, and the set-based update both of a change and of its undo.</summary>
internal static class BulkStore
{
    /// <summary>Coupons in one transaction: few, so that a redemption that meets one of them waits shortly.</summary>
    public const int BatchSize = 2_000;

    private const string PlanColumns =
        "id, action, input::text, merchant_id, total, items_hash, started_at, undo_until, undone_by";

    /// <summary>The columns of <see cref="BulkRow"/>, of alias <c>c</c>.</summary>
    private const string RowColumns = """
        c.id, c.code, c.version, c.deleted_at is not null, c.is_active, c.valid_from, c.valid_until, c.time_zone,
        c.max_uses_total, c.max_uses_per_user, c.campaign_source, c.notes, c.merchant_id, c.created_at
        """;

    /// <summary>Keeps a plan with all coupons that a selection has now.</summary>
    /// <returns>How many they are.</returns>
    public static async Task<long> CreateAsync(
        UnitOfWork work,
        Guid id,
        string action,
        string input,
        CouponList selection,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        await InsertPlanAsync(work, id, action, input, actor, cancel);
        var (sql, parameters) = selection.Selected();
        await using var command = work.Command(
            $"""
            with selected as (
                select c.id, c.version, (row_number() over (order by c.id) - 1) / {BatchSize} as part from {sql}
            ), part as (
                insert into coupons.bulk_part (plan_id, number, coupon_ids, versions)
                select ${parameters.Count + 1}, part, array_agg(id order by id), array_agg(version order by id)
                from selected group by part
                returning number, coupon_ids, versions
            ), sum as (
                select coalesce(sum(cardinality(coupon_ids)), 0) as total,
                    encode(sha256(convert_to(coalesce(string_agg(coupon_ids::text || versions::text, '' order by number), ''),
                        'UTF8')), 'hex') as hash
                from part
            )
            update coupons.bulk_plan p set total = s.total, items_hash = s.hash from sum s where p.id = ${parameters.Count
                + 1}
            returning p.total
            """
        );
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        command.Parameters.Add(new NpgsqlParameter { Value = id });
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Keeps a plan whose batches are added as they are done.</summary>
    public static Task InsertPlanAsync(
        UnitOfWork work,
        Guid id,
        string action,
        string input,
        CatalogueActor actor,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            insert into coupons.bulk_plan (id, action, input, merchant_id, total, created_by)
            values ($1, $2, $3::jsonb, $4, 0, $5)
            """,
            [id, action, Json(input), Id(actor.MerchantId), actor.Actor],
            cancel
        );

    /// <summary>Reads a plan the caller may see.</summary>
    public static async Task<BulkPlan?> FindAsync(
        UnitOfWork work,
        Guid id,
        Guid? merchant,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select {PlanColumns} from coupons.bulk_plan where id = $1 and ($2::uuid is null or merchant_id = $2)
            {(hold ? "for update" : "")}
            """,
            id,
            Id(merchant)
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? ReadPlan(row) : null;
    }

    /// <summary>Reads the plans of operations.</summary>
    public static async Task<IReadOnlyDictionary<Guid, BulkPlan>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> ids,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"select {PlanColumns} from coupons.bulk_plan where id = any($1) {(hold ? "for update" : "")}",
            ids.ToArray()
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var plans = new Dictionary<Guid, BulkPlan>();
        while (await rows.ReadAsync(cancel))
        {
            var plan = ReadPlan(rows);
            plans[plan.Id] = plan;
        }

        return plans;
    }

    /// <summary>Writes that a plan begins, and until when it can be undone.</summary>
    public static Task StartAsync(UnitOfWork work, Guid id, CancellationToken cancel) =>
        work.ExecuteAsync(
            "update coupons.bulk_plan set started_at = platform.clock(), undo_until = platform.undo_until() where id = $1",
            [id],
            cancel
        );

    /// <summary>Writes that a plan is undone by an operation.</summary>
    public static Task UndoAsync(UnitOfWork work, Guid id, Guid operation, CancellationToken cancel) =>
        work.ExecuteAsync("update coupons.bulk_plan set undone_by = $2 where id = $1", [id, operation], cancel);

    /// <summary>Reads one batch of a plan.</summary>
    public static async Task<BulkPart?> PartAsync(UnitOfWork work, Guid plan, int number, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select number, coupon_ids, versions, done_ids, done_versions, befores::text from coupons.bulk_part
            where plan_id = $1 and number = $2
            """,
            plan,
            number
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new BulkPart(
                row.GetInt32(0),
                row.GetFieldValue<long[]>(1),
                row.GetFieldValue<long[]>(2),
                row.Object<long[]>(3),
                row.Object<long[]>(4),
                row.Object<string>(5)
            )
            : null;
    }

    /// <summary>Coupons of a plan that were changed, in the batches from one on.</summary>
    public static async Task<long> DoneAsync(UnitOfWork work, Guid plan, int first, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select coalesce(sum(cardinality(done_ids)), 0)::bigint from coupons.bulk_part
            where plan_id = $1 and number >= $2
            """,
            plan,
            first
        );
        return (long)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Writes what was done of a batch.</summary>
    public static Task CompleteAsync(
        UnitOfWork work,
        Guid plan,
        int number,
        IReadOnlyList<BulkWrite> writes,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            update coupons.bulk_part set done_ids = $3, done_versions = $4, befores = $5
            where plan_id = $1 and number = $2
            """,
            [
                plan,
                number,
                writes.Select(static w => w.Row.Id).ToArray(),
                writes.Select(static w => w.Row.Version + 1).ToArray(),
                Json("[" + string.Join(',', writes.Select(static w => w.Before)) + "]"),
            ],
            cancel
        );

    /// <summary>Adds coupons that were made or changed to a plan, as batches that are done.</summary>
    /// <param name="work">The transaction of the change.</param>
    /// <param name="plan">Of the operation.</param>
    /// <param name="done">Versions as they are now, and what the coupons were; null for those it made.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task AddDoneAsync(
        UnitOfWork work,
        Guid plan,
        IReadOnlyDictionary<long, (long Version, string? Before)> done,
        CancellationToken cancel
    )
    {
        foreach (var part in done.OrderBy(static d => d.Key).Chunk(BatchSize))
        {
            var befores = part.Any(static d => d.Value.Before is not null)
                ? "[" + string.Join(',', part.Select(static d => d.Value.Before ?? "null")) + "]"
                : null;
            await work.ExecuteAsync(
                """
                insert into coupons.bulk_part (plan_id, number, coupon_ids, versions, done_ids, done_versions, befores)
                select $1, coalesce(max(number) + 1, 0), $2, $3, $2, $3, $4 from coupons.bulk_part where plan_id = $1
                having exists (select from coupons.bulk_plan where id = $1)
                """,
                [
                    plan,
                    part.Select(static d => d.Key).ToArray(),
                    part.Select(static d => d.Value.Version).ToArray(),
                    Json(befores),
                ],
                cancel
            );
        }
    }

    /// <summary>The fields an import may change, of coupons that are locked: what its undo brings back.</summary>
    public static async Task<Dictionary<long, string>> ImportableAsync(
        UnitOfWork work,
        long[] ids,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select id, jsonb_build_object('internal_name', internal_name, 'description', description,
                'discount_type', discount_type, 'discount_percent', discount_percent, 'discount_minor', discount_minor,
                'max_uses_total', max_uses_total, 'valid_from', valid_from, 'valid_until', valid_until,
                'applicable_to', applicable_to, 'campaign_source', campaign_source, 'is_active', is_active)::text
            from coupons.coupon where id = any($1)
            """,
            ids
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var befores = new Dictionary<long, string>(ids.Length);
        while (await rows.ReadAsync(cancel))
        {
            befores[rows.GetInt64(0)] = rows.GetString(1);
        }

        return befores;
    }

    /// <summary>Reads coupons under their locks, by id.</summary>
    public static async Task<Dictionary<long, BulkRow>> HoldAsync(UnitOfWork work, long[] ids, CancellationToken cancel)
    {
        // The locks alone first: the rows are then read as they are after the wait.
        await work.ExecuteAsync(
            "select from coupons.coupon where id = any($1) order by id for no key update",
            [ids],
            cancel
        );
        await using var query = work.Command(
            $"""
            select {RowColumns}, coalesce((select sum(u.redeemed_count) from coupons.usage u where u.coupon_id = c.id), 0)::bigint
            from coupons.coupon c where c.id = any($1)
            """,
            ids
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var held = new Dictionary<long, BulkRow>(ids.Length);
        while (await rows.ReadAsync(cancel))
        {
            var row = ReadRow(rows);
            held[row.Id] = row;
        }

        return held;
    }

    /// <summary>The statement that reads all coupons of a selection, with uses that may be seconds old.</summary>
    public static NpgsqlCommand Read(UnitOfWork work, CouponList selection)
    {
        var (sql, parameters) = selection.Selected();
        var command = work.Command(
            $"""
            select {RowColumns}, coalesce(g.redeemed_count, 0)
            from (select c.* from {sql}) c left join coupons.total g on g.coupon_id = c.id
            """
        );
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        return command;
    }

    /// <summary>A row of <see cref="Read"/>.</summary>
    public static BulkRow ReadRow(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetString(1),
            row.GetInt64(2),
            row.GetBoolean(3),
            row.GetBoolean(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetString(7),
            row.Value<long>(8),
            row.GetInt32(9),
            row.Object<string>(10),
            row.Object<string>(11),
            row.GetInt64(14),
            row.Value<Guid>(12),
            row.GetFieldValue<DateTimeOffset>(13)
        );

    /// <summary>Writes patches to coupons that are locked, with an event each.</summary>
    public static async Task WriteAsync(
        UnitOfWork work,
        IReadOnlyList<BulkWrite> writes,
        Guid plan,
        bool isUndo,
        CatalogueActor actor,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (writes.Count == 0)
        {
            return;
        }

        await using (
            var update = work.Command(
                $"""
                update coupons.coupon c set ({CouponRow.Names}, deleted_at) =
                        (select {CouponRow.NamesOf("p")}, p.deleted_at from jsonb_populate_record(c, d.patch) p),
                    version = c.version + 1, updated_at = $3
                from unnest($1::bigint[], $2::jsonb[]) as d (id, patch) where c.id = d.id
                """,
                writes.Select(static w => w.Row.Id).ToArray(),
                new NpgsqlParameter<string[]>
                {
                    TypedValue = [.. writes.Select(static w => w.Patch)],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb,
                },
                now
            )
        )
        {
            await update.ExecuteNonQueryAsync(cancel);
        }

        await OpenAccountsAsync(work, writes, now, cancel);
        var words = new EventWords();
        EventEntry[] entries =
        [
            .. writes.Select(w => new EventEntry(
                "coupon",
                w.Row.Id.ToString(CultureInfo.InvariantCulture),
                w.Type,
                w.Row.Version + 1,
                actor.Actor,
                BulkJson.Event(plan, isUndo, w, words),
                actor.RequestId
            )),
        ];
        await words.WriteAsync(work, cancel);
        await EventLog.AppendAsync(work, now, entries, cancel);
    }

    /// <summary>Coupons that had no limit and have one now are counted from what was used.</summary>
    private static Task OpenAccountsAsync(
        UnitOfWork work,
        IReadOnlyList<BulkWrite> writes,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var opened = new List<(LimitAccount Account, long Used)>();
        foreach (var write in writes.Where(static w => w.Row.MaxUsesTotal is null))
        {
            using var patch = JsonDocument.Parse(write.Patch);
            if (
                patch.RootElement.TryGetProperty("max_uses_total", out var most)
                && most.ValueKind == JsonValueKind.Number
            )
            {
                opened.Add((LimitAccount.OfCoupon(write.Row.Id, most.GetInt64()), write.Row.Redeemed));
            }
        }

        return AccountStore.OpenAsync(work, opened, now, cancel);
    }

    private static BulkPlan ReadPlan(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.Value<Guid>(3),
            row.GetInt64(4),
            row.GetString(5),
            row.Value<DateTimeOffset>(6),
            row.Value<DateTimeOffset>(7),
            row.Value<Guid>(8)
        );

    private static NpgsqlParameter Json(string? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb };

    private static NpgsqlParameter Id(Guid? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };
}
