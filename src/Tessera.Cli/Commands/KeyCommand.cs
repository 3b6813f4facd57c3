using System.CommandLine;
using Tessera.Server.Access;
using Tessera.Server.Platform;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera key</c>: makes an API key; it is shown once.</summary>
internal static class KeyCommand
{
    public static Command Create()
    {
        var name = new Option<string>("--name")
        {
            Description = "For people.",
            DefaultValueFactory = _ => "Administrator",
        };
        var permissions = new Option<string[]>("--permission")
        {
            Description = "What it may do; all of it unless given.",
            AllowMultipleArgumentsPerToken = true,
        };
        var merchant = new Option<Guid?>("--merchant") { Description = "Merchant it acts for." };
        var command = new Command("key", "Make an API key.") { name, permissions, merchant };
        command.SetAction(
            async (parsed, cancel) =>
            {
                var wanted = parsed.GetValue(permissions) is { Length: > 0 } some
                    ? some
                    : [.. Permissions.All.Order(StringComparer.Ordinal)];
                if (wanted.FirstOrDefault(p => !Permissions.All.Contains(p)) is { } unknown)
                {
                    await Console.Error.WriteLineAsync(
                        $"There is no permission {unknown}. There are: {string.Join(", ", Permissions.All.Order())}"
                    );
                    return 2;
                }

                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                await using var database = new Database(node.Settings.ConnectionString!);
                await using var work = await database.BeginAsync(cancel);
                var (_, key) = await ApiKeys.CreateAsync(
                    work,
                    new NewApiKey(parsed.GetValue(name)!, wanted, "job:cli", parsed.GetValue(merchant)),
                    "cli",
                    cancel
                );
                await work.CommitAsync(cancel);
                await Console.Out.WriteLineAsync(key);
                return 0;
            }
        );
        return command;
    }
}
