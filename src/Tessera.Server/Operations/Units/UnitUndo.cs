using System.Text.Json;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Operations.Units;

/// <summary>
/// Undoes a change of many units as a unit (BLK-07): redemptions it recorded are taken back, redemptions it took back are
/// recorded again, and whatever was changed since is listed as a conflict. It is an operation like the change itself.
/// </summary>
internal static class UnitUndo
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "instances_undo";

    /// <summary>Asks for the undoing of an operation.</summary>
    /// <returns>The operation that undoes it, or why it cannot be had.</returns>
    public static async Task<(Operation? Undo, Refusal? Refusal)> RequestAsync(
        UnitOfWork work,
        Guid id,
        CatalogueActor actor,
        Guid client,
        CancellationToken cancel
    )
    {
        var operation = await OperationStore.FindAsync(work, id, actor.MerchantId, cancel);
        if (operation is null || await UnitPlanStore.FindAsync(work, id, hold: true, cancel) is not { } plan)
        {
            return (null, Entry.NotFound);
        }

        if (!operation.IsOver)
        {
            return (null, BulkUndo.StillRuns);
        }

        if (plan.UndoUntil is null || plan.UndoUntil < await work.ClockAsync(cancel))
        {
            return (null, BulkUndo.NotUndoable);
        }

        long first = 0;
        if (plan.UndoneBy is { } before)
        {
            if (
                await OperationStore.FindAsync(work, before, null, cancel) is not { } undone
                || !BulkUndo.IsOpenAgain(undone.Status)
            )
            {
                return (null, BulkUndo.NotUndoable);
            }

            // One that was stopped has undone whole batches; the next goes on behind them.
            first = UnitTally.Of(undone)?.Line ?? FirstOf(undone);
        }

        var input = EventLog.Payload(
            ("action", "undo"),
            ("plan_id", plan.Id),
            ("undoes", plan.Action),
            ("first", first),
            ("client_id", client),
            ("request_id", actor.RequestId),
            ("merchant_id", plan.MerchantId),
            ("output_type", "text/csv"),
            ("output_name", $"undo-{plan.Id}.csv")
        );
        var total = await UnitPlanStore.DoneAsync(work, plan.Id, first, cancel);
        var undo = await OperationStore.CreateAsync(work, Kind, input, total, actor.Actor, leased: false, cancel);
        await UnitPlanStore.UndoAsync(work, plan.Id, undo.Id, cancel);
        return (undo, null);
    }

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, CancellationToken cancel)
    {
        using var input = JsonDocument.Parse(operation.Input);
        var id = input.RootElement.GetProperty("plan_id").GetGuid();
        UnitPlan plan;
        await using (var look = await database.BeginAsync(cancel))
        {
            plan = (await UnitPlanStore.FindAsync(look, id, hold: false, cancel))!;
        }

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
                return lines.Count == 0 ? [] : await UndoAsync(work, plan, lines, deed, cancel);
            },
            cancel,
            FirstOf(operation)
        );
    }

    private static long FirstOf(Operation undo)
    {
        using var input = JsonDocument.Parse(undo.Input);
        return input.RootElement.GetProperty("first").GetInt64();
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
        var posted = await StatusOverrideSql.PostedAsync(
            work,
            lines.Select(static l => l.Done!.RedemptionId!.Value),
            cancel
        );
        var book = new UnitBook(
            await StatusOverrideSql.StandingAsync(
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
            : StatusOverrideSql.BeyondLimit;
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
            await StatusOverrideSql.ReverseAsync(work, unit, deed, now, cancel);
        }
        else
        {
            await StatusOverrideSql.RepeatAsync(work, unit, line.Done!.RedemptionId!.Value, deed, now, cancel);
        }

        var wanted = new StatusOverrideInput(unit.CouponId, unit.InstanceId, to, plan.Cause!, null);
        await StatusOverrideSql.SetStateAsync(work, wanted, unit, deed, now, cancel);
    }
}
