using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
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
    private const string CookieName = "tessera_oidc";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly Refusal Absent = new(
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
            .WithAnswer(303, "Signed in; the way back to the pages.")
            .WithRefusals(Absent, Away, SignIn.Failed);
    }

    private static async Task BeginAsync(HttpContext context, Database database, Providers providers)
    {
        context.Response.Headers.CacheControl = "no-store";
        var (body, refusal) = await RequestBody.ReadAsync(context);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var fields = Fields.Of(body!);
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
            var ticket = Tickets.Make();
            await KeepAsync(database, ticket, asked, context.RequestAborted);
            context.Response.Cookies.Append(CookieName, ticket, CookieOf(context));
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
                await Problems.WriteAsync(context, SignIn.Failed);
                return;
            }

            await using var work = await database.BeginAsync(context.RequestAborted);
            var ticket = await signIn.BeginAsync(context, work, id, null, settings.Oidc!.Realm, "oidc");
            context.Response.Cookies.Delete(CookieName, CookieOf(context));
            SessionCookie.Set(context, ticket);
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            context.Response.Headers.Location = "/";
        }
        catch (OidcException error)
        {
            providers.Tell(error);
            await Problems.WriteAsync(context, Away);
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
        if (await TakeAsync(database, context.Request.Cookies[CookieName], context.RequestAborted) is not { } asked)
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
            return (null, "refused");
        }

        var (subject, fault) = await provider.ExchangeAsync(code, asked.Verifier, asked.Nonce, context.RequestAborted);
        if (subject is null)
        {
            return (null, fault);
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        if (asked.Invitation is { } invitation)
        {
            await LinkAsync(work, options, subject, invitation, RequestIds.Of(context));
        }

        await using var command = work.Command(
            """
            select p.id from people.external e join people.person p on p.id = e.person_id
                left join access.merchant m on m.id = p.merchant_id
            where e.issuer = $1 and e.subject = $2 and p.realm = $3 and p.is_active and coalesce(m.is_active, true)
            """,
            options.Issuer,
            subject,
            options.Realm
        );
        var person = await command.ExecuteScalarAsync();
        await work.CommitAsync(CancellationToken.None);
        return person is Guid id ? (id, null) : (null, "unknown");
    }

    /// <summary>Links the invited person to the subject, if neither is linked yet; the invitation is used up.</summary>
    private static async Task LinkAsync(
        UnitOfWork work,
        OidcOptions options,
        string subject,
        string invitation,
        string requestId
    )
    {
        if (
            await InvitationEndpoints.HoldAsync(work, Convert.FromBase64String(invitation)) is not { } person
            || person.Realm != options.Realm
        )
        {
            return;
        }

        var linked = await work.ExecuteAsync(
            "insert into people.external (issuer, subject, person_id) values ($1, $2, $3) on conflict do nothing",
            [options.Issuer, subject, person.Id],
            CancellationToken.None
        );
        if (linked == 0)
        {
            return;
        }

        await work.ExecuteAsync(
            "update people.invitation set used_at = clock_timestamp() where person_id = $1 and used_at is null",
            [person.Id],
            CancellationToken.None
        );
        var version = (int)
            (
                await work.Command(
                        "update people.person set version = version + 1 where id = $1 returning version",
                        person.Id
                    )
                    .ExecuteScalarAsync()
            )!;
        await Invitations.TellAsync(
            work,
            person.Id,
            "person.linked",
            version,
            "person:" + person.Id,
            EventLog.Payload(("issuer", options.Issuer)),
            requestId
        );
    }

    private static async Task KeepAsync(Database database, string ticket, Asked asked, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            """
            with old as (delete from people.challenge where expires_at < clock_timestamp())
            insert into people.challenge (id, kind, hash, content, expires_at)
            values ($1, 'oidc', $2, $3, clock_timestamp() + $4)
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = Guid.CreateVersion7() });
        command.Parameters.Add(new NpgsqlParameter { Value = Tickets.HashOf(ticket)! });
        command.Parameters.Add(new NpgsqlParameter { Value = JsonSerializer.Serialize(asked) });
        command.Parameters.Add(new NpgsqlParameter { Value = Patience });
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static async Task<Asked?> TakeAsync(Database database, string? ticket, CancellationToken cancel)
    {
        if (Tickets.HashOf(ticket) is not { } hash)
        {
            return null;
        }

        await using var command = database.Source.CreateCommand(
            """
            delete from people.challenge where hash = $1 and kind = 'oidc'
            returning case when expires_at > clock_timestamp() then content end
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = hash });
        return await command.ExecuteScalarAsync(cancel) is string content
            ? JsonSerializer.Deserialize<Asked>(content)
            : null;
    }

    private static bool Same(string one, string other) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));

    /// <summary>Lax: the browser comes back from another site.</summary>
    private static CookieOptions CookieOf(HttpContext context) =>
        new()
        {
            HttpOnly = true,
            Secure = context.Request.IsHttps,
            SameSite = SameSiteMode.Lax,
            Path = "/api/v1/sign-in/oidc",
            MaxAge = Patience,
            IsEssential = true,
        };

    private sealed record Asked(string State, string Nonce, string Verifier, string? Invitation);
}
