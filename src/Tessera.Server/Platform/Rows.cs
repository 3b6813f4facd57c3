using Npgsql;

namespace Tessera.Server.Platform;

/// <summary>Columns that may be null.</summary>
internal static class Rows
{
    public static T? Value<T>(this NpgsqlDataReader row, int place)
        where T : struct => row.IsDBNull(place) ? null : row.GetFieldValue<T>(place);

    public static T? Object<T>(this NpgsqlDataReader row, int place)
        where T : class => row.IsDBNull(place) ? null : row.GetFieldValue<T>(place);
}
