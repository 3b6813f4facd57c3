using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Coupons;

/// <summary>What a code is good for at the instant it was asked about (API-07).</summary>
/// <param name="Code">In its normal form.</param>
/// <param name="State">
/// The state of the unit (A.18), past its end always <c>expired</c>; of a shared code the status of its coupon (CPN-04);
/// <c>unknown</c> when there is no such code, or it is not the caller's to see.
/// </param>
/// <param name="Redeemable">Whether state and window allow a use now. Limits and conditions decide at the use itself.</param>
/// <param name="ValidFrom">First instant.</param>
/// <param name="ValidUntil">First instant after it; null for no end.</param>
/// <param name="CouponId">Of the definition.</param>
/// <param name="InstanceId">Of the unit; null for a shared code, whose units are made at their first use.</param>
/// <param name="AsOf">The database clock.</param>
public sealed record CodeState(
    string Code,
    string State,
    bool Redeemable,
    DateTimeOffset? ValidFrom,
    DateTimeOffset? ValidUntil,
    long? CouponId,
    long? InstanceId,
    DateTimeOffset AsOf
);

/// <summary>Looks up the state of codes, from the primary and without a cache (convention 40).</summary>
public static class CodeStates
{
    /// <summary>The most codes in one question.</summary>
    public const int MaximumCodes = 1000;

    /// <summary>The state of what does not exist, or is not the caller's to see.</summary>
    public const string Unknown = "unknown";

    private const int Attempts = 3;

    private const string CodeSql = $"""
        select m.code, m.coupon_id, m.instance_id, m.valid_until, c.valid_from, c.valid_until,
            c.code_kind = 'shared', {Coupon.StatusSql}, k.now, a.start_at, a.end_at
        from coupons.code m
        join coupons.coupon c on c.id = m.coupon_id
        left join campaigns.campaign a on a.id = c.campaign_id
        cross join (select platform.clock() as now) k
        where m.code = any($1) and c.deleted_at is null and ($2::uuid is null or c.merchant_id = $2)
        """;

