using System.CommandLine;
using System.Globalization;
using Tessera.Server.Expiration;
using Tessera.Server.Platform;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera expire</c>: watches and steers the expiry pipeline (EXP-05, EXP-17).</summary>
internal static class ExpireCommand
{
    private const string Actor = "job:cli";

    public static Command Create()
    {
        var command = new Command("expire", "Watch and steer the expiry pipeline.");
        command.Add(Simple("status", "Backlog, speed, failures, SLA adherence and partners.", StatusAsync));
        command.Add(Mode("pause", "paused", "Stop enqueueing and working; no coupon is usable longer for it."));
        command.Add(Mode("resume", "running", "Let the pipeline run again."));
        command.Add(Mode("drain", "draining", "Work what is enqueued, and enqueue nothing new."));
        command.Add(Replay());
        command.Add(Priority());
        command.Add(LookAhead());
        return command;
    }

    private static Command Mode(string verb, string mode, string description) =>
        Simple(
            verb,
            description,
            async (pipeline, cancel) =>
            {
                await pipeline.SetModeAsync(mode, Actor, cancel);
                await Console.Out.WriteLineAsync(mode);
            }
        );

    private static Command Replay()
    {
        var from = new Option<DateTimeOffset>("--from") { Description = "First instant.", Required = true };
        var until = new Option<DateTimeOffset>("--until") { Description = "First instant after it.", Required = true };
        var command = new Command("replay", "Enqueue what was not, tell of what was missed, retry what failed.")
        {
            from,
            until,
        };
        command.SetAction(
            (parsed, cancel) =>
                RunAsync(
                    async (pipeline, stop) =>
                    {
                        var span = (From: parsed.GetValue(from), Until: parsed.GetValue(until));
                        var found = await pipeline.ReplayAsync(span.From, span.Until, Actor, stop);
                        await Console.Out.WriteLineAsync(
                            string.Create(
                                CultureInfo.InvariantCulture,
                                $"{found.Hours} hours enqueued, {found.Units} units told, {found.Retried} jobs retried"
                            )
                        );
                    },
                    cancel
                )
        );
        return command;
    }

    private static Command Priority()
    {
        var merchant = new Option<Guid>("--merchant") { Description = "Whose units.", Required = true };
        var priority = new Option<int>("--priority")
        {
            Description = "-1000 to 1000; higher goes first, 0 is ordinary.",
            Required = true,
        };
        var command = new Command("priority", "Let the units of a merchant go first, also in a backlog.")
        {
            merchant,
            priority,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(priority) is < -1000 or > 1000)
            {
                result.AddError("--priority has to be from -1000 to 1000.");
            }
        });
        command.SetAction(
            (parsed, cancel) =>
                RunAsync(
                    (pipeline, stop) =>
                        pipeline.PrioritiseAsync(parsed.GetValue(merchant), parsed.GetValue(priority), Actor, stop),
                    cancel
                )
        );
        return command;
    }

    private static Command LookAhead()
    {
        var hours = new Option<int>("--hours") { Description = "24 to 720.", Required = true };
        var command = new Command("look-ahead", "Set how far ahead hours of ends are enqueued.") { hours };
        command.Validators.Add(result =>
        {
            if (result.GetValue(hours) is < 24 or > 720)
            {
                result.AddError("--hours has to be from 24 to 720.");
            }
        });
        command.SetAction(
            (parsed, cancel) =>
                RunAsync((pipeline, stop) => pipeline.SetLookAheadAsync(parsed.GetValue(hours), Actor, stop), cancel)
        );
        return command;
    }

    private static Command Simple(string name, string description, Func<PipelineControl, CancellationToken, Task> run)
    {
        var command = new Command(name, description);
        command.SetAction((_, cancel) => RunAsync(run, cancel));
        return command;
    }

    private static async Task<int> RunAsync(
        Func<PipelineControl, CancellationToken, Task> run,
        CancellationToken cancel
    )
    {
        await using var node = await Node.OpenAsync(Node.Read(), cancel);
        await using var database = new Database(node.Settings.ConnectionString!);
        await run(new PipelineControl(database), cancel);
        return 0;
    }

    private static async Task StatusAsync(PipelineControl pipeline, CancellationToken cancel)
    {
        foreach (var (name, value) in await pipeline.StatusAsync(cancel))
        {
            await Console.Out.WriteLineAsync($"{name, -24} {value}");
        }
    }
}
