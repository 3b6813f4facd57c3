using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>An answer as bytes, so that it can be kept under an idempotency key and given again (convention 15).</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">As sent.</param>
/// <param name="Location">Address of what was made.</param>
/// <param name="ETag">Of the resource in the body.</param>
public sealed record HttpAnswer(int Status, ReadOnlyMemory<byte> Body, string? Location = null, string? ETag = null)
{
    /// <summary>Nothing to say: 204.</summary>
    public static HttpAnswer NoContent { get; } = new(StatusCodes.Status204NoContent, default);

    /// <summary>The body to keep instead of <see cref="Body"/>, for answers that show a secret once.</summary>
    public ReadOnlyMemory<byte>? Kept { get; init; }

    /// <summary>The next page, of a list (RFC 8288).</summary>
    public string? Link { get; init; }

    /// <summary>Whether this answer was given before, to the same key.</summary>
    public bool Replayed { get; init; }

    /// <summary>A no that is itself written down: what its transaction wrote stays.</summary>
    public bool LeavesTrace { get; init; }

    /// <summary>Whether it says no.</summary>
    public bool IsRefusal => Status >= 400;

    /// <summary>A view, by the rules of <see cref="Wire"/>.</summary>
    public static HttpAnswer Json<T>(int status, T view, string? location = null, string? etag = null) =>
        new(status, JsonSerializer.SerializeToUtf8Bytes(view, Wire.Json), location, etag);

    /// <summary>A refusal as a problem; kept as a feature of the request, for whoever logs refusals.</summary>
    public static HttpAnswer Refused(HttpContext context, Refusal refusal)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Features.Set(refusal);
        var (status, body) = Problems.Render(refusal, context.Request.Path.Value ?? "/", RequestIds.Of(context));
        return new HttpAnswer(status, body);
    }

    /// <summary>The state of a resource, or 304 when the caller has it already (convention 18).</summary>
    public static HttpAnswer Resource<T>(HttpContext context, T view, string etag) =>
        ETags.IsUnchanged(context, etag)
            ? new HttpAnswer(StatusCodes.Status304NotModified, default, ETag: etag)
            : Json(StatusCodes.Status200OK, view, etag: etag);

    /// <summary>Sends it.</summary>
    public Task SendAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var response = context.Response;
        response.StatusCode = Status;
        if (Location is not null)
        {
            response.Headers.Location = Location;
        }

        if (Link is not null)
        {
            response.Headers.Link = Link;
        }

        if (ETag is not null)
        {
            response.Headers.ETag = ETag;
            response.Headers.CacheControl = "private, no-cache";
        }

        if (Replayed)
        {
            response.Headers["Idempotency-Replayed"] = "true";
        }

        if (Status is StatusCodes.Status204NoContent or StatusCodes.Status304NotModified)
        {
            return Task.CompletedTask;
        }

        // Here, after everything: what is kept for a repeat is whole, and the caller of the repeat may see less.
        var body =
            !IsRefusal && context.Features.Get<HiddenMembers>() is { } hidden && Body.Length > 0
                ? hidden.Without(Body)
                : Body;
        response.ContentType = IsRefusal ? Problems.MediaType : Wire.MediaType;
        response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method)
            ? Task.CompletedTask
            : response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
