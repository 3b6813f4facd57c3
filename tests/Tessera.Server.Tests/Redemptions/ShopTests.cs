using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

/// <summary>Tests of a shop: a service over a database of its own, what is given in it, and one who sends carts.</summary>
public abstract class ShopTests(PostgresFixture postgres) : IAsyncLifetime
{
    private protected TestHost Host { get; private set; } = null!;

    private protected Catalogue Given { get; private set; } = null!;

    private protected Shop Shop { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Host = await TestHost.StartAsync(postgres);
        Given = new Catalogue(Host.Database);
        Shop = new Shop(Host);
    }

    public async Task DisposeAsync() => await Host.DisposeAsync();
}
