using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Tessera.Server.Audit;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Postgres;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests;

/// <summary>The service while its database is killed, away and back: it has a server of its own for that.</summary>
[Collection(PostgresCollection.Name)]
public sealed class OutageTests : IAsyncLifetime
{
    private const string DatabaseName = "tessera";
    private const int Orders = 200;

    private readonly string _directory = PostgresFixture.Place("outage");
    private PrivatePostgres _server = null!;
    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        await StartServerAsync();
        await _server.EnsureDatabaseAsync(DatabaseName, CancellationToken.None);
        var connection = _server.ConnectionStringTo(DatabaseName);
        await Migrations.ApplyAsync(connection);
        _host = await TestHost.StartAsync(new TestDatabase(connection));
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_killed_database_loses_nothing_that_was_acknowledged_and_needs_no_restart()
    {
        var given = new Catalogue(_host.Database);
        await given.CouponAsync("KILLED");
        var customers = new List<Guid>();
        for (var i = 0; i < Orders; i++)
        {
            customers.Add(await given.CustomerAsync());
        }

        var answered = 0;
        var load = Parallel.ForEachAsync(
            customers,
            new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (customer, _) =>
            {
                await RedeemUntilAcceptedAsync(customer);
                Interlocked.Increment(ref answered);
            }
        );
        var server = 0;
        foreach (var share in (int[])[4, 2])
        {
            await Patience.UntilAsync(
                () => Task.FromResult(Volatile.Read(ref answered) >= Orders / share || load.IsCompleted),
                "orders to be answered"
            );

            // Its sessions outlive the server for a moment, and may answer that many orders before it is started again.
            var killed = server;
            await Patience.UntilAsync(
                () => Task.FromResult((server = _server.ProcessId) is not 0 && server != killed),
                "the server to be started again"
            );
            using var process = Process.GetProcessById(server);
            process.Kill();
        }

        await load;

        // Connections made before the kill are dead, and this is not the service. The last orders may have been answered before
        // the second kill took effect, and the server be on its way up.
        await using var database = new TestDatabase(_server.ConnectionStringTo(DatabaseName));
        await Patience.UntilAsync(
            async () =>
            {
                try
                {
                    return await database.ScalarAsync<int>("select 1") == 1;
                }
                catch (NpgsqlException)
                {
                    return false;
                }
            },
            "a database that is killed to be back"
        );
        Assert.Equal(Orders, await database.ScalarAsync<long>("select count(*) from redemptions.redemption"));
        await ReadyAsync();
        await foreach (
            var finding in new Verification(_server.ConnectionStringTo(DatabaseName)).RunAsync(CancellationToken.None)
        )
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }

    [Fact]
    public async Task Without_its_database_the_process_lives_says_so_and_recovers()
    {
        await _server.DisposeAsync();
        Assert.Equal(200, (await _host.GetAsync("/livez")).Status);
        Assert.Equal(503, (await _host.GetAsync("/readyz")).Status);
        var refused = await RedeemAsync(Guid.CreateVersion7());
        Assert.Equal((503, "database_unavailable"), (refused.Status, refused.Code));
        Assert.NotNull(refused.Header("Retry-After"));

        await StartServerAsync();
        await ReadyAsync();
        await using var database = new TestDatabase(_server.ConnectionStringTo(DatabaseName));
        var given = new Catalogue(database);
        await given.CouponAsync("KILLED");
        Assert.Equal(201, (await RedeemUntilAcceptedAsync(await given.CustomerAsync())).Status);
    }

    [Fact]
    public async Task A_command_that_ends_beside_the_node_leaves_the_node_its_database()
    {
        var node = _server;
        var before = node.ProcessId;
        await StartServerAsync();
        await _server.DisposeAsync();
        _server = node;
        // A slow answer is none; a server that had been stopped would be another one by the time there is an answer.
        await ReadyAsync();
        Assert.Equal(before, node.ProcessId);
    }

