using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Platform.Web;

/// <summary>
/// Serves the admin app below <c>/app</c>. Its addresses are views of the app, so each of them answers with the one
/// page.
/// </summary>
public static class WebApp
{
    /// <summary>Where the app is.</summary>
    public const string Root = "/app";

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Adds the routes.</summary>
    /// <param name="app">The service.</param>
    /// <param name="directory">Of the built app.</param>
    /// <returns>The routes, for the caller to say who may use them.</returns>
    public static RouteGroupBuilder MapWebApp(this IEndpointRouteBuilder app, string directory)
    {
        ArgumentNullException.ThrowIfNull(app);
        var group = app.MapGroup("").ExcludeFromDescription();
        var files = WebFiles.Read(directory);
        if (files is null)
        {
            return group;
        }

        group.MapMethods(Root, Methods, (HttpContext context) => SendAsync(context, files.Index));
        group.MapMethods(
            Root + "/{**path}",
            Methods,
            (HttpContext context, string? path) => SendAsync(context, FileAt(files, path ?? ""))
        );
        return group;
    }

    /// <summary>A file if there is one; a missing part of the app is missing, every other address is a view of it.</summary>
    private static WebFile? FileAt(WebFiles files, string path) =>
        files.Find(path)
        ?? (path.StartsWith("assets/", StringComparison.Ordinal) || Path.HasExtension(path) ? null : files.Index);

    private static Task SendAsync(HttpContext context, WebFile? file)
    {
        var response = context.Response;
        if (file is null)
        {
            return Problems.WriteAsync(context, Entry.NotFound);
        }

        response.Headers.ETag = file.ETag;
        response.Headers.Vary = HeaderNames.AcceptEncoding;
        response.Headers.CacheControl = file.IsHashed ? "public, max-age=31536000, immutable" : "no-cache";
        if (ETags.IsUnchanged(context, file.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        var (body, encoding) = Choose(file, context.Request);
        if (encoding is not null)
        {
            response.Headers.ContentEncoding = encoding;
        }

        response.ContentType = file.ContentType;
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private static (ReadOnlyMemory<byte> Body, string? Encoding) Choose(WebFile file, HttpRequest request)
    {
        bool Takes(string encoding) =>
            StringWithQualityHeaderValue.TryParseList(request.Headers.AcceptEncoding, out var accepted)
            && accepted.Any(a => a.Value.Equals(encoding, StringComparison.OrdinalIgnoreCase) && a.Quality is not 0);

        return file switch
        {
            { Brotli: { } brotli } when Takes("br") => (brotli, "br"),
            { Gzip: { } gzip } when Takes("gzip") => (gzip, "gzip"),
            _ => (file.Body, null),
        };
    }
}
