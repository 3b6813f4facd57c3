using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Platform.Reference;

/// <summary>
/// Serves the API reference: a page and its parts, embedded in the program, which the browser fills from the API
/// description.
/// </summary>
public static class ReferencePage
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    private static readonly Lazy<FrozenDictionary<string, Asset>> Assets = new(Read);

    /// <summary>Where the page is; <c>/</c> leads there.</summary>
    public const string Address = "/docs";

    /// <summary>Where the page and its parts are.</summary>
    public static IReadOnlyCollection<string> Paths => Assets.Value.Keys;

    /// <summary>Adds the routes.</summary>
    /// <returns>The routes, for the caller to say who may use them.</returns>
    public static RouteGroupBuilder MapReferencePage(this IEndpointRouteBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var group = app.MapGroup("").ExcludeFromDescription();
        group.MapMethods("/", Methods, static () => TypedResults.Redirect(Address));
        foreach (var (path, asset) in Assets.Value)
        {
            group.MapMethods(path, Methods, (HttpContext context) => SendAsync(context, asset));
        }

        return group;
    }

    private static Task SendAsync(HttpContext context, Asset asset)
    {
        var response = context.Response;
        response.Headers.ETag = asset.ETag;
        // Kept, but asked about each time: page, script and description always belong together.
        response.Headers.CacheControl = "public, no-cache";
        if (ETags.IsUnchanged(context, asset.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        response.ContentType = asset.ContentType;
        response.ContentLength = asset.Body.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(asset.Body, context.RequestAborted).AsTask();
    }

    private static FrozenDictionary<string, Asset> Read() =>
        new Dictionary<string, Asset>(StringComparer.Ordinal)
        {
            [Address] = Load("index.html", "text/html; charset=utf-8"),
            ["/reference/reference.css"] = Load("reference.css", "text/css; charset=utf-8"),
            ["/reference/reference.js"] = Load("reference.js", "text/javascript; charset=utf-8"),
            ["/reference/icon.svg"] = Load("icon.svg", "image/svg+xml"),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    private static Asset Load(string name, string contentType)
    {
        using var stream =
            typeof(ReferencePage).Assembly.GetManifestResourceStream("reference/" + name)
            ?? throw new InvalidOperationException($"The program was built without reference/{name}.");
        var body = new byte[stream.Length];
        stream.ReadExactly(body);
        return new Asset(
            body,
            contentType,
            "\"" + Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 12)) + "\""
        );
    }

    private sealed record Asset(ReadOnlyMemory<byte> Body, string ContentType, string ETag);
}
