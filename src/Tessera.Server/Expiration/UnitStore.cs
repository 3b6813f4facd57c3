using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Core.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>A unit under its lock.</summary>
/// <param name="Key">Its end and id.</param>
/// <param name="CouponId">Of the definition.</param>
/// <param name="MerchantId">Who offers it.</param>
/// <param name="CampaignId">Its campaign.</param>
/// <param name="Channel">Where it was given out.</param>
/// <param name="Code">Its own; null for a unit of a shared code.</param>
/// <param name="State">Of its row.</param>
/// <param name="PriorState">Where a lapsed hold returns to.</param>
/// <param name="ReservedUntil">When its hold lapses.</param>
/// <param name="Version">Of its row.</param>
/// <param name="IsTold">Whether the log says already that the clock has ended it.</param>
internal sealed record HeldUnit(
    UnitKey Key,
    long CouponId,
    Guid? MerchantId,
    string? CampaignId,
    string? Channel,
    string? Code,
    InstanceState State,
    InstanceState? PriorState,
    DateTimeOffset? ReservedUntil,
    long Version,
    bool IsTold
);

/// <summary>The budget that one unit's end has freed.</summary>
/// <param name="Minor">In minor units; 0 for none.</param>
/// <param name="Currency">Of the campaign.</param>
internal readonly record struct Freed(long Minor, string? Currency);

/// <summary>The SQL of units that are named one by one: late ones, and those somebody changes.</summary>
internal static class UnitStore
{
    /// <summary>Whether the log says that the clock has ended the unit of alias <c>i</c>.</summary>
    private const string IsTold = """
        i.valid_until <= platform.clock() and exists (select from expiration.batch b where b.runs @> i.id
            and b.cause = 'end_reached' and b.coupon_id = i.coupon_id and b.version = i.version)
        """;

