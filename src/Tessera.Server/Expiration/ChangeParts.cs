using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>The SQL of what units were before a change of many, so that it can be undone: a batch a row.</summary>
internal static class ChangeParts
{
    /// <summary>Keeps what the units of a batch were.</summary>
    /// <param name="work">The transaction of the batch.</param>
    /// <param name="asked">What was asked for.</param>
    /// <param name="units">That were changed, with the state and version they had.</param>
    /// <param name="freed">What their ends have freed.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task KeepAsync(
        UnitOfWork work,
        AskedChange asked,
        IReadOnlyList<HeldUnit> units,
        IReadOnlyList<ExpiredBatch> freed,
        CancellationToken cancel
    )
    {
        var budgets = freed
            .SelectMany(static b =>
                Telling.IdsOf([b]).Select(id => (id, Freed: new Freed(b.BudgetMinor / b.Units, b.Currency)))
            )
            .ToDictionary(static f => f.id, static f => f.Freed);
        NpgsqlParameter<T[]> Column<T>(Func<HeldUnit, T> value) => new() { TypedValue = [.. units.Select(value)] };
        await work.ExecuteAsync(
            """
            insert into expiration.change_part (change_id, number, ids, coupon_ids, versions, ends, states, priors, freed, currencies)
            select $1, coalesce(max(number) + 1, 1), $2, $3, $4, $5, $6, $7, $8, $9
            from expiration.change_part where change_id = $1
            """,
            [
                asked.Id,
                Column(static u => u.Key.Id),
                Column(static u => u.CouponId),
                Column(static u => u.Version + 1),
                new NpgsqlParameter<DateTimeOffset[]>
                {
                    TypedValue = [.. units.Select(static u => u.Key.EndsAt)],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
                },
                Column(static u => u.State.Name()),
                Column(static u => u.PriorState?.Name()),
                Column(u => budgets.GetValueOrDefault(u.Key.Id).Minor),
                Column(u => budgets.GetValueOrDefault(u.Key.Id).Currency),
            ],
            cancel
        );
    }

    /// <summary>The next batch of a change, as its units were.</summary>
    /// <returns>Null when there are no more.</returns>
    public static async Task<FormerUnits?> NextAsync(
        UnitOfWork work,
        AskedChange asked,
        long after,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(
            """
            select p.number, p.ids, p.versions, p.ends, p.states, p.priors, p.freed, p.currencies, c.operation_id
            from expiration.change_part p join expiration.change c on c.id = p.change_id
            where p.change_id = $1 and p.number > $2 order by p.number limit 1
            """,
            asked.Id,
            after
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        if (!await row.ReadAsync(cancel))
        {
            return null;
        }

        var ids = row.GetFieldValue<long[]>(1);
        var versions = row.GetFieldValue<long[]>(2);
        var ends = row.GetFieldValue<DateTimeOffset[]>(3);
        var states = row.GetFieldValue<string[]>(4);
        var priors = row.GetFieldValue<string?[]>(5);
        var freed = row.GetFieldValue<long[]>(6);
        var currencies = row.GetFieldValue<string?[]>(7);
        var units = new FormerUnit[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            units[i] = new FormerUnit(
                new UnitKey(asked.Change.ValidUntil ?? ends[i], ids[i]),
                asked.Change.To,
                versions[i],
                InstanceStates.Parse(states[i]),
                priors[i] is { } prior ? InstanceStates.Parse(prior) : null,
                ends[i],
                new Freed(freed[i], currencies[i])
            );
        }

        var wasFreeing = asked.Change.Action is UnitAction.Expire or UnitAction.Cancel;
        return new FormerUnits(row.GetInt64(0), row.GetGuid(8), wasFreeing, units);
    }

    /// <summary>How many units a change has changed, in the batches after one.</summary>
    public static async Task<long> CountAsync(UnitOfWork work, Guid change, long after, CancellationToken cancel)
    {
        await using var query = work.Command(
            """
            select coalesce(sum(cardinality(ids)), 0)::bigint from expiration.change_part
            where change_id = $1 and number > $2
            """,
            change,
            after
        );
        return (long)(await query.ExecuteScalarAsync(cancel))!;
    }
}
