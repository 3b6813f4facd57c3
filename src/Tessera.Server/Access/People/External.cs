using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>
/// People who prove elsewhere who they are. They are known by issuer and subject, linked once by an invitation, and never
/// matched by an address (convention 59).
/// </summary>
internal static class External
{
    /// <summary>Whether a person, and the merchant the person acts for, is switched on.</summary>
    public static async Task<bool> IsActiveAsync(UnitOfWork work, Guid person)
    {
        await using var command = work.Command(
            """
            select p.is_active and coalesce(m.is_active, true)
            from people.person p left join access.merchant m on m.id = p.merchant_id where p.id = $1
            """,
            person
        );
        return await command.ExecuteScalarAsync() is true;
    }

    /// <summary>The active person of a realm behind a subject, after linking an invited one to it.</summary>
    /// <param name="work">Committed by the caller, also when nobody is found.</param>
    /// <param name="issuer">As the provider names itself.</param>
    /// <param name="subject">As the provider names the person.</param>
    /// <param name="realm">Of the people who sign in there.</param>
    /// <param name="invitation">What is stored of an invitation; null for people who are linked.</param>
    /// <param name="requestId">For the event.</param>
    public static async Task<Guid?> FindAsync(
        UnitOfWork work,
        string issuer,
        string subject,
        string realm,
        byte[]? invitation,
        string requestId
    )
    {
        if (invitation is not null)
        {
            await LinkAsync(work, issuer, subject, realm, invitation, requestId);
        }

        await using var command = work.Command(
            """
            select p.id from people.external e join people.person p on p.id = e.person_id
                left join access.merchant m on m.id = p.merchant_id
            where e.issuer = $1 and e.subject = $2 and p.realm = $3 and p.is_active and coalesce(m.is_active, true)
            """,
            issuer,
            subject,
            realm
        );
        return await command.ExecuteScalarAsync() as Guid?;
    }

    /// <summary>Links the invited person to the subject, if neither is linked yet; the invitation is used up.</summary>
    private static async Task LinkAsync(
        UnitOfWork work,
        string issuer,
        string subject,
        string realm,
        byte[] invitation,
        string requestId
    )
    {
        if (await InvitationEndpoints.HoldAsync(work, invitation) is not { } person || person.Realm != realm)
        {
            return;
        }

        var linked = await work.ExecuteAsync(
            "insert into people.external (issuer, subject, person_id) values ($1, $2, $3) on conflict do nothing",
            [issuer, subject, person.Id],
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
        await using var update = work.Command(
            "update people.person set version = version + 1 where id = $1 returning version",
            person.Id
        );
        var version = (int)(await update.ExecuteScalarAsync())!;
        await Invitations.TellAsync(
            work,
            person.Id,
            "person.linked",
            version,
            "person:" + person.Id,
            EventLog.Payload(("issuer", issuer)),
            requestId
        );
    }
}
