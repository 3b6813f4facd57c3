using System.Collections.Frozen;

namespace Tessera.Core.Coupons;

/// <summary>
/// The state machine of instances (CPN-05, CPN-06, A.18): which state may follow which. Reserving, redeeming and giving
/// back are decided by <see cref="Redeeming"/>; everything else that changes a state asks here.
/// </summary>
public static class InstanceTransitions
{
    /// <summary>The refusal of a change outside A.18.</summary>
    public static readonly Refusal Illegal = new(
        "illegal_transition",
        "The present state of this instance does not allow this change."
    );

    /// <summary>The refusal of a change to a unit that a checkout holds.</summary>
    public static readonly Refusal HeldByCheckout = new(
        "held_by_checkout",
        "A checkout holds this instance. Release its reservation, or wait until it lapses."
    );

    /// <summary>The refusal of a way back into a window that is over .</summary>
    public static readonly Refusal WindowOver = new(
        "window_over",
        "The validity of this instance is over, so it stays as it is."
    );

    private static readonly InstanceState[] Resting =
    [
        InstanceState.Issued,
        InstanceState.Paid,
        InstanceState.Extended,
        InstanceState.PendingExpiration,
    ];

    private static readonly InstanceState[] Live = [.. Resting, InstanceState.Reserved];

    private static readonly FrozenSet<(InstanceState From, InstanceState To)> Legal = Pairs([
        ([InstanceState.Issued], [InstanceState.Paid]),
        (Resting, [InstanceState.Reserved]),
        ([InstanceState.Reserved], Resting),
        (Live, [InstanceState.Redeemed]),
        (Live, [InstanceState.PendingExpiration]),
        (Live, [InstanceState.Expired, InstanceState.Extended, InstanceState.Cancelled, InstanceState.Revoked]),
        (
            [InstanceState.Paid, InstanceState.Redeemed, InstanceState.Expired, InstanceState.Cancelled],
            [InstanceState.Refunded]
        ),
        (
            [
                InstanceState.Redeemed,
                InstanceState.Expired,
                InstanceState.Cancelled,
                InstanceState.Revoked,
                InstanceState.Refunded,
            ],
            [InstanceState.Archived]
        ),
    ]);

    private static readonly FrozenSet<(InstanceState From, InstanceState To)> ByOverride = Pairs([
        ([InstanceState.Expired], [InstanceState.Extended]),
        // The state before: a use that was recorded after the end leads back to it.
        ([InstanceState.Redeemed], [.. Resting, InstanceState.Expired]),
        ([InstanceState.Paid, InstanceState.PendingExpiration, InstanceState.Expired], [InstanceState.Redeemed]),
    ]);

    /// <summary>What the undo of a change of many units, and nothing else, may lead back to (BLK-07).</summary>
    private static readonly FrozenSet<(InstanceState From, InstanceState To)> ByUndo = Pairs([
        ([InstanceState.Paid], [InstanceState.Issued]),
        // What was issued cannot be made not to have been: it is withdrawn.
        ([InstanceState.Issued], [InstanceState.Revoked]),
        ([InstanceState.Cancelled, InstanceState.Revoked], Resting),
        ([InstanceState.Expired], Resting),
        ([InstanceState.Extended], [.. Resting, InstanceState.Expired]),
        (
            [InstanceState.Refunded],
            [InstanceState.Paid, InstanceState.Redeemed, InstanceState.Expired, InstanceState.Cancelled]
        ),
        (
            [InstanceState.Archived],
            [
                InstanceState.Redeemed,
                InstanceState.Expired,
                InstanceState.Cancelled,
                InstanceState.Revoked,
                InstanceState.Refunded,
            ]
        ),
    ]);

    /// <summary>Whether a state may follow another; a new instance starts as <see cref="InstanceState.Issued"/>.</summary>
    /// <param name="from">Null for an instance that is being made.</param>
    /// <param name="to">The state after.</param>
    /// <param name="byOverride">Whether staff overrides, with evidence.</param>
    public static bool IsLegal(InstanceState? from, InstanceState to, bool byOverride = false) =>
        from is { } state
            ? (state != to || state == InstanceState.Extended)
                && (Legal.Contains((state, to)) || (byOverride && ByOverride.Contains((state, to))))
            : to == InstanceState.Issued;

    /// <summary>Whether staff may end a unit that is held under its lock: cancel or revoke it.</summary>
    /// <param name="instance">Under its lock.</param>
    /// <param name="to"><see cref="InstanceState.Cancelled"/> or <see cref="InstanceState.Revoked"/>.</param>
    /// <param name="now">The database clock, read after the lock.</param>
    /// <returns>Null if so; else the reason (RUL-13).</returns>
    public static Refusal? DecideEnding(HeldInstance instance, InstanceState to, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(instance);
        return instance.State switch
        {
            InstanceState.Redeemed => Refusals.AlreadyRedeemed,
            // What the hold holds, uses and budget, is freed by the reservation's own end.
            InstanceState.Reserved => HeldByCheckout,
            InstanceState.Expired => Refusals.Expired,
            _ when !IsLegal(instance.State, to) => Illegal,
            _ when now >= instance.ValidUntil => Refusals.Expired,
            _ => null,
        };
    }

    /// <summary>
    /// Whether the undo of a change of many may lead a unit back to the state it had before that very change. What would be
    /// live again has to have its window open still; what never ended goes back as long as it lives.
    /// </summary>
    /// <param name="present">The state the change led to, under the lock.</param>
    /// <param name="former">The state before it.</param>
    /// <param name="validUntil">The present end.</param>
    /// <param name="now">The database clock, read after the lock.</param>
    /// <returns>Null if so; else the reason (RUL-13).</returns>
    public static Refusal? DecideReturn(
        InstanceState present,
        InstanceState former,
        DateTimeOffset validUntil,
        DateTimeOffset now
    ) =>
        !ByUndo.Contains((present, former)) ? Illegal
        : (present.IsLive() || former.IsLive()) && now >= validUntil ? WindowOver
        : null;

    private static FrozenSet<(InstanceState From, InstanceState To)> Pairs(
        IEnumerable<(InstanceState[] From, InstanceState[] To)> rows
    ) => rows.SelectMany(static row => row.From.SelectMany(from => row.To.Select(to => (from, to)))).ToFrozenSet();
}
