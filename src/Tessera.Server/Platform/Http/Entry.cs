using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Server.Platform.Lanes;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// What every request passes first: its correlation id, the security headers (convention 57), and one answer for
/// everything that goes wrong beyond it (conventions 10 and 11).
/// </summary>
public sealed partial class Entry(RequestDelegate next, ILogger<Entry> log)
{
    private const string ContentSecurityPolicy =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

    private static readonly Refusal Unavailable = new(
        "database_unavailable",
        "The database cannot be reached. Nothing is known to have happened; ask again with the same idempotency key.",
        RefusalKind.Unavailable
    );

    private static readonly Refusal Busy = new(
        "too_busy",
        "Too much is going on at once. Nothing was done; ask again with the same idempotency key.",
        RefusalKind.Unavailable
    );

    private static readonly Refusal Defect = new(
        "internal_error",
        "Something went wrong on our side. It has been logged under the request id.",
        RefusalKind.Defect
    );

    /// <summary>Runs the request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        RequestIds.Assign(context);
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        if (context.Request.IsHttps)
        {
            headers.StrictTransportSecurity = "max-age=31536000; includeSubDomains";
        }

        if (HttpMethods.IsTrace(context.Request.Method))
        {
            await Problems.WriteAsync(context, NotAllowed);
            return;
        }

        try
        {
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
            {
                await Problems.WriteAsync(context, Bare(context.Response.StatusCode));
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            await Problems.WriteAsync(context, RefusalOf(context, error));
        }
    }

    /// <summary>The refusal of an address nobody answers, and of things that are not the caller's.</summary>
    public static Refusal NotFound { get; } =
        new("not_found", "There is nothing here, or it is not yours to see.", RefusalKind.NotFound);

    private static Refusal NotAllowed { get; } =
        new("method_not_allowed", "This resource does not take this method.", RefusalKind.MethodNotAllowed);

    private static readonly Refusal Malformed = new(
        "malformed_request",
        "The request is not well-formed HTTP.",
        RefusalKind.Invalid
    );

    private static Refusal Bare(int status) =>
        status switch
        {
            404 => NotFound,
            405 => NotAllowed,
            413 => RequestBody.TooLarge,
            415 => RequestBody.Unsupported,
            < 500 => Malformed,
            _ => Defect,
        };

    private Refusal RefusalOf(HttpContext context, Exception error)
    {
        switch (error)
        {
            case LaneBusyException:
                return Busy;
            // Serialization failure, deadlock, lock timeout: the database undid it all, so a repeat is safe.
            case Npgsql.PostgresException { SqlState: "40001" or "40P01" or "55P03" }:
                LogOutage(log, RequestIds.Of(context), error.Message);
                return Busy;
            // What was looked at has been removed, or made, by somebody who committed since: foreign key, unique, exclusion.
            // All is undone, and a repeat sees it and says so in the words of its field.
            case Npgsql.PostgresException { SqlState: "23503" or "23505" or "23P01" } second:
                LogSecond(log, RequestIds.Of(context), second.ConstraintName);
                return Busy;
            case LaneUnavailableException or Npgsql.NpgsqlException when IsOutage(error):
                LogOutage(log, RequestIds.Of(context), error.Message);
                return Unavailable;
            case BadHttpRequestException bad:
                return Bare(bad.StatusCode);
            default:
                LogDefect(log, RequestIds.Of(context), error);
                return Defect;
        }
    }

    private static bool IsOutage(Exception error) => error is LaneUnavailableException || Database.IsOutage(error);

    [LoggerMessage(1001, LogLevel.Warning, "Request {RequestId} could not reach the database: {Reason}")]
    private static partial void LogOutage(ILogger log, string requestId, string reason);

    [LoggerMessage(1003, LogLevel.Error, "Request {RequestId} came second, by constraint {Constraint}")]
    private static partial void LogSecond(ILogger log, string requestId, string? constraint);

    [LoggerMessage(1002, LogLevel.Error, "Request {RequestId} failed")]
    private static partial void LogDefect(ILogger log, string requestId, Exception error);
}
