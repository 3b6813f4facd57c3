using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Platform;
using Tessera.Server.Regions;

namespace Tessera.Server.Operations.Units;

/// <summary>What is to become of a unit.</summary>
/// <param name="Line">Of the plan.</param>
/// <param name="Held">The unit; null when the line names none, or it is gone.</param>
/// <param name="Wanted">The override; null when the unit is ended, stays or is refused.</param>
/// <param name="To">Its state after; null when it stays or is refused.</param>
/// <param name="Refused">Why not.</param>
internal sealed record UnitVerdict(
    UnitLine Line,
    OverriddenInstance? Held,
    StatusOverrideInput? Wanted,
    string? To,
    Refusal? Refused
)
{
    /// <summary>changed, unchanged or refused.</summary>
    public string Outcome =>
        Refused is not null ? "refused"
        : To is null ? "unchanged"
        : "changed";
}

/// <summary>What accounts have room for while a batch is decided, line by line.</summary>
internal sealed class UnitBook(Dictionary<Guid, (long? Bound, long Posted, long Pending)> standing)
{
    /// <summary>Takes amounts where all of them fit.</summary>
    /// <returns>Whether they did; else nothing was taken.</returns>
    public bool TryTake(IReadOnlyCollection<(LimitAccount? Opened, Guid Id, long Amount)> legs)
    {
        foreach (var (opened, id, amount) in legs)
        {
            if (Of(opened, id) is var (bound, posted, pending) && amount > bound - posted - pending)
            {
                return false;
            }
        }

        foreach (var (opened, id, amount) in legs)
        {
            if (Of(opened, id) is var (bound, posted, pending))
            {
                standing[id] = (bound, posted + amount, pending);
            }
        }

        return true;
    }

    /// <summary>What stands on an account: nothing yet on one that a use would make; null where nothing is limited.</summary>
    private (long? Bound, long Posted, long Pending)? Of(LimitAccount? opened, Guid id) =>
        standing.TryGetValue(id, out var there) ? there
        : opened is not null ? (opened.Bound, 0, 0)
        : null;
}

/// <summary>Decides a change, unit by unit: the preview without locks, the run under them.</summary>
internal static class UnitDeciding
{
    /// <summary>Units in one transaction: few, so that a redemption that meets one of them waits shortly.</summary>
    public const int BatchSize = 200;

    /// <summary>What would become of lines.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="plan">What is to be done.</param>
    /// <param name="lines">Of the plan.</param>
    /// <param name="hold">Whether units and accounts are locked, for what is decided to be done.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>A verdict for each line in the order of the lines, and the clock they were decided by.</returns>
    public static async Task<(IReadOnlyList<UnitVerdict> Verdicts, DateTimeOffset Now)> DecideAsync(
        UnitOfWork work,
        UnitPlan plan,
        IReadOnlyList<UnitLine> lines,
        bool hold,
        CancellationToken cancel
    )
    {
        var (held, written) = await ReadAsync(work, lines, hold, cancel);
        var now = await work.ClockAsync(cancel);
        var rules = UnitActions.IsEnding(plan.Action)
            ? await RegionRules.AgainstEndingAsync(
                work,
                held.Values.Select(static u => u.ValidUntil),
                held.Keys,
                cancel
            )
            : null;
        var verdicts = new UnitVerdict[lines.Count];
        for (var i = 0; i < lines.Count; i++)
        {
            var unit = lines[i].InstanceId is { } id ? held.GetValueOrDefault(id) : null;
            var version = unit is null ? 0 : unit.Version - (written.Contains(unit.InstanceId) ? 1 : 0);
            verdicts[i] = Decide(plan, lines[i], unit, version, now);
            if (verdicts[i].To is not null && rules?.GetValueOrDefault(unit!.InstanceId)?.CheckEnding() is { } rule)
            {
                verdicts[i] = verdicts[i] with { To = null, Refused = rule };
            }
        }

        await WithinLimitsAsync(work, verdicts, hold, cancel);
        return (verdicts, now);
    }

    /// <summary>Reads units, under their locks where they are to be changed.</summary>
    /// <returns>The units by id, and those of them that were written down as ended just now.</returns>
    public static async Task<(Dictionary<long, OverriddenInstance> Held, IReadOnlySet<long> Written)> ReadAsync(
        UnitOfWork work,
        IReadOnlyList<UnitLine> lines,
        bool hold,
        CancellationToken cancel
    )
    {
        (long, long)[] units =
        [
            .. lines
                .Where(static l => l.InstanceId is not null)
                .Select(static l => (l.CouponId!.Value, l.InstanceId!.Value)),
        ];
        IReadOnlySet<long> written = hold
            ? await Expiration.EndedUnits.WriteDownAsync(work, units, cancel)
            : new HashSet<long>();
        var held = await OverriddenUnits.ReadAsync(work, units, hold, cancel);
        if (hold)
        {
            return (held.ToDictionary(static u => u.InstanceId), written);
        }

        // What the clock has ended is expired, whether or not somebody has written it down.
        var now = await work.ClockAsync(cancel);
        return (
            held.ToDictionary(
                static u => u.InstanceId,
                u =>
                    u.State.IsLive() && u.State != InstanceState.Reserved && u.ValidUntil <= now
                        ? u with
                        {
                            State = InstanceState.Expired,
                        }
                        : u
            ),
            written
        );
    }

