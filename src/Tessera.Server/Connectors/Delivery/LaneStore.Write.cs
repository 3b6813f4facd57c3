using System.Globalization;
using NpgsqlTypes;
using Tessera.Core.Connectors;
using Tessera.Server.Connectors.Partners;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>What a round of a lane came to, to be written in one transaction under its fence.</summary>
/// <param name="Slice">What was to be told.</param>
/// <param name="Told">The calls that were made.</param>
/// <param name="Breaker">After it.</param>
/// <param name="Pause">Before the next round; null for none.</param>
/// <param name="Rate">Calls a second from now on; null for unbounded.</param>
internal sealed record RoundResult(
    Slice Slice,
    IReadOnlyList<Told> Told,
    Breaker Breaker,
    TimeSpan? Pause,
    double? Rate
);

/// <content>Writes what rounds came to. Every write names the fence it was made under (convention 42).</content>
internal sealed partial class LaneStore
{
    private const string RefusedPrefix = "refused: ";

    /// <summary>Notes which low-water mark is about to be told, so that a repeat is the same.</summary>
    public Task AttemptAsync(Lane lane, Message message, CancellationToken cancel) =>
        InLaneAsync(
            lane,
            work =>
                work.ExecuteAsync(
                    "update connectors.lane set attempted_to = $2, attempted_mark = $3 where connector_id = $1",
                    [lane.ConnectorId, message.Sequence, Of(message.Mark, NpgsqlDbType.TimestampTz)],
                    cancel
                ),
            cancel
        );

    /// <summary>Expects callbacks of calls that are about to be made.</summary>
    /// <returns>The keys that are to be sent: those that were confirmed before are not.</returns>
    public async Task<HashSet<string>> AwaitAsync(
        Lane lane,
        Connector connector,
        IReadOnlyList<Unit> units,
        CancellationToken cancel
    )
    {
        var keys = new HashSet<string>(StringComparer.Ordinal);
        await InLaneAsync(
            lane,
            async work =>
            {
                await using var command = work.Command(
                    """
                    insert into connectors.awaited
                        (key, connector_id, from_position, to_position, from_offset, to_offset, mark, sent_at, expires_at)
                    select key, $1, f, t, fo, too, mark, platform.clock(), platform.clock() + $2 * interval '1 second'
                    from unnest($3::text[], $4::bigint[], $5::bigint[], $6::int[], $7::int[], $8::timestamptz[])
                        as u (key, f, t, fo, too, mark)
                    on conflict (key) do update set sent_at = excluded.sent_at, expires_at = excluded.expires_at,
                        lapsed_at = null
                    where awaited.acknowledged_at is null
                    returning key
                    """,
                    lane.ConnectorId,
                    connector.CallbackSeconds,
                    units.Select(static u => u.Message.Key).ToArray(),
                    units.Select(static u => u.FromPosition).ToArray(),
                    units.Select(static u => u.ToPosition).ToArray(),
                    units.Select(static u => u.FromOffset).ToArray(),
                    units.Select(static u => u.ToOffset).ToArray(),
                    Of(
                        units.Select(static u => u.Message.Mark).ToArray(),
                        NpgsqlDbType.Array | NpgsqlDbType.TimestampTz
                    )
                );
                await using var rows = await command.ExecuteReaderAsync(cancel);
                while (await rows.ReadAsync(cancel))
                {
                    keys.Add(rows.GetString(0));
                }
            },
            cancel
        );
        return keys;
    }

    /// <summary>Commands whose callback did not come are to be sent again.</summary>
    /// <returns>How many callbacks did not come.</returns>
    public async Task<int> LapseAsync(Lane lane, CancellationToken cancel)
    {
        var count = 0;
        await InLaneAsync(
            lane,
            async work =>
            {
                await using var command = work.Command(
                    """
                    with late as (
                        update connectors.awaited set lapsed_at = platform.clock()
                        where connector_id = $1 and acknowledged_at is null and lapsed_at is null
                            and expires_at <= (select platform.clock())
                        returning from_position, to_position, from_offset
                    ), again as (
                        update connectors.command c
                        set state = 'pending', done = least(c.done, l.from_offset), error = 'no callback'
                        from (select from_position, to_position, min(from_offset) as from_offset
                              from late group by 1, 2) l
                        where c.connector_id = $1 and c.position between l.from_position and l.to_position
                            and c.state in ('pending', 'sent')
                    )
                    select count(*)::int from late
                    """,
                    lane.ConnectorId
                );
                count = (int)(await command.ExecuteScalarAsync(cancel))!;
            },
            cancel
        );
        return count;
    }

