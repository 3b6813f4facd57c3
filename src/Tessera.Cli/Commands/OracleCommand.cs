using System.CommandLine;
using System.Text.Json;
using Tessera.Core.Promotions.Oracle;
using Tessera.Server.Replay;

namespace Tessera.Cli.Commands;

/// <summary>
/// <c>tessera oracle FILE</c>: runs a file of promotion cases and says which do not come out as written. With
/// <c>--path redemption</c> each cart is redeemed in a simulation database, after its history.
/// </summary>
internal static class OracleCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "A file of cases, see samples/promotions." };
        var path = new Option<string>("--path")
        {
            Description = "engine computes each price; redemption redeems each cart in a simulation database.",
            DefaultValueFactory = static _ => "engine",
        };
        path.AcceptOnlyFromAmong("engine", "redemption");
        var command = new Command("oracle", "Run a file of promotion cases.") { file, path };
        command.SetAction(
            (parsed, cancel) => RunAsync(parsed.GetRequiredValue(file), parsed.GetValue(path) == "redemption", cancel)
        );
        return command;
    }

    /// <summary>Prints each case that fails or is skipped, then the counts.</summary>
    /// <returns>0 when none failed, 1 when some did, 2 when the file cannot be read.</returns>
    public static async Task<int> RunAsync(FileInfo file, bool redeems, CancellationToken cancel)
    {
        JsonDocument document;
        try
        {
            await using var stream = file.OpenRead();
            document = await JsonDocument.ParseAsync(stream, cancellationToken: cancel);
        }
        catch (Exception error) when (error is IOException or JsonException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"{file.Name} cannot be read: {error.Message}");
            return 2;
        }

        using (document)
        {
            var root = document.RootElement;
            if (
                root.ValueKind != JsonValueKind.Array
                && (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("cases", out _))
            )
            {
                await Console.Error.WriteLineAsync($"{file.Name} has no cases.");
                return 2;
            }

            var counts = new int[3];
            await foreach (
                var finding in redeems ? RedeemedAsync(root, cancel) : OracleRun.All(root).ToAsyncEnumerable()
            )
            {
                counts[(int)finding.Outcome]++;
                if (finding.Outcome != OracleOutcome.Passed)
                {
                    var word = finding.Outcome == OracleOutcome.Failed ? "FAIL" : "SKIP";
                    await Console.Out.WriteLineAsync($"{word}  {finding.Id}  {finding.Detail}");
                }
            }

            await Console.Out.WriteLineAsync($"{counts[0]} passed, {counts[1]} failed, {counts[2]} skipped");
            return counts[1] == 0 ? 0 : 1;
        }
    }

    private static async IAsyncEnumerable<OracleFinding> RedeemedAsync(
        JsonElement root,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel
    )
    {
        await using var node = await Node.OpenAsync(Node.Read(), cancel);
        await using var replay = await OracleReplay.StartAsync(node.Settings.ConnectionString!, cancel);
        await foreach (var finding in replay.AllAsync(root, cancel))
        {
            yield return finding;
        }
    }
}
