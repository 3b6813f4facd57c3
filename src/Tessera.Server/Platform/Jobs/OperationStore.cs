using Npgsql;
using NpgsqlTypes;

namespace Tessera.Server.Platform.Jobs;

/// <summary>Work that outlives a request: progress, result, resumption (convention 5, BLK-08).</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Kind">What it does; one worker knows each kind.</param>
/// <param name="Status">pending, running, paused, succeeded, failed or cancelled.</param>
/// <param name="Done">Items done.</param>
/// <param name="Total">Items there are; null while unknown.</param>
/// <param name="ErrorCount">Items that could not be done.</param>
/// <param name="Input">JSON object: what it was asked for, and <c>merchant_id</c> where a merchant's key asked.</param>
/// <param name="Result">JSON object; null until it has one.</param>
/// <param name="Cursor">JSON object: where a resumed run goes on; null before the first batch.</param>
/// <param name="Fence">Number of the present lease.</param>
/// <param name="Actor">Who asked.</param>
/// <param name="CreatedAt">When.</param>
/// <param name="UpdatedAt">Its latest step.</param>
public sealed record Operation(
    Guid Id,
    string Kind,
    string Status,
    long Done,
    long? Total,
    long ErrorCount,
    string Input,
    string? Result,
    string? Cursor,
    long Fence,
    string Actor,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt
)
{
    /// <summary>The columns <see cref="Read"/> takes.</summary>
    public const string Columns =
        "id, kind, status, done, total, error_count, input::text, result::text, cursor::text, fence, actor, created_at, updated_at";

    /// <summary>Whether nothing more will happen to it.</summary>
    public bool IsOver => Status is "succeeded" or "failed" or "cancelled";

    /// <summary>An operation of a row.</summary>
    public static Operation Read(NpgsqlDataReader row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return new Operation(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetInt64(3),
            row.Value<long>(4),
            row.GetInt64(5),
            row.GetString(6),
            row.Object<string>(7),
            row.Object<string>(8),
            row.GetInt64(9),
            row.GetString(10),
            row.GetFieldValue<DateTimeOffset>(11),
            row.GetFieldValue<DateTimeOffset>(12)
        );
    }
}

/// <summary>
/// The SQL of operations. A worker holds one by a lease with a fencing number (convention 42): each of its batches
/// commits together with the progress, on condition that the number is still its own.
/// </summary>
public static class OperationStore
{
    private const string Lease = "platform.clock() + interval '60 seconds'";

    /// <summary>Stores a new operation, for a worker to take.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="kind">What it does.</param>
    /// <param name="input">JSON object.</param>
    /// <param name="total">Items there are; null while unknown.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="leased">Whether the caller runs it itself, under fence 1.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="id">Its id, where something was stored under it before; made here otherwise.</param>
    public static async Task<Operation> CreateAsync(
        UnitOfWork work,
        string kind,
        string input,
        long? total,
        string actor,
        bool leased,
        CancellationToken cancel,
        Guid? id = null
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        Operation made;
        await using (
            var insert = work.Command(
                $"""
                insert into platform.operation (id, kind, status, total, input, fence, leased_until, actor)
                values ($1, $2, case when $6 then 'running' else 'pending' end, $3, $4, case when $6 then 1 else 0 end,
                    case when $6 then {Lease} end, $5)
                returning {Operation.Columns}
                """,
                id ?? Guid.CreateVersion7(),
                kind,
                new NpgsqlParameter { Value = total ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Bigint },
                Json(input),
                actor,
                leased
            )
        )
        await using (var row = await insert.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            made = Operation.Read(row);
        }

        await TellAsync(work, made.Id, "asked", 1, actor, null, [("kind", kind), ("total", total)], cancel);
        return made;
    }

