using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People.Passkeys;

/// <summary>What to ask an authenticator.</summary>
/// <param name="Options">
/// For the browser: <c>PublicKeyCredential.parseCreationOptionsFromJSON</c>, or <c>parseRequestOptionsFromJSON</c>.
/// </param>
internal sealed record PasskeyAsked(JsonElement Options);

/// <summary>A new passkey.</summary>
/// <param name="Name">As its owner calls it.</param>
/// <param name="Credential">What the authenticator answered: the browser's <c>credential.toJSON()</c>.</param>
internal sealed record PasskeyWanted(string Name, JsonElement Credential);

/// <summary>Another name.</summary>
/// <param name="Name">As its owner calls it.</param>
internal sealed record PasskeyPatch(string Name);

/// <summary>The passkeys of one's own account (ACC-01, convention 54).</summary>
internal static class OwnPasskeyEndpoints
{
    private const int LongestName = 100;

    /// <summary>How fresh the sign-in has to be.</summary>
    private static readonly TimeSpan Recent = TimeSpan.FromMinutes(15);

    private static readonly Challenges Questions = new("passkey_new", "/api/v1/account/passkeys", SameSiteMode.Strict);

    /// <summary>The refusal where there is no name that a passkey could be bound to.</summary>
    public static readonly Refusal Unavailable = new(
        "passkeys_unavailable",
        "Passkeys are bound to the public address of a deployment (TESSERA_PUBLIC_URL), and this one has none.",
        RefusalKind.NotFound
    );

    private static readonly Refusal Stale = new(
        "recent_sign_in_needed",
        "Passkeys are changed within 15 minutes of signing in. Sign in again.",
        RefusalKind.Forbidden
    );

    private static readonly Refusal TooMany = new(
        "passkey_not_added",
        $"This passkey is known already, or there are {Passkey.Most:maximum}. Remove one first."
    );

    private static readonly Passkey Sample = new(Samples.Id, "Ada's phone", true, Samples.At, Samples.At);

    private static readonly JsonElement SampleOptions = JsonSerializer.SerializeToElement(
        new { challenge = "pq0Kr7aZk6mWJ0oWbHn3u0eV8s0Lw6sGr2yqHk2vXcA", timeout = 300000 }
    );

    /// <summary>An answer as examples show it.</summary>
    public static JsonElement SampleCredential { get; } =
        JsonSerializer.SerializeToElement(new { id = "AAECAw", type = "public-key" });

