using System.CommandLine;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera config</c>: the settings in force, secrets masked.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        var command = new Command("config", "Print the settings in force, secrets masked.");
        command.SetAction(
            async (_, _) =>
            {
                foreach (var (name, value) in Node.Read().Describe())
                {
                    await Console.Out.WriteLineAsync($"{name}={value}");
                }

                return 0;
            }
        );
        return command;
    }
}
