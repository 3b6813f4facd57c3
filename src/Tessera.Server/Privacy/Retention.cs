using System.Globalization;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>
/// Deletes or archives what was kept long enough, with a report; what a legal hold keeps is counted, and kept (AUD-08). Each kind
/// is run once a day. A run reads its table once, some blocks a transaction, and notes how far it has come: whoever takes it up
/// goes on there, and neither memory nor locks grow with the table.
/// </summary>
internal sealed partial class RetentionWorker(
    Database database,
    RetainedKinds kinds,
    TimeProvider clock,
    ILogger<RetentionWorker> log
) : Worker(clock, log, TimeSpan.FromMinutes(10))
{
    /// <summary>Read by one transaction: 2 MB.</summary>
    private const long BlocksPerStep = 256;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        foreach (var kind in await DueAsync(cancel))
        {
            while (await StepAsync(kind, cancel))
            {
                cancel.ThrowIfCancellationRequested();
            }
        }

        return false;
    }

    /// <summary>Kinds that were not run for a day, or whose run was left.</summary>
    private async Task<IReadOnlyList<RetainedKind>> DueAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await RetentionStore.PassEmptyAsync(work, kinds, cancel);
        var due = new List<RetainedKind>();
        await using (
            var query = work.Command(
                """
                select kind from unnest($1::text[]) with ordinality as k (kind, place) where not exists (
                    select from privacy.retention_run where data_kind = kind and finished_at is not null
                        and at > platform.clock() - interval '23 hours') order by place
                """,
                (object)kinds.Names
            )
        )
        await using (var row = await query.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                due.Add(kinds.Find(row.GetString(0))!);
            }
        }

        await work.CommitAsync(cancel);
        return due;
    }

    /// <summary>Some blocks of one kind.</summary>
    /// <returns>Whether there are more of this run.</returns>
    private async Task<bool> StepAsync(RetainedKind kind, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        // One node at a time; the others go on to the next kind.
        await using (
            var alone = work.Command("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", LockOf(kind.Name))
        )
        {
            if (await alone.ExecuteScalarAsync(cancel) is not true)
            {
                return false;
            }
        }

        // Rows that belong together are found by their index, whatever the planner expects of so many.
        await work.ExecuteAsync("set local enable_hashjoin = off; set local enable_mergejoin = off", [], cancel);
        if (await RunAsync(work, kind, cancel) is not { } run)
        {
            return false;
        }

        var to = Math.Min(run.NextBlock + BlocksPerStep, run.EndBlock);
        var cutoff = run.At.AddDays(-run.KeepDays);
        var (gone, held) = (0L, 0L);
        if (to > run.NextBlock)
        {
            await using var step = work.Command(
                RetentionSql.Step(kind, run.Action == RetentionSql.Archive),
                cutoff,
                Place(run.NextBlock),
                Place(to),
                kind.Name,
                run.At
            );
            await using var counts = await step.ExecuteReaderAsync(cancel);
            await counts.ReadAsync(cancel);
            (gone, held) = (counts.GetInt64(0), counts.GetInt64(1));
        }

        var isOver = to >= run.EndBlock;
        var isArchived = run.Action == RetentionSql.Archive;
        var total = await RetentionStore.NoteAsync(work, run.Id, run.KeepDays, cutoff, to, gone, held, isOver, cancel);
        if (isOver && total.Gone > 0)
        {
            var facts = EventLog.Payload(
                ("data_kind", kind.Name),
                ("keep_days", run.KeepDays),
                (isArchived ? "archived" : "deleted", total.Gone),
                ("held", total.Held)
            );
            var id = run.Id.ToString();
            var entry = new EventEntry("retention", id, "retention.ran", 1, "job:retention", facts, null);
            await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
        }

        await work.CommitAsync(cancel);
        if (isOver)
        {
            LogRan(log, kind.Name, run.Action, total.Gone, total.Held);
        }

        return !isOver;
    }

    /// <summary>The run to go on with, begun now if there is none; null where it was done meanwhile.</summary>
    private static async Task<RetentionRun?> RunAsync(UnitOfWork work, RetainedKind kind, CancellationToken cancel)
    {
        var policy = await RetentionStore.PolicyAsync(work, kind, cancel);
        if (await RetentionStore.LastAsync(work, kind.Name, cancel) is { } last)
        {
            if (last.FinishedAt is null)
            {
                // A period that was made longer meanwhile counts at once.
                return last with { KeepDays = policy.KeepDays };
            }

            if (last.At > await work.ClockAsync(cancel) - TimeSpan.FromHours(23))
            {
                return null;
            }
        }

        return await RetentionStore.BeginAsync(work, kind, policy, cancel);
    }

    /// <summary>Under which changes of a policy and its runs follow one another.</summary>
    internal static string LockOf(string kind) => "privacy.retention " + kind;

    private static string Place(long block) => string.Create(CultureInfo.InvariantCulture, $"({block},0)");

    [LoggerMessage(3202, LogLevel.Information, "Retention of {Kind} ({Action}): {Gone} rows are gone, {Held} are held")]
    private static partial void LogRan(ILogger log, string kind, string action, long gone, long held);
}
