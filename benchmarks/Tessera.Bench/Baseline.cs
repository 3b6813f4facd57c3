namespace Tessera.Bench;

/// <summary>A baseline that pgbench drives, with the number of clients at which it does best.</summary>
internal sealed class Baseline(Ground ground, string name, Func<int, string> script)
{
    /// <summary>More transactions a second than any baseline makes: so many codes are set aside for a run.</summary>
    public const int CeilingPerSecond = 12_000;

    private static int _used;

    public string Name => name;

    /// <summary>Where it does best.</summary>
    public int Clients { get; private set; } = 1;

    public List<double> PerSecond { get; } = [];

    /// <summary>Codes that runs of so many seconds need.</summary>
    public static int CodesFor(int seconds) => CeilingPerSecond * seconds;

    /// <summary>Finds the number of clients at which it does best.</summary>
    public async Task TuneAsync(IEnumerable<int> candidates, int seconds)
    {
        var best = 0.0;
        foreach (var clients in candidates)
        {
            var (perSecond, _) = await RunAsync(clients, seconds);
            Figures.Say($"{name} with {clients} clients: {perSecond:F0}/s");
            (best, Clients) = perSecond > best ? (perSecond, clients) : (best, Clients);
        }
    }

    /// <summary>One round with the best number of clients.</summary>
    public async Task MeasureAsync(int seconds)
    {
        var before = ground.Cpu;
        var (perSecond, _) = await RunAsync(Clients, seconds);
        PerSecond.Add(perSecond);
        Figures.Say($"{name}: {perSecond:F0}/s, {(ground.Cpu - before).Per((int)(perSecond * seconds))}");
    }

    /// <summary>Runs it on codes that no run had before.</summary>
    public Task<(double PerSecond, double LatencyMs)> RunAsync(int clients, int seconds)
    {
        var share = CodesFor(seconds) / clients;
        var from = _used;
        _used += share * clients;
        return PgBench.RunAsync(ground, script(share), clients, seconds, from);
    }
}
