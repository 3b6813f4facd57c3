using System.Diagnostics;

namespace Tessera.Bench;

/// <summary>
/// What a steady redeem load notices of a sweep (PERF-02): one node redeems and sweeps in turn with redeeming alone, in
/// windows of the same length on the same warmed process; medians of their 99th percentiles.
/// </summary>
internal static class ExpiryBeside
{
    /// <summary>Redemptions a second.</summary>
    public const int PerSecond = 500;

    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1.5);

    /// <summary>What a step still running when the sweep is paused may take, and what it leaves to be written.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(0.3);

    /// <summary>Windows that are cut short by the end of the work count from here.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(0.7);

    /// <summary>Sweeps what is due beside the load.</summary>
    /// <param name="ground">With units that have come due and are not enqueued.</param>
    /// <param name="load">At a rate it can keep up.</param>
    /// <param name="units">All that will have been told then.</param>
    /// <returns>Percentiles in milliseconds; seconds the sweep worked; windows it worked in.</returns>
    public static async Task<(double Idle, double Beside, double Seconds, int Windows)> RunAsync(
        Ground ground,
        ExpiryLoad load,
        long units
    )
    {
        await ExpiryNode.PlanAsync(ground.Database);
        await SetAsync(ground, "paused");
        using var stop = new CancellationTokenSource();
        var node = Task.Run(() => ExpiryNode.RunAsync(ground.Database, stop.Token));
        var clock = Stopwatch.StartNew();
        var calls = Task.Run(() => load.RunAsync(PerSecond, clock, stop.Token));
        await Task.Delay(Warming);
        var idle = new List<(TimeSpan From, TimeSpan Until)>();
        var beside = new List<(TimeSpan From, TimeSpan Until)>();
        for (var isTold = false; !isTold; )
        {
            var from = clock.Elapsed;
            await Task.Delay(Window);
            idle.Add((from, clock.Elapsed));
            from = clock.Elapsed;
            await SetAsync(ground, "running");
            while (!isTold && clock.Elapsed - from < Window)
            {
                await Task.Delay(20);
                isTold = await ExpiryBench.ToldAsync(ground) >= units;
            }

            beside.Add((from, clock.Elapsed));
            await SetAsync(ground, "paused");
            await Task.Delay(Quiet);
        }

        await stop.CancelAsync();
        await node;
        var took = await calls;
        await SetAsync(ground, "running");
        double Median(IEnumerable<(TimeSpan From, TimeSpan Until)> windows) =>
            Figures.Percentile(
                [
                    .. windows
                        .Where(static w => w.Until - w.From >= Shortest)
                        .Select(w =>
                            Figures.Percentile(
                                [
                                    .. took.Where(t => t.Due >= w.From && t.Due < w.Until)
                                        .Select(static t => t.Milliseconds),
                                ],
                                0.99
                            )
                        ),
                ],
                0.5
            );
        var seconds = beside.Sum(static w => (w.Until - w.From).TotalSeconds);
        return (Median(idle), Median(beside), seconds, beside.Count);
    }

    private static Task SetAsync(Ground ground, string mode) =>
        ground.ExecuteAsync("update expiration.control set mode = $1", mode);
}
