using Microsoft.AspNetCore.Http;
using Tessera.Server.Platform.Web;

namespace Tessera.Server.Access.People;

/// <summary>
/// The way of a browser that comes back from an identity provider: to our pages, signed in or with a word they put in
/// sentences. The word tells nobody more than the person at the browser knows; the reason is in the log (convention 68).
/// </summary>
internal static class ComingBack
{
    /// <summary>What came back signs nobody in.</summary>
    public const string Failed = "failed";

    /// <summary>The person did not agree at the identity provider.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The identity provider could not be asked.</summary>
    public const string Unavailable = "unavailable";

    /// <summary>The answer, for the description of the API.</summary>
    public const string Answer =
        $"The way back to the pages: signed in, or with sign_in={Failed}, {Cancelled} or {Unavailable} where nobody is.";

    /// <summary>Sends the browser to our pages.</summary>
    /// <param name="context">Of the browser.</param>
    /// <param name="outcome">Why nobody is signed in; null for somebody who is.</param>
    public static void Send(HttpContext context, string? outcome = null)
    {
        context.Response.StatusCode = StatusCodes.Status303SeeOther;
        context.Response.Headers.Location = outcome is null ? WebApp.Root + "/" : WebApp.Root + "/?sign_in=" + outcome;
    }
}
