using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;
using Tessera.Server.Regions;

namespace Tessera.Server.Expiration;

/// <summary>A unit as a change of many left it, and as it was before.</summary>
/// <param name="Key">After the change.</param>
/// <param name="Made">The state the change led to.</param>
/// <param name="Version">After the change.</param>
/// <param name="State">Before; of one the change has made: the one it is withdrawn to.</param>
/// <param name="Prior">Where a redemption that is taken back leads to, before.</param>
/// <param name="EndsAt">Before.</param>
/// <param name="Freed">What the change has freed of it.</param>
internal sealed record FormerUnit(
    UnitKey Key,
    InstanceState Made,
    long Version,
    InstanceState State,
    InstanceState? Prior,
    DateTimeOffset EndsAt,
    Freed Freed
)
{
    /// <summary>Whether partners were told that it has ended before its time.</summary>
    public bool WasEnded => Made is InstanceState.Cancelled or InstanceState.Revoked or InstanceState.Expired;

    /// <summary>Whether the change has made it, and it is withdrawn.</summary>
    public bool WasIssued => State == InstanceState.Revoked && Made == InstanceState.Issued;

    /// <summary>Whether the change has given it a later end.</summary>
    public bool WasExtended => Made == InstanceState.Extended;
}

/// <summary>The undo of a change of many.</summary>
/// <param name="Of">The operation that is undone.</param>
/// <param name="WasFreeing">Whether the change has freed units and budget.</param>
/// <param name="Actor">Who undoes it.</param>
/// <param name="RequestId">Of the request.</param>
internal sealed record ReturnDeed(Guid Of, bool WasFreeing, string Actor, string RequestId);

/// <summary>
/// Leads units back to what they were before a change of many, as its undo and nothing else may (BLK-07): lock, decide, write;
/// set-based, in the caller's transaction. Everything the change moved goes back with them: ends, what was freed, what partners
/// were told.
/// </summary>
internal static class UnitReturns
{
    private static readonly Refusal Changed = new(
        "changed_since",
        "This unit was changed since, so it stays as it is."
    );

    /// <summary>Leads units back.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="deed">Whose undo it is.</param>
    /// <param name="units">At most <see cref="UnitChanges.UnitsPerBatch"/>.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>For each why it stays; null where it went back.</returns>
    /// <exception cref="PostgresException"><see cref="UnitChanges.IsMoved"/>: the whole is to be tried again.</exception>
    public static async Task<IReadOnlyList<Refusal?>> ApplyAsync(
        UnitOfWork work,
        ReturnDeed deed,
        IReadOnlyList<FormerUnit> units,
        CancellationToken cancel
    )
    {
        // The jobs of both ends in one order: no step tells of a unit while it goes from one to the other.
        UnitKey[] keys = [.. units.Select(static u => u.Key)];
        await UnitStore.HoldJobsAsync(work, [.. keys, .. units.Select(FormerKey)], cancel);
        var held = (await UnitStore.HoldAsync(work, keys, cancel)).ToDictionary(static u => u.Key.Id);
        var now = await work.ClockAsync(cancel);
        var shortened = units
            .Where(static u => u.WasIssued || (u.WasExtended && u.State.IsLive()))
            .Select(static u => u.Key)
            .ToList();
        var rules = await RegionRules.AgainstEndingAsync(
            work,
            shortened.Select(static k => k.EndsAt),
            shortened.Select(static k => k.Id),
            cancel
        );
        var refusals = new Refusal?[units.Count];
        var granted = new List<(FormerUnit Former, HeldUnit Held)>(units.Count);
        for (var i = 0; i < units.Count; i++)
        {
            var unit = units[i];
            refusals[i] =
                !held.TryGetValue(unit.Key.Id, out var present)
                || present.State != unit.Made
                || present.Version != unit.Version
                    ? Changed
                    : InstanceTransitions.DecideReturn(unit.Made, unit.State, unit.Key.EndsAt, now)
                        ?? rules
                            .GetValueOrDefault(unit.Key.Id)
                            ?.CheckShortening(unit.WasIssued ? now : unit.EndsAt, now);
            if (refusals[i] is null)
            {
                granted.Add((unit, present!));
            }
        }

        if (granted.Count > 0)
        {
            await WriteAsync(work, granted, cancel);
            foreach (var state in granted.GroupBy(static g => g.Former.State))
            {
                await TellAsync(work, deed, state.Key, [.. state], now, cancel);
            }

            // What has its former end behind it has ended by the clock, like any other.
            var late = granted.Where(g => g.Former.WasExtended && g.Former.EndsAt <= now && g.Former.State.IsLive());
            await LateUnits.TellAsync(work, [.. late.Select(static g => FormerKey(g.Former))], cancel);
        }

        return refusals;
    }

