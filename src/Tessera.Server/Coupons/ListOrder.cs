using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace Tessera.Server.Coupons;

/// <summary>What a list is sorted by: an expression that is never null, and its type.</summary>
internal readonly record struct ListSort(string Sql, string Type, bool Descending);

/// <summary>The order of a list of coupons: its sorts, ended by the id so that it is one.</summary>
/// <param name="Sorts">The first decides first.</param>
/// <param name="DescendingId">The way of the id.</param>
internal sealed record ListOrder(IReadOnlyList<ListSort> Sorts, bool DescendingId)
{
    /// <summary>Whether one of the sorts is a figure of coupons.total.</summary>
    public static bool IsByTotals(IEnumerable<ListSort> sorts) =>
        sorts.Any(static s => s.Sql.StartsWith("t.", StringComparison.Ordinal));

    /// <summary>The order with the id of the table whose index has it.</summary>
    private IReadOnlyList<ListSort> Columns =>
        [.. Sorts, new ListSort(IsByTotals(Sorts) ? "t.coupon_id" : "c.id", "bigint", DescendingId)];

    /// <summary>What stands after <c>order by</c>.</summary>
    /// <param name="column">Names a column by its expression and its place.</param>
    public string By(Func<string, int, string> column) =>
        string.Join(", ", Columns.Select((o, place) => $"{column(o.Sql, place)} {(o.Descending ? "desc" : "asc")}"));

    /// <summary>The condition of the rows after the one with the given values.</summary>
    public string Beyond(IReadOnlyList<string?> after, List<NpgsqlParameter> parameters)
    {
        var columns = Columns;
        if (columns.All(c => c.Descending == DescendingId))
        {
            // All the same way: an index goes straight to the place, however many rows are equal.
            var place = string.Join(", ", columns.Select((c, i) => Value(after[i]!, c.Type, parameters)));
            return $"({string.Join(", ", columns.Select(static c => c.Sql))}) {(DescendingId ? "<" : ">")} ({place})";
        }

        var alternatives = new List<string>();
        var equal = "";
        var values = new List<string>();
        for (var i = 0; i < columns.Count; i++)
        {
            var (sql, type, descending) = columns[i];
            values.Add(Value(after[i]!, type, parameters));
            alternatives.Add($"({equal}{sql} {(descending ? "<" : ">")} {values[i]})");
            equal += $"{sql} = {values[i]} and ";
        }

        // The first column alone lets an index find the place; the alternatives say the rest.
        return $"{columns[0].Sql} {(columns[0].Descending ? "<=" : ">=")} {values[0]} and ({string.Join(" or ", alternatives)})";
    }

    /// <summary>A value of a column, as it was read as text.</summary>
    public static string Value(string text, string type, List<NpgsqlParameter> parameters)
    {
        parameters.Add(new NpgsqlParameter { Value = text, NpgsqlDbType = NpgsqlDbType.Text });
        return $"${parameters.Count.ToString(CultureInfo.InvariantCulture)}::{type}";
    }
}
