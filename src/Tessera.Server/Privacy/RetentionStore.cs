using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>How long a kind is kept, and what becomes of it then.</summary>
/// <param name="KeepDays">Its period.</param>
/// <param name="Action">delete or archive.</param>
/// <param name="Version">Counts the changes; 0 for what it came with.</param>
internal sealed record RetentionPolicy(int KeepDays, string Action, int Version);

/// <summary>A run of a kind: the report of it, and how far it has come.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="DataKind">The kind.</param>
/// <param name="KeepDays">The period that counted.</param>
/// <param name="Action">delete or archive.</param>
/// <param name="Deleted">Rows that are gone, or without what had to go.</param>
/// <param name="Archived">Rows that are in the archive now.</param>
/// <param name="Held">Rows that are over and that a legal hold keeps.</param>
/// <param name="NextBlock">Where it goes on.</param>
/// <param name="EndBlock">Where it ends.</param>
/// <param name="At">When it began.</param>
/// <param name="FinishedAt">When it ended; null while it runs.</param>
internal sealed record RetentionRun(
    Guid Id,
    string DataKind,
    int KeepDays,
    string Action,
    long Deleted,
    long Archived,
    long Held,
    long NextBlock,
    long EndBlock,
    DateTimeOffset At,
    DateTimeOffset? FinishedAt
)
{
    public const string Columns =
        "id, data_kind, keep_days, action, deleted, archived, held, next_block, end_block, at, finished_at";

    public static RetentionRun Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetInt32(2),
            row.GetString(3),
            row.GetInt64(4),
            row.GetInt64(5),
            row.GetInt64(6),
            row.GetInt64(7),
            row.GetInt64(8),
            row.GetFieldValue<DateTimeOffset>(9),
            row.Value<DateTimeOffset>(10)
        );
}

/// <summary>The SQL of policies and runs.</summary>
internal static class RetentionStore
{
    /// <summary>The policy of a kind; what it came with where nobody set one.</summary>
    public static async Task<RetentionPolicy> PolicyAsync(UnitOfWork work, RetainedKind kind, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select keep_days, action, version from privacy.retention where data_kind = $1",
            kind.Name
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new RetentionPolicy(row.GetInt32(0), row.GetString(1), row.GetInt32(2))
            : new RetentionPolicy(kind.KeepDays, RetentionSql.Delete, 0);
    }

    /// <summary>Sets a policy.</summary>
    public static Task SetAsync(UnitOfWork work, string kind, int days, string action, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            insert into privacy.retention as r (data_kind, keep_days, action) values ($1, $2, $3)
            on conflict (data_kind) do update set keep_days = excluded.keep_days, action = excluded.action,
                version = r.version + 1
            """,
            [kind, days, action],
            cancel
        );

    /// <summary>The latest run of a kind.</summary>
    public static async Task<RetentionRun?> LastAsync(UnitOfWork work, string kind, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"select {RetentionRun.Columns} from privacy.retention_run where data_kind = $1 order by at desc limit 1",
            kind
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? RetentionRun.Read(row) : null;
    }

    /// <summary>A run by its id.</summary>
    public static async Task<RetentionRun?> FindAsync(UnitOfWork work, Guid id, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"select {RetentionRun.Columns} from privacy.retention_run where id = $1",
            id
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? RetentionRun.Read(row) : null;
    }

    /// <summary>Reports on the kinds whose table is empty, all at once: there is nothing to read.</summary>
    public static async Task PassEmptyAsync(UnitOfWork work, RetainedKinds kinds, CancellationToken cancel)
    {
        // A statement of its own: what another node reported while this one waited is to be seen by the next.
        await work.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('privacy.retention', 0))", [], cancel);
        await work.ExecuteAsync(
            """
            with now as materialized (select platform.clock() as at)
            insert into privacy.retention_run (id, data_kind, keep_days, action, cutoff, deleted, held, at, finished_at)
            select gen_random_uuid(), k.kind, p.days, coalesce(r.action, 'delete'), now.at - make_interval(days => p.days),
                0, 0, now.at, now.at
            from now cross join unnest($1::text[], $2::integer[], $3::text[]) as k (kind, days, tab)
            left join privacy.retention r on r.data_kind = k.kind
            cross join lateral (select coalesce(r.keep_days, k.days) as days) p
            where pg_relation_size(k.tab::regclass) = 0 and not exists (
                select from privacy.retention_run x where x.data_kind = k.kind
                    and (x.finished_at is null or x.at > now.at - interval '23 hours'))
            """,
            [
                kinds.Names,
                kinds.All.Select(static k => k.KeepDays).ToArray(),
                kinds.All.Select(static k => k.Table).ToArray(),
            ],
            cancel
        );
    }

    /// <summary>Begins a run over all that the table has now.</summary>
    public static async Task<RetentionRun> BeginAsync(
        UnitOfWork work,
        RetainedKind kind,
        RetentionPolicy policy,
        CancellationToken cancel
    )
    {
        var now = await work.ClockAsync(cancel);
        await using var query = work.Command(
            $"""
            insert into privacy.retention_run (id, data_kind, keep_days, action, cutoff, deleted, held, at, end_block)
            select $1, $2, $3, $4, $5, 0, 0, $6,
                pg_relation_size($7::text::regclass) / current_setting('block_size')::bigint
            returning {RetentionRun.Columns}
            """,
            Guid.CreateVersion7(),
            kind.Name,
            policy.KeepDays,
            policy.Action,
            now.AddDays(-policy.KeepDays),
            now,
            kind.Table
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return RetentionRun.Read(row);
    }

    /// <summary>Adds a step to the report of its run.</summary>
    /// <returns>All that went, and all that is held.</returns>
    public static async Task<(long Gone, long Held)> NoteAsync(
        UnitOfWork work,
        Guid run,
        int days,
        DateTimeOffset cutoff,
        long nextBlock,
        long gone,
        long held,
        bool isOver,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            update privacy.retention_run set keep_days = $2, cutoff = $3, next_block = $4,
                deleted = deleted + case action when 'delete' then $5 else 0 end,
                archived = archived + case action when 'archive' then $5 else 0 end,
                held = held + $6, finished_at = case when $7 then platform.clock() end
            where id = $1 returning deleted + archived, held
            """,
            run,
            days,
            cutoff,
            nextBlock,
            gone,
            held,
            isOver
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetInt64(0), row.GetInt64(1));
    }
}
