using System.CommandLine;
using System.Text.Json;
using Tessera.Core.Promotions.Oracle;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera oracle FILE</c>: runs a file of promotion cases and says which do not come out as written.</summary>
internal static class OracleCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "A file of cases, see samples/promotions." };
        var command = new Command("oracle", "Run a file of promotion cases on the engine.") { file };
        command.SetAction((parsed, cancel) => RunAsync(parsed.GetRequiredValue(file), cancel));
        return command;
    }

    /// <summary>Prints each case that fails or is skipped, then the counts.</summary>
    /// <returns>0 when none failed, 1 when some did, 2 when the file cannot be read.</returns>
    public static async Task<int> RunAsync(FileInfo file, CancellationToken cancel)
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
            foreach (var finding in OracleRun.All(root))
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
}
