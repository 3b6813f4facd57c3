using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>A job as the console shows it.</summary>
/// <param name="Id">A number.</param>
/// <param name="Bucket">The hour of its ends.</param>
/// <param name="MerchantId">The only merchant; null for the others together.</param>
/// <param name="Priority">Higher goes first.</param>
/// <param name="Channels">Channels of its units; null for any.</param>
/// <param name="State">waiting, done or failed.</param>
/// <param name="DoneUntil">Ends before this are told.</param>
/// <param name="Planned">Units when it was enqueued.</param>
/// <param name="Units">Units told.</param>
/// <param name="Worker">Who holds it, or held it last.</param>
/// <param name="Failures">Tries that failed since the last that did not.</param>
/// <param name="Error">Of the last failure.</param>
/// <param name="DetectedBy">schedule, stream, catch_up or hand.</param>
/// <param name="CreatedAt">When it was enqueued.</param>
/// <param name="FinishedAt">When it was done.</param>
/// <param name="UnitsDue">Units that have come due and are not told, by its plan; none until its hour is over.</param>
internal sealed record JobView(
    long Id,
    DateTimeOffset Bucket,
    Guid? MerchantId,
    int Priority,
    string[]? Channels,
    string State,
    DateTimeOffset DoneUntil,
    long Planned,
    long Units,
    string? Worker,
    int Failures,
    string? Error,
    string DetectedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset? FinishedAt,
    long UnitsDue
)
{
    /// <summary>The columns <see cref="Read"/> takes, of the aliases j and b.</summary>
    public static readonly string Columns = $"""
        j.id, j.bucket, j.merchant_id, j.priority, j.channels, j.state, j.done_at, j.planned, j.units, j.worker, j.failures,
        j.error, b.detected_by, j.created_at, j.finished_at, {DueJobs.Units("platform.clock()")}
        """;

    public static JobView Example { get; } =
        new(
            7,
            Access.Samples.At,
            null,
            0,
            ["shop"],
            "waiting",
            Access.Samples.At,
            120_000,
            0,
            "node-1:42",
            0,
            null,
            "schedule",
            Access.Samples.At,
            null,
            0
        );

    public static JobView Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetFieldValue<DateTimeOffset>(1),
            row.Value<Guid>(2),
            row.GetInt32(3),
            row.Object<string[]>(4),
            row.GetString(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetInt64(7),
            row.GetInt64(8),
            row.Object<string>(9),
            row.GetInt32(10),
            row.Object<string>(11),
            row.GetString(12),
            row.GetFieldValue<DateTimeOffset>(13),
            row.Value<DateTimeOffset>(14),
            row.GetInt64(15)
        );
}

/// <summary>An alert of the pipeline.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Kind">clock_drift, still_usable, missed, behind, failing, unusual_volume, partner_late, quota_exhausted, notice_late or mail_missing.</param>
/// <param name="Subject">A node, an instance, a partner, an hour.</param>
/// <param name="Detail">What was measured.</param>
/// <param name="RaisedAt">When.</param>
/// <param name="SeenAt">When it was seen last.</param>
/// <param name="ClearedAt">When its cause was gone.</param>
/// <param name="AcknowledgedAt">When somebody took note; null while nobody has.</param>
/// <param name="AcknowledgedBy">Who did.</param>
/// <param name="AcknowledgedNote">What they said; null for nothing.</param>
internal sealed record AlertView(
    Guid Id,
    string Kind,
    string Subject,
    System.Text.Json.JsonElement Detail,
    DateTimeOffset RaisedAt,
    DateTimeOffset SeenAt,
    DateTimeOffset? ClearedAt,
    DateTimeOffset? AcknowledgedAt,
    string? AcknowledgedBy,
    string? AcknowledgedNote
)
{
    /// <summary>Of alias <c>a</c>, in the order of <see cref="Read"/>.</summary>
    public static readonly string Columns =
        "a.id, a.kind, a.subject, a.detail::text, a.raised_at, a.seen_at, a.cleared_at, "
        + Access.Acknowledging.Columns("a");

    public static AlertView Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            System.Text.Json.JsonDocument.Parse(row.GetString(3)).RootElement,
            row.GetFieldValue<DateTimeOffset>(4),
            row.GetFieldValue<DateTimeOffset>(5),
            row.Value<DateTimeOffset>(6),
            row.Value<DateTimeOffset>(7),
            row.Object<string>(8),
            row.Object<string>(9)
        );
}

/// <summary>What one event freed (EXP-11).</summary>
/// <param name="EventId">Of the event.</param>
/// <param name="CouponId">Its units are free again.</param>
/// <param name="CampaignId">Its budget is free again.</param>
/// <param name="Units">How many; less than nothing where an undo took them back.</param>
/// <param name="Budget">How much; null for none.</param>
/// <param name="Cause">end_reached, forced, cancellation or undo.</param>
/// <param name="EndsFrom">The earliest end.</param>
/// <param name="EndsUntil">The latest end.</param>
/// <param name="CreatedAt">When.</param>
internal sealed record ReleaseView(
    Guid EventId,
    long CouponId,
    string? CampaignId,
    long Units,
    [property: Platform.Http.Guarded(Access.Permissions.FinanceRead)] Core.Money? Budget,
    string Cause,
    DateTimeOffset EndsFrom,
    DateTimeOffset EndsUntil,
    DateTimeOffset CreatedAt
)
{
    public static ReleaseView Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetInt64(1),
            row.Object<string>(2),
            row.GetInt64(3),
            row.IsDBNull(5) ? null : new Core.Money(row.GetInt64(4), row.GetString(5)),
            row.GetString(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.GetFieldValue<DateTimeOffset>(8),
            row.GetFieldValue<DateTimeOffset>(9)
        );
}

/// <summary>The SQL of the console's lists.</summary>
internal static class ListStore
{
    public static async Task<JobView?> JobAsync(UnitOfWork work, long id, CancellationToken cancel)
    {
        await using var query = work.Command(
            $"select {JobView.Columns} from expiration.job j join expiration.bucket b on b.starts_at = j.bucket where j.id = $1",
            id
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? JobView.Read(row) : null;
    }
}
