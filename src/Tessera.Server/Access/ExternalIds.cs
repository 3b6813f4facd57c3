using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>The ids that another system of the deployment gave a record.</summary>
internal static class ExternalIds
{
    public const int MaximumLength = 100;

    /// <summary>Reads one; null when it is not there.</summary>
    public static string? Read(Fields fields)
    {
        var id = fields.Text("external_id", MaximumLength, required: false);
        if (id?.Length == 0)
        {
            fields.Add("external_id", "required", "This has to be text, or null for none.");
        }

        return id;
    }

    public static NpgsqlParameter Parameter(string? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}

/// <summary>Values of the examples in the API description.</summary>
internal static class Samples
{
    public static readonly Guid Id = new("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e");

    public static readonly DateTimeOffset At = new(2026, 11, 2, 9, 30, 0, TimeSpan.Zero);
}
