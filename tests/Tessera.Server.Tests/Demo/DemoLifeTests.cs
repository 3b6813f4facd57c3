using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Demo;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Demo;

[Collection(PostgresCollection.Name)]
public sealed class DemoLifeTests(PostgresFixture postgres)
{
    [Fact]
    public async Task It_runs_while_it_is_switched_on_and_only_where_there_is_a_demo_world()
    {
        await using var host = await TestHost.StartAsync(postgres);
        Assert.Equal("no_demo_world", (await host.PostAsync("/api/v1/demo/start")).Code);
        await DemoWorld.LoadAsync(host.Database.Database, default);
        var before = await UsesAsync(host);
        var life = host.Services.GetRequiredService<DemoLife>();
        await life.RunOnceAsync(default);
        Assert.Equal(before, await UsesAsync(host));
        Assert.True((await host.PostAsync("/api/v1/demo/start")).Json.GetProperty("is_on").GetBoolean());
        // A use is there before the step that it is part of is over, and the step may be that of the node itself.
        await Patience.UntilAsync(
            async () =>
            {
                await life.RunOnceAsync(default);
                return await UsesAsync(host) > before
                    && await host.Database.ScalarAsync<bool>(
                        "select exists (select from insights.view_note) or exists (select from insights.view_day)"
                    );
            },
            "a use and a look in the demo world"
        );
        await host.PostAsync("/api/v1/demo/stop");
        Assert.False((await host.GetAsync("/api/v1/demo")).Json.GetProperty("is_on").GetBoolean());
    }

    private static Task<long> UsesAsync(TestHost host) =>
        host.Database.ScalarAsync<long>("select count(*) from redemptions.redemption");
}
