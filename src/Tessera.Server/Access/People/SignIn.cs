using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>
/// Turns a password or an API key into a session. Unknown address, wrong password, locked and switched off are one answer
/// that takes one time (convention 54); each failure is one security event in the log (convention 68).
/// </summary>
public sealed partial class SignIn(
    Database database,
    ApiKeys keys,
    Passwords passwords,
    Sessions sessions,
    SecondFactor factors,
    ILogger<SignIn> log
)
{
    /// <summary>The one answer to everything that is wrong.</summary>
    public static readonly Refusal Failed = new(
        "sign_in_failed",
        "This does not sign anybody in. After several failures an address has to wait up to 15 minutes.",
        RefusalKind.Unauthenticated
    );

    /// <summary>The password was right; the person has a second factor.</summary>
    public static readonly Refusal CodeNeeded = new(
        "second_factor_required",
        "Send the code of the authenticator, or a recovery code, as well.",
        RefusalKind.Unauthenticated
    );

    /// <summary>The password was right; the second factor of this member of the staff is a passkey.</summary>
    public static readonly Refusal PasskeyNeeded = new(
        "passkey_required",
        "Sign in with the passkey of this account.",
        RefusalKind.Unauthenticated
    );

    /// <summary>Signs in with a password, and with the code of a second factor where there is one.</summary>
    /// <returns>The ticket, or why not.</returns>
    internal async Task<(string? Ticket, Refusal? Refusal)> WithPasswordAsync(
        HttpContext context,
        SignInWanted wanted,
        CancellationToken cancel
    )
    {
        var (realm, email, password) = (wanted.Realm!, wanted.Email!, wanted.Password!);
        var address = EmailAddress.Normal(email);
        var key = Attempts.KeyOf(realm, address);
        var mayTry = await Attempts.CountAsync(database, key, cancel);
        var known = await ReadAsync(realm, address, cancel);
        var (isRight, isOld) = await passwords.VerifyAsync(known?.Hash, password, cancel);
        if (!isRight || !mayTry || known is not { IsActive: true } person)
        {
            Refuse(context, known is null ? "nobody" : "person:" + known.Value.Id, mayTry ? "wrong" : "locked");
            return (null, Failed);
        }

        var fresh = isOld ? await passwords.HashAsync(password, cancel) : null;
        await using var work = await database.BeginAsync(cancel);
        var isPasskeyNeeded = realm == Realms.Staff && !person.HasFactor && person.HasPasskey;
        if (isPasskeyNeeded || (person.HasFactor && wanted.Code is null))
        {
            // Neither a success nor a failure: what was counted before stays counted.
            await Attempts.ForgiveAsync(work, key, CancellationToken.None);
            await work.CommitAsync(CancellationToken.None);
            return (null, isPasskeyNeeded ? PasskeyNeeded : CodeNeeded);
        }

        if (person.HasFactor && !await factors.UseAsync(work, person.Id, wanted.Code!, CancellationToken.None))
        {
            Refuse(context, "person:" + person.Id, "wrong code");
            return (null, Failed);
        }

        await Attempts.ForgetAsync(work, key, CancellationToken.None);
        if (fresh is not null)
        {
            await work.ExecuteAsync(
                "update people.person set password_hash = $2 where id = $1 and password_hash = $3",
                [person.Id, fresh, person.Hash],
                CancellationToken.None
            );
        }

        return (await BeginAsync(context, work, person.Id, null, realm, "password"), null);
    }

    /// <summary>Signs in with an API key; the session may do what the key may, as long as the key lives.</summary>
    /// <returns>The ticket, or why not.</returns>
    internal async Task<(string? Ticket, Refusal? Refusal)> WithKeyAsync(
        HttpContext context,
        string apiKey,
        CancellationToken cancel
    )
    {
        if (await keys.FindAsync(apiKey, cancel) is not { } caller)
        {
            Refuse(context, "nobody", "unknown key");
            return (null, Failed);
        }

        await using var work = await database.BeginAsync(cancel);
        return (await BeginAsync(context, work, null, caller.ClientId, caller.Realm, "key"), null);
    }

    /// <summary>Begins the session of someone who has proved who it is, and ends the one the browser had before.</summary>
    internal async Task<string> BeginAsync(
        HttpContext context,
        UnitOfWork work,
        Guid? person,
        Guid? apiKey,
        string realm,
        string method
    )
    {
        var brought = SessionCookie.Read(context);
        // Nobody gets such a ticket from us: it was planted, so that the session would be known to whoever planted it.
        var isPlanted = brought is not null && !await Sessions.IsKnownAsync(work, brought, CancellationToken.None);
        await Sessions.EndAsync(work, brought, CancellationToken.None);
        var agent = context.Request.Headers.UserAgent.ToString();
        var (id, ticket) = await Sessions.BeginAsync(work, person, apiKey, realm, method, agent);
        var actor = person is not null ? "person:" + person : "key:" + apiKey;
        await TellAsync(work, id, "session.started", 1, actor, RequestIds.Of(context));
        await work.CommitAsync(CancellationToken.None);
        LogSignedIn(log, actor, FromOf(context), RequestIds.Of(context));
        if (isPlanted)
        {
            LogPlanted(log, actor, FromOf(context), RequestIds.Of(context));
        }

        return ticket;
    }

    /// <summary>Ends the session of a ticket.</summary>
    internal async Task EndAsync(HttpContext context, string? ticket)
    {
        if (await sessions.FindAsync(ticket, context.RequestAborted) is not { } live)
        {
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        await Sessions.EndAsync(work, ticket, CancellationToken.None);
        var id = live.Caller.SessionId!.Value;
        await TellAsync(work, id, "session.ended", 2, live.Caller.Actor, RequestIds.Of(context));
        await work.CommitAsync(CancellationToken.None);
    }

    /// <summary>Writes one security event of a refusal.</summary>
    internal void Refuse(HttpContext context, string who, string why) =>
        LogRefused(log, who, why, FromOf(context), RequestIds.Of(context));

    /// <summary>Writes one security event of a passkey that is not as it should be.</summary>
    internal void RefusePasskey(HttpContext context, string who, string why) =>
        LogRefusedPasskey(log, who, why, FromOf(context), RequestIds.Of(context));

    private static async Task TellAsync(
        UnitOfWork work,
        Guid session,
        string type,
        int sequence,
        string actor,
        string request
    )
    {
        var at = await work.ClockAsync(CancellationToken.None);
        var entry = new EventEntry("session", session.ToString(), type, sequence, actor, "{}", request);
        await EventLog.AppendAsync(work, at, [entry], CancellationToken.None);
    }

    private async Task<(Guid Id, string? Hash, bool IsActive, bool HasFactor, bool HasPasskey)?> ReadAsync(
        string realm,
        string email,
        CancellationToken cancel
    )
    {
        await using var command = database.Source.CreateCommand(
            """
            select p.id, p.password_hash, p.is_active and coalesce(m.is_active, true), p.totp_confirmed,
                exists (select from people.passkey k where k.person_id = p.id)
            from people.person p left join access.merchant m on m.id = p.merchant_id
            where p.realm = $1 and p.email = $2
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = realm });
        command.Parameters.Add(new NpgsqlParameter { Value = email });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel)
            ? (
                rows.GetGuid(0),
                rows.IsDBNull(1) ? null : rows.GetString(1),
                rows.GetBoolean(2),
                rows.GetBoolean(3),
                rows.GetBoolean(4)
            )
            : null;
    }

    private static string FromOf(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "";

    [LoggerMessage(
        3016,
        LogLevel.Warning,
        "A session ticket that was never given out came with the sign-in of {Who} and was refused, from {From}, request {RequestId}"
    )]
    private static partial void LogPlanted(ILogger log, string who, string from, string requestId);

    [LoggerMessage(3010, LogLevel.Information, "Signed in {Who} from {From}, request {RequestId}")]
    private static partial void LogSignedIn(ILogger log, string who, string from, string requestId);

    [LoggerMessage(3011, LogLevel.Warning, "Refused a sign-in of {Who}: {Why}, from {From}, request {RequestId}")]
    private static partial void LogRefused(ILogger log, string who, string why, string from, string requestId);

    [LoggerMessage(3012, LogLevel.Warning, "Refused a passkey of {Who}: {Why}, from {From}, request {RequestId}")]
    private static partial void LogRefusedPasskey(ILogger log, string who, string why, string from, string requestId);
}
