using System.CommandLine;
using Tessera.Server.Platform;
using Tessera.Server.Replay;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera replay</c>: runs real data through the real paths, in a database made for it (DEP-04).</summary>
internal static class ReplayCommand
{
    public static Command Create() =>
        new("replay", "Replay a data set in a simulation database and compare it with its published figures.")
        {
            Of(
                "complete-journey",
                "2,102 coupon redemptions of a grocery chain.",
                static (server, directory, cancel) => CompleteJourneyReplay.RunAsync(server, directory, cancel)
            ),
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
        var keep = new Option<bool>("--keep-orders")
        {
            Description =
                "Also store the orders in this node's own database, for back-tests; they count against no limit.",
        };
        if (name == OnlineRetailCarts.Source)
        {
            command.Options.Add(keep);
        }

        command.SetAction(
            async (parsed, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                if (name == OnlineRetailCarts.Source && parsed.GetValue(keep))
                {
                    await using var database = new Database(node.Settings.ConnectionString!);
                    var path = parsed.GetValue(directory)!.FullName;
                    var stored = await OnlineRetailCarts.StoreAsync(database, path, cancel);
                    await Console.Out.WriteLineAsync(
                        stored == 0 ? "The orders are stored already." : $"{stored} orders stored for back-tests."
                    );
                }

                var figures = await run(node.Settings.ConnectionString!, parsed.GetValue(directory)!.FullName, cancel);
                await figures.WriteAsync(Console.Out);
                return figures.Differing == 0 ? 0 : 1;
            }
        );
        return command;
    }
}
