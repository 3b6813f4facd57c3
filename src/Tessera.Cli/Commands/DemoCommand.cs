using System.CommandLine;
using Tessera.Server.Demo;
using Tessera.Server.Platform;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera demo</c>: loads the demo world into a database that is still empty.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var command = new Command("demo", "Load a small demo world into an empty database.");
        command.SetAction(
            async (_, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                await using var database = new Database(node.Settings.ConnectionString!);
                var isNew = await DemoWorld.LoadAsync(database, cancel);
                await DemoHistory.LoadAsync(database, cancel);
                await Console.Out.WriteLineAsync(
                    isNew ? "The demo world is loaded." : "There are merchants or coupons already; nothing was changed."
                );
                return 0;
            }
        );
        return command;
    }
}
