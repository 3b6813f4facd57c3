using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>The body an operation takes.</summary>
/// <param name="Type">Its shape.</param>
/// <param name="Example">A body that is accepted.</param>
/// <param name="MediaType">What it is sent as.</param>
/// <param name="Required">Whether there has to be one.</param>
public sealed record BodyFact(Type Type, JsonNode? Example, string MediaType, bool Required);

/// <summary>An answer an operation gives.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Type">Shape of the body; null for none, or for a body that is not JSON.</param>
/// <param name="Example">Such a body.</param>
/// <param name="Description">When it is given.</param>
/// <param name="MediaType">What it is sent as.</param>
public sealed record AnswerFact(int Status, Type? Type, JsonNode? Example, string Description, string MediaType);

/// <summary>Refusals an operation may give besides those of every operation.</summary>
public sealed record RefusalFact(IReadOnlyList<Refusal> Refusals);

/// <summary>That an operation takes an idempotency key (convention 13).</summary>
public sealed record IdempotencyFact(bool Required);

/// <summary>That an operation changes a state the caller has to name by <c>If-Match</c> (convention 18).</summary>
public sealed record IfMatchFact;

/// <summary>A query parameter.</summary>
/// <param name="Name">As written.</param>
/// <param name="Type"><c>string</c>, <c>integer</c> or <c>boolean</c>.</param>
/// <param name="Description">What it does.</param>
/// <param name="Words">The words it may be, if they are a closed set.</param>
public sealed record ParameterFact(string Name, string Type, string Description, IReadOnlyList<string>? Words = null);

/// <summary>What an operation does at length, for its description.</summary>
public sealed record RemarkFact(string Text);

/// <summary>How endpoints state what the API description says of them (convention 9).</summary>
public static class Described
{
    /// <summary>The operation takes a JSON body of this shape.</summary>
    public static TBuilder WithBody<TBuilder, TBody>(this TBuilder builder, TBody example, bool required = true)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new BodyFact(typeof(TBody), Node(example), Wire.MediaType, required));

    /// <summary>The operation takes a merge patch (RFC 7396) of this shape.</summary>
    public static TBuilder WithPatch<TBuilder, TBody>(this TBuilder builder, TBody example)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new BodyFact(typeof(TBody), Node(example), RequestBody.MergePatch, true));

    /// <summary>The operation answers with a body of this shape.</summary>
    public static TBuilder WithAnswer<TBuilder, TView>(
        this TBuilder builder,
        int status,
        TView example,
        string description
    )
        where TBuilder : IEndpointConventionBuilder =>
        builder
            .WithMetadata(new AnswerFact(status, typeof(TView), Node(example), description, Wire.MediaType))
            .Guards(typeof(TView));

    /// <summary>The operation answers without a body, or with one that is not JSON.</summary>
    public static TBuilder WithAnswer<TBuilder>(
        this TBuilder builder,
        int status,
        string description,
        string mediaType = ""
    )
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new AnswerFact(status, null, null, description, mediaType));

    /// <summary>The operation may refuse for these reasons.</summary>
    public static TBuilder WithRefusals<TBuilder>(this TBuilder builder, params Refusal[] refusals)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RefusalFact(refusals));

    /// <summary>The operation takes an idempotency key.</summary>
    public static TBuilder WithIdempotencyKey<TBuilder>(this TBuilder builder, bool required)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new IdempotencyFact(required));

    /// <summary>The operation asks which state it changes.</summary>
    public static TBuilder WithIfMatch<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new IfMatchFact());

    /// <summary>The operation takes a query parameter.</summary>
    public static TBuilder WithQuery<TBuilder>(
        this TBuilder builder,
        string name,
        string type,
        string description,
        IReadOnlyList<string>? words = null
    )
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ParameterFact(name, type, description, words));

    /// <summary>The operation lists in pages (convention 19).</summary>
    public static TBuilder WithPages<TBuilder>(this TBuilder builder, IReadOnlyList<string> sorts)
        where TBuilder : IEndpointConventionBuilder =>
        builder
            .WithQuery("limit", "integer", "Most rows of the page: 1 to 100, 25 unless given.")
            .WithQuery("cursor", "string", "The next_cursor of the page before.")
            .WithQuery(
                "sort",
                "string",
                "Order of the rows; a leading minus turns it around.",
                [.. sorts, .. sorts.Select(static s => "-" + s)]
            );

    /// <summary>More than fits in the summary.</summary>
    public static TBuilder WithRemark<TBuilder>(this TBuilder builder, string text)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new RemarkFact(text));

    private static JsonNode? Node<T>(T example)
    {
        var node = JsonSerializer.SerializeToNode(example, Wire.Json);
        LeaveOut(node, typeof(T));
        return node;
    }

    /// <summary>Members that need not be there, and are not in this example, are left out of it.</summary>
    private static void LeaveOut(JsonNode? node, Type type)
    {
        if (node is not JsonObject json || type.Namespace?.StartsWith("Tessera", StringComparison.Ordinal) != true)
        {
            return;
        }

        foreach (var parameter in type.GetConstructors().SelectMany(static c => c.GetParameters()))
        {
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(parameter.Name!);
            if (json[name] is { } member)
            {
                LeaveOut(member, parameter.ParameterType);
            }
            else if (parameter.HasDefaultValue)
            {
                json.Remove(name);
            }
        }
    }
}
