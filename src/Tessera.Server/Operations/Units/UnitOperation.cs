using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Operations.Units;

/// <summary>
/// Carries a change of many units out as an operation (BLK-08): each batch commits with its events, what it did, its results and
/// the progress, so a run that was stopped or killed goes on after the last batch and does nothing twice.
/// </summary>
internal static class UnitOperation
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "instances_bulk";

    /// <summary>The file of results: one line a unit.</summary>
    public const string Output = "output";

    private const int Attempts = 5;

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, ILogger log, CancellationToken cancel)
    {
        UnitPlan plan;
        await using (var look = await database.BeginAsync(cancel))
        {
            plan = (await UnitPlanStore.FindAsync(look, operation.Id, hold: false, cancel))!;
        }

        using var input = JsonDocument.Parse(operation.Input);
        var deed = new OverrideDeed(
            default,
            input.RootElement.GetProperty("approval_id").GetGuid(),
            operation.Actor,
            input.RootElement.GetProperty("approved_by").GetString()!,
            plan.ClientId,
            input.RootElement.GetProperty("request_id").GetString()!,
            plan.Id
        );
        await RunAsync(
            database,
            operation,
            async (work, after) =>
            {
                var lines = await UnitPlanStore.NextAsync(work, plan.Id, after, isDone: false, cancel);
                return lines.Count == 0 ? [] : await DoAsync(work, plan, lines, deed, log, cancel);
            },
            cancel
        );
    }

    /// <summary>Runs a step over the lines of a plan, from where the operation is, and ends it.</summary>
    /// <param name="database">Where.</param>
    /// <param name="operation">That the caller holds.</param>
    /// <param name="step">What is done with the lines after one, in the transaction of their batch; none at the end.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="first">The line the operation begins behind.</param>
    public static async Task RunAsync(
        Database database,
        Operation operation,
        Func<UnitOfWork, long, Task<IReadOnlyList<UnitResult>>> step,
        CancellationToken cancel,
        long first = 0
    )
    {
        var tally = UnitTally.Of(operation) ?? new UnitTally(first, 0, 0, 0, 0, 0);
        var failed = 0;
        while (true)
        {
            await using var work = await database.BeginAsync(cancel);
            try
            {
                var results = await step(work, tally.Line);
                if (results.Count == 0)
                {
                    await OperationStore.TryEndAsync(work, operation, "succeeded", tally.Result(), cancel);
                    await work.CommitAsync(cancel);
                    return;
                }

                await KeepAsync(work, operation.Id, tally.Batches, results, cancel);
                var next = tally.Plus(results);
                if (
                    !await OperationStore.TryAdvanceAsync(
                        work,
                        operation,
                        next.Done,
                        next.Refused,
                        next.ToJson(),
                        cancel
                    )
                )
                {
                    // Paused, stopped, or another node's by now: this batch did not happen.
                    return;
                }

                await work.CommitAsync(CancellationToken.None);
                (tally, failed) = (next, 0);
            }
            catch (PostgresException moved)
                when (moved.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
                    && ++failed < Attempts
                )
            {
                // A unit moved or was waited for in a circle: the next look finds it where it is now.
            }
        }
    }

    private static async Task<IReadOnlyList<UnitResult>> DoAsync(
        UnitOfWork work,
        UnitPlan plan,
        IReadOnlyList<UnitLine> lines,
        OverrideDeed deed,
        ILogger log,
        CancellationToken cancel
    )
    {
        var (verdicts, now) = await UnitDeciding.DecideAsync(work, plan, lines, hold: true, cancel);
        var done = new List<(UnitVerdict, UnitDone?)>(verdicts.Count);
        var ended = new List<EndedUnit>();
        foreach (var verdict in verdicts)
        {
            if (verdict is { Held: { } unit, To: not null })
            {
                var redemption = verdict.Wanted is { } wanted
                    ? await OverrideAsync(work, wanted, unit, deed with { Id = Guid.CreateVersion7() }, now, cancel)
                    : null;
                if (verdict.Wanted is null)
                {
                    ended.Add(
                        new EndedUnit(
                            unit.InstanceId,
                            unit.ValidUntil,
                            unit.State.Name(),
                            unit.Version,
                            unit.Channel,
                            unit.CouponId
                        )
                    );
                }

                done.Add((verdict, new UnitDone(unit.Version + 1, unit.State.Name(), unit.Prior?.Name(), redemption)));
            }
            else
            {
                done.Add((verdict, null));
            }
        }

        foreach (var merchant in ended.GroupBy(u => verdicts.First(v => v.Held?.InstanceId == u.Id).Held!.MerchantId))
        {
            await UnitEndings.WriteAsync(work, plan.Action, merchant.Key, [.. merchant], deed, now, cancel);
        }

        await UnitPlanStore.CompleteAsync(work, plan.Id, done, cancel);
        CountRefused(log, plan, verdicts, deed);
        return [.. verdicts.Select(static v => new UnitResult(v.Line, v.Outcome, v.Refused))];
    }

    /// <summary>Overrides one unit, with the rows behind its state.</summary>
    /// <returns>The redemption that was recorded or taken back.</returns>
    private static async Task<Guid?> OverrideAsync(
        UnitOfWork work,
        StatusOverrideInput wanted,
        OverriddenInstance held,
        OverrideDeed deed,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        Guid? redemption = null;
        if (wanted.Redemption is { } recorded)
        {
            redemption = deed.Id;
            if (await OverrideRedemptions.RecordAsync(work, wanted, held, recorded, deed, now, cancel) is { } no)
            {
                throw new InvalidOperationException("A use that was decided under the locks was refused: " + no.Code);
            }
        }
        else if (StatusOverride.IsReversal(wanted, held))
        {
            redemption = held.Standing!.Id;
            await OverrideRedemptions.ReverseAsync(work, held, deed, now, cancel);
        }

        await OverriddenUnits.SetStateAsync(work, wanted, held, deed, now, cancel);
        return redemption;
    }

    /// <summary>A change of state that was refused is counted and logged, like any other (CPN-06).</summary>
    private static void CountRefused(ILogger log, UnitPlan plan, IReadOnlyList<UnitVerdict> verdicts, OverrideDeed deed)
    {
        var refused = verdicts.Where(static v => v is { Refused: not null, Held: not null });
        foreach (var group in refused.GroupBy(static v => (v.Held!.State, v.Refused!)))
        {
            var to =
                plan.Action == UnitActions.Former
                    ? group.First().Held!.Prior ?? InstanceState.Issued
                    : InstanceStates.Parse(plan.Action);
            long[] units = [.. group.Select(static v => v.Held!.InstanceId)];
            TransitionMeter.Refused(log, units, group.Key.State, to, group.Key.Item2, deed.Actor, deed.RequestId);
        }
    }

    private static async Task KeepAsync(
        UnitOfWork work,
        Guid operation,
        int batch,
        IReadOnlyList<UnitResult> results,
        CancellationToken cancel
    )
    {
        await OperationErrors.KeepAsync(
            work,
            operation,
            [
                .. results
                    .Where(static r => r.Refused is not null)
                    .Select(static r => new OperationError(
                        r.Line.Line,
                        "",
                        r.Refused!.Code,
                        r.Refused.Message,
                        Text(r.Line.InstanceId)
                    )),
            ],
            cancel
        );
        var text = new StringBuilder();
        if (batch == 0)
        {
            CsvText.AppendRow(text, "line", "coupon_id", "instance_id", "outcome", "reason", "message");
        }

        foreach (var result in results)
        {
            CsvText.AppendRow(
                text,
                Text(result.Line.Line),
                Text(result.Line.CouponId),
                Text(result.Line.InstanceId),
                result.Outcome,
                result.Refused?.Code,
                result.Refused?.Message
            );
        }

        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        await OperationStore.WriteChunkAsync(work, operation, Output, batch, bytes, cancel);
    }

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What became of one line.</summary>
internal sealed record UnitResult(UnitLine Line, string Outcome, Refusal? Refused);

