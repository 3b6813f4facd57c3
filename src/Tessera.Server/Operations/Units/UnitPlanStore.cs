using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Operations.Units;

/// <summary>The SQL of changes of many units: plans, their lines, and what was done of them.</summary>
internal static class UnitPlanStore
{
    private const string PlanColumns =
        "id, action, cause, merchant_id, client_id, total, lines_hash, started_at, undo_until, undone_by";

    private const string LineColumns = """
        line, coupon_id, instance_id, version, redeemed_at, order_reference, order_minor, discount_minor, currency, customer_id,
        refused, done_version, state_before, prior_before, redemption_id
        """;

    /// <summary>Keeps a plan with its lines, and what was done of these already.</summary>
    public static async Task InsertAsync(
        UnitOfWork work,
        UnitPlan plan,
        IReadOnlyList<UnitLine> lines,
        string actor,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into operations.unit_plan (id, action, cause, merchant_id, client_id, total, lines_hash, created_by)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                plan.Id,
                plan.Action,
                Nullable(plan.Cause, NpgsqlDbType.Text),
                Nullable(plan.MerchantId, NpgsqlDbType.Uuid),
                plan.ClientId,
                plan.Total,
                plan.LinesHash,
                actor,
            ],
            cancel
        );
        await using var copy = await work.Connection.BeginBinaryImportAsync(
            """
            copy operations.unit_line (plan_id, line, coupon_id, instance_id, version, redeemed_at, order_reference, order_minor,
                discount_minor, currency, customer_id, refused, outcome, done_version, state_before) from stdin (format binary)
            """,
            cancel
        );
        foreach (var line in lines)
        {
            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(plan.Id, cancel);
            await copy.WriteAsync(line.Line, cancel);
            await WriteAsync(copy, line.CouponId, NpgsqlDbType.Bigint, cancel);
            await WriteAsync(copy, line.InstanceId, NpgsqlDbType.Bigint, cancel);
            await WriteAsync(copy, line.Version, NpgsqlDbType.Bigint, cancel);
            await WriteAsync(copy, line.Redemption.At, NpgsqlDbType.TimestampTz, cancel);
            await WriteAsync(copy, line.Redemption.OrderReference, NpgsqlDbType.Text, cancel);
            await WriteAsync(copy, line.Redemption.OrderMinor, NpgsqlDbType.Bigint, cancel);
            await WriteAsync(copy, line.Redemption.DiscountMinor, NpgsqlDbType.Bigint, cancel);
            await WriteAsync(copy, line.Redemption.Currency, NpgsqlDbType.Text, cancel);
            await WriteAsync(copy, line.Redemption.CustomerId, NpgsqlDbType.Uuid, cancel);
            await WriteAsync(copy, line.Refused, NpgsqlDbType.Text, cancel);
            await WriteAsync(copy, line.Done is null ? null : "changed", NpgsqlDbType.Text, cancel);
            await WriteAsync(copy, line.Done?.Version, NpgsqlDbType.Bigint, cancel);
            await WriteAsync(copy, line.Done?.Before, NpgsqlDbType.Text, cancel);
        }

        await copy.CompleteAsync(cancel);
    }

    /// <summary>Reads plans by their ids, which are those of their operations.</summary>
    public static async Task<IReadOnlyDictionary<Guid, UnitPlan>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> ids,
        bool hold,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"select {PlanColumns} from operations.unit_plan where id = any($1) {(hold ? "for update" : "")}",
            ids.ToArray()
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        var plans = new Dictionary<Guid, UnitPlan>();
        while (await row.ReadAsync(cancel))
        {
            plans[row.GetGuid(0)] = new UnitPlan(
                row.GetGuid(0),
                row.GetString(1),
                row.Object<string>(2),
                row.Value<Guid>(3),
                row.GetGuid(4),
                row.GetInt64(5),
                row.GetString(6),
                row.Value<DateTimeOffset>(7),
                row.Value<DateTimeOffset>(8),
                row.Value<Guid>(9)
            );
        }

        return plans;
    }

    /// <summary>Reads the plan of an id.</summary>
    public static async Task<UnitPlan?> FindAsync(UnitOfWork work, Guid id, bool hold, CancellationToken cancel) =>
        (await FindAsync(work, [id], hold, cancel)).GetValueOrDefault(id);

    /// <summary>Writes that a plan begins, and until when it can be undone.</summary>
    public static Task StartAsync(UnitOfWork work, Guid plan, CancellationToken cancel) =>
        work.ExecuteAsync(
            "update operations.unit_plan set started_at = platform.clock(), undo_until = platform.undo_until() where id = $1",
            [plan],
            cancel
        );

    /// <summary>Writes that a plan is undone by an operation.</summary>
    public static Task UndoAsync(UnitOfWork work, Guid id, Guid operation, CancellationToken cancel) =>
        work.ExecuteAsync("update operations.unit_plan set undone_by = $2 where id = $1", [id, operation], cancel);

    /// <summary>The next lines of a plan.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="plan">Whose.</param>
    /// <param name="after">The last line that is done with.</param>
    /// <param name="isDone">Whether only units that were changed.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<IReadOnlyList<UnitLine>> NextAsync(
        UnitOfWork work,
        Guid plan,
        long after,
        bool isDone,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select {LineColumns} from operations.unit_line
            where plan_id = $1 and line > $2 {(isDone ? "and outcome = 'changed'" : "")}
            order by line limit {UnitDeciding.BatchSize}
            """,
            plan,
            after
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        var lines = new List<UnitLine>();
        while (await row.ReadAsync(cancel))
        {
            lines.Add(Read(row));
        }

        return lines;
    }

    /// <summary>How many units of a plan were changed, in the lines after one.</summary>
    public static async Task<long> DoneAsync(UnitOfWork work, Guid plan, long after, CancellationToken cancel)
    {
        await using var query = work.Command(
            "select count(*) from operations.unit_line where plan_id = $1 and line > $2 and outcome = 'changed'",
            plan,
            after
        );
        return (long)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>The present ends of the units of lines; those that are gone are left out.</summary>
    public static async Task<IReadOnlyDictionary<long, DateTimeOffset>> EndsAsync(
        UnitOfWork work,
        IReadOnlyList<UnitLine> lines,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select i.id, i.valid_until from unnest($1::bigint[], $2::bigint[]) u (coupon_id, id)
            join coupons.instance i on i.coupon_id = u.coupon_id and i.id = u.id
            """,
            new NpgsqlParameter<long[]> { TypedValue = [.. lines.Select(static l => l.CouponId!.Value)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. lines.Select(static l => l.InstanceId!.Value)] }
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        var ends = new Dictionary<long, DateTimeOffset>(lines.Count);
        while (await row.ReadAsync(cancel))
        {
            ends[row.GetInt64(0)] = row.GetFieldValue<DateTimeOffset>(1);
        }

        return ends;
    }

    /// <summary>Writes what came of lines.</summary>
    public static Task CompleteAsync(
        UnitOfWork work,
        Guid plan,
        IReadOnlyList<(UnitVerdict Verdict, UnitDone? Done)> lines,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            update operations.unit_line l set outcome = d.outcome, done_version = d.version, state_before = d.before,
                prior_before = d.prior, redemption_id = d.redemption
            from unnest($2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::uuid[])
                as d (line, outcome, version, before, prior, redemption)
            where l.plan_id = $1 and l.line = d.line
            """,
            [
                plan,
                new NpgsqlParameter<long[]> { TypedValue = [.. lines.Select(static l => l.Verdict.Line.Line)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. lines.Select(static l => l.Verdict.Outcome)] },
                new NpgsqlParameter<long?[]> { TypedValue = [.. lines.Select(static l => l.Done?.Version)] },
                new NpgsqlParameter<string?[]>
                {
                    TypedValue = [.. lines.Select(static l => l.Done?.Before)],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                new NpgsqlParameter<string?[]>
                {
                    TypedValue = [.. lines.Select(static l => l.Done?.Prior)],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                new NpgsqlParameter<Guid?[]> { TypedValue = [.. lines.Select(static l => l.Done?.RedemptionId)] },
            ],
            cancel
        );

    private static UnitLine Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.Value<long>(1),
            row.Value<long>(2),
            row.Value<long>(3),
            new TookPlace(
                row.Value<DateTimeOffset>(4),
                row.Object<string>(5),
                row.Value<long>(6),
                row.Value<long>(7),
                row.Object<string>(8),
                row.Value<Guid>(9)
            ),
            row.Object<string>(10)
        )
        {
            Done = row.Value<long>(11) is { } version
                ? new UnitDone(version, row.GetString(12), row.Object<string>(13), row.Value<Guid>(14))
                : null,
        };

    private static async Task WriteAsync<T>(
        NpgsqlBinaryImporter copy,
        T? value,
        NpgsqlDbType type,
        CancellationToken cancel
    )
    {
        if (value is null)
        {
            await copy.WriteNullAsync(cancel);
        }
        else if (value is DateTimeOffset at)
        {
            await copy.WriteAsync(at.UtcDateTime, type, cancel);
        }
        else
        {
            await copy.WriteAsync((object)value, type, cancel);
        }
    }

    private static NpgsqlParameter Nullable(object? value, NpgsqlDbType type) =>
        new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
