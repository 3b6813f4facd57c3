using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Approvals;

/// <summary>The SQL of requests.</summary>
internal static class ApprovalStore
{
    public static async Task<Approval?> FindAsync(
        UnitOfWork work,
        Guid id,
        Guid? merchant,
        bool hold,
        CancellationToken cancel
    )
    {
        if (hold)
        {
            // The lock alone first: whether its time is over is then asked after the wait.
            await work.ExecuteAsync("select from approvals.request where id = $1 for update", [id], cancel);
        }

        await using var command = work.Command(
            $"""
            select {Approval.Columns} from approvals.request where id = $1 and ($2::uuid is null or merchant_id = $2)
            """,
            id,
            Nullable(merchant)
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Approval.Read(rows) : null;
    }

    /// <summary>The limit and the time of a kind, where a policy has been set.</summary>
    public static async Task<(long FreeSize, TimeSpan ExpiresAfter, int Version)?> PolicyAsync(
        UnitOfWork work,
        string kind,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            "select free_size, expires_after, version from approvals.policy where kind = $1",
            kind
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel)
            ? (rows.GetInt64(0), rows.GetFieldValue<TimeSpan>(1), rows.GetInt32(2))
            : null;
    }

    /// <summary>
    /// How much of a kind a person did alone in the last 24 hours; until the transaction ends nobody else asks the same
    /// of the same person, so that two requests at once are summed too.
    /// </summary>
    public static async Task<decimal> DoneAloneAsync(
        UnitOfWork work,
        string kind,
        string person,
        string unit,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('approvals.alone ' || $1 || ' ' || $2, 0))",
            [kind, person],
            cancel
        );
        await using var command = work.Command(
            """
            select coalesce(sum(size), 0) from approvals.request
            where way = 'below_limit' and kind = $1 and requester = $2 and unit = $3
                and decided_at > platform.clock() - interval '24 hours'
            """,
            kind,
            person,
            unit
        );
        return (decimal)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>The emergency a person is in; null for none.</summary>
    public static async Task<Guid?> EmergencyAsync(UnitOfWork work, string person, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            select id from approvals.emergency
            where person = $1 and ended_at is null and ends_at > platform.clock()
            order by started_at desc limit 1 for share
            """,
            person
        );
        return await command.ExecuteScalarAsync(cancel) as Guid?;
    }

    public static Task InsertAsync(
        UnitOfWork work,
        Guid id,
        ApprovalRequest request,
        ActionEffect effect,
        byte[] hash,
        Requester by,
        DateTimeOffset now,
        DateTimeOffset expiresAt,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            insert into approvals.request (id, kind, subject, input, effect, effect_hash, size, unit, reason, state,
                merchant_id, requester, requested_by, requested_at, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', $10, $11, $12, $13, $14)
            """,
            [
                id,
                request.Kind,
                effect.Subject,
                Json(request.Input),
                Json(effect.Json),
                hash,
                effect.Size,
                effect.Unit,
                request.Reason,
                Nullable(effect.MerchantId),
                by.Person,
                by.Actor,
                now,
                expiresAt,
            ],
            cancel
        );

    /// <summary>Writes what became of a request that is held.</summary>
    public static Task DecideAsync(UnitOfWork work, Guid id, Decision decision, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            update approvals.request set state = $2, way = $3, decider = $4, decided_by = $5, decided_at = $6, note = $7,
                emergency_id = $8, result = $9, version = version + 1
            where id = $1 and state = 'pending'
            """,
            [
                id,
                decision.State,
                Text(decision.Way),
                Text(decision.By?.Person),
                decision.By?.Actor ?? "job:approvals",
                decision.At,
                Text(decision.Note),
                Nullable(decision.EmergencyId),
                Json(decision.Result),
            ],
            cancel
        );

    /// <summary>Marks requests nobody decided in time.</summary>
    /// <returns>As they are since.</returns>
    public static async Task<List<Approval>> ExpireAsync(UnitOfWork work, int limit, CancellationToken cancel)
    {
        await using var command = work.Command(
            $"""
            with due as materialized (
                select id from approvals.request where state = 'pending' and expires_at <= platform.clock()
                order by expires_at limit $1 for update skip locked
            )
            update approvals.request set state = 'expired', decided_at = platform.clock(), version = version + 1,
                decided_by = 'job:approvals'
            where id in (select due.id from due)
            returning {Approval.Columns}
            """,
            limit
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var expired = new List<Approval>();
        while (await rows.ReadAsync(cancel))
        {
            expired.Add(Approval.Read(rows));
        }

        return expired;
    }

    internal static NpgsqlParameter Nullable(Guid? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };

    internal static NpgsqlParameter Text(string? text) =>
        new() { Value = text ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    internal static NpgsqlParameter Json(string? json) =>
        new() { Value = json ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb };
}

/// <summary>What became of a request.</summary>
/// <param name="State">Its new state.</param>
/// <param name="At">The database clock.</param>
/// <param name="By">Who decided; null for the job.</param>
/// <param name="Way">How it was let through, where it was.</param>
/// <param name="Note">What the one who decided said.</param>
/// <param name="EmergencyId">The emergency it was carried out in.</param>
/// <param name="Result">What came of it.</param>
internal sealed record Decision(
    string State,
    DateTimeOffset At,
    Requester? By,
    string? Way = null,
    string? Note = null,
    Guid? EmergencyId = null,
    string? Result = null
);
