using Microsoft.AspNetCore.Identity;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Access.People.Passkeys;

/// <summary>A passkey, as its owner sees it.</summary>
/// <param name="Id">Names it.</param>
/// <param name="Name">As its owner calls it.</param>
/// <param name="IsBackedUp">Whether its maker keeps it on several devices.</param>
/// <param name="CreatedAt">Since when it is known here.</param>
/// <param name="UsedAt">When it last signed in; null for never.</param>
internal sealed record Passkey(Guid Id, string Name, bool IsBackedUp, DateTimeOffset CreatedAt, DateTimeOffset? UsedAt)
{
    /// <summary>Most passkeys of a person.</summary>
    public const int Most = 20;

    private const string Columns = "id, name, is_backed_up, created_at, used_at";

    /// <summary>Those of a person, the oldest first.</summary>
    public static async Task<IReadOnlyList<Passkey>> ListAsync(Database database, Guid person, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(
            $"select {Columns} from people.passkey where person_id = $1 order by created_at, id"
        );
        command.Parameters.Add(new NpgsqlParameter { Value = person });
        var found = new List<Passkey>();
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Add(Read(rows));
        }

        return found;
    }

    /// <summary>Adds one to a person, whose row is held.</summary>
    /// <returns>It; null when the person has as many as may be, or somebody has this one.</returns>
    public static async Task<Passkey?> AddAsync(UnitOfWork work, Guid person, string name, UserPasskeyInfo made)
    {
        await using var command = work.Command(
            $"""
            insert into people.passkey
                (id, person_id, credential_id, name, public_key, sign_count, transports, is_backup_eligible, is_backed_up)
            select $1, $2, $3, $4, $5, $6, $7, $8, $9
            where (select count(*) from people.passkey where person_id = $2) < {Most}
            on conflict (credential_id) do nothing
            returning {Columns}
            """,
            Guid.CreateVersion7(),
            person,
            made.CredentialId,
            name,
            made.PublicKey,
            (long)made.SignCount,
            (made.Transports ?? []).Take(8).Where(static t => t.Length <= 32).ToArray(),
            made.IsBackupEligible,
            made.IsBackedUp
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? Read(rows) : null;
    }

    /// <summary>Notes that one signed in.</summary>
    /// <returns>Whether it is still there, and its counter has not been seen: of two answers with one counter one counts.</returns>
    public static async Task<bool> UseAsync(UnitOfWork work, Guid person, UserPasskeyInfo used) =>
        await work.ExecuteAsync(
            """
            update people.passkey set sign_count = $3, is_backed_up = $4, used_at = clock_timestamp()
            where person_id = $1 and credential_id = $2 and (sign_count < $3 or (sign_count = 0 and $3 = 0))
            """,
            [person, used.CredentialId, (long)used.SignCount, used.IsBackedUp],
            CancellationToken.None
        ) == 1;

    /// <summary>Gives one another name.</summary>
    /// <returns>It; null when the person has no such one.</returns>
    public static async Task<Passkey?> RenameAsync(UnitOfWork work, Guid person, Guid id, string name)
    {
        await using var command = work.Command(
            $"update people.passkey set name = $3 where id = $1 and person_id = $2 returning {Columns}",
            id,
            person,
            name
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? Read(rows) : null;
    }

    /// <summary>Removes one of a person, or all.</summary>
    /// <returns>How many there were.</returns>
    public static Task<int> RemoveAsync(UnitOfWork work, Guid person, Guid? id) =>
        work.ExecuteAsync(
            "delete from people.passkey where person_id = $1 and id = coalesce($2, id)",
            [person, Invitations.Optional(id)],
            CancellationToken.None
        );

    private static Passkey Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetBoolean(2),
            row.GetFieldValue<DateTimeOffset>(3),
            row.IsDBNull(4) ? null : row.GetFieldValue<DateTimeOffset>(4)
        );
}
