using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>A new password of one's own.</summary>
/// <param name="Current">The present one.</param>
/// <param name="Password">The new one.</param>
internal sealed record PasswordWanted(string Current, string Password);

/// <summary>A code of an authenticator.</summary>
/// <param name="Code">Six digits.</param>
internal sealed record FactorConfirmed(string Code);

/// <summary>The secret of an authenticator, shown in this answer only.</summary>
/// <param name="Secret">In base 32, to type.</param>
/// <param name="Uri">As a link that authenticators read, for a QR code.</param>
internal sealed record FactorPrepared(string Secret, string Uri);

/// <summary>Codes for the day the authenticator is lost, shown in this answer only.</summary>
/// <param name="RecoveryCodes">Each is good once.</param>
internal sealed record FactorMade(IReadOnlyList<string> RecoveryCodes);

/// <summary>What one's own account asks for besides the password.</summary>
/// <param name="Authenticator">Whether there is an authenticator.</param>
/// <param name="RecoveryCodesLeft">How many recovery codes are unused.</param>
internal sealed record FactorsView(bool Authenticator, int RecoveryCodesLeft);

/// <summary>A session of one's own.</summary>
/// <param name="Id">Names it.</param>
/// <param name="IsThis">Whether it is the one that asks.</param>
/// <param name="Agent">What the browser calls itself.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="UsedAt">When it was last used, to the minute.</param>
/// <param name="ExpiresAt">When it ends at the latest.</param>
internal sealed record OwnSession(
    Guid Id,
    bool IsThis,
    string? Agent,
    DateTimeOffset StartedAt,
    DateTimeOffset UsedAt,
    DateTimeOffset ExpiresAt
);

/// <summary>What people do with their own account: password, second factor, sessions (convention 55).</summary>
internal static class OwnAccountEndpoints
{
    private const int MostSessions = 100;

    /// <summary>The refusal of an API key, which has no account.</summary>
    public static readonly Refusal PersonNeeded = new(
        "person_needed",
        "This is about a person's own account; an API key has none.",
        RefusalKind.Forbidden
    );

    private static readonly Refusal HasFactor = new(
        "second_factor_present",
        "There is a second factor already. Remove it first."
    );

    private static readonly OwnSession Sample = new(
        Samples.Id,
        true,
        "Mozilla/5.0 (X11; Linux x86_64)",
        Samples.At,
        Samples.At,
        Samples.At.AddHours(12)
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/account").WithTags("Sessions");
        group
            .MapPost("/password", ChangePasswordAsync)
            .WithName("changePassword")
            .WithSummary("Change one's own password; all other sessions end")
            .RequirePermission(Permissions.SignedIn)
            .WithBody(new PasswordWanted("the pass phrase of before", "a long pass phrase of hers"))
            .WithAnswer(204, "Changed.")
            .WithRefusals(PersonNeeded);
        group
            .MapPost("/totp", PrepareAsync)
            .WithName("prepareAuthenticator")
            .WithSummary("Make a secret for an authenticator; it counts once confirmed")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(
                200,
                new FactorPrepared(
                    "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
                    "otpauth://totp/Tessera:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Tessera"
                ),
                "The secret; it is not shown again."
            )
            .WithRefusals(PersonNeeded, HasFactor);
        group
            .MapPost("/totp/confirm", ConfirmAsync)
            .WithName("confirmAuthenticator")
            .WithSummary("Confirm an authenticator with its first code; from then on signing in needs one")
            .RequirePermission(Permissions.SignedIn)
            .WithBody(new FactorConfirmed("123456"))
            .WithAnswer(
                200,
                new FactorMade(["ABCD-EFGH-JKLM-NPQR"]),
                "Recovery codes; they are not shown again. All other sessions have ended."
            )
            .WithRefusals(PersonNeeded, HasFactor);
        group
            .MapPost("/totp/remove", RemoveAsync)
            .WithName("removeAuthenticator")
            .WithSummary("Remove the authenticator, with a last code of it or a recovery code")
            .RequirePermission(Permissions.SignedIn)
            .WithBody(new FactorConfirmed("123456"))
            .WithAnswer(204, "Removed; all other sessions have ended.")
            .WithRefusals(PersonNeeded);
        group
            .MapPost("/totp/recovery-codes", RenewCodesAsync)
            .WithName("renewRecoveryCodes")
            .WithSummary("Make new recovery codes, with a code of the authenticator; the old ones are dead")
            .RequirePermission(Permissions.SignedIn)
            .WithBody(new FactorConfirmed("123456"))
            .WithAnswer(200, new FactorMade(["ABCD-EFGH-JKLM-NPQR"]), "Recovery codes; they are not shown again.")
            .WithRefusals(PersonNeeded);
        group
            .MapGet("/second-factor", ShowFactorsAsync)
            .WithName("getSecondFactor")
            .WithSummary("What one's own account asks for besides the password")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(200, new FactorsView(true, 10), "As it is now.")
            .WithRefusals(PersonNeeded);
        group
            .MapGet("/sessions", ListAsync)
            .WithName("listOwnSessions")
            .WithSummary("List one's own sessions")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(200, new Page<OwnSession>([Sample], false, null), "Those alive, the latest first.");
        group
            .MapDelete("/sessions/{id:guid}", EndAsync)
            .WithName("endOwnSession")
            .WithSummary("End a session of one's own, on every node at once")
            .RequirePermission(Permissions.SignedIn)
            .WithAnswer(204, "It has ended, or had before.");
    }

