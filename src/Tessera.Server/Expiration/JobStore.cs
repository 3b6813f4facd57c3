using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>A job as a worker holds it.</summary>
/// <param name="Id">A number.</param>
/// <param name="Fence">Of this lease: every write names it (convention 42).</param>
/// <param name="MerchantId">The only merchant; null for all but <paramref name="Except"/>.</param>
/// <param name="Except">Merchants that have jobs of their own.</param>
/// <param name="Done">How far it has come.</param>
/// <param name="Until">Its last key.</param>
/// <param name="Failures">Tries that failed in a row.</param>
internal sealed record HeldJob(
    long Id,
    long Fence,
    Guid? MerchantId,
    Guid[] Except,
    UnitKey Done,
    UnitKey Until,
    int Failures
)
{
    /// <summary>Units of a step, when none has failed.</summary>
    public int FullStep { get; init; } = Buckets.UnitsPerStep;

    /// <summary>Units of the next step: after each failure half as many, should it be their number that is too much.</summary>
    public int StepSize => Math.Max(FullStep >> Math.Min(Failures, 10), 250);
}

/// <summary>What a step expired of one coupon: one event.</summary>
/// <param name="CouponId">Of the definition.</param>
/// <param name="MerchantId">Who offers it.</param>
/// <param name="CampaignId">Its campaign.</param>
/// <param name="Channel">Where the units were given out.</param>
/// <param name="First">First id of each run.</param>
/// <param name="Last">Last id of each run.</param>
/// <param name="Units">How many.</param>
/// <param name="EndsUntil">The latest of their ends.</param>
/// <param name="BudgetMinor">Freed to the campaign.</param>
/// <param name="Currency">Of the budget; null for none.</param>
internal sealed record ExpiredBatch(
    long CouponId,
    Guid? MerchantId,
    string? CampaignId,
    string? Channel,
    long[] First,
    long[] Last,
    long Units,
    DateTimeOffset EndsUntil,
    long BudgetMinor,
    string? Currency
);

/// <summary>What a step did.</summary>
/// <param name="Now">The database clock of the step.</param>
/// <param name="Seen">Units looked at, whatever their state.</param>
/// <param name="Last">The last of them.</param>
/// <param name="Batches">What expired.</param>
internal sealed record StepResult(DateTimeOffset Now, long Seen, UnitKey? Last, IReadOnlyList<ExpiredBatch> Batches);

/// <summary>The SQL of working jobs: claim, step, release.</summary>
internal static class JobStore
{
    /// <summary>Longer than a step may take, and short enough that another takes over within the minute of PERF-03.</summary>
    private const string Lease = "platform.clock() + interval '20 seconds'";

