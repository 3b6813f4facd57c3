using System.Security.Cryptography;

namespace Tessera.Bench;

/// <summary>Nodes of the product on one database, each in a process of its own, to be killed and stopped.</summary>
internal sealed class NodeSet(Ground ground, Uri? broker) : IAsyncDisposable
{
    private readonly List<Place> _places = [];

    /// <summary>Starts nodes until there are so many.</summary>
    public async Task GrowAsync(int count)
    {
        Place[] added =
        [
            .. Enumerable.Range(0, count - _places.Count).Select(_ => new Place { Change = StartAsync() }),
        ];
        _places.AddRange(added);
        await SettledAsync();
    }

    /// <summary>Kills one of those that run with <c>kill -9</c>, and starts another in its place.</summary>
    public async Task KillAsync()
    {
        var victim = await RunningAsync();
        victim.Node!.Kill();
        await victim.Node.DisposeAsync();
        victim.Change = StartAsync();
    }

    /// <summary>Stops one of those that run, and lets it go on after a while; does not wait for that.</summary>
    public async Task PauseAsync(TimeSpan time)
    {
        var victim = await RunningAsync();
        victim.Node!.Pause();
        victim.Change = ContinueAsync(victim.Node, time);
    }

    /// <summary>Until every node runs.</summary>
    public async Task SettledAsync()
    {
        foreach (var place in _places)
        {
            place.Node = await place.Change;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var place in _places)
        {
            await (await place.Change).DisposeAsync();
        }
    }

    private static async Task<ServerProcess> ContinueAsync(ServerProcess node, TimeSpan time)
    {
        await Task.Delay(time);
        node.Continue();
        return node;
    }

    private async Task<Place> RunningAsync()
    {
        while (true)
        {
            Place[] running = [.. _places.Where(static p => p.Change.IsCompleted)];
            if (running.Length > 0)
            {
                var place = running[RandomNumberGenerator.GetInt32(running.Length)];
                place.Node = await place.Change;
                return place;
            }

            await Task.WhenAny(_places.Select(static p => p.Change));
        }
    }

    /// <summary>Starts a node, as often as PostgreSQL is away.</summary>
    private async Task<ServerProcess> StartAsync()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await ground.ServeAsync(0, 1, broker is null ? [] : [("AMQP_URL", broker.AbsoluteUri)]);
            }
            catch (InvalidOperationException) when (attempt < 20)
            {
                await Task.Delay(500);
            }
        }
    }

    /// <summary>A node, or what is on its way to be one.</summary>
    private sealed class Place
    {
        public ServerProcess? Node { get; set; }

        public required Task<ServerProcess> Change { get; set; }
    }
}
