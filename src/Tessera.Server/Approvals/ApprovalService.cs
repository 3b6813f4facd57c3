using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Core;
using Tessera.Server.Audit;
using Tessera.Server.Platform;

namespace Tessera.Server.Approvals;

/// <summary>
/// The one way a change that needs two people is made (OPS-03, ACC-07, convention 52): it is shown exactly, hashed, decided
/// by another person, and carried out once, if showing it again gives the same hash. What one person may do alone is
/// carried out at once; so is anything in an emergency (OPS-04). Everything happens in the caller's transaction.
/// </summary>
public sealed class ApprovalService
{
    private const string JobActor = "job:approvals";

    private static readonly TimeSpan StandardExpiry = TimeSpan.FromDays(3);

    private readonly Dictionary<string, IApprovedAction> _actions;

    /// <summary>Knows the kinds that rooms have registered.</summary>
    public ApprovalService(IEnumerable<IApprovedAction> actions) =>
        _actions = actions.ToDictionary(static a => a.Kind, StringComparer.Ordinal);

    /// <summary>All kinds, in order.</summary>
    public IEnumerable<IApprovedAction> Actions => _actions.Values.OrderBy(static a => a.Kind, StringComparer.Ordinal);

    /// <summary>The action of a kind; null when there is none.</summary>
    public IApprovedAction? Find(string kind) => _actions.GetValueOrDefault(kind);

    /// <summary>Whether a request of this size would wait for another person.</summary>
    /// <exception cref="KeyNotFoundException">No room has registered the kind.</exception>
    public async Task<bool> WouldWaitAsync(
        UnitOfWork work,
        string kind,
        long size,
        string unit,
        Requester by,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(by);
        var policy = await ApprovalStore.PolicyAsync(work, kind, cancel);
        var alone = await ApprovalStore.DoneAloneAsync(work, kind, by.Person, unit, cancel);
        return alone + size > (policy?.FreeSize ?? _actions[kind].FreeSize)
            && await ApprovalStore.EmergencyAsync(work, by.Person, cancel) is null;
    }

    /// <summary>Takes a request. It is carried out at once if the person may do that much alone, or is in an emergency.</summary>
    /// <returns>The request, <c>pending</c> or <c>executed</c>; or why it cannot be had. Nothing was written then.</returns>
    /// <exception cref="KeyNotFoundException">No room has registered the kind.</exception>
    public async Task<(Approval? Approval, Refusal? Refusal)> RequestAsync(
        UnitOfWork work,
        ApprovalRequest request,
        Requester by,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(by);
        var action = _actions[request.Kind];
        var (effect, refusal) = await action.ShowAsync(work, request.Input, cancel);
        if (effect is null)
        {
            return (null, refusal);
        }

        var hash = HashOf(request.Kind, request.Input, effect);
        var policy = await ApprovalStore.PolicyAsync(work, request.Kind, cancel);
        var alone = await ApprovalStore.DoneAloneAsync(work, request.Kind, by.Person, effect.Unit, cancel);
        var isFree =
            !request.AlwaysWaits
            && !effect.IsAgainstRule
            && effect.Size > 0
            && alone + effect.Size <= (policy?.FreeSize ?? action.FreeSize);
        var emergency = isFree ? null : await ApprovalStore.EmergencyAsync(work, by.Person, cancel);
        var now = await work.ClockAsync(cancel);
        var id = Guid.CreateVersion7();
        var expiresAt = now + (policy?.ExpiresAfter ?? StandardExpiry);
        await ApprovalStore.InsertAsync(work, id, request, effect, hash, by, now, expiresAt, cancel);
        await TellAsync(work, "requested", id, 1, by, now, Facts(request.Kind, effect, hash, request.Reason), cancel);
        if (isFree || emergency is not null)
        {
            var way = isFree ? "below_limit" : "emergency";
            var planned = new Planned(id, request.Kind, request.Input, effect, request.Reason, by.Actor, 1);
            if (await ExecuteAsync(work, planned, by, way, null, emergency, cancel) is { } no)
            {
                return (null, no);
            }
        }
        else
        {
            var waiting = new WaitingRequest(id, request.Input, expiresAt, by.Actor, by.CorrelationId);
            await action.KeepAsync(work, waiting, cancel);
        }

        return (await ApprovalStore.FindAsync(work, id, null, hold: false, cancel), null);
    }

