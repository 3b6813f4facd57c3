using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Tessera.Server.Platform.Http.Api;

/// <summary>Serves the description of the API and of its problems.</summary>
public static class ApiDescription
{
    /// <summary>Where the OpenAPI document is.</summary>
    public const string Path = "/openapi/v1.json";

    /// <summary>Adds the routes; made from all routes when first asked for.</summary>
    /// <param name="app">The service.</param>
    /// <param name="permissionOf">The permission an endpoint asks for; null for open ones.</param>
    /// <returns>The routes, for the caller to say who may use them.</returns>
    public static RouteGroupBuilder MapApiDescription(
        this WebApplication app,
        Func<EndpointMetadataCollection, string?> permissionOf
    )
    {
        ArgumentNullException.ThrowIfNull(app);
        var document = new Lazy<(byte[] Body, string ETag)>(() =>
        {
            var body = Write(app, permissionOf);
            return (body, "\"" + Convert.ToHexStringLower(SHA256.HashData(body).AsSpan(0, 12)) + "\"");
        });
        var group = app.MapGroup("").ExcludeFromDescription();
        group.MapGet(
            Path,
            (HttpContext context) =>
            {
                var (body, etag) = document.Value;
                var answer = ETags.IsUnchanged(context, etag)
                    ? new HttpAnswer(StatusCodes.Status304NotModified, default, ETag: etag)
                    : new HttpAnswer(StatusCodes.Status200OK, body, ETag: etag);
                return answer.SendAsync(context);
            }
        );
        group.MapGet(ProblemCatalogue.Path, ProblemCatalogue.ListAsync);
        group.MapGet(ProblemCatalogue.Path + "/{code}", ProblemCatalogue.ShowAsync);
        return group;
    }

    /// <summary>The document, made from all routes.</summary>
    public static byte[] Write(WebApplication app, Func<EndpointMetadataCollection, string?> permissionOf)
    {
        ArgumentNullException.ThrowIfNull(app);
        var endpoints = ((IEndpointRouteBuilder)app).DataSources.SelectMany(static s => s.Endpoints);
        return JsonSerializer.SerializeToUtf8Bytes(ApiDocument.Of(endpoints, permissionOf), Wire.Json);
    }
}
