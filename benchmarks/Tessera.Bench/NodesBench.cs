using Tessera.Server.Tests.Support;

namespace Tessera.Bench;

/// <summary>
/// One, two and four nodes on one PostgreSQL (PERF-10), each a <c>tessera serve</c> of its own; then they, PostgreSQL and
/// RabbitMQ are killed and stopped while they sweep (<see cref="NodeFaults"/>).
/// </summary>
internal static class NodesBench
{
    private static readonly int[] Counts = [1, 2, 4];
    private static readonly TimeSpan ToldWithin = TimeSpan.FromMinutes(5);

    public static async Task<int> RunAsync(bool quick)
    {
        var figures = new Figures();
        await using var ground = await Ground.MakeAsync();
        await ExpiryGround.PrepareAsync(ground);
        await using var broker = RabbitServer.IsInstalled ? await RabbitServer.StartAsync() : null;
        if (broker is null)
        {
            Figures.Say($"There is no RabbitMQ on this machine: nothing is published, and it is not killed.");
        }

        await using var nodes = new NodeSet(ground, broker?.Address);
        var (hours, due) = (1, 0L);
        foreach (var count in Counts)
        {
            await ground.ExecuteAsync("update expiration.control set mode = 'paused'");
            await nodes.GrowAsync(count);
            // A tenth with --quick.
            due += await ExpiryGround.IssueAsync(ground, quick ? 50_000 : 500_000, hours + 1, 8);
            hours += 9;
            await ExpiryGround.FollowedAsync(ground);
            await ground.SettleAsync();
            var perSecond = await SweepAsync(ground, due);
            Figures.Say($"{count} nodes: {perSecond:F0} units a second");
            figures.Add($"nodes_{count}_per_second", perSecond);
        }

        var faults = new NodeFaults(ground, nodes, broker, figures, hours);
        await faults.RunAsync(quick ? 8 : 100);
        var wrong = await ExpiryBench.VerifyAsync(ground);
        figures.Add("verify_faults", wrong);
        figures.Print();
        return wrong == 0 && faults.IsClean ? 0 : 1;
    }

    /// <summary>Lets the nodes work until all is told.</summary>
    /// <returns>Units a second, from the detection of the first hour to the last event.</returns>
    private static async Task<double> SweepAsync(Ground ground, long due)
    {
        var before = await ground.ScalarAsync<long>("select coalesce(sum(units), 0)::bigint from expiration.batch");
        var began = await ground.ScalarAsync<DateTime>("select clock_timestamp()");
        await ground.ExecuteAsync("update expiration.control set mode = 'running'");
        await ExpiryBench.ToldAsync(ground, due, ToldWithin);
        await using var took = ground.Owner.CreateCommand(
            """
            select extract(epoch from (select max(created_at) from expiration.batch)
                - (select min(detected_at) from expiration.bucket where detected_at >= $1))::double precision
            """
        );
        took.Parameters.Add(new() { Value = began });
        return (due - before) / (double)(await took.ExecuteScalarAsync())!;
    }
}