    /// <summary>Approves a request and carries it out.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="id">Of the request.</param>
    /// <param name="effectHash">The hash of what the approver was shown, in hex.</param>
    /// <param name="note">What the approver says.</param>
    /// <param name="by">The approver.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>Why not; null when it was carried out.</returns>
    internal async Task<Refusal?> ApproveAsync(
        UnitOfWork work,
        Guid id,
        string effectHash,
        string? note,
        Requester by,
        CancellationToken cancel
    )
    {
        var (held, refusal) = await HoldAsync(work, id, by, cancel);
        if (held is null)
        {
            return refusal;
        }

        if (held.Requester == by.Person)
        {
            return ApprovalRefusals.SamePerson;
        }

        if (!await by.IsOlderThanAsync(work, held.RequestedAt, cancel))
        {
            return ApprovalRefusals.NewAccount;
        }

        if (!FixedTimeEquals(held.EffectHash, effectHash))
        {
            return ApprovalRefusals.OtherEffect;
        }

        // Shown again under the locks of the change: what is carried out is what was approved, or nothing is.
        var input = held.Input.GetRawText();
        await LetGoAsync(work, held, null, by, cancel);
        var (effect, _) = await _actions[held.Kind].ShowAsync(work, input, cancel);
        if (effect is null || !FixedTimeEquals(held.EffectHash, Hex(HashOf(held.Kind, input, effect))))
        {
            return ApprovalRefusals.ChangedMeanwhile;
        }

        var planned = new Planned(id, held.Kind, input, effect, held.Reason, held.RequestedBy, held.Version);
        return await ExecuteAsync(work, planned, by, "approved", note, null, cancel);
    }

    /// <summary>Rejects a request, or withdraws one's own.</summary>
    internal async Task<Refusal?> RefuseAsync(
        UnitOfWork work,
        Guid id,
        bool withdraw,
        string? note,
        Requester by,
        CancellationToken cancel
    )
    {
        var (held, refusal) = await HoldAsync(work, id, by, cancel);
        if (held is null)
        {
            return refusal;
        }

        if (withdraw != (held.Requester == by.Person))
        {
            return withdraw ? ApprovalRefusals.NotRequester : ApprovalRefusals.SamePerson;
        }

        var state = withdraw ? "withdrawn" : "rejected";
        var now = await work.ClockAsync(cancel);
        await ApprovalStore.DecideAsync(work, id, new Decision(state, now, by, Note: note), cancel);
        await LetGoAsync(work, held, state, by, cancel);
        await TellAsync(work, state, id, held.Version + 1, by, now, [("kind", held.Kind)], cancel);
        return null;
    }

    /// <summary>Writes down that the subject of a request had changed by the time it was approved.</summary>
    internal async Task VoidAsync(UnitOfWork work, Guid id, Requester by, CancellationToken cancel)
    {
        if (await ApprovalStore.FindAsync(work, id, null, hold: true, cancel) is { State: "pending" } held)
        {
            var now = await work.ClockAsync(cancel);
            await ApprovalStore.DecideAsync(work, id, new Decision("void", now, by), cancel);
            await LetGoAsync(work, held, "void", by, cancel);
            await TellAsync(work, "voided", id, held.Version + 1, by, now, [("kind", held.Kind)], cancel);
        }
    }

    /// <summary>Marks requests nobody decided in time.</summary>
    /// <returns>How many; fewer than <paramref name="limit"/> means none are left.</returns>
    internal async Task<int> ExpireAsync(UnitOfWork work, int limit, CancellationToken cancel)
    {
        var expired = await ApprovalStore.ExpireAsync(work, limit, cancel);
        var now = await work.ClockAsync(cancel);
        foreach (var one in expired)
        {
            await TellAsync(work, "expired", one.Id, one.Version, null, now, [("kind", one.Kind)], cancel);
            await LetGoAsync(work, one, "expired", null, cancel);
        }

        return expired.Count;
    }

    private async Task LetGoAsync(UnitOfWork work, Approval held, string? end, Requester? by, CancellationToken cancel)
    {
        var input = held.Input.GetRawText();
        var waiting = new WaitingRequest(held.Id, input, held.ExpiresAt, by?.Actor ?? JobActor, by?.CorrelationId);
        if (Find(held.Kind) is { } action)
        {
            await action.LetGoAsync(work, waiting, end, cancel);
        }
    }

