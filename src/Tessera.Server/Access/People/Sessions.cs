using System.Collections.Frozen;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Access.People;

/// <summary>A session that is alive.</summary>
/// <param name="Caller">Who it is, and what that one may do now.</param>
/// <param name="Name">Of the person or key, for the page.</param>
/// <param name="ExpiresAt">When it ends at the latest.</param>
/// <param name="SecondFactor"><c>none</c>, <c>on</c>, or <c>missing</c> where it has to be set up first.</param>
public sealed record LiveSession(Caller Caller, string Name, DateTimeOffset ExpiresAt, string SecondFactor);

/// <summary>
/// Sessions kept in the database (convention 55). Every request of a session asks for it again, together with the person,
/// the roles and the merchant, so that signing out, a new password, a deactivation and a lost role count at once on every
/// node. API keys, which redemptions use, do not pay for that.
/// </summary>
public sealed class Sessions(Database database, Settings settings)
{
    private const int LongestAgent = 200;

    /// <summary>One row: the session, the person or key behind it, and the permissions of the roles made here.</summary>
    private const string FindSql = $"""
        with touched as (
            update people.session set used_at = clock_timestamp()
            where hash = $1 and ended_at is null and used_at < clock_timestamp() - least(idle / 4, interval '1 minute')
                and used_at > clock_timestamp() - idle and expires_at > clock_timestamp()
        )
        {LiveSql} and s.hash = $1
        """;

    private const string LiveSql = """
        select s.id, s.expires_at, p.id, p.realm, p.name, p.merchant_id, p.customer_id, p.roles,
            array(select distinct unnest(r.permissions) from people.role r where r.id = any(p.roles) and r.realm = p.realm),
            k.id, k.name, k.merchant_id, k.channels, k.permissions, k.subject,
            s.method in ('oidc', 'saml', 'passkey') or p.totp_confirmed
        from people.session s
            left join people.person p on p.id = s.person_id
            left join access.api_key k on k.id = s.api_key_id
            left join access.merchant m on m.id = coalesce(p.merchant_id, k.merchant_id)
        where s.ended_at is null and s.expires_at > clock_timestamp()
            and s.used_at > clock_timestamp() - s.idle
            and coalesce(m.is_active, true)
            and (p.is_active or (k.id is not null and k.revoked_at is null and k.expires_at > clock_timestamp()))
        """;

    /// <summary>The session of a ticket; null when there is none, or none that lives.</summary>
    public async Task<LiveSession?> FindAsync(string? ticket, CancellationToken cancel)
    {
        if (Tickets.HashOf(ticket) is not { } hash)
        {
            return null;
        }

        await using var command = database.Source.CreateCommand(FindSql);
        command.Parameters.Add(new NpgsqlParameter { Value = hash });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Read(rows) : null;
    }

