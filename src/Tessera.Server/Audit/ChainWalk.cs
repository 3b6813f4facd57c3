using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Audit;

/// <summary>
/// Recomputes the chain all the time (convention 46): from the first entry to the head, then what is sealed meanwhile, and once
/// a day from the first entry again, slowly enough to be in nobody's way. What it finds stands in <c>audit.chain_walk</c>,
/// in the log of the node and in the chain itself. It finds what was changed behind the back of the program;
/// whoever can rewrite everything, this row included, is found by <c>tessera verify</c> and the heads kept outside.
/// </summary>
public sealed partial class ChainWalk(Database database, TimeProvider clock, ILogger<ChainWalk> log)
    : Worker(clock, log, TimeSpan.FromMilliseconds(500))
{
    /// <summary>Entries of one step: some 4,000 a second, a few percent of one core.</summary>
    public const int StepSize = 2000;

    /// <summary>Entries of one step while the log grows by more than that: whoever makes it grow needs the machine.</summary>
    private const int BusyStepSize = 250;

    private long _head;

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginKeyedAsync(cancel);
        if (await StandAsync(work, cancel) is not { } stand)
        {
            return false;
        }

        var isAtHead = stand.Seq == stand.Head;
        if (stand.IsOld && (stand.IsBroken || isAtHead))
        {
            await work.ExecuteAsync(
                """
                update audit.chain_walk set walk = walk + 1, started_at = platform.clock(), seq = 0, hash = decode(repeat('00', 32), 'hex'),
                    fault = null, fault_seq = null, fault_at = null
                """,
                [],
                cancel
            );
            await work.CommitAsync(cancel);
        }
        else if (!stand.IsBroken && !(isAtHead && stand.IsFresh))
        {
            await StepAsync(work, stand, stand.Head - _head > BusyStepSize ? BusyStepSize : StepSize, cancel);
            await work.CommitAsync(cancel);
        }

        _head = stand.Head;

        return false;
    }

    private static async Task<Stand?> StandAsync(UnitOfWork work, CancellationToken cancel)
    {
        // The lock alone first: read in one statement with it, the head could be older than where another node has come to.
        await using (var hold = work.Command("select true from audit.chain_walk for update skip locked"))
        {
            if (await hold.ExecuteScalarAsync(cancel) is not true)
            {
                return null;
            }
        }

        await using var command = work.Command(
            """
            select w.walk, w.seq, w.hash, s.seq, s.hash, w.fault is not null,
                w.started_at < platform.clock() - interval '1 day',
                coalesce(w.whole_seq = s.seq and w.whole_at > platform.clock() - interval '10 seconds', false)
            from audit.chain_walk w cross join audit.seal s
            """
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new Stand(
                row.GetInt64(0),
                row.GetInt64(1),
                row.GetFieldValue<byte[]>(2),
                row.GetInt64(3),
                row.GetFieldValue<byte[]>(4),
                row.GetBoolean(5),
                row.GetBoolean(6),
                row.GetBoolean(7)
            )
            : null;
    }

    private async Task StepAsync(UnitOfWork work, Stand stand, int size, CancellationToken cancel)
    {
        var until = Math.Min(stand.Seq + size, stand.Head);
        using var check = new ChainCheck(stand.Seq, stand.Link);
        var fault = await RecomputeAsync(work, check, until, cancel);
        if (fault is null && until == stand.Head && !check.Link.SequenceEqual(stand.HeadLink))
        {
            fault = ("head", until);
        }

        if (fault is not (var kind, var seq))
        {
            await work.ExecuteAsync(
                """
                update audit.chain_walk set seq = $1, hash = $2, whole_seq = case when $3 then $1 else whole_seq end,
                    whole_at = case when $3 then platform.clock() else whole_at end
                """,
                [until, check.Link.ToArray(), until == stand.Head],
                cancel
            );
            return;
        }

        LogBroken(log, seq, kind);
        var now = await work.ClockAsync(cancel);
        await work.ExecuteAsync(
            "update audit.chain_walk set fault = $1, fault_seq = $2, fault_at = $3",
            [kind, seq, now],
            cancel
        );
        var told = EventLog.Payload(("fault", kind), ("seq", seq));
        await EventLog.AppendAsync(
            work,
            now,
            [new EventEntry("audit", "chain", "audit.chain_broken", stand.Walk, "job:chain_walk", told, null)],
            cancel
        );
    }

    /// <summary>Goes on to an entry.</summary>
    /// <returns>The word for what is wrong, and with which entry; null where nothing is.</returns>
    private static async Task<(string Fault, long Seq)?> RecomputeAsync(
        UnitOfWork work,
        ChainCheck check,
        long until,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            select {ChainCheck.Columns}
            from (select * from audit.entry where seq > $1 and seq <= $2 order by seq) a
            {EventLog.OfEntry}
            order by a.seq
            """,
            check.Seq,
            until
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            if (check.Next(rows) is { } fault)
            {
                return (fault == ChainFault.Changed ? "changed" : "missing", check.Seq);
            }
        }

        // An entry whose event is gone is no row; at the end of the step no other follows it.
        return check.Seq < until ? ("missing", check.Seq + 1) : null;
    }

    [LoggerMessage(3302, LogLevel.Critical, "The audit chain is broken at entry {Seq}: {Fault}")]
    private static partial void LogBroken(ILogger log, long seq, string fault);

    /// <summary>Where the walk stands.</summary>
    /// <param name="Walk">Which one it is.</param>
    /// <param name="Seq">The last entry recomputed.</param>
    /// <param name="Link">Its link.</param>
    /// <param name="Head">The last entry of the chain.</param>
    /// <param name="HeadLink">Its link, as sealed.</param>
    /// <param name="IsBroken">Whether a fault was found.</param>
    /// <param name="IsOld">Whether it began a day ago.</param>
    /// <param name="IsFresh">Whether the head was just compared.</param>
    private sealed record Stand(
        long Walk,
        long Seq,
        byte[] Link,
        long Head,
        byte[] HeadLink,
        bool IsBroken,
        bool IsOld,
        bool IsFresh
    );
}
