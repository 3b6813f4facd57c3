using Npgsql;
using NpgsqlTypes;

namespace Tessera.Server.Coupons;

/// <summary>How many coupons there are of each derived status (CPN-04, OPS-01). Every coupon is in exactly one of them.</summary>
/// <param name="Total">All together.</param>
/// <param name="Active">Can be redeemed.</param>
/// <param name="Inactive">Switched off.</param>
/// <param name="Scheduled">Begin later.</param>
/// <param name="Expired">Have ended.</param>
/// <param name="LimitReached">Have no uses left; seconds behind.</param>
/// <param name="Flagged">Under suspicion.</param>
internal sealed record CouponCounts(
    long Total,
    long Active,
    long Inactive,
    long Scheduled,
    long Expired,
    long LimitReached,
    long Flagged
);

internal sealed partial class CouponList
{
    /// <summary>
    /// Counts what matches by status, whichever statuses were asked for. Each but <c>active</c> is found by an index; active
    /// is the rest.
    /// </summary>
    /// <param name="source">Where.</param>
    /// <param name="cancel">Cancels.</param>
    public async Task<CouponCounts> CountByStatusAsync(NpgsqlDataSource source, CancellationToken cancel)
    {
        await using var clock = source.CreateCommand("select platform.clock()");
        var now = new NpgsqlParameter
        {
            Value = await clock.ExecuteScalarAsync(cancel),
            NpgsqlDbType = NpgsqlDbType.TimestampTz,
        };
        var from = Source($"${_parameters.Count + 1}");
        string CountOf(IReadOnlyList<string>? status) =>
            $"(select count(*) from {from} where {string.Join(" and ", Conditions(status))})";
        var statuses = Statuses.Where(static s => s is not ("all" or "active")).ToList();
        await using var command = source.CreateCommand(
            $"select {CountOf(null)}, {string.Join(", ", statuses.Select(s => CountOf([s])))}"
        );
        _parameters.ForEach(p => command.Parameters.Add(p.Clone()));
        command.Parameters.Add(now);
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        var counts = statuses.Select((status, place) => (status, Count: row.GetInt64(place + 1))).ToDictionary();
        return new CouponCounts(
            row.GetInt64(0),
            row.GetInt64(0) - counts.Values.Sum(),
            counts["inactive"],
            counts["scheduled"],
            counts["expired"],
            counts["limit_reached"],
            counts["flagged"]
        );
    }
}
