using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>The SQL of planning: which hours have units that end in them, and the jobs they are cut into.</summary>
internal static class PlanStore
{
    /// <summary>The hours from one instant to another in which units end and that have no bucket yet. Skips from end to
    /// end through the index, so it costs a probe an hour, whatever lies in it.</summary>
    public static async Task<IReadOnlyList<DateTimeOffset>> UnplannedAsync(
        UnitOfWork work,
        DateTimeOffset from,
        DateTimeOffset until,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            with recursive hour (at) as (
                select date_trunc('hour', min(valid_until), 'UTC') from coupons.instance where valid_until >= $1 and valid_until < $2
                union all
                select (select date_trunc('hour', min(i.valid_until), 'UTC') from coupons.instance i
                    where i.valid_until >= hour.at + interval '1 hour' and i.valid_until < $2)
                from hour where hour.at is not null
            )
            select at from hour where at is not null and not exists (select from expiration.bucket b where b.starts_at = at)
            order by at
            """,
            from,
            until
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var hours = new List<DateTimeOffset>();
        while (await rows.ReadAsync(cancel))
        {
            hours.Add(rows.GetFieldValue<DateTimeOffset>(0));
        }

        return hours;
    }

    /// <summary>What ends in an hour, by merchant.</summary>
    public static async Task<IReadOnlyList<MerchantShare>> SharesAsync(
        UnitOfWork work,
        DateTimeOffset hour,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            $"""
            select s.merchant_id, sum(s.units)::bigint, coalesce(p.priority, 0),
                array_agg(distinct s.channel) filter (where s.channel is not null), bool_or(s.channel is null),
                (array_agg(distinct s.coupon_id order by s.coupon_id))[1:{JobBundle.MaximumCoupons + 1}]
            from (
                select merchant_id, channel, coupon_id, count(*) as units from coupons.instance
                where valid_until >= $1 and valid_until < $1 + interval '1 hour'
                group by merchant_id, channel, coupon_id
            ) s left join expiration.merchant_priority p on p.merchant_id = s.merchant_id
            group by s.merchant_id, p.priority order by 1
            """,
            hour
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var shares = new List<MerchantShare>();
        while (await rows.ReadAsync(cancel))
        {
            shares.Add(
                new MerchantShare(
                    rows.Value<Guid>(0),
                    rows.GetInt64(1),
                    rows.GetInt32(2),
                    rows.GetBoolean(4) ? null : rows.Object<string[]>(3),
                    rows.GetFieldValue<long[]>(5)
                )
            );
        }

        return shares;
    }

    /// <summary>The keys at which an hour is cut, so that no part has more units than a job may.</summary>
    public static async Task<IReadOnlyList<UnitKey>> CutsAsync(
        UnitOfWork work,
        DateTimeOffset hour,
        long units,
        CancellationToken cancel
    )
    {
        var cuts = new List<UnitKey>();
        var at = UnitKey.Before(hour);
        for (var left = units; left > Buckets.UnitsPerJob; left -= Buckets.UnitsPerJob)
        {
            await using var query = work.Command(
                $"""
                select valid_until, id from coupons.instance
                where valid_until >= $1 and valid_until < $2 and (valid_until, id) > ($1, $3)
                order by valid_until, id offset {Buckets.UnitsPerJob - 1} limit 1
                """,
                at.EndsAt,
                hour + Buckets.Length,
                at.Id
            );
            await using var row = await query.ExecuteReaderAsync(cancel);
            if (!await row.ReadAsync(cancel))
            {
                break;
            }

            at = new UnitKey(row.GetFieldValue<DateTimeOffset>(0), row.GetInt64(1));
            cuts.Add(at);
        }

        return cuts;
    }

    /// <summary>Enqueues an hour, unless it is already: its row is the uniqueness.</summary>
    public static async Task<bool> TryEnqueueAsync(
        UnitOfWork work,
        DateTimeOffset hour,
        long planned,
        string detectedBy,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        await work.ExecuteAsync(
            """
            insert into expiration.bucket (starts_at, ends_at, planned, detected_by, detected_at)
            values ($1, $1 + interval '1 hour', $2, $3, $4) on conflict do nothing
            """,
            [hour, planned, detectedBy, now],
            cancel
        ) == 1;

    /// <summary>Writes the jobs of an hour.</summary>
    /// <returns>Their ids, in order.</returns>
    public static async Task<long[]> AddJobsAsync(
        UnitOfWork work,
        DateTimeOffset hour,
        IReadOnlyList<NewJob> jobs,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var ids = new List<long>(jobs.Count);
        foreach (var job in jobs)
        {
            await using var insert = work.Command(
                """
                insert into expiration.job (bucket, merchant_id, except_ids, from_at, from_id, until_at, until_id, done_at,
                    done_id, priority, channels, planned, created_at)
                values ($1, $2, $3, $4, $5, $6, $7, $4, $5, $8, $9, $10, $11) returning id
                """,
                hour,
                new NpgsqlParameter
                {
                    Value = job.MerchantId ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Uuid,
                },
                new NpgsqlParameter<Guid[]> { TypedValue = job.Except },
                job.From.EndsAt,
                job.From.Id,
                job.Until.EndsAt,
                job.Until.Id,
                job.Priority,
                new NpgsqlParameter
                {
                    Value = job.Channels ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
                job.Planned,
                now
            );
            ids.Add((long)(await insert.ExecuteScalarAsync(cancel))!);
        }

        return [.. ids];
    }
}

/// <summary>What one merchant has in an hour.</summary>
/// <param name="MerchantId">Null for the house's own.</param>
/// <param name="Units">How many end.</param>
/// <param name="Priority">Of the merchant; 0 unless ranked or set.</param>
/// <param name="Channels">Where they were given out; null for anywhere.</param>
/// <param name="Coupons">Some of their definitions.</param>
internal sealed record MerchantShare(Guid? MerchantId, long Units, int Priority, string[]? Channels, long[] Coupons);

/// <summary>A place in the order in which units end: ends first, then ids.</summary>
/// <param name="EndsAt">Their end.</param>
/// <param name="Id">Of the unit.</param>
internal readonly record struct UnitKey(DateTimeOffset EndsAt, long Id)
{
    /// <summary>The place before every unit that ends at an instant.</summary>
    public static UnitKey Before(DateTimeOffset end) => new(end, -1);
}

/// <summary>A job to be written: the units above one key, up to another.</summary>
/// <param name="MerchantId">The only merchant; null for all.</param>
/// <param name="Except">Merchants that have jobs of their own.</param>
/// <param name="From">Exclusive.</param>
/// <param name="Until">Inclusive.</param>
/// <param name="Priority">Higher goes first.</param>
/// <param name="Channels">Of its units; null for any.</param>
/// <param name="Coupons">Some of its definitions.</param>
/// <param name="Planned">Its units by now.</param>
internal sealed record NewJob(
    Guid? MerchantId,
    Guid[] Except,
    UnitKey From,
    UnitKey Until,
    int Priority,
    string[]? Channels,
    long[] Coupons,
    long Planned
);
