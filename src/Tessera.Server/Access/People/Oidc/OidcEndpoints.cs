using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People.Oidc;

/// <summary>How a sign-in at the identity provider begins.</summary>
/// <param name="Invitation">For a person's first time: the invitation's token, to link the two.</param>
internal sealed record OidcWanted(string? Invitation = null);

/// <summary>Where the browser goes next.</summary>
/// <param name="RedirectUrl">At the identity provider.</param>
internal sealed record OidcBegun(string RedirectUrl);

/// <summary>
/// Sign-in at an identity provider: code flow with PKCE, state and nonce (convention 59). Who comes back is known by issuer
/// and subject; the two are linked once, by the person's invitation, and never by an address.
/// </summary>
internal static class OidcEndpoints
{
    /// <summary>Lax: the browser comes back from another site.</summary>
    private static readonly Challenges Questions = new("oidc", "/api/v1/sign-in/oidc", SameSiteMode.Lax);

    /// <summary>The person said no there.</summary>
    private const string Cancelled = "cancelled";

    /// <summary>The refusal where people sign in here only.</summary>
    internal static readonly Refusal Absent = new(
        "no_identity_provider",
        "This deployment has no identity provider.",
        RefusalKind.NotFound
    );

    private static readonly Refusal Away = new(
        "identity_provider_unavailable",
        "The identity provider cannot be asked, or is not the configured one.",
        RefusalKind.Unavailable
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/sign-in/oidc").WithTags("Sessions");
        group
            .MapPost("", BeginAsync)
            .WithName("beginOidcSignIn")
            .WithSummary("Begin a sign-in at the identity provider")
            .OpenToGuesses()
            .WithBody(new OidcWanted())
            .WithAnswer(200, new OidcBegun("https://id.example/auth?client_id=tessera"), "Go there.")
            .WithRefusals(Absent, Away);
        group
            .MapGet("/callback", FinishAsync)
            .WithName("finishOidcSignIn")
            .WithSummary("Where the identity provider sends the browser back to")
            .OpenToGuesses()
            .WithQuery("code", "string", "For the token.")
            .WithQuery("state", "string", "As it was sent.")
            .WithQuery("iss", "string", "The issuer (RFC 9207).")
            .WithQuery("error", "string", "Why not.")
            .WithAnswer(303, ComingBack.Answer)
            .WithRefusals(Absent);
    }

    private static async Task BeginAsync(HttpContext context, Database database, Providers providers)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var invitation = fields.Text("invitation", 100, required: false);
        var wrong =
            fields.Finish()
            ?? (providers.Oidc is null ? Absent : null)
            ?? (SessionCookie.IsForeign(context) ? SessionCookie.Forged : null);
        if (wrong is not null)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        // Of the invitation only what is stored of it anyway.
        var kept = Tickets.HashOf(invitation) is { } hash ? Convert.ToBase64String(hash) : null;
        var asked = new Asked(Tickets.Make(), Tickets.Make(), Tickets.Make(), kept);
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(asked.Verifier)));
        try
        {
            var next = await providers.Oidc!.AuthorizationAsync(
                asked.State,
                asked.Nonce,
                challenge,
                context.RequestAborted
            );
            await Questions.KeepAsync(context, database, JsonSerializer.Serialize(asked));
            await HttpAnswer.Json(200, new OidcBegun(next.AbsoluteUri)).SendAsync(context);
        }
        catch (OidcException error)
        {
            providers.Tell(error);
            await Problems.WriteAsync(context, Away);
        }
    }

    private static async Task FinishAsync(
        HttpContext context,
        Database database,
        Settings settings,
        Providers providers,
        SignIn signIn
    )
    {
        context.Response.Headers.CacheControl = "no-store";
        if (providers.Oidc is null)
        {
            await Problems.WriteAsync(context, Absent);
            return;
        }

        try
        {
            var (person, fault) = await WhoAsync(context, database, settings.Oidc!, providers.Oidc);
            if (person is not { } id)
            {
                signIn.Refuse(context, "nobody", "oidc: " + fault);
                ComingBack.Send(context, fault == Cancelled ? ComingBack.Cancelled : ComingBack.Failed);
                return;
            }

            await using var work = await database.BeginAsync(context.RequestAborted);
            var ticket = await signIn.BeginAsync(context, work, id, null, settings.Oidc!.Realm, "oidc");
            SessionCookie.Set(context, ticket);
            ComingBack.Send(context);
        }
        catch (OidcException error)
        {
            providers.Tell(error);
            signIn.Refuse(context, "nobody", "oidc: unavailable");
            ComingBack.Send(context, ComingBack.Unavailable);
        }
    }

    /// <summary>The person who came back, or in a word why it is nobody.</summary>
    private static async Task<(Guid? Person, string? Fault)> WhoAsync(
        HttpContext context,
        Database database,
        OidcOptions options,
        OidcProvider provider
    )
    {
        // Once: whatever comes of it, this question is answered.
        if (
            await Questions.TakeAsync(context, database) is not { } kept
            || JsonSerializer.Deserialize<Asked>(kept) is not { } asked
        )
        {
            return (null, "not asked");
        }

        var query = context.Request.Query;
        if (query["state"] is not [{ } state] || !Same(state, asked.State))
        {
            return (null, "state");
        }

        if (query["iss"].Count > 0 && (query["iss"] is not [{ } issuer] || issuer != options.Issuer))
        {
            return (null, "issuer");
        }

        if (query.ContainsKey("error") || query["code"] is not [{ Length: > 0 } code])
        {
            return (null, query["error"] is ["access_denied"] ? Cancelled : "refused");
        }

        var (subject, fault) = await provider.ExchangeAsync(code, asked.Verifier, asked.Nonce, context.RequestAborted);
        if (subject is null)
        {
            return (null, fault);
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var person = await External.FindAsync(
            work,
            options.Issuer,
            subject,
            options.Realm,
            asked.Invitation is null ? null : Convert.FromBase64String(asked.Invitation),
            RequestIds.Of(context)
        );
        await work.CommitAsync(CancellationToken.None);
        return person is null ? (null, "unknown") : (person, null);
    }

    private static bool Same(string one, string other) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));

    private sealed record Asked(string State, string Nonce, string Verifier, string? Invitation);
}
