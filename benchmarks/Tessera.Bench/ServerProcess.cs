using System.Diagnostics;
using System.Globalization;

namespace Tessera.Bench;

/// <summary><c>tessera serve</c> as a process of its own.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const double PagesPerMegabyte = 256;

    private readonly Process _process;

    private ServerProcess(Process process, int port, string? key) => (_process, Port, Key) = (process, port, key);

    public int Port { get; }

    /// <summary>The administrator's key; null but for the first start.</summary>
    public string? Key { get; }

    /// <summary>Resident memory now, in megabytes.</summary>
    public double Megabytes =>
        double.Parse(File.ReadAllText($"/proc/{_process.Id}/statm").Split(' ')[1], CultureInfo.InvariantCulture)
        / PagesPerMegabyte;

    /// <summary>Processor time so far, in seconds.</summary>
    public double CpuSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="directory">Of its private PostgreSQL, where it has one.</param>
    /// <param name="port">Where it listens.</param>
    /// <param name="environment">Settings over those of this process.</param>
    public static async Task<ServerProcess> StartAsync(
        string directory,
        int port,
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo(Program()) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach (
            var argument in (string[])
                ["serve", "--port", port.ToString(CultureInfo.InvariantCulture), "--data", directory]
        )
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["TESSERA_DRAIN_SECONDS"] = "0";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException("tessera could not be started.");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => End(process);
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("Administrator key", StringComparison.Ordinal))
            {
                // What it says from now on is read and forgotten, so that it never waits for us.
                _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                var isFirst = line.Contains("tsk_", StringComparison.Ordinal);
                return new ServerProcess(process, port, isFirst ? line.Split(' ')[^1] : null);
            }
        }

        throw new InvalidOperationException("tessera ended before it was ready.");
    }

    /// <summary>Lets it have no processor time until it goes on, so that it does not disturb another measurement.</summary>
    public void Pause() => Signal("-STOP");

    /// <summary>Lets it go on.</summary>
    public void Continue() => Signal("-CONT");

    /// <summary>Waits until it has nothing left to do: what follows the log has caught up, and no transaction is open.</summary>
    public async Task IdleAsync()
    {
        const double share = 0.05;
        var step = TimeSpan.FromMilliseconds(300);
        for (var i = 0; i < 100; i++)
        {
            var before = CpuSeconds;
            await Task.Delay(step);
            if (CpuSeconds - before < share * step.TotalSeconds)
            {
                return;
            }
        }
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public async Task StopAsync()
    {
        Signal("-TERM");
        await _process.WaitForExitAsync();
    }

    /// <summary>Kills PostgreSQL and waits until another has been started in its place.</summary>
    public static async Task KillPostgresAsync(string directory)
    {
        var file = Path.Combine(directory, "postgres", "postmaster.pid");
        var id = ProcessIdIn(file);
        using var postgres = Process.GetProcessById(id!.Value);
        postgres.Kill();
        for (var i = 0; i < 2000 && (ProcessIdIn(file) ?? id) == id; i++)
        {
            await Task.Delay(10);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Continue();
            await StopAsync();
        }

        _process.Dispose();
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill();
        }
        catch (InvalidOperationException)
        {
            // It has ended, or was disposed after it did.
        }
    }

    private static int? ProcessIdIn(string file)
    {
        try
        {
            var first = File.ReadLines(file).FirstOrDefault();
            return int.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string Program()
    {
        for (var place = new DirectoryInfo(AppContext.BaseDirectory); place is not null; place = place.Parent)
        {
            var program = Path.Combine(place.FullName, "src/Tessera.Cli/bin/Release/net10.0/tessera");
            if (File.Exists(program))
            {
                return program;
            }
        }

        throw new InvalidOperationException("The tessera command has not been built.");
    }

    private void Signal(string signal)
    {
        using var kill = Process.Start("kill", [signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
