using Tessera.Server.Access;

namespace Tessera.Server.Connectors;

/// <summary>A connector, as written.</summary>
/// <param name="Name">Of the partner, for people; 1 to 200 characters.</param>
/// <param name="Kind">ecommerce, pos_proxy or partner_rest (REST APIs), file (CSV files), internal (our own redeem API).</param>
/// <param name="Address">URL of the partner's API; directory below the file drop; empty for internal.</param>
/// <param name="Encoding">What the partner can take: single commands, a batch of ids, or a low-water mark.</param>
/// <param name="Acknowledgement">sync: its answer confirms; callback: it confirms later by a signed call.</param>
/// <param name="Channels">Only coupons of these channels; null for all.</param>
/// <param name="Merchants">Only coupons of these merchants; null for all.</param>
/// <param name="CanSchedule">Whether it takes commands before their time and keeps to it .</param>
/// <param name="BatchSize">Ids of one call, of a batch; 1 to 10,000.</param>
/// <param name="Concurrency">Calls at a time; 1 to 32.</param>
/// <param name="RatePerSecond">Most calls a second; null for as many as it takes. Slower by itself when it objects.</param>
/// <param name="QuotaPerDay">Most calls a day (UTC); null for no quota.</param>
/// <param name="SlaSeconds">Within which a due command is to be acknowledged.</param>
/// <param name="TimeoutSeconds">Of one call, in all; 1 to 15.</param>
/// <param name="CallbackSeconds">Without a callback for so long, a command is sent again.</param>
/// <param name="ManualAfterSeconds">Undelivered for so long, a command becomes a task for people (CON-04).</param>
/// <param name="ExternalId">The deployment's own id of it; unique.</param>
/// <param name="Contact">Whom to call at the partner.</param>
/// <param name="Instructions">What to do by hand when it cannot be told.</param>
/// <param name="IsActive">Whether it is told of new changes; what it was to be told before stays in its stream.</param>
/// <param name="IsCritical">Whether it is told first under pressure; the others wait until it is over (EXP-12).</param>
internal sealed record ConnectorWanted(
    string Name,
    string Kind,
    string Address = "",
    string Encoding = "batch",
    string Acknowledgement = "sync",
    IReadOnlyList<string>? Channels = null,
    IReadOnlyList<Guid>? Merchants = null,
    bool CanSchedule = false,
    int BatchSize = 1000,
    int Concurrency = 4,
    int? RatePerSecond = null,
    int? QuotaPerDay = null,
    int SlaSeconds = 60,
    int TimeoutSeconds = 15,
    int CallbackSeconds = 60,
    int ManualAfterSeconds = 900,
    string? ExternalId = null,
    string Contact = "",
    string Instructions = "",
    bool IsActive = true,
    bool IsCritical = true
);

/// <summary>A partner's adapter: what it is told and how (CON-01).</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Name">Of the partner.</param>
/// <param name="Kind">ecommerce, pos_proxy, partner_rest, file or internal.</param>
/// <param name="Address">URL, directory or empty.</param>
/// <param name="Encoding">single, batch or watermark.</param>
/// <param name="Acknowledgement">sync or callback.</param>
/// <param name="Channels">Null for all.</param>
/// <param name="Merchants">Null for all.</param>
/// <param name="CanSchedule">Whether it takes commands before their time.</param>
/// <param name="BatchSize">Ids of one call.</param>
/// <param name="Concurrency">Calls at a time.</param>
/// <param name="RatePerSecond">Most calls a second.</param>
/// <param name="QuotaPerDay">Most calls a day.</param>
/// <param name="SlaSeconds">Within which a due command is to be acknowledged.</param>
/// <param name="TimeoutSeconds">Of one call.</param>
/// <param name="CallbackSeconds">Until a missing callback counts as a failure.</param>
/// <param name="ManualAfterSeconds">Until a command becomes a task.</param>
/// <param name="ExternalId">The deployment's own id of it.</param>
/// <param name="Contact">Whom to call.</param>
/// <param name="Instructions">What to do by hand.</param>
/// <param name="IsActive">Whether it is told of new changes.</param>
/// <param name="IsCritical">Whether it is told first under pressure.</param>
/// <param name="HasSigningSecret">Whether calls are signed and callbacks can be verified.</param>
/// <param name="HasCredential">Whether there is something to present to the partner. It is never shown.</param>
/// <param name="Version">Counts its changes.</param>
/// <param name="CreatedAt">When it was made.</param>
internal sealed record Connector(
    Guid Id,
    string Name,
    string Kind,
    string Address,
    string Encoding,
    string Acknowledgement,
    IReadOnlyList<string>? Channels,
    IReadOnlyList<Guid>? Merchants,
    bool CanSchedule,
    int BatchSize,
    int Concurrency,
    int? RatePerSecond,
    int? QuotaPerDay,
    int SlaSeconds,
    int TimeoutSeconds,
    int CallbackSeconds,
    int ManualAfterSeconds,
    string? ExternalId,
    string Contact,
    string Instructions,
    bool IsActive,
    bool IsCritical,
    bool HasSigningSecret,
    bool HasCredential,
    int Version,
    DateTimeOffset CreatedAt
) : IRecord
{
    /// <summary>Columns of <c>connectors.connector</c> in the order of the constructor.</summary>
    public const string Columns = """
        id, name, kind, address, encoding, acknowledgement, channels, merchants, can_schedule, batch_size, concurrency,
        rate_per_second, quota_per_day, sla_seconds, timeout_seconds, callback_seconds, manual_after_seconds,
        external_id, contact, instructions, is_active, is_critical,
        exists (select from connectors.secret s where s.connector_id = connector.id and s.kind = 'signing'),
        exists (select from connectors.secret s where s.connector_id = connector.id and s.kind = 'credential'),
        version, created_at
        """;

    string IRecord.Key => Id.ToString();
}
