using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Tessera.Server.Platform.Http;

/// <summary>That a member of an answer needs a permission of its own: without it the member is absent (ACC-03).</summary>
/// <param name="anyOf">The caller needs one of these, beside the permission of the operation.</param>
[AttributeUsage(AttributeTargets.Property)]
public class GuardedAttribute(params string[] anyOf) : Attribute
{
    /// <summary>The caller needs one of them.</summary>
    public IReadOnlyList<string> AnyOf { get; } = anyOf;
}

/// <summary>Members that need a permission of their own.</summary>
/// <param name="AnyOf">The caller needs one of these.</param>
/// <param name="Names">On the wire.</param>
public sealed record GuardedMembers(IReadOnlyList<string> AnyOf, FrozenSet<string> Names);

/// <summary>The guarded members of an operation's answers.</summary>
public sealed record GuardedFact(IReadOnlyList<GuardedMembers> Members);

/// <summary>Which members of which shapes are guarded, and how operations say so.</summary>
public static class Guarded
{
    /// <summary>The operation answers, beside what is described, with shapes of this type: a stream, for instance.</summary>
    public static TBuilder Guards<TBuilder>(this TBuilder builder, Type shape)
        where TBuilder : Microsoft.AspNetCore.Builder.IEndpointConventionBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Add(endpoint =>
        {
            if (Of(shape) is { Count: > 0 } members)
            {
                endpoint.Metadata.Add(new GuardedFact(members));
            }
        });
        return builder;
    }

    /// <summary>The guarded members of a shape and of all it is made of.</summary>
    internal static IReadOnlyList<GuardedMembers> Of(Type shape)
    {
        var found = new List<(IReadOnlyList<string> AnyOf, string Name)>();
        Collect(shape, found, []);
        return
        [
            .. found
                .GroupBy(static f => string.Join(' ', f.AnyOf))
                .Select(static g => new GuardedMembers(
                    g.First().AnyOf,
                    g.Select(static f => f.Name).ToFrozenSet(StringComparer.Ordinal)
                )),
        ];
    }

    /// <summary>What a property needs one of; null for nothing.</summary>
    internal static IReadOnlyList<string>? NeededBy(JsonPropertyInfo property) =>
        property
            .AttributeProvider?.GetCustomAttributes(typeof(GuardedAttribute), inherit: false)
            .OfType<GuardedAttribute>()
            .FirstOrDefault()
            ?.AnyOf;

    private static void Collect(Type type, List<(IReadOnlyList<string>, string)> found, HashSet<Type> seen)
    {
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        if (bare == typeof(object) || !seen.Add(bare) || !Wire.Json.TryGetTypeInfo(bare, out var info))
        {
            return;
        }

        if (info.ElementType is { } element)
        {
            Collect(element, found, seen);
        }

        foreach (var property in info.Properties)
        {
            if (NeededBy(property) is { } needed)
            {
                found.Add((needed, property.Name));
            }
            else
            {
                Collect(property.PropertyType, found, seen);
            }
        }
    }
}

/// <summary>Members that the caller of this request may not see.</summary>
/// <param name="Names">On the wire.</param>
public sealed record HiddenMembers(FrozenSet<string> Names)
{
    /// <summary>A document without them, at any depth.</summary>
    public ReadOnlyMemory<byte> Without(ReadOnlyMemory<byte> json)
    {
        var buffer = new ArrayBufferWriter<byte>(Math.Max(1, json.Length));
        var reader = new Utf8JsonReader(json.Span);
        using var writer = new Utf8JsonWriter(
            buffer,
            new JsonWriterOptions { Encoder = Wire.Json.Encoder, SkipValidation = true }
        );
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && Names.Contains(reader.GetString()!))
            {
                reader.Skip();
                continue;
            }

            Copy(ref reader, writer);
        }

        writer.Flush();
        return buffer.WrittenMemory;
    }

    private static void Copy(ref Utf8JsonReader reader, Utf8JsonWriter writer)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                writer.WriteStartObject();
                break;
            case JsonTokenType.EndObject:
                writer.WriteEndObject();
                break;
            case JsonTokenType.StartArray:
                writer.WriteStartArray();
                break;
            case JsonTokenType.EndArray:
                writer.WriteEndArray();
                break;
            case JsonTokenType.PropertyName:
                writer.WritePropertyName(reader.GetString()!);
                break;
            case JsonTokenType.String:
                writer.WriteStringValue(reader.GetString());
                break;
            default:
                writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                break;
        }
    }
}