    /// <summary>Who is behind those of some sessions that live. To ask keeps none of them alive: a stream is no use.</summary>
    public async Task<Dictionary<Guid, Caller>> AliveAsync(IReadOnlyList<Guid> ids, CancellationToken cancel)
    {
        var alive = new Dictionary<Guid, Caller>();
        if (ids.Count == 0)
        {
            return alive;
        }

        await using var command = database.Source.CreateCommand(LiveSql + " and s.id = any($1)");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. ids] });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            alive[rows.GetGuid(0)] = Read(rows).Caller;
        }

        return alive;
    }

    /// <summary>Begins a session of a person or of a key. Its ticket is new: none that was known before ever becomes one.</summary>
    /// <returns>Its id, and the ticket for the cookie.</returns>
    internal static async Task<(Guid Id, string Ticket)> BeginAsync(
        UnitOfWork work,
        Guid? person,
        Guid? apiKey,
        string realm,
        string method,
        string? agent
    )
    {
        var (id, ticket) = (Guid.CreateVersion7(), Tickets.Make());
        var (idle, absolute) = Realms.LifeOf(realm);
        await work.ExecuteAsync(
            """
            insert into people.session (id, hash, person_id, api_key_id, agent, idle, expires_at, method)
            values ($1, $2, $3, $4, $5, $6, clock_timestamp() + $7, $8)
            """,
            [id, Tickets.HashOf(ticket), person, apiKey, Shown(agent), idle, absolute, method],
            CancellationToken.None
        );
        return (id, ticket);
    }

    /// <summary>Whether a ticket was ever given out, as far as sessions are kept.</summary>
    internal static async Task<bool> IsKnownAsync(UnitOfWork work, string ticket, CancellationToken cancel)
    {
        if (Tickets.HashOf(ticket) is not { } hash)
        {
            return false;
        }

        await using var command = work.Command(
            "select exists (select from people.session where hash = $1)",
            (object)hash
        );
        return (bool)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Ends the session of a ticket, if there is one.</summary>
    internal static Task EndAsync(UnitOfWork work, string? ticket, CancellationToken cancel) =>
        Tickets.HashOf(ticket) is { } hash
            ? work.ExecuteAsync(
                "update people.session set ended_at = clock_timestamp() where hash = $1 and ended_at is null",
                [hash],
                cancel
            )
            : Task.CompletedTask;

    /// <summary>Ends all sessions of a person but one.</summary>
    /// <returns>How many.</returns>
    internal static Task<int> EndAllAsync(UnitOfWork work, Guid person, Guid? except, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            update people.session set ended_at = clock_timestamp()
            where person_id = $1 and ended_at is null and id <> coalesce($2, '00000000-0000-0000-0000-000000000000')
            """,
            [
                person,
                new NpgsqlParameter
                {
                    Value = except ?? (object)DBNull.Value,
                    NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
                },
            ],
            cancel
        );

    /// <summary>What a person with these roles may do.</summary>
    internal static FrozenSet<string> Granted(string realm, IEnumerable<string> roles, IEnumerable<string> ownRoles)
    {
        var allowed = ReadyRoles.Grantable(realm);
        return roles
            .SelectMany(id =>
                ReadyRoles.All.TryGetValue(id, out var ready) && ready.Realm == realm ? ready.Permissions : []
            )
            .Concat(ownRoles)
            .Where(allowed.Contains)
            .ToFrozenSet(StringComparer.Ordinal);
    }

    private LiveSession Read(NpgsqlDataReader row)
    {
        var id = row.GetGuid(0);
        var expires = row.GetFieldValue<DateTimeOffset>(1);
        if (row.IsDBNull(2))
        {
            var ofKey = new Caller(
                row.GetGuid(9),
                row.IsDBNull(11) ? null : row.GetGuid(11),
                row.IsDBNull(12) ? null : row.GetFieldValue<string[]>(12),
                row.GetFieldValue<string[]>(13).ToFrozenSet(StringComparer.Ordinal)
            )
            {
                SessionId = id,
                MadeFor = row.IsDBNull(14) ? null : row.GetString(14),
            };
            return new LiveSession(ofKey, row.GetString(10), expires, "none");
        }

        var (person, realm) = (row.GetGuid(2), row.GetString(3));
        var factor =
            row.GetBoolean(15) ? "on"
            : realm == Realms.Staff && settings.StaffSecondFactor ? "missing"
            : "none";
        // Until a second factor is there, the only thing to do is to set one up.
        var granted =
            factor == "missing"
                ? FrozenSet<string>.Empty
                : Granted(realm, row.GetFieldValue<string[]>(7), row.GetFieldValue<string[]>(8));
        var caller = new Caller(person, row.IsDBNull(5) ? null : row.GetGuid(5), null, granted)
        {
            PersonId = person,
            CustomerId = row.IsDBNull(6) ? null : row.GetGuid(6),
            Realm = realm,
            Roles = row.GetFieldValue<string[]>(7),
            SessionId = id,
        };
        return new LiveSession(caller, row.GetString(4), expires, factor);
    }

    private static string? Shown(string? agent) =>
        agent is null ? null : new string([.. agent.Where(static c => !char.IsControl(c)).Take(LongestAgent)]);
}
