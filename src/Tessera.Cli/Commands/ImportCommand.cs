using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera import</c>: coupons out of a CSV or XLSX file (BLK-02).</summary>
internal static class ImportCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo?>("FILE")
        {
            Description = "A .csv or .xlsx whose first row names its columns.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var skip = new Option<bool>("--skip-duplicates") { Description = "Leave out rows whose code exists." };
        var update = new Option<bool>("--update-existing") { Description = "Change the coupons whose code exists." };
        var activate = new Option<bool>("--activate") { Description = "Switch the coupons on." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Write nothing but the errors." };
        var errors = new Option<FileInfo?>("--errors") { Description = "Where the error file goes." };
        var merchant = new Option<Guid?>("--merchant") { Description = "Merchant whose coupons they are." };
        var resume = new Option<Guid?>("--resume") { Description = "Go on with an import that was stopped." };
        var command = new Command("import", "Import coupons from a file.")
        {
            file,
            skip,
            update,
            activate,
            dryRun,
            errors,
            merchant,
            resume,
        };
        command.Validators.Add(result =>
        {
            if ((result.GetValue(file) is null) == (result.GetValue(resume) is null))
            {
                result.AddError("Either FILE or --resume has to be given.");
            }

            if (result.GetValue(skip) && result.GetValue(update))
            {
                result.AddError("Duplicates are either skipped or updated.");
            }
        });
        command.SetAction(
            async (parsed, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                await using var database = new Database(node.Settings.ConnectionString!, node.Settings.UndoDays);
                var options = new ImportOptions(
                    parsed.GetValue(skip),
                    parsed.GetValue(update),
                    parsed.GetValue(activate),
                    DryRun: parsed.GetValue(dryRun)
                );
                var actor = new CatalogueActor("job:cli", "cli", parsed.GetValue(merchant));
                try
                {
                    var operation = parsed.GetValue(resume) is { } id
                        ? await OperationStore.TakeAsync(database, ImportOperation.Kind, id, cancel)
                        : await BeginAsync(database, parsed.GetValue(file)!, options, actor, cancel);
                    if (operation is not null)
                    {
                        return await RunAsync(database, operation, parsed.GetValue(errors), cancel);
                    }

                    await Console.Error.WriteLineAsync(
                        "There is no such import to go on with, or another process ran it until a minute ago."
                    );
                    return 1;
                }
                catch (UnreadableFileException error)
                {
                    await Console.Error.WriteLineAsync(error.Message);
                    return 1;
                }
            }
        );
        return command;
    }

    private static async Task<Operation> BeginAsync(
        Database database,
        FileInfo path,
        ImportOptions options,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        await using var file = path.OpenRead();
        await using var work = await database.BeginAsync(cancel);
        var operation = await ImportOperation.CreateAsync(work, path.Name, file, options, actor, leased: true, cancel);
        await work.CommitAsync(cancel);
        return operation;
    }

    private static async Task<int> RunAsync(
        Database database,
        Operation operation,
        FileInfo? errors,
        CancellationToken cancel
    )
    {
        await Console.Out.WriteLineAsync($"operation {operation.Id}");
        var clock = Stopwatch.StartNew();
        var shown = operation.Done;
        void Tell(long done)
        {
            if (done - shown >= 100_000)
            {
                shown = done;
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done} of {operation.Total}"));
            }
        }

        if (!await ImportOperation.RunAsync(database, operation, Tell, cancel))
        {
            await Console.Error.WriteLineAsync("The import was paused, cancelled or taken over.");
            return 1;
        }

        await using var work = await database.BeginAsync(cancel);
        var ended = (await OperationStore.FindAsync(work, operation.Id, null, cancel))!;
        if (errors is not null)
        {
            await using var to = errors.Create();
            await OperationErrors.WriteAsync(work, operation.Id, to, cancel);
        }

        var perSecond = (ended.Done - operation.Done) / clock.Elapsed.TotalSeconds;
        await Console.Out.WriteLineAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{ended.Status}: {ended.Done} rows, {ended.Result} ({perSecond:F0} a second)"
            )
        );
        return ended is { Status: "succeeded", ErrorCount: 0 } ? 0 : 1;
    }
}
