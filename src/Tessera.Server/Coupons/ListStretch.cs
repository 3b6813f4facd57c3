using Npgsql;

namespace Tessera.Server.Coupons;

/// <summary>Rows of a list that follow each other in its order.</summary>
/// <param name="Status">The one they have, where that is what is sorted by first; null for any.</param>
/// <param name="Sorts">The other sorts.</param>
/// <param name="Equal">The values all of them have in the first of these.</param>
/// <param name="After">The row they come after, without what is equal; null for none.</param>
internal sealed record ListStretch(
    string? Status,
    IReadOnlyList<ListSort> Sorts,
    IReadOnlyList<string> Equal,
    IReadOnlyList<string?>? After
)
{
    /// <summary>They come after all with this value of the first sort that is left.</summary>
    public string? Behind { get; init; }

    /// <summary>They come before all with this value of it.</summary>
    public string? Before { get; init; }

    /// <summary>The sorts they differ in.</summary>
    public IReadOnlyList<ListSort> Rest => [.. Sorts.Skip(Equal.Count)];

    /// <summary>Those of them with this value of the first sort that is left.</summary>
    public ListStretch Among(string value) => new(Status, Sorts, [.. Equal, value], null);

    /// <summary>The conditions that keep to them.</summary>
    public IEnumerable<string> Bounds(bool descendingId, List<NpgsqlParameter> parameters)
    {
        for (var i = 0; i < Equal.Count; i++)
        {
            yield return $"{Sorts[i].Sql} = {ListOrder.Value(Equal[i], Sorts[i].Type, parameters)}";
        }

        if (After is not null)
        {
            yield return new ListOrder(Rest, descendingId).Beyond(After, parameters);
        }

        if (Behind is not null)
        {
            yield return $"{Rest[0].Sql} {(Rest[0].Descending ? "<" : ">")} {ListOrder.Value(Behind, Rest[0].Type, parameters)}";
        }

        if (Before is not null)
        {
            yield return $"{Rest[0].Sql} {(Rest[0].Descending ? ">" : "<")} {ListOrder.Value(Before, Rest[0].Type, parameters)}";
        }
    }
}
