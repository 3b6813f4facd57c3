using System.Text.Json;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Approvals;

/// <summary>A request and what became of it.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="Kind">What kind of change.</param>
/// <param name="Subject">What it concerns: kind and id.</param>
/// <param name="Input">What was asked for.</param>
/// <param name="Effect">What exactly happens: before and after.</param>
/// <param name="EffectHash">
/// SHA-256, in hex, over the canonical JSON (RFC 8785) of effect, input, kind and subject. To approve, send it back.
/// </param>
/// <param name="Size">How much of it, for limits.</param>
/// <param name="Unit">What the size counts.</param>
/// <param name="Reason">Why it was requested.</param>
/// <param name="State">
/// <c>pending</c>, <c>executed</c>, <c>rejected</c>, <c>withdrawn</c>, <c>expired</c>, or <c>void</c> when its subject
/// had changed by the time it was approved.
/// </param>
/// <param name="Way"><c>approved</c>, <c>below_limit</c> or <c>emergency</c>; null while not executed.</param>
/// <param name="MerchantId">Whom it concerns.</param>
/// <param name="Requester">The person who asked.</param>
/// <param name="RequestedBy">With which account or key.</param>
/// <param name="RequestedAt">When.</param>
/// <param name="ExpiresAt">First instant at which nobody can approve it any more.</param>
/// <param name="Decider">The person who decided.</param>
/// <param name="DecidedBy">With which account or key.</param>
/// <param name="DecidedAt">When.</param>
/// <param name="Note">What the one who decided said.</param>
/// <param name="EmergencyId">The emergency it was carried out in.</param>
/// <param name="Result">What came of it.</param>
/// <param name="Version">Counts its changes.</param>
public sealed record Approval(
    Guid Id,
    string Kind,
    string Subject,
    JsonElement Input,
    JsonElement Effect,
    string EffectHash,
    long Size,
    string Unit,
    string Reason,
    string State,
    string? Way,
    Guid? MerchantId,
    string Requester,
    string RequestedBy,
    DateTimeOffset RequestedAt,
    DateTimeOffset ExpiresAt,
    string? Decider,
    string? DecidedBy,
    DateTimeOffset? DecidedAt,
    string? Note,
    Guid? EmergencyId,
    JsonElement? Result,
    int Version
)
{
    /// <summary>All states a request may be in.</summary>
    public static readonly string[] States = ["pending", "executed", "rejected", "withdrawn", "expired", "void"];

    /// <summary>What <see cref="Read"/> takes. A request whose time is over is shown as expired at once.</summary>
    internal const string Columns = """
        id, kind, subject, input::text, effect::text, encode(effect_hash, 'hex'), size, unit, reason,
        case when state = 'pending' and expires_at <= platform.clock() then 'expired' else state end,
        way, merchant_id, requester, requested_by, requested_at, expires_at, decider, decided_by, decided_at, note,
        emergency_id, result::text, version
        """;

    internal static Approval Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            Json(row.GetString(3)),
            Json(row.GetString(4)),
            row.GetString(5),
            row.GetInt64(6),
            row.GetString(7),
            row.GetString(8),
            row.GetString(9),
            row.Object<string>(10),
            row.Value<Guid>(11),
            row.GetString(12),
            row.GetString(13),
            row.GetFieldValue<DateTimeOffset>(14),
            row.GetFieldValue<DateTimeOffset>(15),
            row.Object<string>(16),
            row.Object<string>(17),
            row.Value<DateTimeOffset>(18),
            row.Object<string>(19),
            row.Value<Guid>(20),
            row.Object<string>(21) is { } result ? Json(result) : null,
            row.GetInt32(22)
        );

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