    private static async Task WriteAsync(
        UnitOfWork work,
        IReadOnlyList<(FormerUnit Former, HeldUnit Held)> units,
        CancellationToken cancel
    )
    {
        var moved = units.Where(static u => u.Former.WasExtended).ToList();
        var ends = Instants(units.Select(static u => u.Former.EndsAt));
        await work.ExecuteAsync(
            "select coupons.ensure_instance_months($1)",
            [Instants(moved.Select(static u => u.Former.EndsAt))],
            cancel
        );
        await work.ExecuteAsync(
            """
            update coupons.instance i set state = d.state, prior_state = d.prior, version = i.version + 1, valid_until = d.ends_at
            from unnest($1::timestamptz[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])
                as d (valid_until, id, state, prior, ends_at)
            where i.valid_until = d.valid_until and i.id = d.id
            """,
            [
                Instants(units.Select(static u => u.Former.Key.EndsAt)),
                new NpgsqlParameter<long[]> { TypedValue = [.. units.Select(static u => u.Former.Key.Id)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. units.Select(static u => u.Former.State.Name())] },
                new NpgsqlParameter<string?[]> { TypedValue = [.. units.Select(static u => u.Former.Prior?.Name())] },
                ends,
            ],
            cancel
        );
        if (moved.Count == 0)
        {
            return;
        }

        var named = moved.Where(static u => u.Held.Code is not null).ToList();
        await work.ExecuteAsync(
            """
            update coupons.code c set valid_until = d.ends_at from unnest($1::text[], $2::timestamptz[]) as d (code, ends_at)
            where c.code = d.code
            """,
            [
                new NpgsqlParameter<string[]> { TypedValue = [.. named.Select(static u => u.Held.Code!)] },
                Instants(named.Select(static u => u.Former.EndsAt)),
            ],
            cancel
        );

        // Their hours may never have been enqueued: nothing ended in them any more.
        await work.ExecuteAsync(
            """
            insert into expiration.expected_hour (starts_at) select distinct h from unnest($1::timestamptz[]) h where isfinite(h)
            order by h on conflict do nothing
            """,
            [
                Instants(
                    moved
                        .Select(static u => u.Former.EndsAt)
                        .Where(static e => e < DateTimeOffset.MaxValue)
                        .Select(Buckets.Of)
                ),
            ],
            cancel
        );
    }

    /// <summary>Tells the log, the accounts and the partners of units that went back to one state.</summary>
    private static async Task TellAsync(
        UnitOfWork work,
        ReturnDeed deed,
        InstanceState to,
        IReadOnlyList<(FormerUnit Former, HeldUnit Held)> units,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var words = new BatchWords(
            "$9",
            Cause: "'undo'",
            Type: "coupon.state_changed",
            To: to.Name(),
            Correlation: "$11",
            IsTraced: deed.WasFreeing,
            UndoOf: "$12",
            IsReturn: deed.WasFreeing
        );
        var batches = await UnitStore.TellAsync(
            work,
            [.. units.Select(static u => u.Held with { Key = FormerKey(u.Former) })],
            words,
            now,
            [deed.Actor, deed.RequestId, deed.Of],
            cancel,
            deed.WasFreeing ? [.. units.Select(static u => u.Former.Freed)] : null
        );
        if (deed.WasFreeing)
        {
            await Releases.TakeBackAsync(work, batches, deed.Of, now, cancel);
        }

        // Of one change: all of them were extended, or none.
        var (first, wasExtended) = (units[0].Former, units[0].Former.WasExtended);
        if (first.WasEnded || (wasExtended && to.IsLive()))
        {
            await Telling.EnabledAsync(work, batches, null, cancel);
        }
        else if (wasExtended || first.WasIssued)
        {
            await Telling.ExpiredAsync(work, batches, first.WasIssued ? now : null, cancel);
        }
    }

    private static UnitKey FormerKey(FormerUnit unit) => unit.Key with { EndsAt = unit.EndsAt };

    private static NpgsqlParameter<DateTimeOffset[]> Instants(IEnumerable<DateTimeOffset> values) =>
        new() { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz };
}
