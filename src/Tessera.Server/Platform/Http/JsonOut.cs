using System.Buffers;
using System.Text.Json;

namespace Tessera.Server.Platform.Http;

/// <summary>Writes answers member by member.</summary>
internal static class JsonOut
{
    /// <summary>The bytes of one JSON value.</summary>
    public static ReadOnlyMemory<byte> Bytes(Action<Utf8JsonWriter> value)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            value(json);
        }

        return buffer.WrittenMemory;
    }

    public static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, decimal? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    public static void WriteOptional(this Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value) =>
        json.WriteOptional(name, (decimal?)value);

    public static void WriteList<T>(
        this Utf8JsonWriter json,
        ReadOnlySpan<byte> name,
        IReadOnlyList<T>? values,
        Action<Utf8JsonWriter, T> write
    )
    {
        if (values is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartArray(name);
        foreach (var value in values)
        {
            write(json, value);
        }

        json.WriteEndArray();
    }
}
