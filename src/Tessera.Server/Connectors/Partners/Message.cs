namespace Tessera.Server.Connectors.Partners;

/// <summary>What a call says.</summary>
internal enum MessageKind
{
    Disable,
    Enable,
    Watermark,
    Test,
}

/// <summary>Coupons that a low-water mark does not speak for: told by id.</summary>
internal sealed record MarkException(CommandKind Kind, string Subject, IReadOnlyList<long> Ids, DateTimeOffset At);

/// <summary>What a partner is told in one call, before it is put into the partner's words.</summary>
/// <param name="Key">Of idempotency: the same for every attempt, so that a repeat has no second effect.</param>
/// <param name="Kind">What is asked.</param>
/// <param name="Sequence">Grows along the stream: what is older than what a coupon was last told is void.</param>
/// <param name="Subject">instance or coupon.</param>
/// <param name="Ids">Of the coupons; empty for a mark.</param>
/// <param name="At">Disable: not redeemable from then on. Enable: the new end.</param>
/// <param name="IsSingle">Told as one coupon and not as a list.</param>
/// <param name="Mark">Nothing that ended before is redeemable; null when only exceptions are told.</param>
/// <param name="Exceptions">Beside the mark.</param>
internal sealed record Message(
    string Key,
    MessageKind Kind,
    long Sequence,
    string Subject,
    IReadOnlyList<long> Ids,
    DateTimeOffset At,
    bool IsSingle = false,
    DateTimeOffset? Mark = null,
    IReadOnlyList<MarkException>? Exceptions = null
);

/// <summary>A partner and what is needed to speak with it.</summary>
internal sealed record Target(Connector Connector, OpenSecrets Secrets);

/// <summary>How a call ended.</summary>
internal enum Outcome
{
    /// <summary>The partner confirms that it obeyed.</summary>
    Acknowledged,

    /// <summary>The partner has it, and confirms later.</summary>
    Accepted,

    /// <summary>The partner says that it will never take this.</summary>
    Refused,

    /// <summary>The partner asks to be called less.</summary>
    Throttled,

    /// <summary>It failed, or nobody knows; the same key is sent again.</summary>
    Failed,
}

/// <summary>A coupon that a partner did not take, of a call that it took.</summary>
internal readonly record struct RejectedId(long Id, string Reason);

/// <summary>What came back of a call.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Reason">A word of a closed set, for lists and figures.</param>
/// <param name="Status">HTTP status; null: none came.</param>
/// <param name="Took">How long it took.</param>
/// <param name="RetryAfter">The pause the partner asked for.</param>
/// <param name="Excerpt">The first KiB of the answer, or what went wrong.</param>
/// <param name="Rejected">Coupons it did not take.</param>
internal sealed record PartnerAnswer(
    Outcome Outcome,
    string Reason,
    int? Status,
    TimeSpan Took,
    TimeSpan? RetryAfter = null,
    string Excerpt = "",
    IReadOnlyList<RejectedId>? Rejected = null
)
{
    /// <summary>Whether the partner has the message now.</summary>
    public bool IsGood => Outcome is Outcome.Acknowledged or Outcome.Accepted;
}

/// <summary>One kind of partner: how it is told, and asked (CON-01).</summary>
internal interface IPartner
{
    /// <summary>Tells a partner. What goes wrong is an answer, never an exception.</summary>
    Task<PartnerAnswer> TellAsync(Target target, Message message, CancellationToken cancel);

    /// <summary>Asks which of some coupons the partner would still take (EXP-18).</summary>
    /// <returns>Their ids; null with a reason when it cannot be found out.</returns>
    Task<(IReadOnlyList<long>? Usable, string? Reason)> QueryAsync(
        Target target,
        IReadOnlyList<long> ids,
        CancellationToken cancel
    );
}
