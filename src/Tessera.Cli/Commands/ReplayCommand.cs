using System.CommandLine;
using Tessera.Server.Replay;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera replay</c>: runs real data through the real paths, in a database made for it (DEP-04).</summary>
internal static class ReplayCommand
{
    public static Command Create() =>
        new("replay", "Replay a data set in a simulation database and compare it with its published figures.")
        {
            Of("complete-journey", "2,102 coupon redemptions of a grocery chain.", CompleteJourneyReplay.RunAsync),
            Of("online-retail", "A year of orders of a gift shop.", OnlineRetailReplay.RunAsync),
        };

    private static Command Of(
        string name,
        string description,
        Func<string, string, CancellationToken, Task<Figures>> run
    )
    {
        var directory = new Argument<DirectoryInfo>("DIR") { Description = "Where the files of the data set are." };
        directory.AcceptExistingOnly();
        var command = new Command(name, description) { directory };
        command.SetAction(
            async (parsed, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                var figures = await run(node.Settings.ConnectionString!, parsed.GetValue(directory)!.FullName, cancel);
                await figures.WriteAsync(Console.Out);
                return figures.Differing == 0 ? 0 : 1;
            }
        );
        return command;
    }
}
