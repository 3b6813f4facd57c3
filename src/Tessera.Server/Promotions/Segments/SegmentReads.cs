using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions.Segments;

/// <summary>Who is in a segment now: how many, and page by page. Both end after a bounded time.</summary>
internal static class SegmentReads
{
    /// <summary>Customers counted for a size; beyond it there are more.</summary>
    public const int Counted = 100_000;

    /// <summary>PostgreSQL ended a statement that ran too long.</summary>
    private const string OutOfTime = "57014";

    /// <summary>How many customers are in a segment.</summary>
    public static async Task<SegmentSize> SizeAsync(
        Database database,
        Segment segment,
        SegmentBook all,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync("set local statement_timeout = '2s'", [], cancel);
        var values = new List<object?>();
        await using var query = work.Command(
            $"select count(*) from (select {From(segment, all, values)} limit {Counted + 1}) found",
            values.ToArray()
        );
        try
        {
            var size = (long)(await query.ExecuteScalarAsync(cancel))!;
            return new SegmentSize(Math.Min(size, Counted), size <= Counted);
        }
        catch (PostgresException late) when (late.SqlState == OutOfTime)
        {
            return new SegmentSize(null, IsExact: false);
        }
    }

    /// <summary>A page of the customers in a segment, by id; null when finding them took too long.</summary>
    public static async Task<List<Guid>?> MembersAsync(
        Database database,
        Segment segment,
        SegmentBook all,
        PageRequest page,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync("set local statement_timeout = '5s'", [], cancel);
        var values = new List<object?>();
        var from = From(segment, all, values, columns: "c.id");
        var after = page.Where("c.id", "uuid", "c.id", "uuid", values);
        return await ReadAsync(work, $"select {from} and {after} {page.OrderBy("c.id", "c.id")}", values, cancel);
    }

    /// <summary>All customers in a segment; null when there are more than are counted, or finding them took too long.</summary>
    public static async Task<List<Guid>?> AllAsync(
        UnitOfWork work,
        Segment segment,
        SegmentBook all,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync("set local statement_timeout = '5s'", [], cancel);
        var values = new List<object?>();
        var from = From(segment, all, values, columns: "c.id");
        var members = await ReadAsync(work, $"select {from} limit {Counted + 1}", values, cancel);
        if (members is null || members.Count > Counted)
        {
            return null;
        }

        await work.ExecuteAsync("set local statement_timeout to default", [], cancel);
        return members;
    }

    private static async Task<List<Guid>?> ReadAsync(
        UnitOfWork work,
        string sql,
        List<object?> values,
        CancellationToken cancel
    )
    {
        await using var query = work.Command(sql, values.ToArray());
        var members = new List<Guid>();
        try
        {
            await using var rows = await query.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                members.Add(rows.GetGuid(0));
            }
        }
        catch (PostgresException late) when (late.SqlState == OutOfTime)
        {
            return null;
        }

        return members;
    }

    private static string From(Segment segment, SegmentBook all, List<object?> values, string columns = "")
    {
        var holds = new SegmentSql(all, values).Of(segment);
        return $"{columns} from access.customer c cross join lateral ({Buyers.Orders("c.id")}) r where {holds}";
    }
}
