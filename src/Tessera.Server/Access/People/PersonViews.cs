using Npgsql;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>A person to be invited.</summary>
/// <param name="Realm">Where the person belongs.</param>
/// <param name="Email">To sign in with; unique in the realm.</param>
/// <param name="Name">For people.</param>
/// <param name="Roles">Ready-made or own ones, of the realm.</param>
/// <param name="MerchantId">For the realm of merchants; the caller's own, for a caller that acts for one.</param>
/// <param name="CustomerId">For the realm of customers.</param>
internal sealed record PersonWanted(
    string Realm,
    string Email,
    string Name,
    IReadOnlyList<string> Roles,
    Guid? MerchantId = null,
    Guid? CustomerId = null
);

/// <summary>What may change about a person.</summary>
/// <param name="Name">For people.</param>
/// <param name="Roles">All roles from now on; a role taken away ends the person's sessions.</param>
/// <param name="IsActive">False ends all sessions at once, on every node.</param>
internal sealed record PersonPatch(string? Name = null, IReadOnlyList<string>? Roles = null, bool? IsActive = null);

/// <summary>A person who signs in.</summary>
/// <param name="Id">Named in events as person:….</param>
/// <param name="Realm">Where the person belongs.</param>
/// <param name="Email">To sign in with.</param>
/// <param name="Name">For people.</param>
/// <param name="Roles">What the person is.</param>
/// <param name="MerchantId">Whom the person acts for.</param>
/// <param name="CustomerId">The customer the person is.</param>
/// <param name="IsActive">Whether the person may sign in.</param>
/// <param name="HasPassword">Whether an invitation was accepted.</param>
/// <param name="HasSecondFactor">Whether signing in needs more than the password.</param>
/// <param name="Version">Counts changes.</param>
/// <param name="CreatedAt">When the person was made.</param>
internal sealed record PersonView(
    Guid Id,
    string Realm,
    string Email,
    string Name,
    IReadOnlyList<string> Roles,
    Guid? MerchantId,
    Guid? CustomerId,
    bool IsActive,
    bool HasPassword,
    bool HasSecondFactor,
    int Version,
    DateTimeOffset CreatedAt
)
{
    /// <summary>Columns in the order <see cref="Read"/> takes them.</summary>
    public const string Columns = """
        id, realm, email, name, roles, merchant_id, customer_id, is_active, password_hash is not null,
        totp_confirmed or exists (select from people.passkey k where k.person_id = person.id), version, created_at
        """;

    /// <summary>An example.</summary>
    public static PersonView Sample { get; } =
        new(
            Samples.Id,
            Realms.Staff,
            "ada@example.com",
            "Ada Example",
            ["customer_support"],
            null,
            null,
            true,
            false,
            false,
            1,
            Samples.At
        );

    /// <summary>The tag of the present state.</summary>
    public string Tag() => ETags.Of(Version);

    /// <summary>A person a caller may see.</summary>
    public static async Task<PersonView?> FindAsync(UnitOfWork work, Caller caller, Guid id, bool hold)
    {
        var values = new List<object?> { id };
        var scope = ScopeOf(caller, values);
        await using var command = work.Command(
            $"select {Columns} from people.person where id = $1 and {scope} {(hold ? "for update" : "")}",
            [.. values]
        );
        await using var rows = await command.ExecuteReaderAsync();
        return await rows.ReadAsync() ? Read(rows) : null;
    }

    /// <summary>The people a caller may see: a merchant's see their own.</summary>
    public static string ScopeOf(Caller caller, List<object?> values)
    {
        if (caller.MerchantId is not { } own)
        {
            return caller.Realm == Realms.Staff ? "true" : "false";
        }

        values.Add(own);
        return $"merchant_id = ${values.Count}";
    }

    /// <summary>A person of a row.</summary>
    public static PersonView Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetString(1),
            row.GetString(2),
            row.GetString(3),
            row.GetFieldValue<string[]>(4),
            row.IsDBNull(5) ? null : row.GetGuid(5),
            row.IsDBNull(6) ? null : row.GetGuid(6),
            row.GetBoolean(7),
            row.GetBoolean(8),
            row.GetBoolean(9),
            row.GetInt32(10),
            row.GetFieldValue<DateTimeOffset>(11)
        );
}

/// <summary>A person who was invited.</summary>
/// <param name="InvitationToken">
/// For the person, to set a password with; shown in this answer only, null when the answer is repeated.
/// </param>
/// <param name="InvitationExpiresAt">Until when it is good.</param>
/// <param name="Person">Who.</param>
internal sealed record PersonInvited(string? InvitationToken, DateTimeOffset InvitationExpiresAt, PersonView Person);
