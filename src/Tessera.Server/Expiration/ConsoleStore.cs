using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>The SQL of the console: figures read, jobs steered (EXP-05, EXP-15, EXP-17).</summary>
internal static class ConsoleStore
{
    /// <summary>Figures of the pipeline, from one snapshot.</summary>
    public static async Task<Figures> FiguresAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"""
            select k.now, c.mode, (extract(epoch from c.look_ahead) / 3600)::int, d.jobs, d.units,
                (select min(j.done_at) from expiration.job j where {DueJobs.Are(DueJobs.Now, "k.now")}),
                (select count(*) from expiration.job where state = 'failed'), a.jobs, a.units,
                s.last_hour, m.steps, m.failures, m.late_ms,
                (select coalesce(sum(units), 0)::bigint from expiration.minute where at > k.now - interval '5 minutes'),
                s.units, s.in_time, s.worst_seconds,
                (select count(*) from expiration.alert where cleared_at is null),
                (select count(*) from expiration.node where seen_at > k.now - interval '1 minute' and not is_stopped)
            from (select platform.clock() as now) k cross join expiration.control c
            cross join lateral (
                select count(*) as jobs, coalesce(sum({DueJobs.Units("k.now")}), 0)::bigint as units
                from expiration.job j where {DueJobs.Are(DueJobs.Behind, "k.now")}
            ) d
            cross join lateral (
                select count(*) as jobs, coalesce(sum(j.planned), 0)::bigint as units
                from expiration.job j where {DueJobs.Are(DueJobs.Later, "k.now")}
            ) a
            cross join lateral (
                select coalesce(sum(steps), 0)::bigint as steps, coalesce(sum(failures), 0)::bigint as failures,
                    coalesce(max(late_ms), 0)::bigint as late_ms
                from expiration.minute where at >= k.now - interval '1 hour' and at < k.now
            ) m
            cross join lateral (
                select coalesce(sum(units), 0)::bigint as units,
                    coalesce(sum(units) filter (where created_at >= k.now - interval '1 hour'), 0)::bigint as last_hour,
                    coalesce(sum(units) filter (where {RowEndpoints.InTime}), 0)::bigint as in_time,
                    coalesce(extract(epoch from max(created_at - ends_from)), 0)::double precision as worst_seconds
                from expiration.batch
                where created_at >= k.now - interval '24 hours' and created_at < k.now and cause = 'end_reached'
            ) s
            """
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        var (units, inTime) = (row.GetInt64(14), row.GetInt64(15));
        var (steps, failures) = (row.GetInt64(10), row.GetInt64(11));
        return new Figures(
            row.GetFieldValue<DateTimeOffset>(0),
            row.GetString(1),
            row.GetInt32(2),
            new Backlog(
                row.GetInt64(3),
                row.GetInt64(4),
                row.Value<DateTimeOffset>(5),
                row.IsDBNull(5)
                    ? 0
                    : Math.Round(
                        (row.GetFieldValue<DateTimeOffset>(0) - row.GetFieldValue<DateTimeOffset>(5)).TotalSeconds,
                        3
                    ),
                row.GetInt64(6)
            ),
            new Ahead(row.GetInt64(7), row.GetInt64(8)),
            row.GetInt64(13) / 5,
            row.GetInt64(9),
            Ratio(failures, steps + failures, 0),
            1 - Ratio(failures, steps + failures, 0),
            new Adherence(
                RowEndpoints.TargetSeconds,
                units,
                inTime,
                Ratio(inTime, units, 1),
                Math.Round(row.GetDouble(16), 3)
            ),
            row.GetInt64(17),
            row.GetInt64(18),
            [],
            []
        );
    }

    /// <summary>Units expired by the minute, of the last hour.</summary>
    public static async Task<IReadOnlyList<MinuteFigure>> MinutesAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select at, sum(units)::bigint, sum(failures)::bigint, max(late_ms) from expiration.minute
            where at > platform.clock() - interval '1 hour' group by at order by at
            """
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var minutes = new List<MinuteFigure>();
        while (await rows.ReadAsync(cancel))
        {
            minutes.Add(
                new MinuteFigure(
                    rows.GetFieldValue<DateTimeOffset>(0),
                    rows.GetInt64(1),
                    rows.GetInt64(2),
                    rows.GetInt64(3)
                )
            );
        }

        return minutes;
    }

    /// <summary>How far behind each partner is.</summary>
    public static async Task<IReadOnlyList<PartnerLag>> PartnersAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select c.id, c.name, c.sla_seconds, l.breaker, l.last_acknowledged_at, o.commands, o.units,
                coalesce(extract(epoch from platform.clock() - o.oldest), 0)::double precision,
                (select count(*) from connectors.task t where t.connector_id = c.id and t.state = 'open'), l.deferred_at
            from connectors.connector c join connectors.lane l on l.connector_id = c.id
            cross join lateral (
                select count(*) as commands, coalesce(sum(k.size - k.done), 0)::bigint as units, min(k.due_at) as oldest
                from connectors.command k where k.connector_id = c.id and k.state in ('pending', 'sent')
                    and k.due_at <= platform.clock()
            ) o
            where c.is_active order by 8 desc, c.name limit 200
            """
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var partners = new List<PartnerLag>();
        while (await rows.ReadAsync(cancel))
        {
            var lag = Math.Round(rows.GetDouble(7), 3);
            partners.Add(
                new PartnerLag(
                    rows.GetGuid(0),
                    rows.GetString(1),
                    rows.GetInt32(2),
                    lag,
                    lag <= rows.GetInt32(2),
                    rows.GetInt64(5),
                    rows.GetInt64(6),
                    rows.GetString(3),
                    rows.Value<DateTimeOffset>(4),
                    rows.GetInt64(8),
                    rows.Value<DateTimeOffset>(9)
                )
            );
        }

        return partners;
    }

    /// <summary>Sets how the pipeline runs, with its event.</summary>
    public static async Task SetModeAsync(
        UnitOfWork work,
        string mode,
        string actor,
        string? requestId,
        CancellationToken cancel
    )
    {
        await using var update = work.Command(
            """
            with before as (select mode, version from expiration.control for update)
            update expiration.control c set mode = $1, changed_by = $2, changed_at = platform.clock(), version = c.version + 1
            from before b where b.mode <> $1 returning b.mode, c.version
            """,
            mode,
            actor
        );
        string from;
        int version;
        await using (var row = await update.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return;
            }

            (from, version) = (row.GetString(0), row.GetInt32(1));
        }

        await TellAsync(
            work,
            "expiry_pipeline",
            "1",
            "expiry.mode_changed",
            version,
            actor,
            requestId,
            [("from", from), ("to", mode)],
            cancel
        );
    }

    /// <summary>Sets how far ahead hours are enqueued (EXP-01), with its event. What is enqueued stays so.</summary>
    public static async Task SetLookAheadAsync(
        UnitOfWork work,
        int hours,
        string actor,
        string? requestId,
        CancellationToken cancel
    )
    {
        await using var update = work.Command(
            """
            update expiration.control set look_ahead = $1 * interval '1 hour', changed_by = $2, changed_at = platform.clock(),
                version = version + 1
            where look_ahead <> $1 * interval '1 hour' returning version
            """,
            hours,
            actor
        );
        if (await update.ExecuteScalarAsync(cancel) is int version)
        {
            await TellAsync(
                work,
                "expiry_pipeline",
                "1",
                "expiry.look_ahead_changed",
                version,
                actor,
                requestId,
                [("hours", hours)],
                cancel
            );
        }
    }

    /// <summary>Sets the priority of a job that is not done.</summary>
    public static async Task<bool> SetPriorityAsync(
        UnitOfWork work,
        long job,
        int priority,
        string actor,
        string? requestId,
        CancellationToken cancel
    )
    {
        var isSet = await work.ExecuteAsync(
            "update expiration.job set priority = $2 where id = $1 and state <> 'done'",
            [job, priority],
            cancel
        );
        if (isSet == 1)
        {
            await TellJobAsync(work, job, "expiry.job_prioritised", actor, requestId, [("priority", priority)], cancel);
        }

        return isSet == 1;
    }

    /// <summary>Lets a job that failed be tried again, at once.</summary>
    public static async Task<bool> RetryAsync(
        UnitOfWork work,
        long job,
        string actor,
        string? requestId,
        CancellationToken cancel
    )
    {
        var isSet = await work.ExecuteAsync(
            """
            update expiration.job set state = 'waiting', failures = 0, try_after = '-infinity', leased_until = null, fence = fence + 1
            where id = $1 and (state = 'failed' or failures > 0)
            """,
            [job],
            cancel
        );
        if (isSet == 1)
        {
            await TellJobAsync(work, job, "expiry.job_retried", actor, requestId, [], cancel);
        }

        return isSet == 1;
    }

    /// <summary>
    /// Gives a merchant a priority, now and for the hours to come: its units get jobs of their own out of those that wait,
    /// from where these are, so that a backlog is worked in the new order (EXP-05).
    /// </summary>
    public static async Task PrioritiseAsync(
        UnitOfWork work,
        Guid merchant,
        int priority,
        string source,
        string actor,
        string? requestId,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into expiration.merchant_priority (merchant_id, priority, source, set_by, set_at)
            values ($1, $2, $3, $4, platform.clock())
            on conflict (merchant_id) do update set priority = excluded.priority, source = excluded.source,
                set_by = excluded.set_by, set_at = excluded.set_at
            """,
            [merchant, priority, source, actor],
            cancel
        );
        await work.ExecuteAsync(
            "update expiration.job set priority = $2 where merchant_id = $1 and state <> 'done'",
            [merchant, priority],
            cancel
        );

        // Locked one after the other: a step that runs ends first, and the new job begins where it left off.
        await work.ExecuteAsync(
            """
            select id from expiration.job where state <> 'done' and merchant_id is null and not ($1 = any(except_ids))
            order by id for update
            """,
            [merchant],
            cancel
        );
        await work.ExecuteAsync(
            """
            with split as (
                update expiration.job j set except_ids = except_ids || $1
                where state <> 'done' and merchant_id is null and not ($1 = any(except_ids))
                    and exists (select from coupons.instance i where i.merchant_id = $1 and i.valid_until >= j.done_at
                        and i.valid_until <= j.until_at)
                returning *
            )
            insert into expiration.job (bucket, merchant_id, from_at, from_id, until_at, until_id, done_at, done_id, priority,
                channels, planned, created_at)
            select s.bucket, $1, s.done_at, s.done_id, s.until_at, s.until_id, s.done_at, s.done_id, $2, s.channels,
                (select count(*) from coupons.instance i where i.merchant_id = $1 and i.valid_until >= s.done_at
                    and i.valid_until <= s.until_at and (i.valid_until, i.id) > (s.done_at, s.done_id)
                    and (i.valid_until, i.id) <= (s.until_at, s.until_id)), platform.clock()
            from split s
            """,
            [merchant, priority],
            cancel
        );
        await TellAsync(
            work,
            "merchant",
            merchant.ToString(),
            "expiry.merchant_prioritised",
            0,
            actor,
            requestId,
            [("priority", priority), ("source", source)],
            cancel
        );
    }

    internal static async Task TellAsync(
        UnitOfWork work,
        string kind,
        string id,
        string type,
        long sequence,
        string actor,
        string? requestId,
        (string, object?)[] facts,
        CancellationToken cancel
    )
    {
        var now = await work.ClockAsync(cancel);
        var at = sequence > 0 ? sequence : now.ToUnixTimeMilliseconds();
        var entry = new EventEntry(kind, id, type, at, actor, EventLog.Payload(facts), requestId);
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }

    private static Task TellJobAsync(
        UnitOfWork work,
        long job,
        string type,
        string actor,
        string? requestId,
        (string, object?)[] facts,
        CancellationToken cancel
    ) =>
        TellAsync(
            work,
            "expiry_job",
            job.ToString(System.Globalization.CultureInfo.InvariantCulture),
            type,
            0,
            actor,
            requestId,
            facts,
            cancel
        );

    private static double Ratio(long part, long whole, double without) =>
        whole == 0 ? without : Math.Round((double)part / whole, 6);
}
