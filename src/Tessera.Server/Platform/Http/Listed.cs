using System.Globalization;
using Npgsql;

namespace Tessera.Server.Platform.Http;

/// <summary>A list that is read in pages (convention 19): where its rows come from, and how one is read and placed.</summary>
/// <param name="Select">The query up to and without <c>where</c>.</param>
/// <param name="Sort">What is sorted by, never null, and its SQL type.</param>
/// <param name="Id">The unique column that breaks ties, and its SQL type.</param>
/// <param name="Read">Makes a row.</param>
/// <param name="Key">Sort value and id of a row, as text.</param>
public sealed record Listed<T>(
    string Select,
    (string Column, string Type) Sort,
    (string Column, string Type) Id,
    Func<NpgsqlDataReader, T> Read,
    Func<T, IReadOnlyList<string?>> Key
);

/// <summary>The usual lists.</summary>
public static class Listed
{
    /// <summary>One sorted by an instant; among equals by the id, a UUID.</summary>
    /// <param name="select">The query up to and without <c>where</c>.</param>
    /// <param name="time">The column of the instant.</param>
    /// <param name="id">The column of the id.</param>
    /// <param name="read">Makes a row.</param>
    /// <param name="key">Instant and id of a row.</param>
    public static Listed<T> ByTime<T>(
        string select,
        string time,
        string id,
        Func<NpgsqlDataReader, T> read,
        Func<T, (DateTimeOffset At, Guid Id)> key
    ) =>
        new(
            select,
            (time, "timestamptz"),
            (id, "uuid"),
            read,
            row =>
            {
                var (at, rowId) = key(row);
                return [PageRequest.KeyOf(at), rowId.ToString()];
            }
        );

    /// <summary>One sorted by its number, which nothing else has.</summary>
    /// <param name="select">The query up to and without <c>where</c>.</param>
    /// <param name="number">The column.</param>
    /// <param name="read">Makes a row.</param>
    /// <param name="key">The number of a row.</param>
    public static Listed<T> ByNumber<T>(
        string select,
        string number,
        Func<NpgsqlDataReader, T> read,
        Func<T, long> key
    ) =>
        new(
            select,
            (number, "bigint"),
            (number, "bigint"),
            read,
            row =>
            {
                var place = key(row).ToString(CultureInfo.InvariantCulture);
                return [place, place];
            }
        );
}
