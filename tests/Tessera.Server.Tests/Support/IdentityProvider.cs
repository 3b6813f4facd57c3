using System.Diagnostics;

namespace Tessera.Server.Tests.Support;

/// <summary>An identity provider of tests/identity-provider, as a process of its own.</summary>
public sealed class IdentityProvider : IDisposable
{
    private readonly Process _process;
    private bool _isGone;

    private IdentityProvider(Process process) => _process = process;

    /// <summary>Starts a script and waits until it listens.</summary>
    public static async Task<IdentityProvider> StartAsync(string script, params string[] arguments)
    {
        var place = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(place.FullName, "Tessera.slnx")))
        {
            place = place.Parent!;
        }

        var folder = Path.Combine(place.FullName, "tests", "identity-provider");
        if (!Directory.Exists(Path.Combine(folder, "node_modules", "samlp")))
        {
            using var install = Process.Start(
                new ProcessStartInfo("npm", "ci --ignore-scripts --no-audit --no-fund --loglevel=error")
                {
                    WorkingDirectory = folder,
                }
            )!;
            await install.WaitForExitAsync();
        }

        var process = Process.Start(
            new ProcessStartInfo("node", [script, .. arguments])
            {
                WorkingDirectory = folder,
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            }
        )!;
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        var last = await Patience.ForAsync(
            async within =>
            {
                string? line;
                do
                {
                    line = await process.StandardOutput.ReadLineAsync(within);
                } while (line is not null and not "ready");
                return line;
            },
            "an identity provider"
        );
        return last is not null
            ? new IdentityProvider(process)
            : throw new InvalidOperationException("The identity provider did not start.");
    }

    /// <summary>Stops it; a test may have done so before.</summary>
    public void Dispose()
    {
        if (!_isGone)
        {
            _isGone = true;
            _process.Kill();
            _process.WaitForExit();
            _process.Dispose();
        }
    }
}