    [Fact]
    public async Task A_node_that_stops_while_its_server_is_started_again_leaves_none_behind()
    {
        // Where it runs from: a copy, if its user may not go where its programs are.
        var real = new FileInfo($"/proc/{_server.ProcessId}/exe").ResolveLinkTarget(returnFinalTarget: false)!.FullName;
        await _server.DisposeAsync();
        var slow = Directory.CreateTempSubdirectory("tessera-slow-");
        try
        {
            // It takes a while until it says that it is there.
            slow.UnixFileMode |= UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
            var program = Path.Combine(slow.FullName, "postgres");
            await File.WriteAllTextAsync(program, $"#!/bin/sh\nsleep 2\nexec '{real}' \"$@\"\n");
            File.SetUnixFileMode(program, slow.UnixFileMode);
            await StartServerAsync(slow.FullName);
            using (var process = Process.GetProcessById(_server.ProcessId))
            {
                process.Kill();
            }

            await Patience.UntilAsync(
                () => Task.FromResult(ProcessesOf(program).Count > 0),
                "the server to be started again"
            );
            await _server.DisposeAsync();
            Assert.Empty(ProcessesOf(_directory));
        }
        finally
        {
            slow.Delete(recursive: true);
        }

        await StartServerAsync();
    }

    [Fact]
    public async Task A_process_that_has_the_number_of_a_server_of_before_is_no_server()
    {
        await _server.DisposeAsync();
        using var stranger = Process.Start("sleep", "600");
        try
        {
            var file = Path.Combine(_directory, "postgres", "postmaster.pid");
            await File.WriteAllTextAsync(file, FormattableString.Invariant($"{stranger.Id}\n"));
            await StartServerAsync();
            await ReadyAsync();
            Assert.False(stranger.HasExited);
        }
        finally
        {
            stranger.Kill();
        }
    }

    [Fact]
    public async Task A_node_that_stops_is_alive_but_no_longer_ready()
    {
        _host.Services.GetRequiredService<Readiness>().Stop();
        Assert.Equal(503, (await _host.GetAsync("/readyz")).Status);
        Assert.Equal(200, (await _host.GetAsync("/livez")).Status);
    }

    private Task ReadyAsync() =>
        Patience.UntilAsync(async () => (await _host.GetAsync("/readyz")).Status == 200, "the node to be ready");

    /// <summary>Processes whose program or arguments have a path.</summary>
    private static List<int> ProcessesOf(string path) =>
        [
            .. Process
                .GetProcesses()
                .Select(static p => p.Id)
                .Where(id =>
                {
                    try
                    {
                        return File.ReadAllText($"/proc/{id}/cmdline").Contains(path, StringComparison.Ordinal);
                    }
                    catch (IOException)
                    {
                        return false;
                    }
                }),
        ];

    private async Task StartServerAsync(string? binaries = null) =>
        _server = await PrivatePostgres.StartAsync(
            binaries ?? PostgresBinaries.Find(Environment.GetEnvironmentVariable),
            _directory,
            [],
            CancellationToken.None
        );

    /// <summary>As a client should: 503 is asked again with the same key, every other answer is final.</summary>
    private async Task<Reply> RedeemUntilAcceptedAsync(Guid customer)
    {
        var since = Stopwatch.StartNew();
        while (true)
        {
            var reply = await RedeemAsync(customer);
            if (reply.Status != (int)HttpStatusCode.ServiceUnavailable)
            {
                Assert.True(reply.Status == 201, reply.Body);
                return reply;
            }

            Assert.NotNull(reply.Header("Retry-After"));
            Assert.True(since.Elapsed < Patience.Limit, "The service did not recover.");
            await Task.Delay(50);
        }
    }

    private Task<Reply> RedeemAsync(Guid customer) =>
        _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code = "KILLED",
                customer_id = customer,
                order = new { reference = customer.ToString("N"), amount = new { amount = 5000, currency = "USD" } },
            },
            customer.ToString("N")
        );
}
