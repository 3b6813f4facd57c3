using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>An invitation, accepted.</summary>
/// <param name="Token">As it was given to the person.</param>
/// <param name="Password">The person's new password.</param>
internal sealed record InvitationAccepted(string Token, string Password);

/// <summary>Where an invited person sets a password: the only way to one, also for those who forgot theirs.</summary>
internal static class InvitationEndpoints
{
    private static readonly Refusal Dead = new(
        "invitation_not_valid",
        "This invitation is not known, was used, or is too old. Ask for a new one.",
        RefusalKind.NotFound
    );

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapPost("/invitations/accept", AcceptAsync)
            .WithName("acceptInvitation")
            .WithSummary("Set a password with a one-time invitation")
            .WithTags("Sessions")
            .OpenToGuesses()
            .WithBody(
                new InvitationAccepted("Qm93aGF0IGEga2V5IHRoaXMgd291bGQgaGF2ZSBiZW0", "a long pass phrase of hers")
            )
            .WithAnswer(204, "The password is set, and all sessions of the person have ended. Sign in with it.")
            .WithRefusals(Dead);

    private static async Task AcceptAsync(HttpContext context, Database database, Passwords passwords)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var token = fields.Text("token", 100);
        var password = fields.Text("password", Passwords.Longest);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        if (await HoldAsync(work, Tickets.HashOf(token)) is not { } person)
        {
            // Guessed, or taken from somebody: used tokens come back from nobody else.
            context.MatterOfSecurity();
            await Problems.WriteAsync(context, Dead);
            return;
        }

        if (Passwords.Fault(password!, person.Realm, person.Email, person.Name) is { } fault)
        {
            fields.Add("password", fault.Code, fault.Message);
            await Problems.WriteAsync(context, fields.Finish()!);
            return;
        }

        var hash = await passwords.HashAsync(password!, CancellationToken.None);
        await SetAsync(work, person.Id, hash, "person:" + person.Id, RequestIds.Of(context), null);
        await Attempts.ForgetAsync(work, Attempts.KeyOf(person.Realm, person.Email), CancellationToken.None);
        await work.CommitAsync(CancellationToken.None);
        await HttpAnswer.NoContent.SendAsync(context);
    }

    /// <summary>Sets a password; every invitation and every other session of the person ends with the old one.</summary>
    internal static async Task SetAsync(
        UnitOfWork work,
        Guid person,
        string hash,
        string actor,
        string requestId,
        Guid? keep
    )
    {
        await using var update = work.Command(
            "update people.person set password_hash = $2, version = version + 1 where id = $1 returning version",
            person,
            hash
        );
        var version = (int)(await update.ExecuteScalarAsync())!;
        await work.ExecuteAsync(
            "update people.invitation set used_at = clock_timestamp() where person_id = $1 and used_at is null",
            [person],
            CancellationToken.None
        );
        await Sessions.EndAllAsync(work, person, keep, CancellationToken.None);
        await Invitations.TellAsync(work, person, "person.password_set", version, actor, "{}", requestId);
    }

    /// <summary>The person of an invitation that is good, which is held.</summary>
    internal static async Task<(Guid Id, string Realm, string Email, string Name)?> HoldAsync(
        UnitOfWork work,
        byte[]? hash
    )
    {
        if (hash is null)
        {
            return null;
        }

        // Held, so that one token sets one password; the time is read by the next statement, after the lock.
        await using (var hold = work.Command("select from people.invitation where hash = $1 for update", hash))
        {
            await hold.ExecuteNonQueryAsync();
        }

        await using var command = work.Command(
            """
            select p.id, p.realm, p.email, p.name from people.invitation i join people.person p on p.id = i.person_id
            where i.hash = $1 and i.used_at is null and i.expires_at > clock_timestamp() and p.is_active
            """,
            hash
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync()
            ? (rows.GetGuid(0), rows.GetString(1), rows.GetString(2), rows.GetString(3))
            : null;
    }
}
