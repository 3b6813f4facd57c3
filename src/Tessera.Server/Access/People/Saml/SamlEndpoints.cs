using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access.People.Oidc;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People.Saml;

/// <summary>How a sign-in at the SAML identity provider begins.</summary>
/// <param name="Invitation">For a person's first time: the invitation's token, to link the two.</param>
internal sealed record SamlWanted(string? Invitation = null);

/// <summary>Where the browser goes next.</summary>
/// <param name="RedirectUrl">At the identity provider.</param>
internal sealed record SamlBegun(string RedirectUrl);

/// <summary>What the identity provider has the browser post; names as SAML writes them.</summary>
/// <param name="SAMLResponse">The answer, in Base64.</param>
/// <param name="RelayState">As it was sent along with the question.</param>
internal sealed record SamlAnswer(string SAMLResponse, string RelayState);

/// <summary>
/// Sign-in at a SAML 2.0 identity provider (ACC-01, convention 60): we ask by redirect, the answer comes by post, is bound
/// to the asking browser and to the question, and counts once. People are linked by invitation, as with OpenID.
/// </summary>
internal static class SamlEndpoints
{
    private const string FormType = "application/x-www-form-urlencoded";

    /// <summary>Of none: the identity provider's page posts, and Lax cookies do not come along with that.</summary>
    private static readonly Challenges Questions = new("saml", SamlOptions.Path, SameSiteMode.None);

    private static readonly Refusal NoForm = new(
        "form_needed",
        $"This resource takes {FormType:type}.",
        RefusalKind.UnsupportedMedia
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/sign-in/saml").WithTags("Sessions");
        group
            .MapGet("/metadata", ShowAsync)
            .WithName("getSamlMetadata")
            .WithSummary("What a SAML identity provider needs to know of this deployment")
            .OpenToEveryone()
            .WithAnswer(200, "Metadata of a service provider.", "application/samlmetadata+xml")
            .WithRefusals(OidcEndpoints.Absent);
        group
            .MapPost("", BeginAsync)
            .WithName("beginSamlSignIn")
            .WithSummary("Begin a sign-in at the SAML identity provider")
            .OpenToGuesses()
            .WithBody(new SamlWanted())
            .WithAnswer(200, new SamlBegun("https://id.example/saml?SAMLRequest=fZ"), "Go there.")
            .WithRefusals(OidcEndpoints.Absent, SessionCookie.Forged);
        group
            .MapPost("/callback", FinishAsync)
            .WithName("finishSamlSignIn")
            .WithSummary("Where the SAML identity provider has the browser post its answer to")
            .OpenToGuesses()
            .WithMetadata(new BodyFact(typeof(SamlAnswer), null, FormType, true))
            .WithAnswer(303, ComingBack.Answer)
            .WithRefusals(OidcEndpoints.Absent, NoForm);
    }

    private static async Task ShowAsync(HttpContext context, Settings settings)
    {
        if (settings.Saml is not { } options)
        {
            await Problems.WriteAsync(context, OidcEndpoints.Absent);
            return;
        }

        context.Response.ContentType = "application/samlmetadata+xml";
        await context.Response.WriteAsync(SamlMessages.Metadata(options), context.RequestAborted);
    }

    private static async Task BeginAsync(HttpContext context, Database database, Settings settings, TimeProvider clock)
    {
        context.Response.Headers.CacheControl = "no-store";
        var (fields, _) = await OwnAccountEndpoints.ReadAsync(context);
        if (fields is null)
        {
            return;
        }

        var invitation = fields.Text("invitation", 100, required: false);
        var wrong =
            fields.Finish()
            ?? (settings.Saml is null ? OidcEndpoints.Absent : null)
            ?? (SessionCookie.IsForeign(context) ? SessionCookie.Forged : null);
        if (wrong is not null)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        // Of the invitation only what is stored of it anyway. An id of XML does not begin with a digit.
        var kept = Tickets.HashOf(invitation) is { } hash ? Convert.ToBase64String(hash) : null;
        var asked = new Asked("_" + Tickets.Make(), Tickets.Make(), kept);
        await Questions.KeepAsync(context, database, JsonSerializer.Serialize(asked));
        var next = SamlMessages.Question(settings.Saml!, asked.Id, asked.State, clock.GetUtcNow());
        await HttpAnswer.Json(200, new SamlBegun(next)).SendAsync(context);
    }

