using System.Diagnostics;
using System.Globalization;

namespace Tessera.Server.Tests.Support;

/// <summary>A node in a process of its own (<c>tessera serve</c>), which a test may stop or kill.</summary>
public sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process _process;

    private NodeProcess(Process process) => _process = process;

    /// <summary>Its process id, which its leases bear.</summary>
    public string Id => _process.Id.ToString(CultureInfo.InvariantCulture);

    /// <summary>Starts one on a free port.</summary>
    /// <param name="database">What it serves.</param>
    /// <param name="settings">More settings, by the names of their variables.</param>
    public static NodeProcess Start(TestDatabase database, params ReadOnlySpan<(string Name, string Value)> settings)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tessera"), ["serve", "--port", "0"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        start.Environment["TESSERA_DATABASE_URL"] = database.ConnectionString;
        start.Environment["TESSERA_ALLOW_UNSAFE_DURABILITY"] = "true";
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        return new NodeProcess(process);
    }

    /// <summary>SIGKILL: it has no moment to put anything right.</summary>
    public Task KillAsync()
    {
        _process.Kill();
        return Patience.ForAsync(_process.WaitForExitAsync(), "the end of a killed node");
    }

    /// <summary>Sends it another signal, such as <c>-STOP</c>.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [signal, Id]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }
}