    /// <summary>Writes a round.</summary>
    /// <returns>False when the lane is not ours any more: nothing was written, another holder will tell it again.</returns>
    public async Task<bool> RecordAsync(Lane lane, Connector connector, RoundResult round)
    {
        var cancel = CancellationToken.None;
        return await InLaneAsync(
            lane,
            async work =>
            {
                var now = await work.ClockAsync(cancel);
                await WriteProgressAsync(work, connector, round, now, cancel);
                await WriteAttemptsAsync(work, connector, round.Told, cancel);
                var opened = await WriteRefusedAsync(work, connector, round, now, cancel);
                if (round.Pause is not null)
                {
                    opened += await TaskStore.GiveUpAsync(work, connector, now, cancel);
                }

                await WriteLaneAsync(work, lane, round, now, cancel);
                await TellAsync(work, lane, round, opened, now, cancel);
            },
            cancel
        );
    }

    /// <summary>Runs writes in a transaction that holds the lane, if it is still ours.</summary>
    internal async Task<bool> InLaneAsync(Lane lane, Func<UnitOfWork, Task> run, CancellationToken cancel)
    {
        var statements = StatementsOf(lane);
        await statements.WaitAsync(cancel);
        try
        {
            await using var work = await database.BeginAsync(cancel);
            await using (
                var hold = work.Command(
                    """
                    select from connectors.lane
                    where connector_id = $1 and fence = $2 and leased_until > platform.clock() for update
                    """,
                    lane.ConnectorId,
                    lane.Fence
                )
            )
            await using (var rows = await hold.ExecuteReaderAsync(cancel))
            {
                if (!await rows.ReadAsync(cancel))
                {
                    return false;
                }
            }

            await run(work);
            await work.CommitAsync(cancel);
            return true;
        }
        finally
        {
            statements.Release();
        }
    }

    /// <summary>How far each command has come: up to the first call that was neither taken nor refused for good.</summary>
    private static async Task WriteProgressAsync(
        UnitOfWork work,
        Connector connector,
        RoundResult round,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var isCallback = connector.Acknowledgement == "callback";
        var told = round.Told.ToDictionary(static t => t.Unit);
        if (isCallback)
        {
            // Who did not take a call will not confirm it; who did has his time from now on.
            await work.ExecuteAsync(
                """
                update connectors.awaited a set expires_at = platform.clock() + $3 * interval '1 second'
                from unnest($2::text[]) as u (key) where a.connector_id = $1 and a.key = u.key
                """,
                [connector.Id, KeysOf(round.Told.Where(static t => t.Answer.IsGood)), connector.CallbackSeconds],
                cancel
            );
            var good = round.Told.Where(static t => t.Answer.IsGood).Select(static t => t.Unit).ToHashSet();
            await work.ExecuteAsync(
                """
                delete from connectors.awaited
                where connector_id = $1 and key = any($2) and acknowledged_at is null
                """,
                [
                    connector.Id,
                    round.Slice.Units.Where(u => !good.Contains(u)).Select(static u => u.Message.Key).ToArray(),
                ],
                cancel
            );
        }

        var positions = new List<long>();
        var dones = new List<int>();
        var errors = new List<string?>();
        foreach (var command in round.Slice.Commands)
        {
            var (done, error, wasTried) = ProgressOf(command, round.Slice, told);
            if (wasTried)
            {
                positions.Add(command.Position);
                dones.Add(done);
                errors.Add(error);
            }
        }

        await work.ExecuteAsync(
            """
            update connectors.command c set
                done = u.done, attempts = c.attempts + 1, sent_at = $5, first_sent_at = coalesce(c.first_sent_at, $5),
                error = case when c.error like 'refused: %' then c.error else u.error end,
                state = case
                    when u.done < c.size then 'pending'
                    when coalesce(u.error, c.error) like 'refused: %' then 'manual'
                    when $6 and exists (select from connectors.awaited a
                        where a.connector_id = $1 and c.position between a.from_position and a.to_position
                            and a.acknowledged_at is null and a.lapsed_at is null) then 'sent'
                    else 'acknowledged' end,
                acknowledged_at = case
                    when u.done < c.size or coalesce(u.error, c.error) like 'refused: %' then null
                    when $6 and exists (select from connectors.awaited a
                        where a.connector_id = $1 and c.position between a.from_position and a.to_position
                            and a.acknowledged_at is null and a.lapsed_at is null) then null
                    else $5 end
            from unnest($2::bigint[], $3::int[], $4::text[]) as u (position, done, error)
            where c.connector_id = $1 and c.position = u.position and c.state = 'pending'
            """,
            [
                connector.Id,
                positions.ToArray(),
                dones.ToArray(),
                Of(errors.ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Text),
                now,
                isCallback,
            ],
            cancel
        );
    }

