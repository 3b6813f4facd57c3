using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;

namespace Tessera.Server.Approvals;

/// <summary>A time in which one person's requests need no approval, and what was found when it was reviewed (OPS-04).</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Person">Whose.</param>
/// <param name="Actor">The account or key it was entered with.</param>
/// <param name="Reason">Why.</param>
/// <param name="StartedAt">Its first instant.</param>
/// <param name="EndsAt">The first instant after it, unless it is ended before.</param>
/// <param name="EndedAt">When it was ended by hand.</param>
/// <param name="IsRunning">Whether it counts now.</param>
/// <param name="Reviewer">The other person who looked at what was done.</param>
/// <param name="ReviewedBy">With which account or key.</param>
/// <param name="ReviewedAt">When.</param>
/// <param name="Finding"><c>justified</c> or <c>not_justified</c>; null until it is reviewed.</param>
/// <param name="Note">What the reviewer said.</param>
/// <param name="Executed">How many requests were carried out in it; list them by <c>emergency_id</c>.</param>
internal sealed record Emergency(
    Guid Id,
    string Person,
    string Actor,
    string Reason,
    DateTimeOffset StartedAt,
    DateTimeOffset EndsAt,
    DateTimeOffset? EndedAt,
    bool IsRunning,
    string? Reviewer,
    string? ReviewedBy,
    DateTimeOffset? ReviewedAt,
    string? Finding,
    string? Note,
    long Executed
)
{
    public static readonly string[] Findings = ["justified", "not_justified"];

    public const string Columns = """
        e.id, e.person, e.actor, e.reason, e.started_at, e.ends_at, e.ended_at,
        e.ended_at is null and e.ends_at > platform.clock(), e.reviewer, e.reviewed_by, e.reviewed_at, e.finding, e.note,
        (select count(*) from approvals.request r where r.emergency_id = e.id)
        """;

    public static Emergency Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetFieldValue<DateTimeOffset>(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.Value<DateTimeOffset>(6),
            row.GetBoolean(7),
            row.Object<string>(8),
            row.Object<string>(9),
            row.Value<DateTimeOffset>(10),
            row.Object<string>(11),
            row.Object<string>(12),
            row.GetInt64(13)
        );

    public static async Task<Emergency?> FindAsync(UnitOfWork work, Guid id, bool hold, CancellationToken cancel)
    {
        if (hold)
        {
            // The lock alone first: whether it runs, and what was done in it, is then asked after the wait.
            await work.ExecuteAsync("select from approvals.emergency where id = $1 for update", [id], cancel);
        }

        await using var command = work.Command($"select {Columns} from approvals.emergency e where e.id = $1", id);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Read(rows) : null;
    }

    /// <summary>Enters one.</summary>
    public static async Task<(Guid Id, Refusal? Refusal)> StartAsync(
        UnitOfWork work,
        string reason,
        int minutes,
        Requester by,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            "select pg_advisory_xact_lock(hashtextextended('approvals.emergency ' || $1, 0))",
            [by.Person],
            cancel
        );
        await using (
            var present = work.Command(
                """
                select coalesce(bool_or(ended_at is null and ends_at > platform.clock()), false),
                    coalesce(bool_or(reviewed_at is null and ends_at < platform.clock() - interval '7 days'), false)
                from approvals.emergency where person = $1
                """,
                by.Person
            )
        )
        await using (var row = await present.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            if (row.GetBoolean(0) || row.GetBoolean(1))
            {
                return (Guid.Empty, row.GetBoolean(0) ? ApprovalRefusals.Running : ApprovalRefusals.Unreviewed);
            }
        }

        var id = Guid.CreateVersion7();
        var now = await work.ClockAsync(cancel);
        await work.ExecuteAsync(
            """
            insert into approvals.emergency (id, person, actor, reason, started_at, ends_at)
            values ($1, $2, $3, $4, $5, $6)
            """,
            [id, by.Person, by.Actor, reason, now, now.AddMinutes(minutes)],
            cancel
        );
        await TellAsync(work, id, "started", 1, by, now, [("person", by.Person), ("minutes", minutes)], cancel);
        return (id, null);
    }

    /// <summary>Ends one before its time: whoever is in it, or anyone who may decide.</summary>
    public static async Task EndAsync(UnitOfWork work, Emergency held, Requester by, CancellationToken cancel)
    {
        if (!held.IsRunning)
        {
            return;
        }

        var now = await work.ClockAsync(cancel);
        await work.ExecuteAsync(
            "update approvals.emergency set ended_at = $2 where id = $1 and ended_at is null",
            [held.Id, now],
            cancel
        );
        await TellAsync(work, held.Id, "ended", 2, by, now, [("person", held.Person)], cancel);
    }

    /// <summary>Keeps what another person found.</summary>
    public static async Task<Refusal?> ReviewAsync(
        UnitOfWork work,
        Emergency held,
        string finding,
        string note,
        Requester by,
        CancellationToken cancel
    )
    {
        var refusal = held switch
        {
            { IsRunning: true } => ApprovalRefusals.NotOver,
            { ReviewedAt: not null } => ApprovalRefusals.Reviewed,
            _ when held.Person == by.Person => ApprovalRefusals.SamePerson,
            _ => null,
        };
        if (refusal is not null)
        {
            return refusal;
        }

        var now = await work.ClockAsync(cancel);
        await work.ExecuteAsync(
            """
            update approvals.emergency set reviewer = $2, reviewed_by = $3, reviewed_at = $4, finding = $5, note = $6
            where id = $1
            """,
            [held.Id, by.Person, by.Actor, now, finding, note],
            cancel
        );
        (string, object?)[] facts = [("person", held.Person), ("finding", finding), ("executed", held.Executed)];
        await TellAsync(work, held.Id, "reviewed", 3, by, now, facts, cancel);
        return null;
    }

    private static async Task TellAsync(
        UnitOfWork work,
        Guid id,
        string what,
        int version,
        Requester by,
        DateTimeOffset now,
        (string, object?)[] facts,
        CancellationToken cancel
    )
    {
        var entry = new EventEntry(
            "emergency",
            id.ToString(),
            "emergency." + what,
            version,
            by.Actor,
            EventLog.Payload(facts),
            by.CorrelationId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }
}
