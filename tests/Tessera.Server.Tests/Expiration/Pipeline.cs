using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Audit;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>The expiry workers of one node, run by hand.</summary>
internal sealed class Pipeline : IDisposable
{
    private readonly TestDatabase _database;

    public Pipeline(TestDatabase database, TimeProvider? clock = null)
    {
        _database = database;
        clock ??= TimeProvider.System;
        Horizon = new Horizon(database.Database);
        Clock = new NodeClock(database.Database, clock, NullLogger<NodeClock>.Instance);
        LookAhead = new LookAhead(database.Database, Clock, NullLogger<LookAhead>.Instance);
        Sweeper = new Sweeper(database.Database, Horizon, Clock, clock, NullLogger<Sweeper>.Instance);
        CatchUp = new CatchUp(database.Database, LookAhead, Clock, NullLogger<CatchUp>.Instance);
        NearTime = new NearTime(database.Database, Clock, clock, NullLogger<NearTime>.Instance);
        Sealer = new Sealer(database.Database, new Settings(), clock, NullLogger<Sealer>.Instance);
    }

    public Horizon Horizon { get; }

    public NodeClock Clock { get; }

    public LookAhead LookAhead { get; }

    public Sweeper Sweeper { get; }

    public CatchUp CatchUp { get; }

    public NearTime NearTime { get; }

    public Sealer Sealer { get; }

    /// <summary>Seals the log and lets the near-time path read it.</summary>
    public async Task FollowAsync()
    {
        await Sealer.SealAsync(default);
        await NearTime.RunOnceAsync(default);
    }

    /// <summary>Works until nothing is due.</summary>
    public async Task SweepAsync()
    {
        // The horizon is taken anew in the pass after the one that used it.
        for (var idle = 0; idle < 3; )
        {
            idle = await Sweeper.RunOnceAsync(default) ? 0 : idle + 1;
        }
    }

    /// <summary>Ids that the log says have expired by the clock, as often as it says so.</summary>
    public Task<List<long>> ToldAsync() =>
        _database.ColumnAsync<long>(
            "select instance_id from verify.transitions where to_state = 'expired' order by instance_id"
        );

    /// <summary>Every promise holds.</summary>
    public async Task AssertVerifiedAsync()
    {
        await foreach (var finding in new Verification(_database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }

    public void Dispose()
    {
        Horizon.Dispose();
        Sweeper.Dispose();
        NearTime.Dispose();
        Sealer.Dispose();
    }
}