    private static (int Done, string? Error, bool WasTried) ProgressOf(
        Pending command,
        Slice slice,
        Dictionary<Unit, Told> told
    )
    {
        var done = command.Done;
        string? error = null;
        var wasTried = false;
        foreach (var unit in slice.Units)
        {
            var isMark = unit.Message.Kind == MessageKind.Watermark;
            if (!isMark && unit.FromPosition != command.Position)
            {
                continue;
            }

            if (!told.TryGetValue(unit, out var call))
            {
                break;
            }

            wasTried = true;
            var isRefused = call.Answer.Outcome == Outcome.Refused;
            if (isRefused)
            {
                error = RefusedPrefix + call.Answer.Reason;
            }

            if (!isRefused && !call.Answer.IsGood)
            {
                error ??= call.Answer.Reason;
                break;
            }

            done = isMark ? command.Size : unit.ToOffset;
        }

        return (done, error, wasTried);
    }

    private static async Task WriteAttemptsAsync(
        UnitOfWork work,
        Connector connector,
        IReadOnlyList<Told> told,
        CancellationToken cancel
    )
    {
        // Of single commands that went well, one in a round stands for all: ten thousand rows would say no more.
        static bool IsPlain(Told call) => call.Answer.IsGood && call.Unit.Message.IsSingle;
        var plain = told.Where(IsPlain).ToArray();
        var kept = told.Where(static t => !IsPlain(t)).ToList();
        var calls = kept.Select(static t => LaneRun.CallsOf([t])).ToList();
        if (plain.Length > 0)
        {
            kept.Add(plain[0]);
            calls.Add(LaneRun.CallsOf(plain));
        }

        await work.ExecuteAsync(
            """
            insert into connectors.attempt
                (connector_id, from_position, to_position, key, at, milliseconds, status, outcome, answer, calls)
            select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::int[], $7::int[],
                $8::text[], $9::text[], $10::int[])
            """,
            [
                connector.Id,
                kept.Select(static t => t.Unit.FromPosition).ToArray(),
                kept.Select(static t => t.Unit.ToPosition).ToArray(),
                KeysOf(kept),
                kept.Select(static t => t.At).ToArray(),
                kept.Select(static t => (int)t.Answer.Took.TotalMilliseconds).ToArray(),
                Of(kept.Select(static t => t.Answer.Status).ToArray(), NpgsqlDbType.Array | NpgsqlDbType.Integer),
                kept.Select(static t => t.Answer.IsGood ? "ok" : t.Answer.Reason).ToArray(),
                kept.Select(static t => t.Answer.Excerpt).ToArray(),
                calls.ToArray(),
            ],
            cancel
        );
    }