    /// <summary>Stores what was done to many in a request as an operation that is over: it is listed, and can be undone.</summary>
    /// <param name="work">The transaction of the request.</param>
    /// <param name="id">Its id.</param>
    /// <param name="kind">What was done.</param>
    /// <param name="input">JSON object.</param>
    /// <param name="total">Items there were.</param>
    /// <param name="errors">Of them, those that could not be done.</param>
    /// <param name="result">JSON object.</param>
    /// <param name="actor">Who asked.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task RecordAsync(
        UnitOfWork work,
        Guid id,
        string kind,
        string input,
        long total,
        long errors,
        string result,
        string actor,
        CancellationToken cancel
    )
    {
        var operation = await CreateAsync(work, kind, input, total, actor, leased: true, cancel, id);
        await TryAdvanceAsync(work, operation, total, errors, null, cancel);
        await TryEndAsync(work, operation, "succeeded", result, cancel);
    }

    /// <summary>Reads an operation that the caller may see.</summary>
    public static async Task<Operation?> FindAsync(UnitOfWork work, Guid id, Guid? merchant, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            $"""
            select {Operation.Columns} from platform.operation
            where id = $1 and ($2::uuid is null or input ->> 'merchant_id' = $2::text)
            """,
            id,
            new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Operation.Read(row) : null;
    }

    /// <summary>Takes the oldest operation of a kind that waits, or whose worker has not been heard of.</summary>
    /// <param name="database">Where.</param>
    /// <param name="kind">What the worker can do.</param>
    /// <param name="only">One operation alone; null for any.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<Operation?> TakeAsync(Database database, string kind, Guid? only, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var work = await database.BeginAsync(cancel);
        Operation? taken = null;
        await using (
            var take = work.Command(
                $"""
                update platform.operation set status = 'running', fence = fence + 1, leased_until = {Lease},
                    updated_at = platform.clock()
                where id = (
                    select id from platform.operation
                    where kind = $1 and ($2::uuid is null or id = $2) and status in ('pending', 'running')
                        and coalesce(leased_until < platform.clock(), true)
                    order by created_at limit 1
                    for update skip locked)
                returning {Operation.Columns}
                """,
                kind,
                new NpgsqlParameter { Value = only ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
            )
        )
        await using (var row = await take.ExecuteReaderAsync(cancel))
        {
            if (await row.ReadAsync(cancel))
            {
                taken = Operation.Read(row);
            }
        }

        await work.CommitAsync(cancel);
        return taken;
    }

    /// <summary>Writes the progress of a batch, in its transaction, and renews the lease.</summary>
    /// <returns>False when the lease is another's by now, or the operation was paused or cancelled: roll back and stop.</returns>
    public static async Task<bool> TryAdvanceAsync(
        UnitOfWork work,
        Operation operation,
        long done,
        long errors,
        string? cursor,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(operation);
        return await work.ExecuteAsync(
                $"""
                update platform.operation set done = $3, error_count = $4, cursor = $5, leased_until = {Lease},
                    updated_at = platform.clock()
                where id = $1 and fence = $2 and status = 'running'
                """,
                [operation.Id, operation.Fence, done, errors, Json(cursor)],
                cancel
            ) == 1;
    }

    /// <summary>Ends an operation under its lease.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="operation">As taken.</param>
    /// <param name="status">succeeded or failed.</param>
    /// <param name="result">JSON object.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>False when the lease is another's by now, or the operation was paused or cancelled.</returns>
    public static async Task<bool> TryEndAsync(
        UnitOfWork work,
        Operation operation,
        string status,
        string? result,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(operation);
        (int Version, long Done, long Errors) ended;
        await using (
            var end = work.Command(
                """
                update platform.operation set status = $3, result = $4, leased_until = null, updated_at = platform.clock(),
                    version = version + 1
                where id = $1 and fence = $2 and status = 'running' returning version, done, error_count
                """,
                operation.Id,
                operation.Fence,
                status,
                Json(result)
            )
        )
        await using (var row = await end.ExecuteReaderAsync(cancel))
        {
            if (!await row.ReadAsync(cancel))
            {
                return false;
            }

            ended = (row.GetInt32(0), row.GetInt64(1), row.GetInt64(2));
        }

        (string, object?)[] facts =
        [
            ("kind", operation.Kind),
            ("status", status),
            ("done", ended.Done),
            ("errors", ended.Errors),
        ];
        var job = "job:" + operation.Kind;
        await TellAsync(work, operation.Id, "ended", ended.Version, job, null, facts, cancel);
        return true;
    }

    /// <summary>Moves an operation to another status, from outside its worker; a batch that runs is rolled back.</summary>
    /// <returns>False when its present status is none of those it may come from.</returns>
    public static async Task<bool> TryMoveAsync(
        UnitOfWork work,
        Guid id,
        string[] from,
        string to,
        CancellationToken cancel,
        string? actor = null,
        string? request = null
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        int version;
        await using (
            var move = work.Command(
                """
                update platform.operation set status = $3, leased_until = null, updated_at = platform.clock(),
                    version = version + 1
                where id = $1 and status = any($2) returning version
                """,
                id,
                from,
                to
            )
        )
        {
            if (await move.ExecuteScalarAsync(cancel) is not int moved)
            {
                return false;
            }

            version = moved;
        }

        if (actor is not null)
        {
            await TellAsync(work, id, "moved", version, actor, request, [("to", to)], cancel);
        }

        return true;
    }

    /// <summary>Keeps a piece of a file of an operation.</summary>
    public static Task WriteChunkAsync(
        UnitOfWork work,
        Guid id,
        string kind,
        int number,
        byte[] content,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        return work.ExecuteAsync(
            "insert into platform.operation_chunk (operation_id, kind, number, content) values ($1, $2, $3, $4)",
            [id, kind, number, content],
            cancel
        );
    }

    /// <summary>
    /// Whether there is a file of an operation still: files have a period after which they go, of at least a day. Before that
    /// one without content is an empty file.
    /// </summary>
    public static async Task<bool> HasFileAsync(Database database, Guid id, string kind, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var query = database.Source.CreateCommand(
            """
            select exists (select from platform.operation_chunk where operation_id = $1 and kind = $2)
                or exists (select from platform.operation where id = $1 and updated_at > platform.clock() - interval '1 day')
            """
        );
        query.Parameters.Add(new NpgsqlParameter { Value = id });
        query.Parameters.Add(new NpgsqlParameter { Value = kind });
        return (bool)(await query.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Copies a file of an operation, a piece at a time.</summary>
    public static async Task CopyChunksAsync(
        Database database,
        Guid id,
        string kind,
        Stream to,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(to);
        for (var number = 0; ; number++)
        {
            await using var query = database.Source.CreateCommand(
                "select content from platform.operation_chunk where operation_id = $1 and kind = $2 and number = $3"
            );
            query.Parameters.Add(new NpgsqlParameter { Value = id });
            query.Parameters.Add(new NpgsqlParameter { Value = kind });
            query.Parameters.Add(new NpgsqlParameter { Value = number });
            if (await query.ExecuteScalarAsync(cancel) is not byte[] content)
            {
                return;
            }

            await to.WriteAsync(content, cancel);
        }
    }

    /// <summary>Removes a file of an operation that is needed no more.</summary>
    public static Task ForgetChunksAsync(UnitOfWork work, Guid id, string kind, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        return work.ExecuteAsync(
            "delete from platform.operation_chunk where operation_id = $1 and kind = $2",
            [id, kind],
            cancel
        );
    }

    private static async Task TellAsync(
        UnitOfWork work,
        Guid id,
        string what,
        int version,
        string actor,
        string? request,
        (string, object?)[] facts,
        CancellationToken cancel
    )
    {
        var payload = EventLog.Payload(facts);
        var entry = new EventEntry("operation", id.ToString(), "operation." + what, version, actor, payload, request);
        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
    }

    private static NpgsqlParameter Json(string? value) =>
        new() { Value = value ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb };
}
