using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Tessera.Server;
using Tessera.Server.Access;
using Tessera.Server.Access.People;
using Tessera.Server.Demo;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Web;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera serve</c>: one node, until it is told to stop.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var port = new Option<int?>("--port") { Description = "Port of API and pages (PORT, 8080)." };
        var host = new Option<string?>("--host") { Description = "Address to listen on (TESSERA_HOST, 127.0.0.1)." };
        var data = new Option<string?>("--data")
        {
            Description = "Directory of the private PostgreSQL (TESSERA_DATA).",
        };
        var demo = new Option<bool>("--demo") { Description = "Load the demo world if the database is empty." };
        var command = new Command("serve", "Serve API and pages.") { port, host, data, demo };
        command.SetAction(
            (parsed, cancel) =>
                RunAsync(
                    Node.Read(settings =>
                        settings with
                        {
                            Port = parsed.GetValue(port) ?? settings.Port,
                            Host = parsed.GetValue(host) ?? settings.Host,
                            DataDirectory = parsed.GetValue(data) ?? settings.DataDirectory,
                        }
                    ),
                    parsed.GetValue(demo)
                )
        );
        return command;
    }

    private const string DemoAdministrator = "admin@tessera.example";

    private static async Task<int> RunAsync(Settings settings, bool withDemo)
    {
        var stopped = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stopped.TrySetResult(signal.Signal == PosixSignal.SIGTERM);
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        await using var node = await Node.OpenAsync(settings, CancellationToken.None);
        await using var app = TesseraHost.Build(
            node.Settings,
            builder => builder.Services.AddSingleton<IHostLifetime, SignalsOfOurOwn>()
        );
        if (withDemo)
        {
            var database = app.Services.GetRequiredService<Database>();
            await DemoWorld.LoadAsync(database, CancellationToken.None);
            await DemoHistory.LoadAsync(database, CancellationToken.None);
        }

        await app.StartAsync();
        await AnnounceAsync(app, withDemo, stopped.Task);

        // Convention 32: balancers learn first. Ctrl-C is a person at a terminal, who has none.
        var hasBalancer = await stopped.Task;
        app.Services.GetRequiredService<Readiness>().Stop();
        if (hasBalancer)
        {
            await Task.Delay(TimeSpan.FromSeconds(node.Settings.DrainSeconds));
        }

        await app.StopAsync();
        return 0;
    }

    /// <summary>Says where it is and, once the port is ours, who may come in for the first time.</summary>
    private static async Task AnnounceAsync(WebApplication app, bool withDemo, Task stopped)
    {
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        await Console.Out.WriteLineAsync($"Tessera is ready at {string.Join(", ", addresses)}");
        await Console.Out.WriteLineAsync($"Admin app: {addresses.First().TrimEnd('/')}{WebApp.Root}/");
        while (!stopped.IsCompleted)
        {
            try
            {
                await ShowKeysAsync(app, withDemo);
                return;
            }
            catch (NpgsqlException)
            {
                // Requests are answered already, with 503 while the database is away. It is not worth the node either.
                await Task.WhenAny(stopped, Task.Delay(TimeSpan.FromMilliseconds(250)));
            }
        }
    }

    private static async Task ShowKeysAsync(WebApplication app, bool withDemo)
    {
        var key = await ApiKeys.BootstrapAsync(app.Services.GetRequiredService<Database>(), CancellationToken.None);
        await Console.Out.WriteLineAsync(
            key is null
                ? "Administrator key: shown at the first start; `tessera key` makes another."
                : $"Administrator key (shown once): {key}"
        );
        if (withDemo)
        {
            var password = await Invitations.BootstrapAsync(
                app.Services.GetRequiredService<Database>(),
                app.Services.GetRequiredService<Passwords>(),
                DemoAdministrator,
                CancellationToken.None
            );
            await Console.Out.WriteLineAsync(
                password is null
                    ? "Administrator: shown at the first start; `tessera person` invites another."
                    : $"Administrator (shown once): {DemoAdministrator} with the password {password}"
            );
        }
    }

    /// <summary>The framework must not stop by itself on a signal.</summary>
    private sealed class SignalsOfOurOwn : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