    /// <summary>Refused calls and rejected ids become tasks.</summary>
    /// <returns>How many.</returns>
    private static async Task<int> WriteRefusedAsync(
        UnitOfWork work,
        Connector connector,
        RoundResult round,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var tasks = new List<NewTask>();
        foreach (var call in round.Told)
        {
            if (call.Answer.Outcome == Outcome.Refused)
            {
                var isMark = call.Unit.Message.Kind == MessageKind.Watermark;
                tasks.AddRange(
                    isMark
                        ? round.Slice.Commands.Select(c => new NewTask(
                            c.Position,
                            null,
                            RefusedPrefix + call.Answer.Reason
                        ))
                        :
                        [
                            new NewTask(
                                call.Unit.FromPosition,
                                [.. call.Unit.Message.Ids],
                                RefusedPrefix + call.Answer.Reason
                            ),
                        ]
                );
            }
            else if (call.Answer.IsGood)
            {
                tasks.AddRange(
                    from rejected in call.Answer.Rejected ?? []
                    group rejected.Id by rejected.Reason into same
                    select new NewTask(call.Unit.ToPosition, [.. same.Distinct()], "rejected: " + same.Key)
                );
            }
        }

        await TaskStore.OpenAsync(work, connector.Id, tasks, now, cancel);
        return tasks.Count;
    }

    private static async Task WriteLaneAsync(
        UnitOfWork work,
        Lane lane,
        RoundResult round,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var wentWell = round.Told.Any(static t => t.Answer.IsGood);
        var failure = round.Told.LastOrDefault(static t => !t.Answer.IsGood)?.Answer;
        var confirmed = round.Told.Any(static t => t.Answer.Outcome == Outcome.Acknowledged);
        var mark = round
            .Told.Where(static t => t.Answer.Outcome == Outcome.Acknowledged)
            .Max(static t => t.Unit.Message.Mark);
        var calls = LaneRun.CallsOf(round.Told);
        await work.ExecuteAsync(
            """
            update connectors.lane set
                breaker = $2, failures = $3, recent = $4, recent_count = $5, rate = $6, next_attempt_at = $7,
                opened_at = case when $2 = 'open' then coalesce(opened_at, $8) end,
                quota_used = case when quota_day = ($8 at time zone 'UTC')::date then quota_used else 0 end + $9,
                quota_day = ($8 at time zone 'UTC')::date,
                last_success_at = case when $10 then $8 else last_success_at end,
                last_failure_at = case when $11::text is not null then $8 else last_failure_at end,
                last_error = coalesce($11, last_error),
                last_acknowledged_at = case when $12 then $8 else last_acknowledged_at end,
                mark = greatest(mark, $13),
                attempted_to = case when $10 or $14 then null else attempted_to end,
                attempted_mark = case when $10 or $14 then null else attempted_mark end
            where connector_id = $1
            """,
            [
                lane.ConnectorId,
                WordOf(round.Breaker.State),
                round.Breaker.Failures,
                round.Breaker.Recent,
                round.Breaker.RecentCount,
                Of((float?)round.Rate, NpgsqlDbType.Real),
                now + (round.Pause ?? TimeSpan.Zero),
                now,
                calls,
                wentWell,
                Of(failure?.Reason, NpgsqlDbType.Text),
                confirmed,
                Of(mark, NpgsqlDbType.TimestampTz),
                round.Told.Any(static t => t.Answer.Outcome == Outcome.Refused),
            ],
            cancel
        );
    }

    /// <summary>Says what people have to know: a breaker that opened or closed, work that was given up.</summary>
    private static async Task TellAsync(
        UnitOfWork work,
        Lane lane,
        RoundResult round,
        int tasks,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var was = lane.Breaker.State == BreakerState.Closed;
        var isNow = round.Breaker.State == BreakerState.Closed;
        var entries = new List<EventEntry>();
        if (was != isNow)
        {
            var payload = EventLog.Payload(("failures", round.Breaker.Failures));
            entries.Add(await EntryAsync(isNow ? "connector.breaker_closed" : "connector.breaker_opened", payload));
        }

        if (tasks > 0)
        {
            entries.Add(await EntryAsync("connector.tasks_opened", EventLog.Payload(("count", tasks))));
        }

        await EventLog.AppendAsync(work, now, entries, cancel);

        async Task<EventEntry> EntryAsync(string type, string payload) =>
            new(
                "connector_lane",
                lane.ConnectorId.ToString(),
                type,
                await LaneEvents.NextAsync(work, lane.ConnectorId, cancel),
                "job:delivery",
                payload,
                lane.Fence.ToString(CultureInfo.InvariantCulture)
            );
    }

    private static string[] KeysOf(IEnumerable<Told> told) => [.. told.Select(static t => t.Unit.Message.Key)];
}
