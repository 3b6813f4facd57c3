using System.Collections.Frozen;
using System.Net;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Tessera.Core;

namespace Tessera.Server.Platform.Http.Api;

/// <summary>
/// Every refusal there is, by its code: found where it is declared, as a static member of type <see cref="Refusal"/>, so
/// that nothing has to be registered twice. Served at <see cref="Path"/> (convention 10).
/// </summary>
public static class ProblemCatalogue
{
    /// <summary>Where a person reads what a problem type means.</summary>
    public const string Path = "/docs/problems";

    private static readonly Lazy<FrozenDictionary<string, Refusal>> Found = new(Find);

    /// <summary>All of them. Where a code is declared for several statuses, the one of HTTP itself stands for all.</summary>
    public static IReadOnlyDictionary<string, Refusal> All => Found.Value;

    /// <summary>All problem types, as a page or as JSON.</summary>
    public static Task ListAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var known = All.Values.OrderBy(static r => r.Code, StringComparer.Ordinal).ToArray();
        if (!WantsHtml(context))
        {
            var list = new JsonArray([.. known.Select(static r => (JsonNode)Describe(r))]);
            return SendJsonAsync(context, new JsonObject { ["data"] = list });
        }

        var page = new StringBuilder();
        page.Append("<h1>Problems</h1>\n<p>Every refusal of this API is one of these.</p>\n<ul>\n");
        foreach (var refusal in known)
        {
            page.Append("<li><a href=\"")
                .Append(Path)
                .Append('/')
                .Append(refusal.Code)
                .Append("\"><code>")
                .Append(refusal.Code)
                .Append("</code></a> ")
                .Append(WebUtility.HtmlEncode(refusal.Message))
                .Append("</li>\n");
        }

        return SendHtmlAsync(context, "Problems", page.Append("</ul>\n").ToString());
    }

    /// <summary>One problem type, as a page or as JSON.</summary>
    public static Task ShowAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!All.TryGetValue(context.Request.RouteValues["code"] as string ?? "", out var refusal))
        {
            return Problems.WriteAsync(context, Entry.NotFound);
        }

        var status = Problems.StatusOf(refusal.Kind);
        return WantsHtml(context)
            ? SendHtmlAsync(
                context,
                refusal.Code,
                $"""
                <h1><code>{refusal.Code}</code></h1>
                <p>{WebUtility.HtmlEncode(refusal.Message)}</p>
                <dl><dt>Type</dt><dd><code>{Problems.TypePrefix}{refusal.Code}</code></dd>
                <dt>Status</dt><dd>{status} {Problems.TitleOf(refusal.Kind)}</dd>
                <dt>Repeat</dt><dd>{Advice(refusal.Kind)}</dd></dl>
                <p><a href="{Path}">All problems</a></p>

                """
            )
            : SendJsonAsync(context, Describe(refusal));
    }

    private static FrozenDictionary<string, Refusal> Find()
    {
        const BindingFlags anyStatic = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;
        var found = new Dictionary<string, Refusal>(StringComparer.Ordinal);
        found[Entry.NotFound.Code] = Entry.NotFound;
        foreach (var type in ((Assembly[])[typeof(Refusal).Assembly, typeof(Problems).Assembly]).SelectMany(TypesOf))
        {
            foreach (var field in type.GetFields(anyStatic).Where(static f => f.FieldType == typeof(Refusal)))
            {
                if (field.GetValue(null) is Refusal refusal)
                {
                    found.TryAdd(refusal.Code, refusal);
                }
            }
        }

        found.TryAdd(InvalidRequest.Code, InvalidRequest);
        return found.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>What <see cref="Problems.Invalid"/> makes, without the fields of any one request.</summary>
    internal static Refusal InvalidRequest { get; } =
        new("invalid_request", "The request has bad fields; errors names each of them.", RefusalKind.Invalid);

    private static IEnumerable<Type> TypesOf(Assembly assembly) =>
        assembly.GetTypes().Where(static t => !t.ContainsGenericParameters).OrderBy(static t => t.FullName);

    private static JsonObject Describe(Refusal refusal) =>
        new()
        {
            ["type"] = Problems.TypePrefix + refusal.Code,
            ["code"] = refusal.Code,
            ["status"] = Problems.StatusOf(refusal.Kind),
            ["title"] = Problems.TitleOf(refusal.Kind),
            ["detail"] = refusal.Message,
            ["repeat"] = Advice(refusal.Kind),
        };

    private static string Advice(RefusalKind kind) =>
        kind switch
        {
            RefusalKind.Unavailable =>
                "The same request, with the same idempotency key, after the time in Retry-After.",
            RefusalKind.TooManyRequests => "The same request after the time in Retry-After.",
            RefusalKind.Conflict => "The same request is refused again until the state behind it changes.",
            RefusalKind.Stale => "Read the resource again and send the change with its new ETag.",
            RefusalKind.Defect => "This is a defect of ours. Report it with the request id.",
            _ => "The same request is refused again. Change it.",
        };

    private static bool WantsHtml(HttpContext context) =>
        context.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    private static Task SendJsonAsync(HttpContext context, JsonNode json)
    {
        context.Response.ContentType = Wire.MediaType;
        return context.Response.WriteAsync(json.ToJsonString(Wire.Json));
    }

    private static Task SendHtmlAsync(HttpContext context, string title, string body)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(
            $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n"
                + $"<body><main>\n{body}</main></body></html>\n"
        );
    }
}
