using System.CommandLine;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Platform;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera person</c>: invites a member of the staff; the token is shown once.</summary>
internal static class PersonCommand
{
    public static Command Create()
    {
        var email = new Option<string>("--email") { Description = "Address to sign in with.", Required = true };
        var name = new Option<string>("--name")
        {
            Description = "For people.",
            DefaultValueFactory = _ => "Administrator",
        };
        var role = new Option<string>("--role")
        {
            Description = "A ready-made role of the staff.",
            DefaultValueFactory = _ => ReadyRoles.Administrator,
        };
        var command = new Command("person", "Invite a member of the staff.") { email, name, role };
        command.SetAction(
            async (parsed, cancel) =>
            {
                var wanted = parsed.GetValue(role)!;
                if (!ReadyRoles.All.TryGetValue(wanted, out var ready) || ready.Realm != Realms.Staff)
                {
                    var roles = ReadyRoles
                        .All.Values.Where(static r => r.Realm == Realms.Staff)
                        .Select(static r => r.Id);
                    await Console.Error.WriteLineAsync(
                        $"There is no role {wanted}. There are: {string.Join(", ", roles.Order())}"
                    );
                    return 2;
                }

                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                await using var database = new Database(node.Settings.ConnectionString!);
                var token = await Invitations.InviteStaffAsync(
                    database,
                    parsed.GetValue(email)!,
                    parsed.GetValue(name)!,
                    wanted,
                    cancel
                );
                if (token is null)
                {
                    await Console.Error.WriteLineAsync("There is a member of the staff with this address.");
                    return 1;
                }

                await Console.Out.WriteLineAsync(token);
                return 0;
            }
        );
        return command;
    }
}
