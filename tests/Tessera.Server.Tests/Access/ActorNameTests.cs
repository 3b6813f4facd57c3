using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

/// <summary>Records name accounts by id; what these are called is read beside them, by whom it concerns.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ActorNameTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/actor-names?actor=";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Staff_see_what_people_and_keys_are_called_and_merchants_those_of_their_own()
    {
        var (own, other) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        using var ofMerchant = _host.ClientOf(
            await _host.KeyAsync([Permissions.CouponsRead], own, merchantExists: false)
        );
        await _host.KeyAsync([], other, merchantExists: false);
        var staff = "person:" + await Person.MakeAsync(_host.Database, "staff", "ada@example.com", ["finance"]);
        var clerk = "person:" + await Person.MakeAsync(_host.Database, "merchant", "own@example.com", [], own);
        var rival = "person:" + await Person.MakeAsync(_host.Database, "merchant", "other@example.com", [], other);
        var made = (await _host.PostAsync("/api/v1/customers", new { })).Json.GetProperty("id").GetGuid();
        var buyer =
            "person:"
            + await Person.MakeAsync(_host.Database, "customer", "buyer@example.com", ["customer"], null, made);
        var key =
            "key:"
            + await _host.Database.ScalarAsync<Guid>("select id from access.api_key where merchant_id = $1", own);
        var all = string.Join(',', staff, clerk, rival, buyer, key, "person:" + Guid.CreateVersion7());

        Assert.Equal(
            [(staff, "ada@example.com"), (clerk, "own@example.com"), (rival, "other@example.com"), (key, "test")],
            await NamesAsync(all, [staff, clerk, rival, key])
        );
        Assert.Equal([(clerk, "own@example.com"), (key, "test")], await NamesAsync(all, [clerk, key], ofMerchant));
        using var customer = new Browser(_host.Address);
        Assert.Equal(200, (await customer.SignInAsync("customer", "buyer@example.com", Person.Password)).Status);
        Assert.Equal("""{"data":[]}""", (await customer.GetAsync(Path + all)).Body);
    }

    [Fact]
    public async Task What_is_no_account_is_refused()
    {
        foreach (var wrong in new[] { "job:expiry", "person:1", "key:" + new string('0', 32), "person:" })
        {
            var reply = await _host.GetAsync(Path + wrong);
            Assert.Equal(400, reply.Status);
            Assert.Contains("\"actor\"", reply.Body, StringComparison.Ordinal);
        }

        var most = string.Join(',', Enumerable.Range(0, 100).Select(static _ => "key:" + Guid.CreateVersion7()));
        Assert.Equal(200, (await _host.GetAsync(Path + most)).Status);
        Assert.Equal(400, (await _host.GetAsync($"{Path}{most},key:{Guid.CreateVersion7()}")).Status);
        Assert.Equal("""{"data":[]}""", (await _host.GetAsync(Path)).Body);
        using var nobody = _host.ClientOf(null);
        Assert.Equal(401, (await _host.GetAsync(Path + most, nobody)).Status);
    }

    /// <summary>The names, in the order of some accounts.</summary>
    private async Task<IEnumerable<(string Actor, string Name)>> NamesAsync(
        string actors,
        string[] order,
        HttpClient? client = null
    ) =>
        (await _host.GetAsync(Path + actors, client))
            .Json.GetProperty("data")
            .EnumerateArray()
            .Select(static n => (n.GetProperty("actor").GetString()!, n.GetProperty("name").GetString()!))
            .OrderBy(n => Array.IndexOf(order, n.Item1));
}