    /// <summary>A question as examples show it.</summary>
    public static PasskeyAsked SampleAsked { get; } = new(SampleOptions);

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/account/passkeys").WithTags("Sessions");
        group
            .MapGet("", ListAsync)
            .WithName("listPasskeys")
            .WithSummary("List one's own passkeys")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(200, new Page<Passkey>([Sample], false, null), "The oldest first.");
        group
            .MapPost("/begin", BeginAsync)
            .WithName("beginPasskey")
            .WithSummary("Ask for a new passkey, soon after signing in")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(200, SampleAsked, "For the browser, within ten minutes.")
            .WithRefusals(OwnAccountEndpoints.PersonNeeded, Unavailable, Stale, TooMany);
        group
            .MapPost("", AddAsync)
            .WithName("addPasskey")
            .WithSummary("Add the passkey that was asked for; from then on it signs in by itself")
            .RequirePermission(Permissions.SignedIn)
            .WithBody(new PasskeyWanted("Ada's phone", SampleCredential))
            .WithAnswer(201, Sample, "Added. With the first one, all other sessions have ended.")
            .WithRefusals(OwnAccountEndpoints.PersonNeeded, Unavailable, Stale, TooMany);
        group
            .MapPatch("/{id:guid}", RenameAsync)
            .WithName("renamePasskey")
            .WithSummary("Give a passkey another name")
            .RequirePermission(Permissions.SignedIn)
            .WithPatch(new PasskeyPatch("Ada's key ring"))
            .WithAnswer(200, Sample, "Renamed.")
            .WithRefusals(OwnAccountEndpoints.PersonNeeded, Entry.NotFound);
        group
            .MapDelete("/{id:guid}", RemoveAsync)
            .WithName("removePasskey")
            .WithSummary("Remove a passkey, soon after signing in")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(204, "It is gone, and all other sessions have ended; or it was gone before.")
            .WithRefusals(OwnAccountEndpoints.PersonNeeded, Stale);
    }

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        // A key has no account, and so none of these.
        var person = Caller.Of(context).PersonId ?? Guid.Empty;
        var own = await Passkey.ListAsync(database, person, context.RequestAborted);
        await HttpAnswer.Json(200, new Page<Passkey>(own, false, null)).SendAsync(context);
    }

    private static async Task BeginAsync(HttpContext context, Database database, Authenticators authenticators)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        if (await RefusalAsync(context, work, authenticators) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var caller = Caller.Of(context);
        var person = caller.PersonId!.Value;
        if ((await Passkey.ListAsync(database, person, context.RequestAborted)).Count >= Passkey.Most)
        {
            await Problems.WriteAsync(context, TooMany);
            return;
        }

        var (_, email, name, _) = await OwnAccountEndpoints.AccountAsync(work, person);
        var asked = await authenticators.AskForNewAsync(context, person, email, name);
        var kept = new Asked(person, caller.SessionId!.Value, asked.AttestationState!);
        await Questions.KeepAsync(context, database, JsonSerializer.Serialize(kept));
        using var options = JsonDocument.Parse(asked.CreationOptionsJson);
        await HttpAnswer.Json(200, new PasskeyAsked(options.RootElement)).SendAsync(context);
    }

    private static async Task AddAsync(
        HttpContext context,
        Database database,
        Authenticators authenticators,
        SignIn signIn
    )
    {
        var (fields, body) = await OwnAccountEndpoints.ReadAsync(context);
        if (fields is null)
        {
            return;
        }

        var name = fields.Text("name", LongestName);
        var credential = CredentialOf(fields, body!);
        if (await OwnAccountEndpoints.RefuseAsync(context, fields))
        {
            return;
        }

        var caller = Caller.Of(context);
        var person = caller.PersonId!.Value;
        await using var work = await database.BeginAsync(context.RequestAborted);
        await work.ExecuteAsync("select from people.person where id = $1 for update", [person], CancellationToken.None);
        if (await RefusalAsync(context, work, authenticators) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        // Once: whatever comes of it, this question is answered.
        var asked = await Questions.TakeAsync(context, database) is { } kept
            ? JsonSerializer.Deserialize<Asked>(kept)
            : null;
        if (asked is null || asked.Person != person || asked.Session != caller.SessionId)
        {
            await RefuseAsync(context, signIn, fields, caller, "not asked");
            return;
        }

        var verified = await authenticators.VerifyNewAsync(context, credential!, asked.State);
        if (!verified.Succeeded)
        {
            await RefuseAsync(context, signIn, fields, caller, Authenticators.WhyNot(verified.Failure));
            return;
        }

        var isFirst = (await Passkey.ListAsync(database, person, CancellationToken.None)).Count == 0;
        if (await Passkey.AddAsync(work, person, name!, verified.Passkey) is not { } added)
        {
            await Problems.WriteAsync(context, TooMany);
            return;
        }

        await work.ExecuteAsync(
            "update people.session set method = 'passkey' where id = $1",
            [asked.Session],
            CancellationToken.None
        );
        if (isFirst)
        {
            await Sessions.EndAllAsync(work, person, caller.SessionId, CancellationToken.None);
        }

        await TellAsync(context, work, person, "person.passkey_added", added.Id);
        await work.CommitAsync(CancellationToken.None);
        await HttpAnswer.Json(201, added, "/api/v1/account/passkeys/" + added.Id).SendAsync(context);
    }

    private static async Task RenameAsync(HttpContext context, Database database, Guid id)
    {
        var (fields, _) = await OwnAccountEndpoints.ReadAsync(context);
        var name = fields?.Text("name", LongestName);
        if (fields is null || await OwnAccountEndpoints.RefuseAsync(context, fields))
        {
            return;
        }

        var person = Caller.Of(context).PersonId!.Value;
        await using var work = await database.BeginAsync(context.RequestAborted);
        if (await Passkey.RenameAsync(work, person, id, name!) is not { } renamed)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        await TellAsync(context, work, person, "person.passkey_renamed", id);
        await work.CommitAsync(CancellationToken.None);
        await HttpAnswer.Json(200, renamed).SendAsync(context);
    }

    private static async Task RemoveAsync(
        HttpContext context,
        Database database,
        Authenticators authenticators,
        Guid id
    )
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        if (await RefusalAsync(context, work, authenticators) is { } refusal && refusal != Unavailable)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var caller = Caller.Of(context);
        var person = caller.PersonId!.Value;
        if (await Passkey.RemoveAsync(work, person, id) > 0)
        {
            await Sessions.EndAllAsync(work, person, caller.SessionId, CancellationToken.None);
            await TellAsync(context, work, person, "person.passkey_removed", id);
            await work.CommitAsync(CancellationToken.None);
        }

        await HttpAnswer.NoContent.SendAsync(context);
    }

    /// <summary>What an authenticator answered, as received; the handler reads it.</summary>
    public static string? CredentialOf(Fields fields, RequestBody body)
    {
        const int longest = 32 * 1024;
        if (!fields.Has("credential"))
        {
            return fields.Text("credential", longest);
        }

        fields.Skip("credential");
        var given = body.Json.GetProperty("credential");
        if (given.ValueKind != JsonValueKind.Object)
        {
            fields.Add("credential", "not_an_object", "This has to be an object.");
            return null;
        }

        var text = given.GetRawText();
        if (text.Length <= longest)
        {
            return text;
        }

        fields.Add("credential", "too_long", $"This has more than {longest:maximum} characters.");
        return null;
    }

    /// <summary>Why one's passkeys cannot be changed now; null for no reason.</summary>
    private static async Task<Refusal?> RefusalAsync(
        HttpContext context,
        UnitOfWork work,
        Authenticators authenticators
    )
    {
        if (Caller.Of(context) is not { PersonId: not null, SessionId: { } session })
        {
            return OwnAccountEndpoints.PersonNeeded;
        }

        await using var command = work.Command(
            "select started_at > clock_timestamp() - $2 from people.session where id = $1",
            session,
            Recent
        );
        return await command.ExecuteScalarAsync() is not true ? Stale
            : authenticators.CanAsk(context) ? null
            : Unavailable;
    }

    private static Task RefuseAsync(HttpContext context, SignIn signIn, Fields fields, Caller caller, string why)
    {
        signIn.RefusePasskey(context, caller.Actor, why);
        fields.Add("credential", "passkey_not_valid", "This does not answer what was asked. Begin again.");
        return Problems.WriteAsync(context, fields.Finish()!);
    }

    private static async Task TellAsync(HttpContext context, UnitOfWork work, Guid person, string type, Guid passkey)
    {
        await using var update = work.Command(
            "update people.person set version = version + 1 where id = $1 returning version",
            person
        );
        var version = (int)(await update.ExecuteScalarAsync())!;
        await Invitations.TellAsync(
            work,
            person,
            type,
            version,
            Caller.Of(context).Actor,
            EventLog.Payload(("passkey_id", passkey)),
            RequestIds.Of(context)
        );
    }

    private sealed record Asked(Guid Person, Guid Session, string State);
}
