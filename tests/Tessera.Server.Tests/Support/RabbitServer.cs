using System.Diagnostics;
using System.Globalization;
using RabbitMQ.Client;

namespace Tessera.Server.Tests.Support;

/// <summary>A real RabbitMQ of the test's own: node name, ports and files are its own, and nothing stays behind.</summary>
public sealed class RabbitServer : IAsyncDisposable
{
    private const string Script = "/usr/lib/rabbitmq/bin/rabbitmq-server";

    private readonly string _directory;
    private readonly Dictionary<string, string> _environment = [];
    private readonly List<Process> _processes = [];

    private RabbitServer(string directory, int port)
    {
        _directory = directory;
        Address = new Uri($"amqp://guest:guest@127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}");
    }

    /// <summary>Whether this machine has one.</summary>
    public static bool IsInstalled => File.Exists(Script);

    public Uri Address { get; }

    public static async Task<RabbitServer> StartAsync()
    {
        if (!IsInstalled)
        {
            throw new InvalidOperationException("There is no RabbitMQ: ./test installs Debian's rabbitmq-server.");
        }

        var directory = Directory.CreateTempSubdirectory("tessera-rabbit-").FullName;
        var (port, dist, epmd) = (Ports.Free(), Ports.Free(), Ports.Free());
        var server = new RabbitServer(directory, port);
        string In(string name) => Path.Combine(directory, name);
        await File.WriteAllTextAsync(In("plugins"), "[].");
        await File.WriteAllTextAsync(In("rabbit.conf"), "log.console.level = error\n");
        foreach (
            var (name, value) in (ReadOnlySpan<(string, string)>)
                [
                    ("HOME", directory),
                    ("ERL_EPMD_PORT", epmd.ToString(CultureInfo.InvariantCulture)),
                    ("ERL_EPMD_ADDRESS", "127.0.0.1"),
                    ("RABBITMQ_NODENAME", "tessera" + port + "@localhost"),
                    ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1"),
                    ("RABBITMQ_NODE_PORT", port.ToString(CultureInfo.InvariantCulture)),
                    ("RABBITMQ_DIST_PORT", dist.ToString(CultureInfo.InvariantCulture)),
                    ("RABBITMQ_MNESIA_BASE", In("mnesia")),
                    ("RABBITMQ_LOG_BASE", In("log")),
                    ("RABBITMQ_CONFIG_FILE", In("rabbit.conf")),
                    ("RABBITMQ_ENABLED_PLUGINS_FILE", In("plugins")),
                    ("RABBITMQ_GENERATED_CONFIG_DIR", In("config")),
                    ("RABBITMQ_PID_FILE", In("pid")),
                ]
        )
        {
            server._environment[name] = value;
        }

        try
        {
            server.Start("epmd");
            server.Start(Script);
            await server.ReadyAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kills the broker and starts it again on the same files.</summary>
    public async Task KillAsync()
    {
        var broker = _processes[^1];
        broker.Kill(entireProcessTree: true);
        await broker.WaitForExitAsync();
        broker.Dispose();
        _processes.RemoveAt(_processes.Count - 1);
        Start(Script);
        await ReadyAsync();
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = _processes.Count - 1; i >= 0; i--)
        {
            _processes[i].Kill(entireProcessTree: true);
            await _processes[i].WaitForExitAsync();
            _processes[i].Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private void Start(string program)
    {
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = _directory,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in _environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);
    }

    private async Task ReadyAsync()
    {
        var factory = new ConnectionFactory { Uri = Address };
        for (var i = 0; ; i++)
        {
            try
            {
                await using var connection = await factory.CreateConnectionAsync();
                return;
            }
            catch (RabbitMQ.Client.Exceptions.BrokerUnreachableException) when (i < 240)
            {
                await Task.Delay(500);
            }
        }
    }
}