    /// <summary>
    /// Locks units, in the order of their keys, and before them the jobs in whose hours they end, so that no step tells
    /// of them meanwhile. What is found afterwards is what is true until the transaction ends.
    /// </summary>
    public static async Task<IReadOnlyList<HeldUnit>> HoldAsync(
        UnitOfWork work,
        IReadOnlyCollection<UnitKey> keys,
        CancellationToken cancel
    )
    {
        await HoldJobsAsync(work, keys, cancel);
        var (ends, ids) = Arrays(keys);
        await work.ExecuteAsync(
            """
            select i.id from unnest($1::timestamptz[], $2::bigint[]) k (valid_until, id)
            join coupons.instance i on i.valid_until = k.valid_until and i.id = k.id
            order by i.valid_until, i.id for no key update of i
            """,
            [ends, ids],
            cancel
        );
        await using var query = work.Command(
            $"""
            select i.valid_until, i.id, i.coupon_id, i.merchant_id, i.campaign_id, i.channel, i.code, i.state, i.prior_state,
                i.reserved_until, i.version, {IsTold}
            from unnest($1::timestamptz[], $2::bigint[]) k (valid_until, id)
            join coupons.instance i on i.valid_until = k.valid_until and i.id = k.id
            order by i.valid_until, i.id
            """,
            ends.Clone(),
            ids.Clone()
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var units = new List<HeldUnit>(keys.Count);
        while (await rows.ReadAsync(cancel))
        {
            units.Add(
                new HeldUnit(
                    new UnitKey(rows.GetFieldValue<DateTimeOffset>(0), rows.GetInt64(1)),
                    rows.GetInt64(2),
                    rows.Value<Guid>(3),
                    rows.Object<string>(4),
                    rows.Object<string>(5),
                    rows.Object<string>(6),
                    InstanceStates.Parse(rows.GetString(7)),
                    rows.Object<string>(8) is { } prior ? InstanceStates.Parse(prior) : null,
                    rows.Value<DateTimeOffset>(9),
                    rows.GetInt64(10),
                    rows.GetBoolean(11)
                )
            );
        }

        return units;
    }

    /// <summary>Locks the jobs in whose hours units end, so that none of them goes on meanwhile.</summary>
    public static Task HoldJobsAsync(UnitOfWork work, IReadOnlyCollection<UnitKey> keys, CancellationToken cancel) =>
        work.ExecuteAsync(
            "select id from expiration.job where bucket = any($1) order by id for share",
            [Instants(keys.Select(static k => Buckets.Of(k.EndsAt)).Distinct())],
            cancel
        );

    /// <summary>Those of the keys that no job will come to: their hour has jobs, and all have passed them.</summary>
    public static async Task<HashSet<UnitKey>> PassedAsync(
        UnitOfWork work,
        IReadOnlyCollection<UnitKey> keys,
        CancellationToken cancel
    )
    {
        var (ends, ids) = Arrays(keys);
        await using var query = work.Command(
            """
            select i.valid_until, i.id from unnest($1::timestamptz[], $2::bigint[]) k (valid_until, id)
            join coupons.instance i on i.valid_until = k.valid_until and i.id = k.id
            join expiration.bucket b on b.starts_at = date_trunc('hour', i.valid_until, 'UTC')
            where not exists (select from expiration.job j where j.bucket = b.starts_at
                and (i.valid_until, i.id) > (j.done_at, j.done_id) and (i.valid_until, i.id) <= (j.until_at, j.until_id)
                and case when j.merchant_id is not null then i.merchant_id = j.merchant_id
                    else i.merchant_id is null or i.merchant_id <> all (j.except_ids) end)
            """,
            ends,
            ids
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        var passed = new HashSet<UnitKey>();
        while (await rows.ReadAsync(cancel))
        {
            passed.Add(new UnitKey(rows.GetFieldValue<DateTimeOffset>(0), rows.GetInt64(1)));
        }

        return passed;
    }

    /// <summary>Writes the events, and traces where something is freed, of units that are held.</summary>
    /// <param name="work">The transaction that holds them.</param>
    /// <param name="units">With the state and version they had before.</param>
    /// <param name="words">What the events say; <c>$9</c> and up are <paramref name="more"/>.</param>
    /// <param name="now">The database clock, read after they were locked.</param>
    /// <param name="more">Values of the words.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="freed">What was freed of each, where that is taken back.</param>
    public static async Task<IReadOnlyList<ExpiredBatch>> TellAsync(
        UnitOfWork work,
        IReadOnlyList<HeldUnit> units,
        BatchWords words,
        DateTimeOffset now,
        object?[] more,
        CancellationToken cancel,
        IReadOnlyList<Freed>? freed = null
    )
    {
        var last = 10 + Math.Max(0, more.Length - 1);
        var (arrays, columns) = freed is null
            ? ("", "")
            : ($", ${last + 1}::bigint[], ${last + 2}::text[]", ", freed_minor, freed_currency");
        await using var statement = work.Command(
            $"""
            with k as materialized (select $10::timestamptz as now), due as materialized (
                select * from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[],
                    $8::bigint[]{arrays}) as d (id, valid_until, coupon_id, merchant_id, campaign_id, channel, state, version{columns})
            ), {BatchSql.Of("due", "true", freed is not null)}, {BatchSql.Write(words)}
            select {BatchSql.Columns} from priced b
            """,
            Column(units, static u => u.Key.Id),
            Instants(units.Select(static u => u.Key.EndsAt)),
            Column(units, static u => u.CouponId),
            Column(units, static u => u.MerchantId),
            Column(units, static u => u.CampaignId),
            Column(units, static u => u.Channel),
            Column(units, static u => u.State.Name()),
            Column(units, static u => u.Version),
            more.Length > 0 ? more[0] : Sweeper.Actor,
            now
        );
        foreach (var value in more.Skip(1))
        {
            statement.Parameters.Add(UnitOfWork.Parameter(value));
        }

        if (freed is not null)
        {
            statement.Parameters.Add(
                new NpgsqlParameter<long[]> { TypedValue = [.. freed.Select(static f => f.Minor)] }
            );
            statement.Parameters.Add(
                new NpgsqlParameter<string?[]> { TypedValue = [.. freed.Select(static f => f.Currency)] }
            );
        }

        await using var rows = await statement.ExecuteReaderAsync(cancel);
        var batches = new List<ExpiredBatch>();
        while (await rows.ReadAsync(cancel))
        {
            batches.Add(BatchSql.Read(rows, 0));
        }

        return batches;
    }

    /// <summary>Sets state, version and end of units that are held, and the end that the code map has of them.</summary>
    public static async Task WriteAsync(
        UnitOfWork work,
        IReadOnlyList<HeldUnit> units,
        UnitChange change,
        CancellationToken cancel
    )
    {
        var (ends, ids) = Arrays(units.Select(static u => u.Key).ToList());
        if (change.ValidUntil is { } end)
        {
            await work.ExecuteAsync("select coupons.ensure_instance_months($1)", [Instants([end])], cancel);
        }

        await work.ExecuteAsync(
            """
            update coupons.instance i set state = $3, prior_state = null, reservation_id = null, reserved_until = null,
                version = d.version, valid_until = coalesce($5, i.valid_until)
            from unnest($1::timestamptz[], $2::bigint[], $4::bigint[]) as d (valid_until, id, version)
            where i.valid_until = d.valid_until and i.id = d.id
            """,
            [
                ends,
                ids,
                change.To.Name(),
                Column(units, static u => u.Version + 1),
                new NpgsqlParameter
                {
                    Value = change.ValidUntil ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlDbType.TimestampTz,
                },
            ],
            cancel
        );
        if (change.ValidUntil is { } until)
        {
            await work.ExecuteAsync(
                "update coupons.code set valid_until = $2 where code = any($1)",
                [units.Where(static u => u.Code is not null).Select(static u => u.Code!).ToArray(), until],
                cancel
            );
        }
    }

    private static (NpgsqlParameter Ends, NpgsqlParameter Ids) Arrays(IReadOnlyCollection<UnitKey> keys) =>
        (
            Instants(keys.Select(static k => k.EndsAt)),
            new NpgsqlParameter<long[]> { TypedValue = [.. keys.Select(static k => k.Id)] }
        );

    private static NpgsqlParameter<DateTimeOffset[]> Instants(IEnumerable<DateTimeOffset> values) =>
        new() { TypedValue = [.. values], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz };

    private static NpgsqlParameter<T[]> Column<T>(IReadOnlyList<HeldUnit> units, Func<HeldUnit, T> value) =>
        new() { TypedValue = [.. units.Select(value)] };
}
