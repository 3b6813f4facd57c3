using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Access.People;

/// <summary>A person to be made.</summary>
/// <param name="Realm">Where the person belongs.</param>
/// <param name="Email">As <see cref="EmailAddress.Normal"/> spells it.</param>
/// <param name="Name">For people.</param>
/// <param name="Roles">Ready-made or own ones, of the realm.</param>
/// <param name="MerchantId">For the realm of merchants.</param>
/// <param name="CustomerId">For the realm of customers.</param>
internal sealed record NewPerson(
    string Realm,
    string Email,
    string Name,
    IReadOnlyList<string> Roles,
    Guid? MerchantId = null,
    Guid? CustomerId = null
);

/// <summary>People come by invitation: a one-time token, by which they set their password themselves (ACC-01).</summary>
public static class Invitations
{
    /// <summary>How long a token is good.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromDays(3);

    /// <summary>Makes a person, who cannot sign in yet.</summary>
    /// <returns>The id; null when the address is taken in the realm.</returns>
    internal static async Task<Guid?> CreateAsync(UnitOfWork work, NewPerson wanted, string actor, string requestId)
    {
        var id = Guid.CreateVersion7();
        var made = await work.ExecuteAsync(
            """
            insert into people.person (id, realm, email, name, roles, merchant_id, customer_id)
            values ($1, $2, $3, $4, $5, $6, $7) on conflict (realm, email) do nothing
            """,
            [
                id,
                wanted.Realm,
                wanted.Email,
                wanted.Name,
                wanted.Roles.ToArray(),
                Optional(wanted.MerchantId),
                Optional(wanted.CustomerId),
            ],
            CancellationToken.None
        );
        if (made == 0)
        {
            return null;
        }

        var payload = EventLog.Payload(
            ("realm", wanted.Realm),
            ("roles", wanted.Roles),
            ("merchant_id", wanted.MerchantId)
        );
        await TellAsync(work, id, "person.created", 1, actor, payload, requestId);
        return id;
    }

    /// <summary>Makes a token for a person; tokens made before are dead.</summary>
    /// <returns>The token: it is never shown again.</returns>
    internal static async Task<string> InviteAsync(UnitOfWork work, Guid person)
    {
        var token = Tickets.Make();
        await work.ExecuteAsync(
            "update people.invitation set used_at = clock_timestamp() where person_id = $1 and used_at is null",
            [person],
            CancellationToken.None
        );
        await work.ExecuteAsync(
            """
            insert into people.invitation (id, person_id, hash, expires_at)
            values ($1, $2, $3, clock_timestamp() + $4)
            """,
            [Guid.CreateVersion7(), person, Tickets.HashOf(token), Life],
            CancellationToken.None
        );
        return token;
    }

    /// <summary>
    /// The first administrator, where there are no people of the staff: made with a password from a generator, by whoever
    /// comes first. There is no account that every deployment has (convention 54).
    /// </summary>
    /// <returns>The password; null when there is staff already.</returns>
    public static async Task<string?> BootstrapAsync(
        Database database,
        Passwords passwords,
        string email,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(passwords);
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('people.bootstrap', 0))", [], cancel);
        await using (var any = work.Command("select exists (select from people.person where realm = 'staff')"))
        {
            if ((bool)(await any.ExecuteScalarAsync(cancel))!)
            {
                return null;
            }
        }

        var password = Tickets.Make()[..24];
        var wanted = new NewPerson(Realms.Staff, email, "Administrator", [ReadyRoles.Administrator]);
        var id = await CreateAsync(work, wanted, "job:bootstrap", "bootstrap");
        await work.ExecuteAsync(
            "update people.person set password_hash = $2 where id = $1",
            [id, await passwords.HashAsync(password, cancel)],
            cancel
        );
        await work.CommitAsync(cancel);
        return password;
    }

    /// <summary>Makes a person of the staff with a token, from the command line of a node.</summary>
    /// <returns>The token; null when the address is taken.</returns>
    public static async Task<string?> InviteStaffAsync(
        Database database,
        string email,
        string name,
        string role,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var work = await database.BeginAsync(cancel);
        var wanted = new NewPerson(Realms.Staff, EmailAddress.Normal(email), name, [role]);
        if (await CreateAsync(work, wanted, "job:cli", "cli") is not { } id)
        {
            return null;
        }

        var token = await InviteAsync(work, id);
        await work.CommitAsync(cancel);
        return token;
    }

    internal static async Task TellAsync(
        UnitOfWork work,
        Guid person,
        string type,
        int version,
        string actor,
        string payload,
        string requestId
    )
    {
        var entry = new EventEntry("person", person.ToString(), type, version, actor, payload, requestId);
        var at = await work.ClockAsync(CancellationToken.None);
        await EventLog.AppendAsync(work, at, [entry], CancellationToken.None);
    }

    internal static NpgsqlParameter Optional(Guid? id) =>
        new() { Value = id ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid };
}
