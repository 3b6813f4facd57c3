using System.Text.Json;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Operations.Units;

/// <summary>
/// Undoes a change of many units as a unit (BLK-07): redemptions it recorded are taken back, redemptions it took back are
/// recorded again, every other unit gets back the state it had, and whatever was changed since is listed as a conflict.
/// </summary>
internal sealed class UnitUndo : Undoing
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "instances_undo";

    /// <inheritdoc/>
    protected override string OperationKind => Kind;

    /// <inheritdoc/>
    public override async Task<IReadOnlyDictionary<Guid, Undoable>> FindAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> operations,
        bool hold,
        CancellationToken cancel
    ) =>
        (await UnitPlanStore.FindAsync(work, operations, hold, cancel)).ToDictionary(
            static p => p.Key,
            static p => new Undoable(p.Key, p.Value.Action, p.Value.MerchantId, p.Value.UndoUntil, p.Value.UndoneBy)
            {
                Permission = UnitActions.IsEnding(p.Value.Action) ? null : Permissions.InstancesOverride,
                IsForStaff = !UnitActions.IsEnding(p.Value.Action),
            }
        );

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, CancellationToken cancel)
    {
        UnitPlan plan;
        await using (var look = await database.BeginAsync(cancel))
        {
            plan = (await UnitPlanStore.FindAsync(look, ChangeOf(operation), hold: false, cancel))!;
        }

        using var input = JsonDocument.Parse(operation.Input);
        var deed = new OverrideDeed(
            default,
            null,
            operation.Actor,
            operation.Actor,
            input.RootElement.GetProperty("client_id").GetGuid(),
            input.RootElement.GetProperty("request_id").GetString()!,
            plan.Id,
            IsUndo: true
        );
        await UnitOperation.RunAsync(
            database,
            operation,
            async (work, after) =>
            {
                var lines = await UnitPlanStore.NextAsync(work, plan.Id, after, isDone: true, cancel);
                return lines.Count == 0 ? []
                    : plan.Action is UnitActions.Redeemed or UnitActions.Former
                        ? await UndoAsync(work, plan, lines, deed, cancel)
                    : await ReturnAsync(work, plan, lines, deed, cancel);
            },
            cancel,
            FirstOf(operation)
        );
    }

    /// <inheritdoc/>
    protected override long? ReachedBy(Operation undo) => UnitTally.Of(undo)?.Line;

    /// <inheritdoc/>
    protected override Task<long> CountAsync(UnitOfWork work, Undoable change, long after, CancellationToken cancel) =>
        UnitPlanStore.DoneAsync(work, change.Id, after, cancel);

    /// <inheritdoc/>
    protected override Task MarkAsync(UnitOfWork work, Undoable change, Guid undo, CancellationToken cancel) =>
        UnitPlanStore.UndoAsync(work, change.Id, undo, cancel);

    /// <summary>Leads units back to the states they had: no redemption was behind the change.</summary>
    private static async Task<IReadOnlyList<UnitResult>> ReturnAsync(
        UnitOfWork work,
        UnitPlan plan,
        IReadOnlyList<UnitLine> lines,
        OverrideDeed deed,
        CancellationToken cancel
    )
    {
        var ends = await UnitPlanStore.EndsAsync(work, lines, cancel);
        var made = InstanceStates.Parse(plan.Action);
        var there = lines.Where(l => ends.ContainsKey(l.InstanceId!.Value)).ToList();
        var units = there.ConvertAll(line =>
        {
            var (id, done) = (line.InstanceId!.Value, line.Done!);
            return new FormerUnit(
                new UnitKey(ends[id], id),
                made,
                done.Version,
                InstanceStates.Parse(done.Before),
                done.Prior is { } prior ? InstanceStates.Parse(prior) : null,
                ends[id],
                default
            );
        });
        var back = new ReturnDeed(plan.Id, WasFreeing: false, deed.Actor, deed.RequestId);
        var refusals = (await UnitReturns.ApplyAsync(work, back, units, cancel))
            .Zip(there)
            .ToDictionary(static r => r.Second.Line, static r => r.First);
        return
        [
            .. lines.Select(line =>
            {
                var no = refusals.TryGetValue(line.Line, out var refusal) ? refusal : UnitRefusals.Gone;
                return new UnitResult(line, no is null ? "restored" : "conflict", no);
            }),
        ];
    }

    private static async Task<IReadOnlyList<UnitResult>> UndoAsync(
        UnitOfWork work,
        UnitPlan plan,
        IReadOnlyList<UnitLine> lines,
        OverrideDeed deed,
        CancellationToken cancel
    )
    {
        var (held, written) = await UnitDeciding.ReadAsync(work, lines, hold: true, cancel);
        var posted = await OverrideRedemptions.PostedAsync(
            work,
            lines.Select(static l => l.Done!.RedemptionId!.Value),
            cancel
        );
        var book = new UnitBook(
            await OverrideRedemptions.StandingAsync(
                work,
                posted.Values.SelectMany(static p => p.Select(static leg => leg.Account)),
                hold: true,
                cancel
            )
        );
        var now = await work.ClockAsync(cancel);
        var results = new List<UnitResult>(lines.Count);
        foreach (var line in lines)
        {
            var unit = held.GetValueOrDefault(line.InstanceId!.Value);
            var no = Decide(plan, line, unit, written, posted, book);
            if (no is null)
            {
                await BackAsync(work, plan, line, unit!, deed with { Id = Guid.CreateVersion7() }, now, cancel);
            }

            results.Add(new UnitResult(line, no is null ? "restored" : "conflict", no));
        }

        return results;
    }

    private static Refusal? Decide(
        UnitPlan plan,
        UnitLine line,
        OverriddenInstance? unit,
        IReadOnlySet<long> written,
        Dictionary<Guid, List<(Guid Account, long Amount)>> posted,
        UnitBook book
    )
    {
        if (unit is null)
        {
            return UnitRefusals.Gone;
        }

        var redemption = line.Done!.RedemptionId!.Value;

        // That the clock has ended a unit meanwhile is nobody's change of it.
        var version = unit.Version - (written.Contains(unit.InstanceId) ? 1 : 0);
        if (version != line.Done.Version)
        {
            return UnitRefusals.Changed;
        }

        if (plan.Action == UnitActions.Redeemed)
        {
            return unit.Standing?.Id == redemption ? null : UnitRefusals.Changed;
        }

        var legs = posted.GetValueOrDefault(redemption) ?? [];
        return !InstanceTransitions.IsLegal(unit.State, InstanceState.Redeemed, byOverride: true)
                ? InstanceTransitions.Illegal
            : book.TryTake([.. legs.Select(static l => ((Core.Limits.LimitAccount?)null, l.Account, l.Amount))]) ? null
            : OverrideRedemptions.BeyondLimit;
    }

    private static async Task BackAsync(
        UnitOfWork work,
        UnitPlan plan,
        UnitLine line,
        OverriddenInstance unit,
        OverrideDeed deed,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var to = plan.Action == UnitActions.Redeemed ? line.Done!.Before : UnitActions.Redeemed;
        if (plan.Action == UnitActions.Redeemed)
        {
            await OverrideRedemptions.ReverseAsync(work, unit, deed, now, cancel);
        }
        else
        {
            await OverrideRedemptions.RepeatAsync(work, unit, line.Done!.RedemptionId!.Value, deed, now, cancel);
        }

        var wanted = new StatusOverrideInput(unit.CouponId, unit.InstanceId, to, plan.Cause!, null);
        await OverriddenUnits.SetStateAsync(work, wanted, unit, deed, now, cancel);
    }
}
