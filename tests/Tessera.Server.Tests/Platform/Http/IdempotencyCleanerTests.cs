using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Platform.Http;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

[Collection(PostgresCollection.Name)]
public sealed class IdempotencyCleanerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Answers_are_forgotten_when_their_time_is_over_and_not_before()
    {
        await _host.PostAsync("/api/v1/merchants", """{"name":"Old"}""", "old");
        await _host.Database.ExecuteAsync(
            "update platform.idempotency set created_at = now() - interval '7 days 1 minute'"
        );
        await _host.PostAsync("/api/v1/merchants", """{"name":"New"}""", "new");
        await _host.Database.ExecuteAsync(
            "update platform.idempotency set created_at = now() - interval '6 days 23 hours' where created_at > now() - interval '1 day'"
        );
        var cleaner = _host.Services.GetServices<IHostedService>().OfType<IdempotencyCleaner>().Single();
        Assert.False(await cleaner.RunOnceAsync(default));
        Assert.Equal(
            "true",
            (await _host.PostAsync("/api/v1/merchants", """{"name":"New"}""", "new")).Header("Idempotency-Replayed")
        );
        Assert.Null(
            (await _host.PostAsync("/api/v1/merchants", """{"name":"Old"}""", "old")).Header("Idempotency-Replayed")
        );
    }
}
