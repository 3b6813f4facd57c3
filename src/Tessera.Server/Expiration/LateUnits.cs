using Tessera.Core.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// Units that are live after their end although their job has passed them: a redemption that was given back, a hold that
/// lapsed at the end, a unit issued into the past. The near-time path and the nightly catch-up find them.
/// </summary>
internal static class LateUnits
{
    /// <summary>Tells of those that have ended, that no job will come to, and that nobody has told of.</summary>
    /// <returns>How many.</returns>
    public static async Task<long> TellAsync(
        UnitOfWork work,
        IReadOnlyCollection<UnitKey> keys,
        CancellationToken cancel
    )
    {
        if (keys.Count == 0)
        {
            return 0;
        }

        // While their jobs are locked no step goes past a unit: a step that comes later sees what is seen here.
        await UnitStore.HoldJobsAsync(work, keys, cancel);
        var passed = await UnitStore.PassedAsync(work, keys, cancel);
        if (passed.Count == 0)
        {
            return 0;
        }

        var held = await UnitStore.HoldAsync(work, passed, cancel);
        var now = await work.ClockAsync(cancel);
        return await TellAsync(work, [.. held.Where(u => IsLate(u, now))], now, cancel);
    }

    /// <summary>Tells of units that are held and late.</summary>
    internal static async Task<long> TellAsync(
        UnitOfWork work,
        IReadOnlyList<HeldUnit> units,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (units.Count == 0)
        {
            return 0;
        }

        var batches = await UnitStore.TellAsync(work, units, new BatchWords("$9"), now, [], cancel);
        await Releases.WriteAsync(work, batches, now, cancel);
        await Telling.ExpiredAsync(work, batches, endedAt: null, cancel);
        return batches.Sum(static b => b.Units);
    }

    /// <summary>Whether the clock has ended a unit and the log does not say so yet. What a checkout holds is told when the
    /// hold has ended.</summary>
    internal static bool IsLate(HeldUnit unit, DateTimeOffset now) =>
        !unit.IsTold && unit.Key.EndsAt <= now && unit.State.IsLive() && unit.State != InstanceState.Reserved;
}
