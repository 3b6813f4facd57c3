using System.CommandLine;
using Tessera.Server.Platform;
using Tessera.Server.Promotions;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera receipt ID</c>: says why a price came out as it did; with <c>--replay</c> computes it again.</summary>
internal static class ReceiptCommand
{
    public static Command Create()
    {
        var id = new Argument<Guid>("ID")
        {
            Description = "Of the receipt, or of the reservation, redemption or refusal it explains.",
        };
        var replay = new Option<bool>("--replay")
        {
            Description = "Computes it again from its input and the versions it names; fails when anything differs.",
        };
        var language = new Option<string>("--lang")
        {
            Description = "en or de.",
            DefaultValueFactory = static _ => "en",
        };
        language.AcceptOnlyFromAmong("en", "de");
        var command = new Command("receipt", "Say why a price, a redemption or a refusal came out as it did.")
        {
            id,
            replay,
            language,
        };
        command.SetAction(
            async (parsed, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                await using var database = new Database(node.Settings.ConnectionString!);
                return await RunAsync(
                    database,
                    parsed.GetRequiredValue(id),
                    parsed.GetValue(language) == "de",
                    parsed.GetValue(replay),
                    cancel
                );
            }
        );
        return command;
    }

    /// <summary>Prints the sentences, and what became of the replay.</summary>
    /// <returns>0 when it is there and comes out the same, 1 when it differs, 2 when there is none.</returns>
    public static async Task<int> RunAsync(
        Database database,
        Guid id,
        bool german,
        bool replay,
        CancellationToken cancel
    )
    {
        if (await Receipts.TellAsync(database, id, german, replay, cancel) is not { } told)
        {
            await Console.Error.WriteLineAsync($"There is no receipt {id}.");
            return 2;
        }

        foreach (var sentence in told.Sentences)
        {
            await Console.Out.WriteLineAsync(sentence);
        }

        if (!replay)
        {
            return 0;
        }

        if (told.Difference is { } difference)
        {
            var excuse = told.IsWhole ? "" : " (the search for the best combination had been cut short)";
            await Console.Out.WriteLineAsync($"DIFFERS  {difference}{excuse}");
            return 1;
        }

        await Console.Out.WriteLineAsync("replayed: the same");
        return 0;
    }
}
