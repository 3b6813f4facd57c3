using System.CommandLine;
using System.Globalization;
using Tessera.Server.Platform;
using Tessera.Server.Redemptions.Backtests;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera backtest</c>: runs a draft promotion over the stored orders of a period.</summary>
internal static class BacktestCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo?>("FILE")
        {
            Description = "What to run, in the form of POST /api/v1/backtests: the draft, the period, the floor.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var resume = new Option<Guid?>("--resume")
        {
            Description = "Go on with a back-test that was stopped; its id was printed when it began.",
        };
        var command = new Command("backtest", "Run a draft promotion over stored orders.") { file, resume };
        command.Validators.Add(result =>
        {
            if ((result.GetValue(file) is null) == (result.GetValue(resume) is null))
            {
                result.AddError("Either FILE or --resume has to be given.");
            }
        });
        command.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(file), parsed.GetValue(resume), cancel));
        return command;
    }

    /// <summary>Prints the id, the progress, and the figures as JSON.</summary>
    /// <returns>0 when it ended, 1 when it was stopped, 2 when it cannot begin.</returns>
    private static async Task<int> RunAsync(FileInfo? file, Guid? resume, CancellationToken cancel)
    {
        await using var node = await Node.OpenAsync(Node.Read(), cancel);
        await using var database = new Database(node.Settings.ConnectionString!);
        var operation = resume is { } id ? await Backtesting.TakeAsync(database, id, cancel) : null;
        if (file is not null)
        {
            byte[] body;
            try
            {
                body = await File.ReadAllBytesAsync(file.FullName, cancel);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"{file.Name} cannot be read: {error.Message}");
                return 2;
            }

            (operation, var refusal) = await Backtesting.CreateAsync(database, body, cancel);
            if (refusal is not null)
            {
                await Console.Error.WriteLineAsync(refusal.Message);
                foreach (var error in refusal.Errors ?? [])
                {
                    await Console.Error.WriteLineAsync($"  {error.Field}: {error.Message}");
                }

                return 2;
            }
        }

        if (operation is null)
        {
            await Console.Error.WriteLineAsync("There is no stopped back-test of this id.");
            return 2;
        }

        await Console.Out.WriteLineAsync($"backtest {operation.Id}");
        var total = operation.Total ?? 0;
        void Tell(long done) =>
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done} of {total} orders"));
        var result = await Backtesting.RunAsync(database, operation, Tell, cancel);
        await Console.Out.WriteLineAsync(result ?? "The back-test was paused, cancelled or taken over.");
        return result is null ? 1 : 0;
    }
}
