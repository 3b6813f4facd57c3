using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

/// <summary>Tests that ask for prices: a service over a database of its own, and what is given in it.</summary>
public abstract class QuotedTests(PostgresFixture postgres) : IAsyncLifetime
{
    private protected const string Path = "/api/v1/quotes";

    private protected TestHost Host { get; private set; } = null!;

    private protected Catalogue Given { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Host = await TestHost.StartAsync(postgres);
        Given = new Catalogue(Host.Database);
    }

    public async Task DisposeAsync() => await Host.DisposeAsync();

    private protected async Task<JsonElement> QuoteAsync(string body)
    {
        var reply = await Host.PostAsync(Path, body);
        Assert.True(reply.Status == 200, reply.Body);
        return reply.Json;
    }

    private protected async Task<string> ActiveAsync(string definition)
    {
        var made = await Host.PostAsync("/api/v1/promotions", definition);
        Assert.True(made.Status == 201, made.Body);
        Assert.Equal(200, (await Host.PostAsync(made.Header("Location") + "/activate")).Status);
        await HeardAsync(Host);
        return made.Json.GetProperty("id").GetString()!;
    }

    /// <summary>A change is heard a moment after it is committed; a book that is too old is told by its stamp.</summary>
    internal static async Task HeardAsync(TestHost host)
    {
        var catalogue = host.Services.GetRequiredService<PromotionCatalogue>();
        var stamp = await host.Database.ScalarAsync<long>("select max(stamp) from promotions.stamp");
        await Patience.UntilAsync(
            async () => (await catalogue.BookAsync(null, default)).Stamp >= stamp,
            "a change of promotions to be heard"
        );
    }

    private protected Task<long> EventsAsync() =>
        Host.Database.ScalarAsync<long>("select count(*) from platform.event");

    private protected static long Of(JsonElement json, string name) => json.GetProperty(name).GetInt64();
}
