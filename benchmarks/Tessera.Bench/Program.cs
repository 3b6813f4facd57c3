using Tessera.Bench;

var options = Options.Of(args);
if (options.Wrong is { } wrong)
{
    await Console.Error.WriteLineAsync($"What is {wrong}?");
}

var name = options.Wrong is null ? options.Name : null;
if (name is not null)
{
    Figures.Say($"{name}");
}

switch (name)
{
    case "redeem":
        return await RedeemBench.RunAsync(options);
    case "redeem-hot":
        return await RedeemHotBench.RunAsync(options);
    case "redeem-scale":
        return await RedeemBench.ScaleAsync(options);
    case "redeem-memory":
        return await RedeemBench.MemoryAsync(options);
    case "lookup":
        return await LookupBench.RunAsync(options);
    case "list":
        return await ListBench.RunAsync(options);
    case "import":
        return await ImportBench.RunAsync(options);
    case "codes":
        return await CodesBench.RunAsync(options);
    case "verify":
        return await VerifyBench.RunAsync(options);
    case "audit":
        return await AuditBench.RunAsync(options.Quick);
    case "history":
        return await AuditBench.HistoryAsync(options);
    case "quote":
        return await QuoteBench.RunAsync(options.Quick);
    case "engine":
        return EngineBench.Run(options.Quick);
    case "crash":
        return await CrashBench.RunAsync(options);
    case "expiry":
        return await ExpiryBench.RunAsync(options.Quick);
    case "nodes":
        return await NodesBench.RunAsync(options.Quick);
    case "fanout":
        return await FanoutBench.RunAsync(options.Quick);
    default:
        await Console.Error.WriteLineAsync(
            "Usage: ./bench NAME [--quick] [--lanes=N] [--instances=N] [--entries=N] [--minutes=N] [--keep=DIRECTORY]; names: redeem, redeem-hot, "
                + "redeem-scale, redeem-memory, lookup, list, import, codes, verify, audit, history, quote, engine, crash, fanout, expiry, nodes"
        );
        return args.Length > 0 && options is { Name: null, Wrong: null } ? 0 : 2;
}