/// <summary>How far it is: kept as the cursor of the operation.</summary>
/// <param name="Line">The last line that is done with.</param>
/// <param name="Batches">Done.</param>
/// <param name="Done">Lines.</param>
/// <param name="Changed">Units.</param>
/// <param name="Unchanged">Units that were as wanted.</param>
/// <param name="Refused">Lines.</param>
internal sealed record UnitTally(long Line, int Batches, long Done, long Changed, long Unchanged, long Refused)
{
    /// <summary>How far an operation has come; null before its first batch.</summary>
    public static UnitTally? Of(Operation operation) =>
        operation.Cursor is { } cursor ? JsonSerializer.Deserialize<UnitTally>(cursor)! : null;

    public UnitTally Plus(IReadOnlyList<UnitResult> results)
    {
        var refused = results.Count(static r => r.Refused is not null);
        var unchanged = results.Count(static r => r.Outcome == "unchanged");
        return new(
            results[^1].Line.Line,
            Batches + 1,
            Done + results.Count,
            Changed + results.Count - refused - unchanged,
            Unchanged + unchanged,
            Refused + refused
        );
    }

    public string ToJson() => JsonSerializer.Serialize(this);

    public string Result() => EventLog.Payload(("changed", Changed), ("unchanged", Unchanged), ("refused", Refused));
}

/// <summary>Runs changes of many units and their undoing. Every node may run it at once.</summary>
internal sealed class UnitWorker(Database database, TimeProvider clock, ILogger<UnitWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    private readonly ILogger _log = log;

    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, UnitOperation.Kind, null, cancel) is { } change)
        {
            await UnitOperation.RunAsync(database, change, _log, cancel);
            return true;
        }

        if (await OperationStore.TakeAsync(database, UnitUndo.Kind, null, cancel) is { } undo)
        {
            await UnitUndo.RunAsync(database, undo, cancel);
            return true;
        }

        return false;
    }
}
