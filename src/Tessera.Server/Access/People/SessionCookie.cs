using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Tessera.Core;

namespace Tessera.Server.Access.People;

/// <summary>The cookie that carries a session's ticket, and what protects it (conventions 55 and 56).</summary>
internal static class SessionCookie
{
    /// <summary>Header of the token that a page of ours knows and a foreign one does not.</summary>
    public const string CsrfHeader = "X-CSRF-Token";

    private const string Plain = "tessera_session";

    /// <summary>Browsers take it from this host only, over TLS only.</summary>
    private const string Secure = "__Host-" + Plain;

    /// <summary>The refusal of a change that a foreign page may have sent.</summary>
    public static readonly Refusal Forged = new(
        "csrf_token_missing",
        "A change with a session cookie needs the session's csrf_token in the header X-CSRF-Token, from a page of ours.",
        RefusalKind.Forbidden
    );

    /// <summary>The ticket of a request; null for none.</summary>
    public static string? Read(HttpContext context) =>
        context.Request.Cookies[context.Request.IsHttps ? Secure : Plain] is { Length: > 0 } ticket ? ticket : null;

    /// <summary>Whether a request with the cookie may change something.</summary>
    public static bool IsOurs(HttpContext context, string ticket)
    {
        var method = context.Request.Method;
        if (HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method))
        {
            return true;
        }

        var given = context.Request.Headers[CsrfHeader];
        return !IsForeign(context)
            && given.Count == 1
            && CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(given[0]!),
                Encoding.ASCII.GetBytes(Tickets.CsrfOf(ticket))
            );
    }

    /// <summary>
    /// Whether the browser says that a page of another origin sent this. Every current one does; other clients have no
    /// cookies that a foreign page could use.
    /// </summary>
    public static bool IsForeign(HttpContext context)
    {
        var site = context.Request.Headers["Sec-Fetch-Site"];
        return site.Count > 0 && site[0] is not ("same-origin" or "none");
    }

    /// <summary>Gives the browser a ticket.</summary>
    public static void Set(HttpContext context, string ticket) =>
        context.Response.Cookies.Append(NameOf(context), ticket, Options(context));

    /// <summary>Takes it away.</summary>
    public static void Clear(HttpContext context) => context.Response.Cookies.Delete(NameOf(context), Options(context));

    private static string NameOf(HttpContext context) => context.Request.IsHttps ? Secure : Plain;

    private static CookieOptions Options(HttpContext context) =>
        new()
        {
            HttpOnly = true,
            Secure = context.Request.IsHttps,
            SameSite = SameSiteMode.Strict,
            Path = "/",
            IsEssential = true,
        };
}