    private static async Task ChangePasswordAsync(HttpContext context, Database database, Passwords passwords)
    {
        var (fields, _) = await ReadAsync(context);
        if (fields is null)
        {
            return;
        }

        var current = fields.Text("current", Passwords.Longest);
        var password = fields.Text("password", Passwords.Longest);
        if (await RefuseAsync(context, fields) || Caller.Of(context) is not { PersonId: { } person } caller)
        {
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var (realm, email, name, hash) = await AccountAsync(work, person);
        var key = Attempts.KeyOf(realm, email);
        var mayTry = await Attempts.CountAsync(database, key, CancellationToken.None);
        if (!(await passwords.VerifyAsync(hash, current!, CancellationToken.None)).IsRight || !mayTry)
        {
            context.MatterOfSecurity();
            fields.Add("current", "wrong_password", "This is not the present password, or it was tried too often.");
        }
        else if (Passwords.Fault(password!, realm, email, name) is { } fault)
        {
            fields.Add("password", fault.Code, fault.Message);
        }

        if (await RefuseAsync(context, fields))
        {
            return;
        }

        var fresh = await passwords.HashAsync(password!, CancellationToken.None);
        await InvitationEndpoints.SetAsync(work, person, fresh, caller.Actor, RequestIds.Of(context), caller.SessionId);
        await Attempts.ForgetAsync(work, key, CancellationToken.None);
        await work.CommitAsync(CancellationToken.None);
        await HttpAnswer.NoContent.SendAsync(context);
    }

    private static async Task PrepareAsync(HttpContext context, Database database, SecondFactor factors)
    {
        if (Caller.Of(context).PersonId is not { } person)
        {
            await Problems.WriteAsync(context, PersonNeeded);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        if (await HasFactorAsync(work, person))
        {
            await Problems.WriteAsync(context, HasFactor);
            return;
        }

        var secret = Totp.Show(await factors.PrepareAsync(work, person, CancellationToken.None));
        var account = await AccountAsync(work, person);
        await work.CommitAsync(CancellationToken.None);
        var uri = $"otpauth://totp/Tessera:{Uri.EscapeDataString(account.Email)}?secret={secret}&issuer=Tessera";
        await HttpAnswer.Json(200, new FactorPrepared(secret, uri)).SendAsync(context);
    }

    private static Task ConfirmAsync(HttpContext context, Database database, SecondFactor factors) =>
        WithCodeAsync(
            context,
            database,
            "person.second_factor_set",
            async (work, person, code) =>
            {
                if (await HasFactorAsync(work, person))
                {
                    return HttpAnswer.Refused(context, HasFactor);
                }

                if (await factors.ConfirmAsync(work, person, code, CancellationToken.None) is not { } codes)
                {
                    return null;
                }

                // Whoever else signed in with the password alone has not brought this factor.
                await Sessions.EndAllAsync(work, person, Caller.Of(context).SessionId, CancellationToken.None);
                return HttpAnswer.Json(200, new FactorMade(codes));
            }
        );

    private static Task RemoveAsync(HttpContext context, Database database, SecondFactor factors) =>
        WithCodeAsync(
            context,
            database,
            "person.second_factor_removed",
            async (work, person, code) =>
            {
                if (!await HasFactorAsync(work, person) || !await factors.UseAsync(work, person, code, default))
                {
                    return null;
                }

                await SecondFactor.RemoveAsync(work, person, CancellationToken.None);
                await Sessions.EndAllAsync(work, person, Caller.Of(context).SessionId, CancellationToken.None);
                return HttpAnswer.NoContent;
            }
        );

    private static Task RenewCodesAsync(HttpContext context, Database database, SecondFactor factors) =>
        WithCodeAsync(
            context,
            database,
            "person.recovery_codes_made",
            async (work, person, code) =>
                await HasFactorAsync(work, person)
                && await factors.RenewCodesAsync(work, person, code, CancellationToken.None) is { } codes
                    ? HttpAnswer.Json(200, new FactorMade(codes))
                    : null
        );

    private static async Task ShowFactorsAsync(HttpContext context, Database database)
    {
        if (Caller.Of(context).PersonId is not { } person)
        {
            await Problems.WriteAsync(context, PersonNeeded);
            return;
        }

        await using var command = database.Source.CreateCommand(
            """
            select totp_confirmed,
                (select count(*) from people.recovery_code c where c.person_id = p.id and c.used_at is null)::integer
            from people.person p where id = $1
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = person });
        await using var rows = await command.ExecuteReaderAsync(context.RequestAborted);
        await rows.ReadAsync(context.RequestAborted);
        await HttpAnswer.Json(200, new FactorsView(rows.GetBoolean(0), rows.GetInt32(1))).SendAsync(context);
    }

    /// <summary>A change that a code allows; a wrong one counts as a failed sign-in.</summary>
    private static async Task WithCodeAsync(
        HttpContext context,
        Database database,
        string type,
        Func<UnitOfWork, Guid, string, Task<HttpAnswer?>> change
    )
    {
        var (fields, _) = await ReadAsync(context);
        var code = fields?.Text("code", 40);
        if (fields is null || await RefuseAsync(context, fields))
        {
            return;
        }

        if (Caller.Of(context) is not { PersonId: { } person } caller)
        {
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var (realm, email, _, _) = await AccountAsync(work, person);
        var key = Attempts.KeyOf(realm, email);
        var mayTry = await Attempts.CountAsync(database, key, CancellationToken.None);
        var answer = mayTry ? await change(work, person, code!) : null;
        if (answer is null)
        {
            context.MatterOfSecurity();
            fields.Add("code", "wrong_code", "This is not the present code, or it was used or tried too often.");
            await Problems.WriteAsync(context, fields.Finish()!);
            return;
        }

        if (!answer.IsRefusal)
        {
            await Attempts.ForgetAsync(work, key, CancellationToken.None);
            var version = (int)
                (await work.Command("select version from people.person where id = $1", person).ExecuteScalarAsync())!;
            await Invitations.TellAsync(work, person, type, version, caller.Actor, "{}", RequestIds.Of(context));
            await work.CommitAsync(CancellationToken.None);
        }

        await answer.SendAsync(context);
    }

    private static async Task ListAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = database.Source.CreateCommand(
            """
            select id, agent, started_at, used_at, expires_at from people.session
            where person_id = $1 and ended_at is null and expires_at > clock_timestamp()
                and used_at > clock_timestamp() - idle
            order by started_at desc limit $2
            """
        );
        command.Parameters.Add(Invitations.Optional(caller.PersonId));
        command.Parameters.Add(new NpgsqlParameter { Value = MostSessions });
        var views = new List<OwnSession>();
        await using var rows = await command.ExecuteReaderAsync(context.RequestAborted);
        while (await rows.ReadAsync(context.RequestAborted))
        {
            views.Add(
                new OwnSession(
                    rows.GetGuid(0),
                    rows.GetGuid(0) == caller.SessionId,
                    rows.IsDBNull(1) ? null : rows.GetString(1),
                    rows.GetFieldValue<DateTimeOffset>(2),
                    rows.GetFieldValue<DateTimeOffset>(3),
                    rows.GetFieldValue<DateTimeOffset>(4)
                )
            );
        }

        await HttpAnswer.Json(200, new Page<OwnSession>(views, false, null)).SendAsync(context);
    }

    private static async Task EndAsync(HttpContext context, Database database, Guid id)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        await work.ExecuteAsync(
            """
            update people.session set ended_at = clock_timestamp()
            where id = $1 and person_id = $2 and ended_at is null
            """,
            [id, Invitations.Optional(Caller.Of(context).PersonId)],
            CancellationToken.None
        );
        await work.CommitAsync(CancellationToken.None);
        await HttpAnswer.NoContent.SendAsync(context);
    }

    /// <summary>The fields of a body; nothing when it was refused.</summary>
    internal static async Task<(Fields? Fields, RequestBody? Body)> ReadAsync(HttpContext context)
    {
        var (body, refusal) = await RequestBody.ReadAsync(context);
        if (refusal is null)
        {
            return (Fields.Of(body!), body);
        }

        await Problems.WriteAsync(context, refusal);
        return (null, null);
    }

    /// <summary>Tells what is wrong with the fields, and then that a key has no account.</summary>
    internal static async Task<bool> RefuseAsync(HttpContext context, Fields fields)
    {
        var refusal = fields.Finish() ?? (Caller.Of(context).PersonId is null ? PersonNeeded : null);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
        }

        return refusal is not null;
    }

    private static async Task<bool> HasFactorAsync(UnitOfWork work, Guid person)
    {
        await using var command = work.Command("select totp_confirmed from people.person where id = $1", person);
        return (bool)(await command.ExecuteScalarAsync())!;
    }

    internal static async Task<(string Realm, string Email, string Name, string? Hash)> AccountAsync(
        UnitOfWork work,
        Guid person
    )
    {
        await using var command = work.Command(
            "select realm, email, name, password_hash from people.person where id = $1",
            person
        );
        await using var rows = await command.ExecuteReaderAsync();
        await rows.ReadAsync();
        return (rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.IsDBNull(3) ? null : rows.GetString(3));
    }
}
