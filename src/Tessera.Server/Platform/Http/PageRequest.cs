using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Tessera.Server.Platform.Http;

/// <summary>One page of a list, as asked for (convention 19).</summary>
/// <param name="Limit">Most rows.</param>
/// <param name="Sort">What they are sorted by.</param>
/// <param name="Descending">Whether the greatest comes first.</param>
/// <param name="After">Sort value and id of the last row of the page before; null for the first page.</param>
/// <param name="Seal">Makes the cursor of a last row.</param>
public sealed record PageRequest(
    int Limit,
    string Sort,
    bool Descending,
    IReadOnlyList<string?>? After,
    Func<IReadOnlyList<string?>, string> Seal
)
{
    /// <summary>The most rows a page may have.</summary>
    public const int MaximumLimit = 100;

    /// <summary>Rows of a page unless asked otherwise.</summary>
    public const int StandardLimit = 25;

    /// <summary>Rows to read: one more than shown tells whether there are more.</summary>
    public int Fetch => Limit + 1;

    /// <summary>
    /// The condition that continues after the last row, or <c>true</c>. Columns come from the room's allow list; the
    /// values go in as parameters, as text cast to the column's type.
    /// </summary>
    /// <param name="column">Expression sorted by; must not be null.</param>
    /// <param name="type">Its SQL type.</param>
    /// <param name="id">The unique column that breaks ties.</param>
    /// <param name="idType">Its SQL type.</param>
    /// <param name="values">Parameters so far; the two of the condition are added.</param>
    public string Where(string column, string type, string id, string idType, List<object?> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (After is null)
        {
            return "true";
        }

        values.Add(After[0]);
        values.Add(After[1]);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"({column}, {id}) {(Descending ? '<' : '>')} (${values.Count - 1}::text::{type}, ${values.Count}::text::{idType})"
        );
    }

    /// <summary>The order, by column and id, and the bound.</summary>
    public string OrderBy(string column, string id)
    {
        var way = Descending ? "desc" : "asc";
        return string.Create(CultureInfo.InvariantCulture, $"order by {column} {way}, {id} {way} limit {Fetch}");
    }

    /// <summary>The answer: <c>data</c>, <c>has_more</c>, <c>next_cursor</c> and the link to the next page.</summary>
    /// <param name="context">The request.</param>
    /// <param name="rows">At most <see cref="Fetch"/> of them.</param>
    /// <param name="view">What the caller sees of a row.</param>
    /// <param name="key">Sort value and id of a row, as text.</param>
    /// <param name="total">Rows of all pages, where they were counted.</param>
    public HttpAnswer Answer<TRow, TView>(
        HttpContext context,
        IReadOnlyList<TRow> rows,
        Func<TRow, TView> view,
        Func<TRow, IReadOnlyList<string?>> key,
        long? total = null
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(key);
        var hasMore = rows.Count > Limit;
        var next = hasMore ? Seal(key(rows[Limit - 1])) : null;
        var page = new Page<TView>([.. rows.Take(Limit).Select(view)], hasMore, next, total);
        return HttpAnswer.Json(StatusCodes.Status200OK, page) with
        {
            Link = next is null ? null : LinkTo(context, next),
        };
    }

    /// <summary>An instant as a sort value: exact to the microsecond the database keeps.</summary>
    public static string KeyOf(DateTimeOffset at) =>
        at == DateTimeOffset.MaxValue
            ? "infinity"
            : at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static string LinkTo(HttpContext context, string cursor)
    {
        var query = context
            .Request.Query.Where(static p => !p.Key.Equals("cursor", StringComparison.OrdinalIgnoreCase))
            .SelectMany(static p => p.Value.Select(v => KeyValuePair.Create(p.Key, v)))
            .Append(KeyValuePair.Create("cursor", (string?)cursor));
        return $"<{QueryHelpers.AddQueryString(context.Request.Path.Value ?? "/", query)}>; rel=\"next\"";
    }
}

/// <summary>A page of a list.</summary>
/// <param name="Data">The rows.</param>
/// <param name="HasMore">Whether there are more after these.</param>
/// <param name="NextCursor">For the next page; null on the last one.</param>
/// <param name="Total">Rows of all pages, where the caller asked for them to be counted.</param>
public sealed record Page<T>(
    IReadOnlyList<T> Data,
    bool HasMore,
    string? NextCursor,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] long? Total = null
);
