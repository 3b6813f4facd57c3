using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

[Collection(PostgresCollection.Name)]
public sealed class CatalogueTests(PostgresFixture postgres)
{
    private const string Cart = """{"currency":"EUR","lines":[{"id":"1","sku":"a","unit_price":1000,"quantity":1}]}""";

    [Fact]
    public async Task A_change_on_one_node_is_priced_on_the_other_and_compiled_once()
    {
        await using var one = await TestHost.StartAsync(postgres);
        await using var other = await TestHost.StartAsync(new TestDatabase(one.Database.ConnectionString));
        var catalogue = other.Services.GetRequiredService<PromotionCatalogue>();
        using var client = other.ClientOf(one.Key);
        await UntilListeningAsync(catalogue);
        Assert.Equal(0, await DiscountAsync(other, client));
        var compiled = catalogue.Compiled;
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(0, await DiscountAsync(other, client));
        }

        Assert.Equal(compiled, catalogue.Compiled);
        var made = await one.PostAsync("/api/v1/promotions", PromotionTests.Simple("Ten", 10));
        await one.PostAsync(made.Header("Location") + "/activate");
        await UntilDiscountAsync(other, client, 100);
        await one.PostAsync(made.Header("Location") + "/deactivate");
        await UntilDiscountAsync(other, client, 0);
    }

    [Fact]
    public async Task What_changed_while_a_connection_was_lost_is_priced_all_the_same()
    {
        await using var host = await TestHost.StartAsync(postgres);
        var catalogue = host.Services.GetRequiredService<PromotionCatalogue>();
        await UntilListeningAsync(catalogue);
        Assert.Equal(0, await DiscountAsync(host, host.Client));
        var made = await host.PostAsync("/api/v1/promotions", PromotionTests.Simple("Ten", 10));

        // The listener is cut off, and the change is made without a notification.
        Assert.Equal(
            1,
            await host.Database.ExecuteAsync(
                """
                with cut as (select pg_terminate_backend(pid) from pg_stat_activity
                    where datname = current_database() and query = 'listen promotions')
                update promotions.promotion set state = 'active' where (select count(*) from cut) > 0
                """
            )
        );
        await UntilDiscountAsync(host, host.Client, 100);
        Assert.Equal(201, made.Status);
    }

    [Fact]
    public async Task A_decision_sees_the_present_promotions_whatever_was_heard()
    {
        await using var host = await TestHost.StartAsync(postgres);
        var catalogue = host.Services.GetRequiredService<PromotionCatalogue>();
        await UntilListeningAsync(catalogue);
        Assert.Empty((await catalogue.BookAsync(null, default)).All);
        await host.PostAsync("/api/v1/promotions", PromotionTests.Simple("Ten", 10));
        await host.Database.ExecuteAsync("alter table promotions.promotion disable trigger promotion_changed");
        await host.Database.ExecuteAsync("update promotions.promotion set state = 'active'");
        await host.Database.ExecuteAsync("update promotions.stamp set stamp = stamp + 1");
        await using var work = await host.Database.Database.BeginAsync(default);
        Assert.Single((await catalogue.HoldAsync(work, null, default)).All);
    }

    private static async Task<long> DiscountAsync(TestHost host, HttpClient client)
    {
        var reply = await host.PostAsync("/api/v1/quotes", Cart, client: client);
        Assert.True(reply.Status == 200, reply.Body);
        return reply.Json.GetProperty("discount").GetInt64();
    }

    private static Task UntilListeningAsync(PromotionCatalogue catalogue) =>
        Patience.UntilAsync(() => Task.FromResult(catalogue.IsListening), "changes to be heard");

    private static Task UntilDiscountAsync(TestHost host, HttpClient client, long wanted) =>
        Patience.UntilAsync(
            async () => await DiscountAsync(host, client) == wanted,
            $"a cart to be priced with a discount of {wanted}"
        );
}
