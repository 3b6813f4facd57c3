using Npgsql;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>Units that were issued many at once, by the operation they were issued as, so that this can be undone.</summary>
public static class IssuedUnits
{
    /// <summary>What their plans do.</summary>
    internal const string Action = "issue";

    /// <summary>Units of one row: as many as one transaction takes back.</summary>
    private const int PartSize = 5_000;

    /// <summary>Begins to keep what an operation issues.</summary>
    internal static async Task BeginAsync(
        UnitOfWork work,
        Guid operation,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        await BulkStore.InsertPlanAsync(work, operation, Action, "{}", actor, cancel);
        await BulkStore.StartAsync(work, operation, cancel);
    }

    /// <summary>Keeps units that an operation has issued, in the transaction that issued them.</summary>
    internal static async Task KeepAsync(
        UnitOfWork work,
        Guid operation,
        InstanceTerms terms,
        IReadOnlyList<NewInstance> units,
        CancellationToken cancel
    )
    {
        foreach (var part in units.Chunk(PartSize))
        {
            await work.ExecuteAsync(
                """
                insert into coupons.issued_part (plan_id, number, units, ids, valid_until)
                select $1, coalesce((select max(number) from coupons.issued_part where plan_id = $1), 0) + 1, count(*),
                    range_agg(int8range(id, id + 1)), $3 from unnest($2::bigint[]) id
                having exists (select from coupons.bulk_plan where id = $1)
                """,
                [operation, part.Select(static u => u.Id).ToArray(), terms.ValidUntil],
                cancel
            );
        }
    }

    /// <summary>Which of some operations have issued units.</summary>
    public static async Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    ) =>
        (await BulkStore.FindAsync(work, operations, hold, cancel))
            .Values.Where(static p => p.Action == Action)
            .ToDictionary(static p => p.Id, static p => p.Undoable);

    /// <summary>The next units an operation has issued: their number as a part, their end then, and their ids.</summary>
    public static async Task<(long Number, DateTimeOffset EndsAt, long[] Ids)?> NextAsync(
        UnitOfWork work,
        Guid operation,
        long after,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            """
            select number, valid_until, array(select generate_series(lower(r), upper(r) - 1) from unnest(ids) r)
            from coupons.issued_part where plan_id = $1 and number > $2 order by number limit 1
            """,
            operation,
            after
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? (row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), row.GetFieldValue<long[]>(2))
            : null;
    }

    /// <summary>How many units an operation has issued, behind a part.</summary>
    public static async Task<long> CountAsync(UnitOfWork work, Guid operation, long after, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            "select coalesce(sum(units), 0)::bigint from coupons.issued_part where plan_id = $1 and number > $2",
            operation,
            after
        );
        return (long)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Writes which operation takes back what another issued.</summary>
    public static Task MarkAsync(UnitOfWork work, Guid operation, Guid undo, CancellationToken cancel) =>
        BulkStore.UndoAsync(work, operation, undo, cancel);
}
