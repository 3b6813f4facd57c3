using System.CommandLine;
using System.Globalization;
using Tessera.Cli.Attack;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera attack</c>: tries to break one's own installation, in parallel and over HTTP.</summary>
internal static class AttackCommand
{
    private const int MaximumClients = 1000;

    public static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "Of the installation.",
            Required = true,
            CustomParser = static given =>
            {
                if (
                    Uri.TryCreate(given.Tokens[0].Value, UriKind.Absolute, out var uri)
                    && uri.Scheme is ("http" or "https")
                )
                {
                    return uri;
                }

                given.AddError("--url has to be an http or https address.");
                return null;
            },
        };
        var key = new Option<string>("--key") { Description = "An administrator's API key.", Required = true };
        var clients = new Option<int>("--clients") { Description = "At once.", DefaultValueFactory = static _ => 64 };
        clients.Validators.Add(static given =>
        {
            if (given.GetValueOrDefault<int>() is < 2 or > MaximumClients)
            {
                given.AddError($"--clients has to be from 2 to {MaximumClients}.");
            }
        });
        var command = new Command("attack", "Attack your own installation in parallel; fails on any breach.")
        {
            url,
            key,
            clients,
        };
        command.SetAction(
            async (parsed, _) =>
            {
                var count = parsed.GetValue(clients);
                using var client = new AttackClient(parsed.GetValue(url)!, parsed.GetValue(key)!, count * 2);
                return await RunAsync(new Attacks(client, count), Console.Out);
            }
        );
        return command;
    }

    /// <summary>Runs all attacks and prints a line for each.</summary>
    /// <returns>0 when nothing was broken, else 1.</returns>
    public static async Task<int> RunAsync(Attacks attacks, TextWriter to)
    {
        await to.WriteLineAsync($"{"attack", -36}{"attempts", 10}{"accepted", 10}{"allowed", 10}");
        var breaches = 0;
        foreach (var attack in attacks.All)
        {
            var result = await attack();
            breaches += result.IsBreach ? 1 : 0;
            await to.WriteLineAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{result.Name, -36}{result.Attempts, 10}{result.Accepted, 10}{result.Allowed, 10}  {Verdict(result)}"
                )
            );
        }

        await to.WriteLineAsync(breaches == 0 ? "nothing was broken" : $"{breaches} attacks broke through");
        return breaches == 0 ? 0 : 1;
    }

    private static string Verdict(AttackResult result) =>
        !result.IsBreach ? "held"
        : result.Breach is { } breach ? "BREACH: " + breach
        : "BREACH";
}
