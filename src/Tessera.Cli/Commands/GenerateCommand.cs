using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Tessera.Core.Codes;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Cli.Commands;

/// <summary><c>tessera generate</c>: issues any number of units with secret codes below one coupon, into a file.</summary>
internal static class GenerateCommand
{
    private static readonly CatalogueActor Actor = new("job:cli", "cli");

    public static Command Create()
    {
        var coupon = new Option<string?>("--coupon") { Description = "Id or code of a coupon with unique codes." };
        var count = new Option<long?>("--count") { Description = "How many codes; one unless given." };
        var prefix = new Option<string>("--prefix")
        {
            Description = "In front of each code, at most 8 characters.",
            DefaultValueFactory = _ => "",
        };
        var output = new Option<FileInfo>("--out") { Description = "The file: one code a line.", Required = true };
        var resume = new Option<Guid?>("--resume")
        {
            Description = "Go on with an operation that was stopped; its id was printed when it began.",
        };
        var command = new Command("generate", "Generate codes for one coupon into a file.")
        {
            coupon,
            count,
            prefix,
            output,
            resume,
        };
        command.Validators.Add(result =>
        {
            if ((result.GetValue(coupon) is null) == (result.GetValue(resume) is null))
            {
                result.AddError("Either --coupon or --resume has to be given.");
            }

            if (result.GetValue(count) is < 1 or > CodeGeneration.MaximumCount)
            {
                result.AddError($"--count has to be from 1 to {CodeGeneration.MaximumCount}.");
            }

            if (result.GetValue(prefix) is { Length: > 0 } text && !IsPrefix(text, out _))
            {
                result.AddError("--prefix has at most 8 letters, digits, hyphens and underscores.");
            }
        });
        command.SetAction(
            async (parsed, cancel) =>
            {
                await using var node = await Node.OpenAsync(Node.Read(), cancel);
                await using var database = new Database(node.Settings.ConnectionString!, node.Settings.UndoDays);
                IsPrefix(parsed.GetValue(prefix)!, out var normal);
                var operation = parsed.GetValue(resume) is { } id
                    ? await TakeAsync(database, id, cancel)
                    : await BeginAsync(database, parsed.GetValue(coupon)!, parsed.GetValue(count) ?? 1, normal, cancel);
                return operation is null
                    ? 1
                    : await RunAsync(database, operation, parsed.GetValue(output)!.FullName, cancel);
            }
        );
        return command;
    }

    private static bool IsPrefix(string text, out string prefix)
    {
        prefix = "";
        return text.Length == 0 || (CouponCode.TryNormalise(text, out prefix) && prefix.Length <= 8);
    }

    private static async Task<Operation?> BeginAsync(
        Database database,
        string coupon,
        long count,
        string prefix,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        var (id, refusal) = await CodeOperation.FindCouponAsync(work, coupon, cancel);
        if (refusal is not null)
        {
            await Console.Error.WriteLineAsync(refusal.Message);
            return null;
        }

        var operation = await CodeOperation.CreateAsync(work, id, count, prefix, Actor, leased: true, cancel);
        await work.CommitAsync(cancel);
        return operation;
    }

    private static async Task<Operation?> TakeAsync(Database database, Guid id, CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, CodeOperation.Kind, id, cancel) is { } taken)
        {
            return taken;
        }

        await using var work = await database.BeginAsync(cancel);
        var known = await OperationStore.FindAsync(work, id, null, cancel);
        if (known is { Status: "succeeded", Kind: CodeOperation.Kind })
        {
            return known;
        }

        await Console.Error.WriteLineAsync(
            known is null ? "There is no operation of this id."
            : known.Status == "running" ? "This operation is run by another process, or was until a minute ago."
            : $"This operation is {known.Status}."
        );
        return null;
    }

    private static async Task<int> RunAsync(
        Database database,
        Operation operation,
        string path,
        CancellationToken cancel
    )
    {
        await Console.Out.WriteLineAsync($"operation {operation.Id}");
        var clock = Stopwatch.StartNew();
        var before = operation.Done;
        var total = operation.Total ?? 0;
        if (!operation.IsOver)
        {
            void Tell(long done) =>
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done} of {total}"));
            if (!await CodeOperation.RunAsync(database, operation, Tell, cancel))
            {
                await Console.Error.WriteLineAsync("The operation was paused, cancelled or taken over.");
                return 1;
            }

            await using var work = await database.BeginAsync(cancel);
            var ended = await OperationStore.FindAsync(work, operation.Id, null, cancel);
            if (ended!.Status != "succeeded")
            {
                await Console.Error.WriteLineAsync($"The operation {ended.Status}: {ended.Result}");
                return 1;
            }
        }

        var perSecond = (total - before) / clock.Elapsed.TotalSeconds;

        // The file has its name only when it is whole.
        var part = path + ".part";
        await using (var file = File.Create(part))
        {
            await OperationStore.CopyChunksAsync(database, operation.Id, CodeOperation.Output, file, cancel);
        }

        File.Move(part, path, overwrite: true);
        await Console.Out.WriteLineAsync(
            string.Create(CultureInfo.InvariantCulture, $"{total} codes in {path} ({perSecond:F0} a second)")
        );
        return 0;
    }
}
