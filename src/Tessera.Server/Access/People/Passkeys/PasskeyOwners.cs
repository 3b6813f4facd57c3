using Microsoft.AspNetCore.Identity;
using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Access.People.Passkeys;

/// <summary>A person as ASP.NET Core Identity's passkey handler sees one.</summary>
/// <param name="Id">Also the user handle that an authenticator keeps.</param>
/// <param name="Realm">Where the person belongs.</param>
internal sealed record PasskeyOwner(Guid Id, string Realm);

/// <summary>
/// What ASP.NET Core Identity's passkey handler reads of our tables. It only verifies: whatever changes is written by
/// <see cref="Passkey"/> in the transaction of its event, so everything here that would write refuses to.
/// </summary>
internal sealed class PasskeyOwners(Database database) : IUserPasskeyStore<PasskeyOwner>
{
    private const string Columns =
        "credential_id, public_key, created_at, sign_count, transports, is_backup_eligible, is_backed_up";

    public async Task<PasskeyOwner?> FindByIdAsync(string userId, CancellationToken cancellationToken) =>
        Guid.TryParse(userId, out var id)
            ? await FindAsync("select p.id, p.realm from people.person p where p.id = $1", id, cancellationToken)
            : null;

    public Task<PasskeyOwner?> FindByPasskeyIdAsync(byte[] credentialId, CancellationToken cancellationToken) =>
        FindAsync(
            """
            select p.id, p.realm from people.passkey k join people.person p on p.id = k.person_id
            where k.credential_id = $1
            """,
            credentialId,
            cancellationToken
        );

    public async Task<IList<UserPasskeyInfo>> GetPasskeysAsync(
        PasskeyOwner user,
        CancellationToken cancellationToken
    ) => await ReadAsync($"select {Columns} from people.passkey where person_id = $1", cancellationToken, user.Id);

    public async Task<UserPasskeyInfo?> FindPasskeyAsync(
        PasskeyOwner user,
        byte[] credentialId,
        CancellationToken cancellationToken
    ) =>
        (
            await ReadAsync(
                $"select {Columns} from people.passkey where person_id = $1 and credential_id = $2",
                cancellationToken,
                user.Id,
                credentialId
            )
        ).SingleOrDefault();

    public Task<string> GetUserIdAsync(PasskeyOwner user, CancellationToken cancellationToken) =>
        Task.FromResult(user.Id.ToString());

    public Task<string?> GetUserNameAsync(PasskeyOwner user, CancellationToken cancellationToken) =>
        Task.FromResult<string?>(user.Id.ToString());

    public Task<string?> GetNormalizedUserNameAsync(PasskeyOwner user, CancellationToken cancellationToken) =>
        GetUserNameAsync(user, cancellationToken);

    public Task<PasskeyOwner?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) =>
        FindByIdAsync(normalizedUserName, cancellationToken);

    public Task SetUserNameAsync(PasskeyOwner user, string? userName, CancellationToken cancellationToken) =>
        throw ReadingOnly();

    public Task SetNormalizedUserNameAsync(
        PasskeyOwner user,
        string? normalizedName,
        CancellationToken cancellationToken
    ) => throw ReadingOnly();

    public Task<IdentityResult> CreateAsync(PasskeyOwner user, CancellationToken cancellationToken) =>
        throw ReadingOnly();

    public Task<IdentityResult> UpdateAsync(PasskeyOwner user, CancellationToken cancellationToken) =>
        throw ReadingOnly();

    public Task<IdentityResult> DeleteAsync(PasskeyOwner user, CancellationToken cancellationToken) =>
        throw ReadingOnly();

    public Task AddOrUpdatePasskeyAsync(
        PasskeyOwner user,
        UserPasskeyInfo passkey,
        CancellationToken cancellationToken
    ) => throw ReadingOnly();

    public Task RemovePasskeyAsync(PasskeyOwner user, byte[] credentialId, CancellationToken cancellationToken) =>
        throw ReadingOnly();

    public void Dispose() { }

    private static NotSupportedException ReadingOnly() =>
        new("Passkeys are written with their event, not through here.");

    private async Task<PasskeyOwner?> FindAsync(string sql, object value, CancellationToken cancel)
    {
        await using var command = database.Source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = value });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? new PasskeyOwner(rows.GetGuid(0), rows.GetString(1)) : null;
    }

    private async Task<List<UserPasskeyInfo>> ReadAsync(
        string sql,
        CancellationToken cancel,
        params IEnumerable<object> values
    )
    {
        await using var command = database.Source.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        var found = new List<UserPasskeyInfo>();
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Add(
                new UserPasskeyInfo(
                    rows.GetFieldValue<byte[]>(0),
                    rows.GetFieldValue<byte[]>(1),
                    rows.GetFieldValue<DateTimeOffset>(2),
                    (uint)rows.GetInt64(3),
                    rows.GetFieldValue<string[]>(4),
                    isUserVerified: true,
                    rows.GetBoolean(5),
                    rows.GetBoolean(6),
                    // Neither is kept: no attestation is asked for.
                    attestationObject: [],
                    clientDataJson: []
                )
            );
        }

        return found;
    }
}
