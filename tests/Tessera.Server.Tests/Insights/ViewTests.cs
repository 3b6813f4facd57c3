using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

[Collection(PostgresCollection.Name)]
public sealed class ViewTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_view_shared_with_a_role_is_seen_by_who_has_it_and_removed_by_who_saved_it()
    {
        using var one = await SignInAsync("one@example.com", "marketing_operations");
        using var two = await SignInAsync("two@example.com", "marketing_operations");
        using var other = await SignInAsync("other@example.com", "operations");
        var mine = await SaveAsync(one, "Mine", null);
        var shared = await SaveAsync(one, "Ours", "marketing_operations");
        Assert.Equal((201, 201), (mine.Status, shared.Status));
        Assert.Equal(["Mine", "Ours"], await NamesAsync(one));
        Assert.Equal(["Ours"], await NamesAsync(two));
        Assert.Empty(await NamesAsync(other));

        // Saved again under its name it is the same view, seen by nobody else now.
        await SaveAsync(one, "Ours", null);
        Assert.Empty(await NamesAsync(two));
        await SaveAsync(one, "Ours", "marketing_operations");
        var id = shared.Json.GetProperty("id").GetString();
        Assert.Equal(204, (await two.SendAsync(HttpMethod.Delete, $"/api/v1/views/{id}")).Status);
        Assert.Equal(["Ours"], await NamesAsync(two));
        Assert.Equal(204, (await one.SendAsync(HttpMethod.Delete, $"/api/v1/views/{id}")).Status);
        Assert.Empty(await NamesAsync(two));
        Assert.Equal(
            5,
            await _host.Database.ScalarAsync<long>("select count(*) from platform.event where aggregatetype = 'view'")
        );
    }

    [Fact]
    public async Task A_view_is_not_shared_with_a_role_one_lacks_and_what_is_wrong_is_said_at_once()
    {
        using var one = await SignInAsync("one@example.com", "marketing_operations");
        Assert.Equal("role_not_yours", (await SaveAsync(one, "Theirs", "operations")).Code);
        Assert.Equal("role_not_yours", (await SaveAsync(one, "Nobody's", "no_such_role")).Code);
        var wrong = await one.PostAsync("/api/v1/views", new { list = "people", more = 1 });
        Assert.Equal(["list", "more", "name", "query"], wrong.Errors.Select(static e => e.Field).Order());
    }

    private static Task<Reply> SaveAsync(Browser browser, string name, string? role) =>
        browser.PostAsync(
            "/api/v1/views",
            new
            {
                list = "coupons",
                name,
                query = "status=active",
                role,
            }
        );

    private static async Task<IEnumerable<string?>> NamesAsync(Browser browser) =>
        (await browser.GetAsync("/api/v1/views?list=coupons"))
            .Json.GetProperty("data")
            .EnumerateArray()
            .Select(static v => v.GetProperty("name").GetString());

    private async Task<Browser> SignInAsync(string email, string role)
    {
        await Person.MakeAsync(_host.Database, Realms.Staff, email, [role]);
        var browser = new Browser(_host.Address);
        var reply = await browser.SignInAsync(Realms.Staff, email, Person.Password);
        Assert.True(reply.Status == 200, reply.Body);
        return browser;
    }
}
