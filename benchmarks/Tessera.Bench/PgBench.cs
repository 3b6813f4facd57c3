using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Tessera.Bench;

/// <summary>Drives a baseline with PostgreSQL's own load generator.</summary>
internal static partial class PgBench
{
    /// <summary>Runs a script.</summary>
    /// <param name="ground">Where.</param>
    /// <param name="script">SQL with pgbench's variables.</param>
    /// <param name="clients">Connections at once.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="from">The variable <c>base</c>: the code before the first that it may use.</param>
    /// <returns>Transactions a second, and the mean latency in milliseconds.</returns>
    public static async Task<(double PerSecond, double LatencyMs)> RunAsync(
        Ground ground,
        string script,
        int clients,
        int seconds,
        int from
    )
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, script);
        try
        {
            var start = new ProcessStartInfo("pgbench")
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            };
            string[] arguments =
            [
                "-n",
                "-M",
                "prepared",
                "-h",
                ground.Host,
                "-U",
                "tessera",
                "-f",
                file,
                "-c",
                clients.ToString(CultureInfo.InvariantCulture),
                "-j",
                "2",
                "-T",
                seconds.ToString(CultureInfo.InvariantCulture),
                "-D",
                "n=0",
                "-D",
                "base=" + from.ToString(CultureInfo.InvariantCulture),
                ground.Name,
            ];
            // Plans are kept, as ours are: to plan anew for every partition would cost more than the work.
            start.Environment["PGOPTIONS"] = "-c plan_cache_mode=force_generic_plan -c jit=off";
            foreach (var argument in arguments)
            {
                start.ArgumentList.Add(argument);
            }

            using var process =
                Process.Start(start) ?? throw new InvalidOperationException("pgbench is not installed.");
            var error = process.StandardError.ReadToEndAsync();
            var output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            var rate = Rate().Match(output);
            if (!rate.Success || process.ExitCode != 0)
            {
                throw new InvalidOperationException("pgbench failed: " + output + await error);
            }

            return (
                double.Parse(rate.Groups["value"].Value, CultureInfo.InvariantCulture),
                double.Parse(Latency().Match(output).Groups["value"].Value, CultureInfo.InvariantCulture)
            );
        }
        finally
        {
            File.Delete(file);
        }
    }

    [GeneratedRegex(@"tps = (?<value>[0-9.]+)", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Rate();

    [GeneratedRegex(
        @"latency average = (?<value>[0-9.]+)",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture
    )]
    private static partial Regex Latency();
}
