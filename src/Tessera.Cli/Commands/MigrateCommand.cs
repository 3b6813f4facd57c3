using System.CommandLine;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera migrate</c>: brings the database to this release's schema.</summary>
internal static class MigrateCommand
{
    public static Command Create()
    {
        var command = new Command("migrate", "Bring the database to the schema of this release.");
        command.SetAction(
            async (_, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                await Console.Out.WriteLineAsync("The schema is up to date.");
                return 0;
            }
        );
        return command;
    }
}