    /// <summary>SHA-256 over what would be done, as canonical JSON.</summary>
    internal static byte[] HashOf(string kind, string input, ActionEffect effect)
    {
        using var document = JsonDocument.Parse(
            $$"""
            {"effect":{{effect.Json}},"input":{{input}},"kind":{{Quoted(kind)}},"subject":{{Quoted(effect.Subject)}}}
            """
        );
        return SHA256.HashData(CanonicalJson.Bytes(document.RootElement).Span);
    }

    private static async Task<(Approval? Held, Refusal? Refusal)> HoldAsync(
        UnitOfWork work,
        Guid id,
        Requester by,
        CancellationToken cancel
    )
    {
        var held = await ApprovalStore.FindAsync(work, id, by.MerchantId, hold: true, cancel);
        return held switch
        {
            null => (null, Platform.Http.Entry.NotFound),
            { State: "expired" } => (null, ApprovalRefusals.Expired),
            { State: not "pending" } => (null, ApprovalRefusals.Decided),
            _ => (held, null),
        };
    }

    private async Task<Refusal?> ExecuteAsync(
        UnitOfWork work,
        Planned planned,
        Requester by,
        string way,
        string? note,
        Guid? emergency,
        CancellationToken cancel
    )
    {
        var action = new ApprovedAction(
            planned.Id,
            planned.Input,
            planned.Effect,
            planned.Reason,
            planned.RequestedBy,
            by,
            by.CorrelationId
        );
        var (result, refusal) = await _actions[planned.Kind].ExecuteAsync(work, action, cancel);
        if (result is null)
        {
            return refusal;
        }

        var now = await work.ClockAsync(cancel);
        var decision = new Decision("executed", now, by, way, note, emergency, result);
        await ApprovalStore.DecideAsync(work, planned.Id, decision, cancel);
        (string, object?)[] facts =
        [
            ("way", way),
            ("requested_by", planned.RequestedBy),
            ("decided_by", by.Actor),
            ("emergency_id", emergency),
            .. Facts(planned.Kind, planned.Effect, HashOf(planned.Kind, planned.Input, planned.Effect), planned.Reason),
        ];
        await TellAsync(work, "executed", planned.Id, planned.Version + 1, by, now, facts, cancel);
        return null;
    }

    /// <summary>
    /// What the log keeps of a request. Words may name somebody, so of the reason, and of words in the effect, the log has a hash
    /// alone: they can be erased, and they cannot be changed unseen.
    /// </summary>
    private static (string, object?)[] Facts(string kind, ActionEffect effect, byte[] hash, string reason) =>
        [
            ("kind", kind),
            ("subject", effect.Subject),
            ("effect", WithoutWords(effect)),
            ("effect_hash", Hex(hash)),
            // Money goes by the name under which it is hidden from who may not see sums (ACC-03).
            (Currencies.IsKnown(effect.Unit) ? "amount" : "size", effect.Size),
            ("unit", effect.Unit),
            ("reason_hash", Hex(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(reason)))),
        ];

    private static JsonObject WithoutWords(ActionEffect effect)
    {
        var told = JsonNode.Parse(effect.Json)!.AsObject();
        foreach (var member in effect.Words)
        {
            told.Remove(member);
        }

        return told;
    }

    private static async Task TellAsync(
        UnitOfWork work,
        string what,
        Guid id,
        int version,
        Requester? by,
        DateTimeOffset now,
        (string, object?)[] facts,
        CancellationToken cancel
    )
    {
        var entry = new EventEntry(
            "approval",
            id.ToString(),
            "approval." + what,
            version,
            by?.Actor ?? JobActor,
            EventLog.Payload(facts),
            by?.CorrelationId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
    }

    private static string Hex(byte[] hash) => Convert.ToHexStringLower(hash);

    private static string Quoted(string text) => JsonSerializer.Serialize(text);

    private static bool FixedTimeEquals(string one, string other) =>
        CryptographicOperations.FixedTimeEquals(
            System.Text.Encoding.UTF8.GetBytes(one),
            System.Text.Encoding.UTF8.GetBytes(other)
        );

    private sealed record Planned(
        Guid Id,
        string Kind,
        string Input,
        ActionEffect Effect,
        string Reason,
        string RequestedBy,
        int Version
    );
}
