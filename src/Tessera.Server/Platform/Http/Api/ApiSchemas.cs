using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Tessera.Core;

namespace Tessera.Server.Platform.Http.Api;

/// <summary>JSON Schemas of the types on the wire, each once under <c>#/components/schemas</c>.</summary>
internal sealed class ApiSchemas
{
    private const string Prefix = "#/components/schemas/";

    private readonly DocComments _comments = new(typeof(Refusal).Assembly, typeof(ApiSchemas).Assembly);
    private readonly Dictionary<string, Type> _types = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, JsonNode> _schemas = new(StringComparer.Ordinal);
    private readonly Queue<(string Name, Type Type)> _waiting = new();

    /// <summary>A reference to the schema of a type; inline for lists and plain values.</summary>
    public JsonNode Of(Type type) => IsNamed(type) ? Reference(type) : Export(type);

    /// <summary>All schemas asked for so far, and those they refer to.</summary>
    public JsonObject Components()
    {
        while (_waiting.TryDequeue(out var next))
        {
            _schemas[next.Name] = Export(next.Type);
        }

        _schemas["Money"] = new JsonObject
        {
            ["type"] = "object",
            ["description"] = "An amount in the minor units of its ISO 4217 currency.",
            ["properties"] = new JsonObject
            {
                ["amount"] = new JsonObject
                {
                    ["type"] = "integer",
                    ["minimum"] = -Fields.MaximumInteger,
                    ["maximum"] = Fields.MaximumInteger,
                },
                ["currency"] = new JsonObject { ["type"] = "string", ["pattern"] = "^[A-Z]{3}$" },
            },
            ["required"] = new JsonArray("amount", "currency"),
            ["additionalProperties"] = false,
        };
        _schemas["Problem"] = Problem();
        return new JsonObject(_schemas.Select(static s => KeyValuePair.Create(s.Key, (JsonNode?)s.Value)));
    }

    private JsonObject Reference(Type type)
    {
        var name = NameOf(type);
        if (_types.TryAdd(name, type))
        {
            _waiting.Enqueue((name, type));
        }
        else if (_types[name] != type)
        {
            throw new InvalidOperationException($"{type} and {_types[name]} would both be {name} in the description.");
        }

        return new JsonObject { ["$ref"] = Prefix + name };
    }

    private JsonNode Export(Type root)
    {
        var options = new JsonSchemaExporterOptions
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, schema) => Transform(context, schema, root),
        };
        return Wire.Json.GetJsonSchemaAsNode(root, options);
    }

    private JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema, Type root)
    {
        var type = context.TypeInfo.Type;
        var bare = Nullable.GetUnderlyingType(type) ?? type;
        // A null may stand where the type or the property says so.
        var isNullable = bare != type || context.PropertyInfo is { IsGetNullable: true };
        var own = context.Path.Length == 0 && bare == root;
        JsonNode node =
            bare == typeof(DateTimeOffset) ? Plain("string", "date-time", isNullable)
            : bare == typeof(Guid) ? Plain("string", "uuid", isNullable)
            : bare == typeof(JsonElement) || bare == typeof(JsonNode) || bare == typeof(JsonObject) ? new JsonObject()
            : bare == typeof(Money) ? Nullable_(new JsonObject { ["$ref"] = Prefix + "Money" }, isNullable)
            : !own && IsNamed(bare) ? Nullable_(Reference(bare), isNullable)
            : schema;
        if (node is not JsonObject json)
        {
            return node;
        }

        var comment =
            own ? _comments.Of(root)
            : context.PropertyInfo is { AttributeProvider: System.Reflection.MemberInfo member }
                ? _comments.Of(member.DeclaringType!, member.Name)
            : null;
        if (comment is not null)
        {
            json["description"] = comment;
        }

        if (context.PropertyInfo is { } property && Guarded.NeededBy(property) is { } needed)
        {
            json["description"] = $"{comment} Absent without the permission {string.Join(" or ", needed)}.".TrimStart();
        }

        if (own && context.TypeInfo.Kind == JsonTypeInfoKind.Object)
        {
            json["additionalProperties"] = false;
            foreach (var guarded in context.TypeInfo.Properties.Where(static p => Guarded.NeededBy(p) is not null))
            {
                var required = json["required"] as JsonArray;
                required?.Remove(required.FirstOrDefault(n => n?.GetValue<string>() == guarded.Name));
            }
        }

        return json;
    }

    private static JsonObject Plain(string type, string format, bool isNullable) =>
        new() { ["type"] = isNullable ? new JsonArray(type, "null") : type, ["format"] = format };

    private static JsonObject Nullable_(JsonObject reference, bool isNullable) =>
        isNullable
            ? new JsonObject { ["anyOf"] = new JsonArray(reference, new JsonObject { ["type"] = "null" }) }
            : reference;

    private static bool IsNamed(Type type) =>
        type.Namespace?.StartsWith("Tessera", StringComparison.Ordinal) == true
        && type is { IsEnum: false, IsArray: false };

    private static string NameOf(Type type) =>
        type.IsGenericType
            ? type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]
                + "Of"
                + string.Concat(type.GetGenericArguments().Select(NameOf))
            : type.Name;

    private static JsonObject Problem()
    {
        static JsonObject Text(string description) => new() { ["type"] = "string", ["description"] = description };
        static JsonObject Params() =>
            new()
            {
                ["type"] = "object",
                ["description"] =
                    "The values in the sentence by name, for saying it in another language; absent when it has none.",
                ["additionalProperties"] = new JsonObject
                {
                    ["anyOf"] = new JsonArray(
                        new JsonObject { ["type"] = "integer" },
                        new JsonObject { ["type"] = "string" },
                        new JsonObject
                        {
                            ["type"] = "array",
                            ["items"] = new JsonObject { ["type"] = "string" },
                        }
                    ),
                },
            };
        return new JsonObject
        {
            ["type"] = "object",
            ["description"] = "Why not (RFC 9457).",
            ["properties"] = new JsonObject
            {
                ["type"] = Text(
                    $"{Problems.TypePrefix} and the code; explained at {ProblemCatalogue.Path}/ and the code."
                ),
                ["title"] = Text("The kind of refusal."),
                ["status"] = new JsonObject { ["type"] = "integer", ["description"] = "The HTTP status." },
                ["detail"] = Text("One sentence for people."),
                ["params"] = Params(),
                ["instance"] = Text("Path of the request."),
                ["code"] = Text("Stable and machine-readable."),
                ["request_id"] = Text("Under which it was logged."),
                ["violated-policies"] = new JsonObject
                {
                    ["type"] = "array",
                    ["description"] = "The rate limits that were exceeded.",
                    ["items"] = new JsonObject { ["type"] = "string" },
                },
                ["errors"] = new JsonObject
                {
                    ["type"] = "array",
                    ["description"] = "Every bad field, where the input is at fault.",
                    ["items"] = new JsonObject
                    {
                        ["type"] = "object",
                        ["properties"] = new JsonObject
                        {
                            ["field"] = Text("The caller's own name of it."),
                            ["pointer"] = Text("RFC 6901 into the body; absent for query parameters."),
                            ["code"] = Text("Stable and machine-readable."),
                            ["message"] = Text("One sentence for people."),
                            ["params"] = Params(),
                        },
                        ["required"] = new JsonArray("field", "code", "message"),
                    },
                },
            },
            ["required"] = new JsonArray("type", "title", "status", "detail", "instance", "code", "request_id"),
        };
    }
}