    /// <summary>Takes the most urgent job that has come due and that nobody holds.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="worker">Who takes it.</param>
    /// <param name="horizon">What is settled.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<HeldJob?> TakeAsync(
        UnitOfWork work,
        string worker,
        DateTimeOffset horizon,
        CancellationToken cancel
    )
    {
        await using var take = work.Command(
            $"""
            update expiration.job set fence = fence + 1, leased_until = {Lease}, worker = $1
            where id = (
                select j.id from expiration.job j
                where j.state = 'waiting' and j.done_at < $2 and j.try_after <= platform.clock()
                    and coalesce(j.leased_until < platform.clock(), true)
                    and exists (select from expiration.control where mode <> 'paused')
                order by j.priority desc, j.done_at, j.id limit 1
                for update of j skip locked)
            returning id, fence, merchant_id, except_ids, done_at, done_id, until_at, until_id, failures
            """,
            worker,
            horizon
        );
        await using var row = await take.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Read(row) : null;
    }

    /// <summary>Locks a job for one step, if the lease is still this worker's and nobody has paused the pipeline.</summary>
    public static async Task<HeldJob?> HoldAsync(UnitOfWork work, HeldJob job, CancellationToken cancel)
    {
        await using var hold = work.Command(
            """
            select id, fence, merchant_id, except_ids, done_at, done_id, until_at, until_id, failures from expiration.job
            where id = $1 and fence = $2 and state = 'waiting'
                and exists (select from expiration.control where mode <> 'paused')
            for no key update
            """,
            job.Id,
            job.Fence
        );
        await using var row = await hold.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Read(row) : null;
    }

    /// <summary>
    /// The units of one step, by their keys: above end <c>$1</c> and id <c>$3</c>, not above <c>$2</c> and <c>$4</c>. Ends
    /// alone choose the partitions.
    /// </summary>
    internal static string Due(HeldJob job)
    {
        var whose =
            job.MerchantId is not null ? "and merchant_id = $7"
            : job.Except.Length > 0 ? "and (merchant_id is null or merchant_id <> all($7))"
            : "";
        return $"""
            select id, valid_until, coupon_id, merchant_id, campaign_id, channel, state, version from coupons.instance
            where valid_until >= $1 and valid_until <= $2 and (valid_until, id) > ($1, $3)
                and (valid_until, id) <= ($2, $4) {whose}
            order by valid_until, id limit {job.StepSize}
            """;
    }

    /// <summary>
    /// Writes the events of the units above the job's place and before the horizon, at most
    /// <see cref="HeldJob.StepSize"/> of them. Units that a checkout still holds are left out: the end of the hold
    /// makes them late ones.
    /// </summary>
    public static async Task<StepResult> ExpireAsync(
        UnitOfWork work,
        HeldJob job,
        DateTimeOffset horizon,
        CancellationToken cancel
    )
    {
        var before = horizon < job.Until.EndsAt ? UnitKey.Before(horizon) : job.Until;
        await using var statement = work.Command(
            $"""
            with k as materialized (select platform.clock() as now), due as materialized (
                {Due(job)}
            ), {BatchSql.Of("due", BatchSql.Live)}, {BatchSql.Write(new BatchWords("$6", Job: "$5"))}
            select k.now, d.seen, d.valid_until, d.id, {BatchSql.Columns}
            from k cross join (
                select (select count(*) from due) as seen, l.valid_until, l.id
                from (select) one left join lateral (select valid_until, id from due order by valid_until desc, id desc limit 1) l on true
            ) d left join priced b on true
            """,
            job.Done.EndsAt,
            before.EndsAt,
            job.Done.Id,
            before.Id,
            job.Id,
            Sweeper.Actor
        );
        if (job.MerchantId is { } merchant)
        {
            statement.Parameters.Add(new NpgsqlParameter { Value = merchant });
        }
        else if (job.Except.Length > 0)
        {
            statement.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = job.Except });
        }

        await using var rows = await statement.ExecuteReaderAsync(cancel);
        var (now, seen, last) = (default(DateTimeOffset), 0L, (UnitKey?)null);
        var batches = new List<ExpiredBatch>();
        while (await rows.ReadAsync(cancel))
        {
            now = rows.GetFieldValue<DateTimeOffset>(0);
            seen = rows.GetInt64(1);
            last = rows.IsDBNull(2) ? null : new UnitKey(rows.GetFieldValue<DateTimeOffset>(2), rows.GetInt64(3));
            if (!rows.IsDBNull(4))
            {
                batches.Add(BatchSql.Read(rows, 4));
            }
        }

        return new StepResult(now, seen, last, batches);
    }

    /// <summary>Says how far a held job has come, and renews its lease or ends it.</summary>
    public static Task AdvanceAsync(
        UnitOfWork work,
        HeldJob job,
        UnitKey done,
        long units,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            $"""
            update expiration.job set done_at = $3, done_id = $4, units = units + $5, steps = steps + 1, failures = 0,
                error = null, leased_until = {Lease},
                state = case when ($3, $4) = (until_at, until_id) then 'done' else state end,
                finished_at = case when ($3, $4) = (until_at, until_id) then $6 end
            where id = $1 and fence = $2
            """,
            [job.Id, job.Fence, done.EndsAt, done.Id, units, now],
            cancel
        );

    /// <summary>Gives a job back before its lease is over.</summary>
    public static Task ReleaseAsync(UnitOfWork work, HeldJob job, CancellationToken cancel) =>
        work.ExecuteAsync(
            "update expiration.job set leased_until = null where id = $1 and fence = $2",
            [job.Id, job.Fence],
            cancel
        );

    /// <summary>Notes a failure: it is tried again ever later (EXP-04), and after many tries by hand only (EXP-15).</summary>
    public static Task FailAsync(
        UnitOfWork work,
        HeldJob job,
        string error,
        TimeSpan pause,
        bool isLast,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            update expiration.job set failures = failures + 1, error = $3, leased_until = null,
                try_after = platform.clock() + $4, state = case when $5 then 'failed' else state end
            where id = $1 and fence = $2
            """,
            [job.Id, job.Fence, error, pause, isLast],
            cancel
        );

    private static HeldJob Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetInt64(1),
            row.Value<Guid>(2),
            row.GetFieldValue<Guid[]>(3),
            new UnitKey(row.GetFieldValue<DateTimeOffset>(4), row.GetInt64(5)),
            new UnitKey(row.GetFieldValue<DateTimeOffset>(6), row.GetInt64(7)),
            row.GetInt32(8)
        );
}
