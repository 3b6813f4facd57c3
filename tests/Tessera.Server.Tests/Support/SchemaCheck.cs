using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Tessera.Server.Tests.Support;

/// <summary>Checks JSON against the schemas of the API description: the keywords that it uses, and no others.</summary>
public sealed class SchemaCheck(JsonElement document)
{
    private static readonly HashSet<string> Known =
    [
        "$ref",
        "type",
        "format",
        "description",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "anyOf",
        "minimum",
        "maximum",
        "pattern",
        "default",
    ];

    /// <summary>What is wrong, each with its place; nothing if the value fits.</summary>
    public IEnumerable<string> Faults(JsonElement value, JsonElement schema, string place = "#")
    {
        if (schema.ValueKind is JsonValueKind.True)
        {
            yield break;
        }

        foreach (var keyword in schema.EnumerateObject().Where(k => !Known.Contains(k.Name)))
        {
            yield return $"{place}: keyword {keyword.Name} is not checked";
        }

        if (schema.TryGetProperty("$ref", out var reference))
        {
            var name = reference.GetString()!["#/components/schemas/".Length..];
            var target = document.GetProperty("components").GetProperty("schemas").GetProperty(name);
            foreach (var fault in Faults(value, target, place))
            {
                yield return fault;
            }
        }

        if (
            schema.TryGetProperty("anyOf", out var choices)
            && !choices.EnumerateArray().Any(choice => !Faults(value, choice, place).Any())
        )
        {
            yield return $"{place}: {value} fits none of the choices";
        }

        if (schema.TryGetProperty("type", out var type) && !Types(type).Any(t => Is(value, t)))
        {
            yield return $"{place}: {value} is not {type}";
            yield break;
        }

        var faults = value.ValueKind switch
        {
            JsonValueKind.Object => Members(value, schema, place),
            JsonValueKind.Array => Items(value, schema, place),
            JsonValueKind.String => Text(value.GetString()!, schema, place),
            _ => [],
        };
        foreach (var fault in faults)
        {
            yield return fault;
        }
    }

    private IEnumerable<string> Members(JsonElement value, JsonElement schema, string place)
    {
        var properties = schema.TryGetProperty("properties", out var p) ? p : default;
        foreach (var member in value.EnumerateObject())
        {
            if (properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(member.Name, out var inner))
            {
                foreach (var fault in Faults(member.Value, inner, place + "/" + member.Name))
                {
                    yield return fault;
                }
            }
            else if (schema.TryGetProperty("additionalProperties", out var more))
            {
                var faults =
                    more.ValueKind == JsonValueKind.False
                        ? [$"{place}: {member.Name} is not described"]
                        : Faults(member.Value, more, place + "/" + member.Name);
                foreach (var fault in faults)
                {
                    yield return fault;
                }
            }
        }

        if (schema.TryGetProperty("required", out var required))
        {
            foreach (var name in required.EnumerateArray().Select(n => n.GetString()!))
            {
                if (!value.TryGetProperty(name, out _))
                {
                    yield return $"{place}: {name} is missing";
                }
            }
        }
    }

    private IEnumerable<string> Items(JsonElement value, JsonElement schema, string place) =>
        schema.TryGetProperty("items", out var items)
            ? value.EnumerateArray().SelectMany((item, i) => Faults(item, items, $"{place}/{i}"))
            : [];

    private static IEnumerable<string> Text(string text, JsonElement schema, string place)
    {
        if (schema.TryGetProperty("enum", out var words) && words.EnumerateArray().All(w => w.GetString() != text))
        {
            yield return $"{place}: {text} is none of {words}";
        }

        if (
            schema.TryGetProperty("pattern", out var pattern)
            && !Regex.IsMatch(text, pattern.GetString()!, RegexOptions.NonBacktracking)
        )
        {
            yield return $"{place}: {text} is not of the form {pattern}";
        }

        var format = schema.TryGetProperty("format", out var f) ? f.GetString() : null;
        var fits = format switch
        {
            "uuid" => Guid.TryParseExact(text, "D", out _),
            "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", out _),
            "date-time" => text.EndsWith('Z')
                && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _),
            _ => true,
        };
        if (!fits)
        {
            yield return $"{place}: {text} is not a {format}";
        }
    }

    private static IEnumerable<string> Types(JsonElement type) =>
        type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(t => t.GetString()!) : [type.GetString()!];

    private static bool Is(JsonElement value, string type) =>
        type switch
        {
            "null" => value.ValueKind == JsonValueKind.Null,
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
            "number" => value.ValueKind == JsonValueKind.Number,
            _ => false,
        };
}
