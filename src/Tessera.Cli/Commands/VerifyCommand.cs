using System.CommandLine;
using Tessera.Server.Audit;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera verify</c>: recomputes the promises and names the first fault of each.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var command = new Command(
            "verify",
            "Recompute chain, ledger, limits, windows and states; fails on the first fault."
        );
        command.SetAction(
            async (_, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                return await RunAsync(node.Settings.ConnectionString!, cancel);
            }
        );
        return command;
    }

    /// <summary>Prints each finding as it is known.</summary>
    /// <returns>0 when all holds, else 1.</returns>
    public static async Task<int> RunAsync(string connectionString, CancellationToken cancel)
    {
        await foreach (var finding in new Verification(connectionString).RunAsync(cancel))
        {
            if (finding.Fault is { } fault)
            {
                await Console.Out.WriteLineAsync($"FAULT  {finding.Name}: {fault}");
                return 1;
            }

            await Console.Out.WriteLineAsync($"holds  {finding.Name} ({finding.Count})");
        }

        await Console.Out.WriteLineAsync("verified");
        return 0;
    }
}