    private static async Task FinishAsync(HttpContext context, Database database, Settings settings, SignIn signIn)
    {
        context.Response.Headers.CacheControl = "no-store";
        var refusal =
            settings.Saml is null ? OidcEndpoints.Absent
            : context.Request.HasFormContentType
            && context.Request.ContentType!.StartsWith(FormType, StringComparison.OrdinalIgnoreCase)
                ? null
            : NoForm;
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var options = settings.Saml!;
        await using var work = await database.BeginAsync(context.RequestAborted);
        var (person, fault) = await WhoAsync(context, database, work, options);
        if (person is not { } id)
        {
            // An assertion that named nobody is used up as well.
            await work.CommitAsync(CancellationToken.None);
            signIn.Refuse(context, "nobody", "saml: " + fault);
            ComingBack.Send(context, ComingBack.Failed);
            return;
        }

        var ticket = await signIn.BeginAsync(context, work, id, null, options.Realm, "saml");
        SessionCookie.Set(context, ticket);
        ComingBack.Send(context);
    }

    /// <summary>The person who came back, or in a word why it is nobody.</summary>
    private static async Task<(Guid? Person, string? Fault)> WhoAsync(
        HttpContext context,
        Database database,
        UnitOfWork work,
        SamlOptions options
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

        if (
            await FormAsync(context) is not { } form
            || form["SAMLResponse"] is not [{ Length: > 0 } answer]
            || form["RelayState"] is not [{ } state]
        )
        {
            return (null, "form");
        }

        if (
            !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(state), Encoding.UTF8.GetBytes(asked.State))
        )
        {
            return (null, "state");
        }

        var now = await work.ClockAsync(context.RequestAborted);
        var (proof, fault) = SamlAssertion.Check(answer, options, asked.Id, now);
        if (proof is null)
        {
            return (null, fault);
        }

        if (!await IsNewAsync(work, options, proof))
        {
            return (null, "replayed");
        }

        // Apart from OpenID providers, which may have the same name and other subjects.
        var person = await External.FindAsync(
            work,
            "saml:" + options.Issuer,
            proof.Subject,
            options.Realm,
            asked.Invitation is null ? null : Convert.FromBase64String(asked.Invitation),
            RequestIds.Of(context)
        );
        return person is null ? (null, "unknown") : (person, null);
    }

    private static async Task<IFormCollection?> FormAsync(HttpContext context)
    {
        try
        {
            return await context.Request.ReadFormAsync(
                new FormOptions
                {
                    KeyLengthLimit = 100,
                    ValueCountLimit = 10,
                    ValueLengthLimit = SamlXml.Longest,
                },
                context.RequestAborted
            );
        }
        catch (InvalidDataException)
        {
            // Beyond these bounds it is no answer of an identity provider.
            return null;
        }
    }

    private static async Task<bool> IsNewAsync(UnitOfWork work, SamlOptions options, SamlProof proof) =>
        await work.ExecuteAsync(
            """
            with old as (delete from people.assertion where expires_at < clock_timestamp())
            insert into people.assertion (hash, expires_at) values ($1, $2) on conflict do nothing
            """,
            [SHA256.HashData(Encoding.UTF8.GetBytes(options.Issuer + '\0' + proof.Id)), proof.Until],
            CancellationToken.None
        ) == 1;

    private sealed record Asked(string Id, string State, string? Invitation);
}
