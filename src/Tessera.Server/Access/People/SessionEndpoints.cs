using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access.People.Passkeys;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>Who signs in: with address and password, or with an API key.</summary>
/// <param name="Realm">Of the person: staff, merchant or customer.</param>
/// <param name="Email">Of the person.</param>
/// <param name="Password">Of the person.</param>
/// <param name="Code">The second factor: six digits of an authenticator, or a recovery code.</param>
/// <param name="ApiKey">Instead of all that: a key, exchanged for a session that may do the same.</param>
internal sealed record SignInWanted(
    string? Realm = null,
    string? Email = null,
    string? Password = null,
    string? Code = null,
    string? ApiKey = null
);

/// <summary>The session of the one who asks.</summary>
/// <param name="ActorId">As events name the caller.</param>
/// <param name="Name">Of the person or the key.</param>
/// <param name="Realm">Where the caller belongs.</param>
/// <param name="MerchantId">Whom the caller acts for; null for nobody in particular.</param>
/// <param name="CustomerId">The customer the caller is; null for others.</param>
/// <param name="Permissions">What the caller may do, in alphabetical order.</param>
/// <param name="ExpiresAt">When the session ends at the latest.</param>
/// <param name="SecondFactor">
/// <c>none</c>, <c>on</c>, or <c>missing</c>: the person may do nothing until one is set up.
/// </param>
/// <param name="CsrfToken">To send as X-CSRF-Token with every change.</param>
internal sealed record SessionView(
    string ActorId,
    string Name,
    string Realm,
    Guid? MerchantId,
    Guid? CustomerId,
    IReadOnlyList<string> Permissions,
    DateTimeOffset ExpiresAt,
    string SecondFactor,
    string CsrfToken
);

/// <summary>How people may sign in besides password and key.</summary>
/// <param name="Passkey">By passkey, at the address of this request.</param>
/// <param name="Oidc">At an OpenID provider.</param>
/// <param name="Saml">At a SAML 2.0 identity provider.</param>
internal sealed record SignInWays(bool Passkey, bool Oidc, bool Saml);

/// <summary>Sign in, see who one is, sign out.</summary>
internal static class SessionEndpoints
{
    private const int LongestKey = 100;

    /// <summary>A session as examples show it.</summary>
    internal static readonly SessionView Sample = new(
        "person:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e",
        "Ada Example",
        Realms.Staff,
        null,
        null,
        [Permissions.CouponsRead, Permissions.CouponsWrite],
        Samples.At,
        "on",
        "pq0Kr7aZk6mWJ0oWbHn3u0eV8s0Lw6sGr2yqHk2vXcA"
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/sign-in", ShowWaysAsync)
            .WithName("getSignInWays")
            .WithSummary("How people may sign in here besides with a password or a key")
            .WithTags("Sessions")
            .OpenToEveryone()
            .WithAnswer(200, new SignInWays(true, false, false), "For the sign-in page.");
        var group = api.MapGroup("/session").WithTags("Sessions");
        group
            .MapPost("", BeginAsync)
            .WithName("signIn")
            .WithSummary("Sign in; the answer sets the session cookie")
            .WithRemark(
                "Send realm, email and password (and code, for a person with a second factor), or api_key alone. "
                    + "Whatever is wrong with them, the answer is the same."
            )
            .OpenToGuesses()
            .WithBody(new SignInWanted(Realms.Staff, "ada@example.com", "a long pass phrase of hers", "123456"))
            .WithAnswer(200, Sample, "Signed in.")
            .WithRefusals(SignIn.Failed, SignIn.CodeNeeded, SignIn.PasskeyNeeded, SessionCookie.Forged);
        group
            .MapGet("", ShowAsync)
            .WithName("getSession")
            .WithSummary("The session of the cookie, with what its person may do now")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(200, Sample, "Signed in.");
        group
            .MapDelete("", EndAsync)
            .WithName("signOut")
            .WithSummary("Sign out: the session ends on every node at once")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(204, "Signed out.");
    }

    private static Task ShowWaysAsync(HttpContext context, Settings settings, Authenticators authenticators) =>
        HttpAnswer
            .Json(
                200,
                new SignInWays(authenticators.CanAsk(context), settings.Oidc is not null, settings.Saml is not null)
            )
            .SendAsync(context);

    private static async Task BeginAsync(HttpContext context, SignIn signIn, Sessions sessions)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var wanted = Parse(fields);
        if ((fields.Finish() ?? (SessionCookie.IsForeign(context) ? SessionCookie.Forged : null)) is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        var (ticket, no) = wanted!.ApiKey is { } key
            ? await signIn.WithKeyAsync(context, key, context.RequestAborted)
            : await signIn.WithPasswordAsync(context, wanted, context.RequestAborted);
        var live = await sessions.FindAsync(ticket, context.RequestAborted);
        if (live is null)
        {
            await Problems.WriteAsync(context, no ?? SignIn.Failed);
            return;
        }

        SessionCookie.Set(context, ticket!);
        await HttpAnswer.Json(200, ViewOf(live, ticket!)).SendAsync(context);
    }

    private static async Task ShowAsync(HttpContext context, Sessions sessions)
    {
        // With a key in the header there is a caller, but no session to show.
        var ticket = Caller.Of(context).SessionId is null ? null : SessionCookie.Read(context);
        var live = await sessions.FindAsync(ticket, context.RequestAborted);
        await (
            live is null
                ? Problems.WriteAsync(context, Gate.NotSignedIn)
                : HttpAnswer.Json(200, ViewOf(live, ticket!)).SendAsync(context)
        );
    }

    private static async Task EndAsync(HttpContext context, SignIn signIn)
    {
        if (Caller.Of(context).SessionId is not null)
        {
            await signIn.EndAsync(context, SessionCookie.Read(context));
        }

        SessionCookie.Clear(context);
        await HttpAnswer.NoContent.SendAsync(context);
    }

    private static SignInWanted? Parse(Fields fields)
    {
        if (fields.Has("api_key"))
        {
            var key = fields.Text("api_key", LongestKey);
            foreach (var other in (string[])["realm", "email", "password", "code"])
            {
                if (fields.Text(other, Passwords.Longest, required: false) is not null)
                {
                    fields.Add(other, "not_both", "Sign in with a key or with a password, not with both.");
                }
            }

            return key is null ? null : new SignInWanted(ApiKey: key);
        }

        var realm = fields.Word("realm", Realms.All);
        var email = fields.Text("email", EmailAddress.Longest);
        var password = fields.Text("password", Passwords.Longest);
        var code = fields.Text("code", 40, required: false);
        return realm is null || email is null || password is null
            ? null
            : new SignInWanted(realm, email, password, code);
    }

    internal static SessionView ViewOf(LiveSession live, string ticket) =>
        new(
            live.Caller.Actor,
            live.Name,
            live.Caller.Realm,
            live.Caller.MerchantId,
            live.Caller.CustomerId,
            [.. live.Caller.Granted.Order(StringComparer.Ordinal)],
            live.ExpiresAt,
            live.SecondFactor,
            Tickets.CsrfOf(ticket)
        );
}