    private static UnitVerdict Decide(
        UnitPlan plan,
        UnitLine line,
        OverriddenInstance? held,
        long version,
        DateTimeOffset now
    )
    {
        UnitVerdict No(Refusal refusal) => new(line, held, null, null, refusal);
        if (line.Refused is { } refused)
        {
            return No(UnitRefusals.OfLines[refused]);
        }

        if (held is null)
        {
            return No(UnitRefusals.Gone);
        }

        if (version != line.Version)
        {
            return No(UnitRefusals.Changed);
        }

        if (held.State.Name() == plan.Action)
        {
            return new UnitVerdict(line, held, null, null, null);
        }

        if (UnitActions.IsEnding(plan.Action))
        {
            return DecideEnding(held, InstanceStates.Parse(plan.Action)) is { } no
                ? No(no)
                : new UnitVerdict(line, held, null, plan.Action, null);
        }

        var to = plan.Action == UnitActions.Former ? (held.Prior ?? InstanceState.Issued).Name() : plan.Action;
        if ((plan.Action == UnitActions.Former) != (held.State == InstanceState.Redeemed) && to != "refunded")
        {
            return No(plan.Action == UnitActions.Former ? UnitRefusals.NotRedeemed : InstanceTransitions.Illegal);
        }

        var recorded = plan.Action == UnitActions.Redeemed ? line.Redemption.Whole : null;
        if (plan.Action == UnitActions.Redeemed && recorded is null)
        {
            return No(UnitRefusals.Incomplete);
        }

        if (recorded is not null && recorded.Discount.Minor > recorded.Order.Minor)
        {
            return No(UnitRefusals.BeyondOrder);
        }

        var wanted = new StatusOverrideInput(held.CouponId, held.InstanceId, to, plan.Cause!, recorded);
        return StatusOverride.Decide(wanted, held, now) is { } against
            ? No(against)
            : new UnitVerdict(line, held, wanted, to, null);
    }

    private static Refusal? DecideEnding(OverriddenInstance held, InstanceState to) =>
        held.State switch
        {
            InstanceState.Redeemed => Refusals.AlreadyRedeemed,
            InstanceState.Reserved => InstanceTransitions.HeldByCheckout,
            InstanceState.Expired => Refusals.Expired,
            _ => InstanceTransitions.IsLegal(held.State, to) ? null : InstanceTransitions.Illegal,
        };

    /// <summary>Refuses what limits and budgets have no room for, line after line.</summary>
    private static async Task WithinLimitsAsync(
        UnitOfWork work,
        UnitVerdict[] verdicts,
        bool hold,
        CancellationToken cancel
    )
    {
        var legs = new List<(int At, List<Leg> Legs)>();
        var reversed = new List<Guid>();
        for (var i = 0; i < verdicts.Length; i++)
        {
            if (verdicts[i] is { Wanted: { Redemption: { } recorded }, Held: { } unit })
            {
                legs.Add((i, OverrideRedemptions.LegsOf(unit, recorded)));
            }
            else if (verdicts[i] is { Wanted: { } wanted, Held: { Standing: { } standing } held })
            {
                if (StatusOverride.IsReversal(wanted, held))
                {
                    reversed.Add(standing.Id);
                }
            }
        }

        if (legs.Count == 0 && (reversed.Count == 0 || !hold))
        {
            return;
        }

        var posted = reversed.Count > 0 ? await OverrideRedemptions.PostedAsync(work, reversed, cancel) : [];
        if (hold)
        {
            await OverrideRedemptions.OpenAsync(
                work,
                OverrideRedemptions.OpenedBy(legs.SelectMany(static l => l.Legs)),
                cancel
            );
        }

        var book = new UnitBook(
            await OverrideRedemptions.StandingAsync(
                work,
                legs.SelectMany(static l => l.Legs.Select(static leg => leg.Account.Id))
                    .Concat(posted.Values.SelectMany(static p => p.Select(static leg => leg.Account))),
                hold,
                cancel
            )
        );
        foreach (var (at, wanted) in legs)
        {
            var opened = OverrideRedemptions.OpenedBy(wanted).ToDictionary(static a => a.Id);
            if (
                !book.TryTake([.. wanted.Select(l => (opened.GetValueOrDefault(l.Account.Id), l.Account.Id, l.Amount))])
            )
            {
                verdicts[at] = verdicts[at] with
                {
                    Wanted = null,
                    To = null,
                    Refused = OverrideRedemptions.BeyondLimit,
                };
            }
        }
    }
}
