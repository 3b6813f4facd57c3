using System.CommandLine;
using Tessera.Server;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera openapi</c>: the description of the API, from which the web app's client is generated.</summary>
internal static class OpenApiCommand
{
    public static Command Create()
    {
        var command = new Command("openapi", "Print the description of the API (OpenAPI 3.1).");
        command.SetAction(
            async (_, cancel) =>
            {
                await using var output = Console.OpenStandardOutput();
                await output.WriteAsync(await TesseraHost.DescribeAsync(), cancel);
                return 0;
            }
        );
        return command;
    }
}
