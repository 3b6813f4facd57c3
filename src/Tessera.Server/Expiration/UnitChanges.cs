using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Expiration;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Regions;

namespace Tessera.Server.Expiration;

/// <summary>What came of one unit.</summary>
/// <param name="Key">As it was found.</param>
/// <param name="Refusal">Why nothing was changed; null if it was.</param>
internal readonly record struct UnitOutcome(UnitKey Key, Refusal? Refusal);

/// <summary>Changing units that are named: lock, decide, write; set-based, in the caller's transaction (EXP-09, EXP-10).</summary>
internal static class UnitChanges
{
    /// <summary>The most units of one transaction.</summary>
    public const int UnitsPerBatch = 5000;

    /// <summary>A unit moved while it was waited for: the whole is to be tried again.</summary>
    public static bool IsMoved(PostgresException error) => error.SqlState == PostgresErrorCodes.SerializationFailure;

    /// <summary>Changes units.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="asked">What was asked for, and by whom.</param>
    /// <param name="keys">Of the units; at most <see cref="UnitsPerBatch"/>.</param>
    /// <param name="log">Where refused changes are written (CPN-06).</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>An outcome for each unit that is still at its key; the others have moved or gone.</returns>
    public static async Task<IReadOnlyList<UnitOutcome>> ApplyAsync(
        UnitOfWork work,
        AskedChange asked,
        IReadOnlyCollection<UnitKey> keys,
        ILogger log,
        CancellationToken cancel
    )
    {
        var held = await UnitStore.HoldAsync(work, keys, cancel);
        var now = await work.ClockAsync(cancel);
        var rules = asked.Change.Action is UnitAction.Expire or UnitAction.Cancel
            ? await RegionRules.AgainstEndingAsync(
                work,
                held.Select(static u => u.Key.EndsAt),
                held.Select(static u => u.Key.Id),
                cancel
            )
            : null;
        var outcomes = new List<UnitOutcome>(held.Count);
        var granted = new List<HeldUnit>();
        var refused = new List<(HeldUnit Unit, Refusal Refusal)>();
        foreach (var unit in held)
        {
            // A hold that has lapsed is its reservation's to end, so a reserved unit counts as held.
            var refusal =
                asked.Change.Decide(unit.State, unit.Key.EndsAt, now)
                ?? rules?.GetValueOrDefault(unit.Key.Id)?.CheckEnding();
            outcomes.Add(new UnitOutcome(unit.Key, refusal));
            if (refusal is null)
            {
                granted.Add(unit);
            }
            else
            {
                refused.Add((unit, refusal));
            }
        }

        CountRefused(log, asked.Change, refused, asked.Actor, asked.RequestId);

        if (granted.Count > 0)
        {
            await WriteAsync(work, asked, granted, now, cancel);
        }

        return outcomes;
    }

    /// <summary>Counts and logs changes that were refused, by present state and reason.</summary>
    public static void CountRefused(
        ILogger log,
        UnitChange change,
        IEnumerable<(HeldUnit Unit, Refusal Refusal)> refused,
        string actor,
        string? requestId
    )
    {
        foreach (var group in refused.GroupBy(static r => (r.Unit.State, r.Refusal)))
        {
            var units = group.Select(static r => r.Unit.Key.Id).ToArray();
            TransitionMeter.Refused(log, units, group.Key.State, change.To, group.Key.Refusal, actor, requestId);
        }
    }

    private static async Task WriteAsync(
        UnitOfWork work,
        AskedChange asked,
        List<HeldUnit> granted,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        // What the clock has ended is told before it is brought back: the log has no gap.
        await LateUnits.TellAsync(work, [.. granted.Where(u => LateUnits.IsLate(u, now))], now, cancel);
        var units = granted
            .Select(u =>
                u.State.IsLive() && u.Key.EndsAt <= now
                    ? u with
                    {
                        State = InstanceState.Expired,
                        Version = u.Version + 1,
                    }
                    : u
            )
            .ToList();
        await UnitStore.WriteAsync(work, units, asked.Change, cancel);
        var frees = asked.Change.Action is UnitAction.Expire or UnitAction.Cancel;
        var words = new BatchWords(
            "$9",
            Cause: "$11",
            Type: asked.Change.Action switch
            {
                UnitAction.Extend => "coupon.extended",
                UnitAction.Expire => "coupon.expired",
                _ => "coupon.state_changed",
            },
            To: asked.Change.To.Name(),
            Correlation: "$12",
            Change: "$13",
            NewEnd: "$14",
            IsTraced: frees
        );
        var batches = await UnitStore.TellAsync(
            work,
            units,
            words,
            now,
            [
                asked.Actor,
                asked.Change.Cause,
                new NpgsqlParameter
                {
                    Value = asked.RequestId ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.Text,
                },
                asked.Id,
                new NpgsqlParameter
                {
                    Value = asked.Change.ValidUntil ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.TimestampTz,
                },
            ],
            cancel
        );
        if (frees)
        {
            await Releases.WriteAsync(work, batches, now, cancel);
            await Telling.ExpiredAsync(work, batches, now, cancel);
        }
        else if (asked.Change.Action == UnitAction.Extend)
        {
            await Telling.EnabledAsync(work, batches, asked.Change.ValidUntil, cancel);
        }

        if (asked.IsKept)
        {
            await ChangeParts.KeepAsync(work, asked, units, frees ? batches : [], cancel);
        }
    }
}

/// <summary>A change somebody asked for.</summary>
/// <param name="Id">Of its row in <c>expiration.change</c>.</param>
/// <param name="Change">What is done.</param>
/// <param name="Reason">Why, in words.</param>
/// <param name="Actor">Who asked.</param>
/// <param name="RequestId">Of the request.</param>
/// <param name="MerchantId">Whose units alone; null for all.</param>
/// <param name="IsKept">Whether what the units were is kept, so that the change can be undone.</param>
internal sealed record AskedChange(
    Guid Id,
    UnitChange Change,
    string Reason,
    string Actor,
    string? RequestId,
    Guid? MerchantId,
    bool IsKept
);
