using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;

namespace Tessera.Server.Platform.Http.Api;

/// <summary>
/// The OpenAPI 3.1 description, made from the routes themselves and the facts they state about themselves (convention
/// 9). The framework's generator is not used: it describes typed parameters, while our endpoints read their input member
/// by member to report all errors at once.
/// </summary>
public sealed partial class ApiDocument
{
    private readonly ApiSchemas _schemas = new();
    private readonly Func<EndpointMetadataCollection, string?> _permissionOf;

    private ApiDocument(Func<EndpointMetadataCollection, string?> permissionOf) => _permissionOf = permissionOf;

    /// <summary>The description of some routes.</summary>
    /// <param name="endpoints">All routes; those excluded from description are left out.</param>
    /// <param name="permissionOf">The permission an endpoint asks for; null for open ones.</param>
    public static JsonObject Of(
        IEnumerable<Endpoint> endpoints,
        Func<EndpointMetadataCollection, string?> permissionOf
    ) => new ApiDocument(permissionOf).Write(endpoints);

    private JsonObject Write(IEnumerable<Endpoint> endpoints)
    {
        var paths = new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        var tags = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var endpoint in endpoints.OfType<RouteEndpoint>())
        {
            var facts = endpoint.Metadata;
            if (facts.GetMetadata<IExcludeFromDescriptionMetadata>() is { ExcludeFromDescription: true })
            {
                continue;
            }

            var path = PathOf(endpoint);
            if (!paths.TryGetValue(path, out var item))
            {
                paths[path] = item = [];
            }

            tags.UnionWith(facts.GetMetadata<ITagsMetadata>()?.Tags ?? []);
            foreach (var method in facts.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? [])
            {
                item[method.ToLowerInvariant()] = Operation(endpoint, method);
            }
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject
            {
                ["title"] = "Tessera",
                ["version"] = Release.Version,
                ["description"] =
                    "Coupons from creation to redemption. Every refusal is a problem document; every code is "
                    + $"explained at {ProblemCatalogue.Path}.",
                ["license"] = new JsonObject { ["name"] = "Apache-2.0", ["identifier"] = "Apache-2.0" },
            },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = "/" }),
            ["tags"] = new JsonArray([.. tags.Select(static t => (JsonNode)new JsonObject { ["name"] = t })]),
            ["security"] = new JsonArray(
                new JsonObject { ["api_key"] = new JsonArray() },
                new JsonObject { ["session"] = new JsonArray() }
            ),
            ["paths"] = new JsonObject(paths.Select(static p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject
                {
                    ["api_key"] = new JsonObject
                    {
                        ["type"] = "http",
                        ["scheme"] = "bearer",
                        ["description"] = "An API key: tsk_ and 43 characters.",
                    },
                    ["session"] = new JsonObject
                    {
                        ["type"] = "apiKey",
                        ["in"] = "cookie",
                        ["name"] = "tessera_session",
                        ["description"] =
                            "Set by signing in; __Host-tessera_session over TLS. Changes need X-CSRF-Token too.",
                    },
                },
                ["schemas"] = _schemas.Components(),
            },
        };
    }

    private JsonObject Operation(RouteEndpoint endpoint, string method)
    {
        var facts = endpoint.Metadata;
        var permission = _permissionOf(facts);
        var operation = new JsonObject
        {
            ["operationId"] = facts.GetMetadata<IEndpointNameMetadata>()?.EndpointName,
            ["summary"] = facts.GetMetadata<IEndpointSummaryMetadata>()?.Summary,
            ["tags"] = new JsonArray([
                .. (facts.GetMetadata<ITagsMetadata>()?.Tags ?? []).Select(static t => (JsonNode)t),
            ]),
        };
        if (facts.GetMetadata<RemarkFact>() is { } remark)
        {
            operation["description"] = remark.Text;
        }

        var parameters = Parameters(endpoint, method);
        if (parameters.Count > 0)
        {
            operation["parameters"] = parameters;
        }

        if (facts.GetMetadata<BodyFact>() is { } body)
        {
            operation["requestBody"] = new JsonObject
            {
                ["required"] = body.Required,
                ["content"] = Content(body.MediaType, body.Type, body.Example),
            };
        }

        operation["responses"] = Responses(endpoint, permission);
        if (permission is null)
        {
            operation["security"] = new JsonArray();
        }

        operation["x-permission"] = permission;
        operation["x-idempotency-key"] = facts.GetMetadata<IdempotencyFact>() is { } key
            ? (key.Required ? "required" : "optional")
            : "none";
        return operation;
    }

    private static JsonArray Parameters(RouteEndpoint endpoint, string method)
    {
        var facts = endpoint.Metadata;
        var parameters = new JsonArray();
        foreach (var part in endpoint.RoutePattern.Parameters)
        {
            var constraint = part.ParameterPolicies.Select(static p => p.Content).FirstOrDefault();
            var schema = constraint switch
            {
                "guid" => new JsonObject { ["type"] = "string", ["format"] = "uuid" },
                "long" or "int" => new JsonObject { ["type"] = "integer", ["format"] = "int64" },
                _ => new JsonObject { ["type"] = "string" },
            };
            parameters.Add((JsonNode)Parameter(part.Name, "path", null, schema, required: true));
        }

        foreach (var query in facts.GetOrderedMetadata<ParameterFact>())
        {
            var schema = new JsonObject { ["type"] = query.Type };
            if (query.Words is { } words)
            {
                schema["enum"] = new JsonArray([.. words.Select(static w => (JsonNode)w)]);
            }

            parameters.Add((JsonNode)Parameter(query.Name, "query", query.Description, schema, required: false));
        }

        if (facts.GetMetadata<IdempotencyFact>() is { } key)
        {
            var text =
                "A string of 1 to 255 visible ASCII characters. The same key gives the first answer again, for "
                + $"{IdempotencyKey.KeptDays} days.";
            parameters.Add((JsonNode)Parameter("Idempotency-Key", "header", text, Text(), key.Required));
        }

        if (facts.GetMetadata<IfMatchFact>() is not null)
        {
            const string text = "The ETag of the state that is changed.";
            parameters.Add((JsonNode)Parameter("If-Match", "header", text, Text(), required: true));
        }

        if (HttpMethods.IsGet(method) && facts.GetOrderedMetadata<AnswerFact>().Any(static a => a.Status == 304))
        {
            const string text = "An ETag; 304 is the answer if it is the present one.";
            parameters.Add((JsonNode)Parameter("If-None-Match", "header", text, Text(), required: false));
        }

        return parameters;

        static JsonObject Text() => new() { ["type"] = "string" };
    }

    private static JsonObject Parameter(string name, string place, string? text, JsonObject schema, bool required)
    {
        var parameter = new JsonObject { ["name"] = name, ["in"] = place };
        if (text is not null)
        {
            parameter["description"] = text;
        }

        parameter["required"] = required;
        parameter["schema"] = schema;
        return parameter;
    }

    private JsonObject Responses(RouteEndpoint endpoint, string? permission)
    {
        var responses = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var answer in endpoint.Metadata.GetOrderedMetadata<AnswerFact>())
        {
            var response = new JsonObject { ["description"] = answer.Description };
            if (answer.MediaType.Length > 0)
            {
                response["content"] = answer.Type is null
                    ? new JsonObject { [answer.MediaType] = new JsonObject() }
                    : Content(answer.MediaType, answer.Type, answer.Example);
            }

            responses[answer.Status.ToString(CultureInfo.InvariantCulture)] = response;
        }

        foreach (var group in CommonRefusals.Of(endpoint, permission).GroupBy(static r => Problems.StatusOf(r.Kind)))
        {
            var codes = group
                .DistinctBy(static r => r.Code)
                .OrderBy(static r => r.Code, StringComparer.Ordinal)
                .ToArray();
            var examples = codes.Select(r => KeyValuePair.Create(r.Code, (JsonNode?)Example(r, endpoint)));
            responses[group.Key.ToString(CultureInfo.InvariantCulture)] = new JsonObject
            {
                ["description"] =
                    Problems.TitleOf(codes[0].Kind) + ": " + string.Join(", ", codes.Select(static r => r.Code)),
                ["content"] = new JsonObject
                {
                    [Problems.MediaType] = new JsonObject
                    {
                        ["schema"] = new JsonObject { ["$ref"] = "#/components/schemas/Problem" },
                        ["examples"] = new JsonObject(examples),
                    },
                },
                ["x-problem-codes"] = new JsonArray([.. codes.Select(static r => (JsonNode)r.Code)]),
            };
        }

        return new JsonObject(responses);
    }

    private static JsonObject Example(Refusal refusal, RouteEndpoint endpoint)
    {
        var (_, body) = Problems.Render(refusal, PathOf(endpoint), "0197c3a2b4c87d1e9f00a1b2c3d4e5f6");
        return new JsonObject { ["value"] = JsonNode.Parse(body) };
    }

    private JsonObject Content(string mediaType, Type type, JsonNode? example)
    {
        var content = new JsonObject { ["schema"] = _schemas.Of(type) };
        if (example is not null)
        {
            content["example"] = example.DeepClone();
        }

        return new JsonObject { [mediaType] = content };
    }

    private static string PathOf(RouteEndpoint endpoint)
    {
        var path = Constraint().Replace("/" + endpoint.RoutePattern.RawText!.TrimStart('/'), "{${name}}");
        return path.Length > 1 ? path.TrimEnd('/') : path;
    }

    [GeneratedRegex(@"\{\*{0,2}(?<name>[^}:?=]+)[^}]*\}", RegexOptions.NonBacktracking)]
    private static partial Regex Constraint();
}