    /// <summary>The states of codes, in the order asked for.</summary>
    /// <param name="database">Where.</param>
    /// <param name="codes">In their normal form, at most <see cref="MaximumCodes"/>.</param>
    /// <param name="merchant">Whose alone are seen; null for all.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<IReadOnlyList<CodeState>> FindAsync(
        Database database,
        IReadOnlyList<string> codes,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(codes);
        await using var connection = await database.Keyed.OpenConnectionAsync(cancel);
        for (var attempt = 1; ; attempt++)
        {
            var (rows, units) = await ReadAsync(connection, codes, merchant, cancel);
            if (attempt < Attempts && units.Count < rows.Values.Count(static r => r.InstanceId is not null))
            {
                // The end of a unit was moved between the two reads: its code says by now where it is.
                continue;
            }

            var now = rows.Count > 0 ? rows.Values.First().Now : await ClockAsync(connection, cancel);
            return
            [
                .. codes.Select(code =>
                    rows.TryGetValue(code, out var row)
                        ? row.StateOf(code, row.InstanceId is { } id ? units.GetValueOrDefault(id) : null)
                        : new CodeState(code, Unknown, false, null, null, null, null, now)
                ),
            ];
        }
    }

    private static async Task<(Dictionary<string, Row> Rows, Dictionary<long, Unit> Units)> ReadAsync(
        NpgsqlConnection connection,
        IReadOnlyList<string> codes,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        var found = new Dictionary<string, Row>(codes.Count, StringComparer.Ordinal);
        await using (var command = new NpgsqlCommand(CodeSql, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. codes] });
            command.Parameters.Add(
                new NpgsqlParameter { Value = merchant ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid }
            );
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                found[rows.GetString(0)] = Row.Read(rows);
            }
        }

        return (found, await UnitsAsync(connection, found.Values, cancel));
    }

    private static async Task<Dictionary<long, Unit>> UnitsAsync(
        NpgsqlConnection connection,
        IEnumerable<Row> rows,
        CancellationToken cancel
    )
    {
        var units = new Dictionary<long, Unit>();
        foreach (
            var month in rows.Where(static r => r.InstanceId is not null)
                .GroupBy(static r => InstanceMonths.Of(r.UnitEnd!.Value))
        )
        {
            await using var command = new NpgsqlCommand(
                "select i.id, i.state, i.prior_state, i.valid_from, i.valid_until, i.reserved_until "
                    + "from unnest($1, $2) k (id, until) "
                    + "join coupons.instance i on i.valid_until = k.until and i.id = k.id where "
                    + InstanceMonths.Predicate(month.Key),
                connection
            );
            command.Parameters.Add(
                new NpgsqlParameter<long[]> { TypedValue = [.. month.Select(static r => r.InstanceId!.Value)] }
            );
            command.Parameters.Add(
                new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. month.Select(static r => r.UnitEnd!.Value)] }
            );
            await using var found = await command.ExecuteReaderAsync(cancel);
            while (await found.ReadAsync(cancel))
            {
                units[found.GetInt64(0)] = new Unit(
                    new HeldInstance(
                        InstanceStates.Parse(found.GetString(1)),
                        found.IsDBNull(2) ? null : InstanceStates.Parse(found.GetString(2)),
                        null,
                        found.GetFieldValue<DateTimeOffset>(3),
                        found.GetFieldValue<DateTimeOffset>(4),
                        null,
                        found.Value<DateTimeOffset>(5)
                    )
                );
            }
        }

        return units;
    }

    private static async Task<DateTimeOffset> ClockAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("select platform.clock()", connection);
        return new DateTimeOffset((DateTime)(await command.ExecuteScalarAsync(cancel))!);
    }

    private sealed record Unit(HeldInstance Held);

    private sealed record Row(
        long CouponId,
        long? InstanceId,
        DateTimeOffset? UnitEnd,
        DateTimeOffset From,
        DateTimeOffset Until,
        bool IsShared,
        string Status,
        DateTimeOffset Now,
        DateTimeOffset? CampaignStart,
        DateTimeOffset? CampaignEnd
    )
    {
        public static Row Read(NpgsqlDataReader row) =>
            new(
                row.GetInt64(1),
                row.Value<long>(2),
                row.Value<DateTimeOffset>(3),
                row.GetFieldValue<DateTimeOffset>(4),
                row.GetFieldValue<DateTimeOffset>(5),
                row.GetBoolean(6),
                row.GetString(7),
                row.GetFieldValue<DateTimeOffset>(8),
                row.Value<DateTimeOffset>(9),
                row.Value<DateTimeOffset>(10)
            );

        public CodeState StateOf(string code, Unit? unit)
        {
            if (InstanceId is not null && unit is null)
            {
                // Moved again and again while we looked.
                return new CodeState(code, Unknown, false, null, null, CouponId, InstanceId, Now);
            }

            var (from, until) = (From, Until);
            if (unit is not null)
            {
                from = from > unit.Held.ValidFrom ? from : unit.Held.ValidFrom;
                var isExtended =
                    unit.Held.State == InstanceState.Extended || unit.Held.PriorState == InstanceState.Extended;
                until = isExtended || unit.Held.ValidUntil < until ? unit.Held.ValidUntil : until;
            }

            from = CampaignStart > from ? CampaignStart.Value : from;
            until = CampaignEnd < until ? CampaignEnd.Value : until;
            var isLive = unit?.Held.StateAt(Now).IsLive() ?? IsShared;
            var isOver = Now >= until;
            var state =
                unit is null ? Status
                : isOver && isLive ? InstanceState.Expired.Name()
                : unit.Held.StateAt(Now).Name();
            var mayBeUsed =
                isLive
                && !isOver
                && Now >= from
                && Status is not ("inactive" or "limit_reached")
                && state != "reserved";
            return new CodeState(code, state, mayBeUsed, from, until, CouponId, InstanceId, Now);
        }
    }
}
