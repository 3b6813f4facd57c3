using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Tessera.Server.Tests.Support;

/// <summary>People of a test database.</summary>
public static class Person
{
    public const string Password = "correct horse battery staple";

    // Few rounds: these tests sign in often. That old hashes are made anew is tested by it as well.
    private static readonly string Hash = new PasswordHasher<object>(
        Options.Create(new PasswordHasherOptions { IterationCount = 1000 })
    ).HashPassword(new object(), Password);

    /// <summary>Makes a person with <see cref="Password"/>.</summary>
    public static async Task<Guid> MakeAsync(
        TestDatabase database,
        string realm,
        string email,
        IReadOnlyList<string> roles,
        Guid? merchant = null,
        Guid? customer = null
    )
    {
        var id = Guid.CreateVersion7();
        await database.ExecuteAsync(
            """
            insert into people.person (id, realm, email, name, password_hash, roles, merchant_id, customer_id)
            values ($1, $2, $3, $3, $4, $5, nullif($6, '')::uuid, nullif($7, '')::uuid)
            """,
            id,
            realm,
            email,
            Hash,
            roles.ToArray(),
            merchant?.ToString() ?? "",
            customer?.ToString() ?? ""
        );
        return id;
    }

    /// <summary>Makes a person of the staff and signs in.</summary>
    public static async Task<Browser> StaffAsync(TestHost host, string email, params string[] roles)
    {
        await MakeAsync(host.Database, "staff", email, roles);
        var browser = new Browser(host.Address);
        var reply = await browser.SignInAsync("staff", email, Password);
        Xunit.Assert.True(reply.Status == 200, reply.Body);
        return browser;
    }
}
