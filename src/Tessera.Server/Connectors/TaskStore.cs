using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors;

/// <summary>Work that the machine gives up.</summary>
/// <param name="Position">Of the command.</param>
/// <param name="Ids">Of it; null for all that is left.</param>
/// <param name="Cause">Why.</param>
internal sealed record NewTask(long Position, long[]? Ids, string Cause);

/// <summary>The manual queue (CON-04, EXP-15).</summary>
internal static class TaskStore
{
    /// <summary>Opens tasks.</summary>
    public static async Task OpenAsync(
        UnitOfWork work,
        Guid connectorId,
        IReadOnlyList<NewTask> tasks,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        foreach (var task in tasks)
        {
            await work.ExecuteAsync(
                """
                insert into connectors.task (id, connector_id, position, ids, cause, created_at)
                values ($1, $2, $3, $4, $5, $6)
                """,
                [
                    Guid.CreateVersion7(),
                    connectorId,
                    task.Position,
                    new NpgsqlParameter
                    {
                        Value = (object?)task.Ids ?? DBNull.Value,
                        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint,
                    },
                    task.Cause,
                    now,
                ],
                cancel
            );
        }
    }

    /// <summary>Gives up what has been due for longer than the connector tries; who was deferred has his time after it.</summary>
    /// <returns>How many tasks were opened.</returns>
    public static async Task<int> GiveUpAsync(
        UnitOfWork work,
        Connector connector,
        DateTimeOffset now,
        CancellationToken cancel
    ) =>
        await work.ExecuteAsync(
            """
            with given_up as (
                update connectors.command set state = 'manual'
                where connector_id = $1 and state in ('pending', 'sent') and state = 'pending' and due_at <= $2
                    and not exists (select from connectors.lane l where l.connector_id = $1 and l.resumed_at > $2)
                returning position, error
            )
            insert into connectors.task (id, connector_id, position, cause, created_at)
            select gen_random_uuid(), $1, position, 'undelivered: ' || coalesce(error, 'not attempted'), $3 from given_up
            order by position
            """,
            [connector.Id, now - TimeSpan.FromSeconds(connector.ManualAfterSeconds), now],
            cancel
        );

    /// <summary>Holds open tasks, by id or all of a connector.</summary>
    public static async Task<IReadOnlyList<HeldTask>> HoldOpenAsync(
        UnitOfWork work,
        Guid[]? ids,
        Guid? connectorId,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            """
            select id, connector_id, position, ids, cause from connectors.task
            where state = 'open' and ($1::uuid[] is null or id = any($1)) and ($2::uuid is null or connector_id = $2)
            order by connector_id, position, id for update
            """,
            new NpgsqlParameter
            {
                Value = (object?)ids ?? DBNull.Value,
                NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
            },
            new NpgsqlParameter { Value = (object?)connectorId ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        var held = new List<HeldTask>();
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            held.Add(new HeldTask(row.GetGuid(0), row.GetGuid(1), row.GetInt64(2), !row.IsDBNull(3), row.GetString(4)));
        }

        return held;
    }

    /// <summary>Does one thing with tasks that are held.</summary>
    public static async Task ChangeAsync(
        UnitOfWork work,
        IReadOnlyList<HeldTask> held,
        TaskChange change,
        CancellationToken cancel
    )
    {
        Guid[] ids = [.. held.Select(static t => t.Id)];
        if (change.Action == "assign")
        {
            await work.ExecuteAsync(
                "update connectors.task set assignee = $2, version = version + 1 where id = any($1)",
                [ids, change.Assignee],
                cancel
            );
        }
        else
        {
            var state = change.Action switch
            {
                "retry" => "retried",
                "drop" => "dropped",
                _ => "done",
            };
            await work.ExecuteAsync(
                """
                update connectors.task set state = $2, evidence = $3, closed_by = $4, closed_at = platform.clock(),
                    version = version + 1
                where id = any($1)
                """,
                [
                    ids,
                    state,
                    new NpgsqlParameter
                    {
                        Value = (object?)change.Evidence ?? DBNull.Value,
                        NpgsqlDbType = NpgsqlDbType.Text,
                    },
                    change.Actor,
                ],
                cancel
            );
            if (change.Action == "retry")
            {
                await RetryAsync(work, held, cancel);
            }

            await SettleAsync(work, ids, change.Action == "done" ? "done_by_hand" : "dropped", cancel);
        }

        foreach (var lane in held.GroupBy(static t => t.ConnectorId))
        {
            var entry = new EventEntry(
                "connector_lane",
                lane.Key.ToString(),
                "connector.tasks_changed",
                await Delivery.LaneEvents.NextAsync(work, lane.Key, cancel),
                change.Actor,
                EventLog.Payload(("action", change.Action), ("count", lane.Count())),
                change.CorrelationId
            );
            await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
        }
    }

    /// <summary>
    /// Sends again. What was undelivered may have had its effect, so it keeps its key; what the partner refused gets a
    /// new one, for a partner that remembers the old would only refuse it again.
    /// </summary>
    private static async Task RetryAsync(UnitOfWork work, IReadOnlyList<HeldTask> held, CancellationToken cancel)
    {
        await work.ExecuteAsync(
            """
            update connectors.command c set state = 'pending', due_at = platform.clock(), error = null
            from connectors.task t
            where t.id = any($1) and t.ids is null and c.connector_id = t.connector_id and c.position = t.position
                and c.state = 'manual'
            """,
            [held.Where(static t => !t.HasIds).Select(static t => t.Id).ToArray()],
            cancel
        );
        foreach (var task in held.Where(static t => t.HasIds))
        {
            await work.ExecuteAsync(
                """
                with again as (
                    insert into connectors.batch (kind, subject, merchant_id, channel, ids, ends_at, is_early)
                    select b.kind, b.subject, b.merchant_id, b.channel, t.ids, b.ends_at, true
                    from connectors.task t
                    join connectors.command c on c.connector_id = t.connector_id and c.position = t.position
                    join connectors.batch b on b.id = c.batch_id
                    where t.id = $1
                    returning id, kind, cardinality(ids) as size
                )
                insert into connectors.command (connector_id, batch_id, kind, size, chunk, due_at)
                select n.id, a.id, a.kind, a.size, case n.encoding when 'single' then 1 else n.batch_size end,
                    platform.clock()
                from again a cross join connectors.connector n where n.id = $2
                """,
                [task.Id, task.ConnectorId],
                cancel
            );
        }
    }

    /// <summary>A command whose last task is closed is settled.</summary>
    private static Task<int> SettleAsync(UnitOfWork work, Guid[] tasks, string state, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            update connectors.command c set state = $2
            from connectors.task t
            where t.id = any($1) and c.connector_id = t.connector_id and c.position = t.position and c.state = 'manual'
                and not exists (select from connectors.task o
                    where o.connector_id = c.connector_id and o.position = c.position and o.state = 'open')
            """,
            [tasks, state],
            cancel
        );
}

/// <summary>An open task whose row is held.</summary>
internal sealed record HeldTask(Guid Id, Guid ConnectorId, long Position, bool HasIds, string Cause);

/// <summary>What somebody does with tasks.</summary>
internal sealed record TaskChange(
    string Action,
    string? Assignee,
    string? Evidence,
    string Actor,
    string CorrelationId
);
