using System.Diagnostics;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary><c>tessera expire</c> as operators run it: a process beside the nodes.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ExpireCommandTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await postgres.DatabaseAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task The_pipeline_is_paused_drained_resumed_and_replayed_from_the_command_line()
    {
        var given = new Catalogue(_database);
        var coupon = await given.CouponAsync("ENDING", kind: "unique");
        await given.UnitAsync(
            coupon,
            "ENDINGONE",
            from: "clock_timestamp() - interval '35 days'",
            until: "(clock_timestamp() - interval '30 days')"
        );
        foreach (
            var (verb, mode) in ((string, string)[])[("pause", "paused"), ("drain", "draining"), ("resume", "running")]
        )
        {
            var (code, output) = await RunAsync(verb);
            Assert.Equal((0, mode), (code, output.Trim()));
            Assert.Equal(mode, await _database.ScalarAsync<string>("select mode from expiration.control"));
        }

        var days = TimeProvider.System.GetUtcNow().AddDays(-40).ToString("yyyy-MM-dd");
        var replayed = await RunAsync("replay", "--from", days + "T00:00:00Z", "--until", "2999-01-01T00:00:00Z");
        Assert.Equal((0, "1 hours enqueued, 0 units told, 0 jobs retried"), (replayed.Code, replayed.Output.Trim()));
        Assert.Equal(
            ["expiry.mode_changed", "expiry.mode_changed", "expiry.mode_changed", "expiry.replayed"],
            await _database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'expiry_pipeline' and actor = 'job:cli' order by created_at, type"
            )
        );

        using var node = new Pipeline(_database);
        await node.SweepAsync();
        Assert.Single(await node.ToldAsync());
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tessera"), ["expire", .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        start.Environment["TESSERA_DATABASE_URL"] = _database.ConnectionString;
        start.Environment["TESSERA_ALLOW_UNSAFE_DURABILITY"] = "true";
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
