using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;

namespace Tessera.Server.Privacy;

/// <summary>What a person asked for, when it is due, and what was done (AUD-06).</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="CustomerId">Who asked.</param>
/// <param name="Kind"><c>access</c>, <c>portability</c>, <c>rectification</c>, <c>objection</c> or <c>erasure</c>.</param>
/// <param name="State"><c>open</c>, <c>done</c> or <c>refused</c>.</param>
/// <param name="Purposes">Of an objection.</param>
/// <param name="ReceivedAt">When it was received.</param>
/// <param name="DueAt">When it has to be done by: a month after.</param>
/// <param name="IsOverdue">Whether it is open and late.</param>
/// <param name="CreatedBy">Who entered it.</param>
/// <param name="DecidedBy">Who did or refused it.</param>
/// <param name="DecidedAt">When.</param>
/// <param name="Ground">Of a refusal.</param>
/// <param name="Proof">What was done, in numbers and fingerprints; the log has it too.</param>
/// <param name="ExportUntil">Until when the copy can be fetched, once.</param>
/// <param name="FetchedAt">When it was.</param>
/// <param name="Version">Counts its changes.</param>
internal sealed record PrivacyRequest(
    Guid Id,
    Guid CustomerId,
    string Kind,
    string State,
    IReadOnlyList<string> Purposes,
    DateTimeOffset ReceivedAt,
    DateTimeOffset DueAt,
    bool IsOverdue,
    string CreatedBy,
    string? DecidedBy,
    DateTimeOffset? DecidedAt,
    string? Ground,
    JsonElement? Proof,
    DateTimeOffset? ExportUntil,
    DateTimeOffset? FetchedAt,
    int Version
)
{
    public static readonly string[] Kinds = ["access", "portability", "rectification", "objection", "erasure"];
    public static readonly string[] States = ["open", "done", "refused"];
    public static readonly string[] AllPurposes = ["marketing", "profiling", "analytics"];
    public static readonly string[] Grounds = ["not_the_person", "excessive", "legal_obligation", "legal_claims"];

    public const string Columns = """
        id, customer_id, kind, state, purposes, received_at, due_at, state = 'open' and due_at < platform.clock(),
        created_by, decided_by, decided_at, ground, proof::text, export_until, fetched_at, version
        """;

    public static PrivacyRequest Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetGuid(1),
            row.GetString(2),
            row.GetString(3),
            row.GetFieldValue<string[]>(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetBoolean(7),
            row.GetString(8),
            row.Object<string>(9),
            row.Value<DateTimeOffset>(10),
            row.Object<string>(11),
            row.Object<string>(12) is { } proof ? JsonDocument.Parse(proof).RootElement : null,
            row.Value<DateTimeOffset>(13),
            row.Value<DateTimeOffset>(14),
            row.GetInt32(15)
        );

    public static async Task<PrivacyRequest?> FindAsync(UnitOfWork work, Guid id, bool hold, CancellationToken cancel)
    {
        await using var command = work.Command(
            $"select {Columns} from privacy.request where id = $1 {(hold ? "for update" : "")}",
            id
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Read(rows) : null;
    }

    /// <summary>Enters a request; it is due a calendar month after it was received (GDPR 12).</summary>
    public static async Task<Guid> InsertAsync(
        UnitOfWork work,
        Guid customer,
        string kind,
        IReadOnlyList<string> purposes,
        DateTimeOffset received,
        string actor,
        CancellationToken cancel
    )
    {
        var id = Guid.CreateVersion7();
        await work.ExecuteAsync(
            """
            insert into privacy.request (id, customer_id, kind, purposes, received_at, due_at, created_by)
            values ($1, $2, $3, $4, $5, $5 + interval '1 month', $6)
            """,
            [id, customer, kind, purposes.ToArray(), received, actor],
            cancel
        );
        return id;
    }

    /// <summary>Keeps what became of a request that is held.</summary>
    public static Task DecideAsync(
        UnitOfWork work,
        Guid id,
        string state,
        string actor,
        DateTimeOffset now,
        string? ground,
        string? proof,
        DateTimeOffset? exportUntil,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            """
            update privacy.request set state = $2, decided_by = $3, decided_at = $4, ground = $5, proof = $6,
                export_until = $7, version = version + 1
            where id = $1 and state = 'open'
            """,
            [
                id,
                state,
                actor,
                now,
                new NpgsqlParameter { Value = ground ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                new NpgsqlParameter { Value = proof ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb },
                new NpgsqlParameter
                {
                    Value = exportUntil ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.TimestampTz,
                },
            ],
            cancel
        );
}
