using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Coupons;

namespace Tessera.Server.Coupons;

/// <summary>How a page is read.</summary>
internal sealed partial class CouponList
{
    /// <summary>Reads one page and one row more: coupons, and the values that place each in the order.</summary>
    public async Task<IReadOnlyList<(Coupon Coupon, string[] Keys)>> ReadAsync(
        NpgsqlDataSource source,
        CancellationToken cancel
    )
    {
        await using var clock = source.CreateCommand("select platform.clock()");
        var now = (DateTime)(await clock.ExecuteScalarAsync(cancel))!;
        var rows = new List<(Coupon, string[])>(Page.Fetch);
        foreach (var stretch in Stretches())
        {
            await ReadAsync(source, now, stretch, rows, cancel);
            if (rows.Count == Page.Fetch)
            {
                break;
            }
        }

        return rows;
    }

    /// <summary>
    /// Where the page is to be found, in order: in all there is, but one status after the other where that is what is sorted
    /// by first. It is decided by the clock and by counters, so no index has its order, while each status alone is found by one.
    /// </summary>
    internal IEnumerable<ListStretch> Stretches()
    {
        if (_order is not [(Coupon.StatusSql, _, _), ..])
        {
            return [new ListStretch(null, _order, [], Page.After)];
        }

        var statuses = Coupon.StatusConditions.Select(static s => s.Status);
        ListSort[] rest = [.. _order.Skip(1)];
        return (_order[0].Descending ? statuses.Reverse() : statuses)
            .Where(s => _statuses?.Contains(s) ?? true)
            .SkipWhile(s => Page.After is { } after && s != after[0])
            .Select(s => new ListStretch(
                s,
                rest,
                [],
                Page.After is { } place && place[0] == s ? [.. place.Skip(1)] : null
            ));
    }

    /// <summary>
    /// Adds the rows of a stretch until the page is full. Of several sorts only the first has an index, and its equals may be
    /// nearly all there are: so the value at the page's end is looked up; what is before it is little, and its equals are a
    /// stretch of their own in the order of the other sorts, whose index may find them.
    /// </summary>
    private async Task ReadAsync(
        NpgsqlDataSource source,
        DateTime now,
        ListStretch stretch,
        List<(Coupon, string[])> rows,
        CancellationToken cancel
    )
    {
        if (stretch.Rest.Count < 2)
        {
            await AddAsync(source, now, stretch, rows, cancel);
            return;
        }

        if (stretch.After is { } after)
        {
            await ReadAsync(source, now, stretch.Among(after[0]!) with { After = [.. after.Skip(1)] }, rows, cancel);
            stretch = stretch with { After = null, Behind = after[0] };
        }

        if (rows.Count < Page.Fetch)
        {
            await using var command = Edge(source, now, stretch, Page.Fetch - rows.Count - 1);
            var edge = (string?)await command.ExecuteScalarAsync(cancel);
            await AddAsync(source, now, stretch with { Before = edge }, rows, cancel);
            if (edge is not null && rows.Count < Page.Fetch)
            {
                await ReadAsync(source, now, stretch.Among(edge), rows, cancel);
            }
        }
    }

    private async Task AddAsync(
        NpgsqlDataSource source,
        DateTime now,
        ListStretch stretch,
        List<(Coupon, string[])> rows,
        CancellationToken cancel
    )
    {
        await using var command = Command(source, now, stretch);
        await using var row = await command.ExecuteReaderAsync(cancel);
        while (rows.Count < Page.Fetch && await row.ReadAsync(cancel))
        {
            var coupon = Coupon.Read(row);
            var id = coupon.Id.ToString(CultureInfo.InvariantCulture);
            rows.Add((coupon, [.. row.GetFieldValue<string[]>(Coupon.After), id]));
        }
    }

    /// <summary>The statement that reads a stretch.</summary>
    /// <param name="source">Where it runs.</param>
    /// <param name="now">The platform's clock: as a value it lets the database judge how many coupons a status has.</param>
    /// <param name="stretch">What is read, in one go.</param>
    internal NpgsqlCommand Command(NpgsqlDataSource source, DateTime now, ListStretch stretch)
    {
        var (parameters, clock) = Parameters(now);
        var order = new ListOrder(stretch.Sorts, _descendingId);
        var conditions = Conditions(stretch, parameters);
        return Made(source, Statement(conditions, order, stretch.Status, clock, Page.Fetch), parameters);
    }

    /// <summary>The value of a stretch's first sort after so many rows; nothing if it has no more.</summary>
    private NpgsqlCommand Edge(NpgsqlDataSource source, DateTime now, ListStretch stretch, int rows)
    {
        var (parameters, clock) = Parameters(now);
        var first = stretch.Rest[0];
        var conditions = string.Join(" and ", Conditions(stretch, parameters));
        var sql =
            $"select ({first.Sql})::text from {Source(clock)} where {conditions} order by {first.Sql} {(first.Descending ? "desc" : "asc")} limit 1 offset {rows.ToString(CultureInfo.InvariantCulture)}";
        return Made(source, sql, parameters);
    }

    private List<string> Conditions(ListStretch stretch, List<NpgsqlParameter> parameters) =>
        [
            .. Conditions(stretch.Status is { } status ? [status] : _statuses),
            .. stretch.Bounds(_descendingId, parameters),
        ];

    private (List<NpgsqlParameter> Parameters, string Clock) Parameters(DateTime now)
    {
        List<NpgsqlParameter> parameters =
        [
            .. _parameters,
            new() { Value = now, NpgsqlDbType = NpgsqlDbType.TimestampTz },
        ];
        return (parameters, $"${parameters.Count}");
    }

    private static NpgsqlCommand Made(NpgsqlDataSource source, string sql, List<NpgsqlParameter> parameters)
    {
        var command = source.CreateCommand(sql);
        parameters.ForEach(p => command.Parameters.Add(p.Clone()));
        return command;
    }
}
