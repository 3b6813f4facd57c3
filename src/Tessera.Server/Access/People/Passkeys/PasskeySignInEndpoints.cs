using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People.Passkeys;

/// <summary>A sign-in by passkey, begun.</summary>
/// <param name="Realm">Of the person: staff, merchant or customer.</param>
internal sealed record PasskeySignInBegun(string Realm);

/// <summary>A sign-in by passkey.</summary>
/// <param name="Credential">What the authenticator answered: the browser's <c>credential.toJSON()</c>.</param>
internal sealed record PasskeySignInWanted(JsonElement Credential);

/// <summary>
/// Sign-in by passkey alone (ACC-01): the authenticator knows whose it is and has verified that person, so it is both
/// factors. Nobody's passkeys are told to anyone who has not signed in.
/// </summary>
internal static class PasskeySignInEndpoints
{
    private static readonly Challenges Questions = new(
        "passkey_sign_in",
        "/api/v1/sign-in/passkey",
        SameSiteMode.Strict
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/sign-in/passkey").WithTags("Sessions");
        group
            .MapPost("", BeginAsync)
            .WithName("beginPasskeySignIn")
            .WithSummary("Begin a sign-in by passkey")
            .OpenToGuesses()
            .WithBody(new PasskeySignInBegun(Realms.Staff))
            .WithAnswer(200, OwnPasskeyEndpoints.SampleAsked, "For the browser, within ten minutes.")
            .WithRefusals(OwnPasskeyEndpoints.Unavailable, SessionCookie.Forged);
        group
            .MapPost("/finish", FinishAsync)
            .WithName("finishPasskeySignIn")
            .WithSummary("Sign in by passkey; the answer sets the session cookie")
            .OpenToGuesses()
            .WithBody(new PasskeySignInWanted(OwnPasskeyEndpoints.SampleCredential))
            .WithAnswer(200, SessionEndpoints.Sample, "Signed in.")
            .WithRefusals(SignIn.Failed, SessionCookie.Forged);
    }

    private static async Task BeginAsync(HttpContext context, Database database, Authenticators authenticators)
    {
        var (fields, _) = await OwnAccountEndpoints.ReadAsync(context);
        if (fields is null)
        {
            return;
        }

        var realm = fields.Word("realm", Realms.All);
        var refusal =
            fields.Finish()
            ?? (SessionCookie.IsForeign(context) ? SessionCookie.Forged : null)
            ?? (authenticators.CanAsk(context) ? null : OwnPasskeyEndpoints.Unavailable);
        context.Response.Headers.CacheControl = "no-store";
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var asked = await authenticators.AskAsync(context);
        var kept = new Asked(realm!, asked.AssertionState!);
        await Questions.KeepAsync(context, database, JsonSerializer.Serialize(kept));
        using var options = JsonDocument.Parse(asked.RequestOptionsJson);
        await HttpAnswer.Json(200, new PasskeyAsked(options.RootElement)).SendAsync(context);
    }

    private static async Task FinishAsync(
        HttpContext context,
        Database database,
        Authenticators authenticators,
        SignIn signIn,
        Sessions sessions
    )
    {
        var (fields, body) = await OwnAccountEndpoints.ReadAsync(context);
        if (fields is null)
        {
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        var credential = OwnPasskeyEndpoints.CredentialOf(fields, body!);
        var refusal = fields.Finish() ?? (SessionCookie.IsForeign(context) ? SessionCookie.Forged : null);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var (ticket, who, fault) = await SignInAsync(context, database, authenticators, signIn, credential!);
        if (fault is not null || await sessions.FindAsync(ticket, context.RequestAborted) is not { } live)
        {
            signIn.RefusePasskey(context, who, fault ?? "ended");
            await Problems.WriteAsync(context, SignIn.Failed);
            return;
        }

        SessionCookie.Set(context, ticket!);
        await HttpAnswer.Json(200, SessionEndpoints.ViewOf(live, ticket!)).SendAsync(context);
    }

    private static async Task<(string? Ticket, string Who, string? Fault)> SignInAsync(
        HttpContext context,
        Database database,
        Authenticators authenticators,
        SignIn signIn,
        string credential
    )
    {
        // Once: whatever comes of it, this question is answered.
        if (
            await Questions.TakeAsync(context, database) is not { } kept
            || JsonSerializer.Deserialize<Asked>(kept) is not { } asked
        )
        {
            return (null, "nobody", "not asked");
        }

        var verified = await authenticators.VerifyAsync(context, credential, asked.State);
        if (!verified.Succeeded)
        {
            return (null, "nobody", Authenticators.WhyNot(verified.Failure));
        }

        var (id, realm) = (verified.User.Id, verified.User.Realm);
        var who = "person:" + id;
        if (realm != asked.Realm)
        {
            return (null, who, "another realm");
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        if (!await External.IsActiveAsync(work, id))
        {
            return (null, who, "switched off");
        }

        return await Passkey.UseAsync(work, id, verified.Passkey)
            ? (await signIn.BeginAsync(context, work, id, null, realm, "passkey"), who, null)
            : (null, who, "counter");
    }

    private sealed record Asked(string Realm, string State);
}
