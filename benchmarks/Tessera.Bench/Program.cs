using Tessera.Bench;

var options = Options.Of(args);
switch (args.FirstOrDefault(static a => !a.StartsWith('-')))
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
    case "import":
        return await ImportBench.RunAsync(options);
    case "codes":
        return await CodesBench.RunAsync(options);
    case "verify":
        return await VerifyBench.RunAsync(options);
    case "audit":
        return await AuditBench.RunAsync(options.Quick);
    case "quote":
        return await QuoteBench.RunAsync(options.Quick);
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
            "Usage: ./bench NAME [--quick] [--lanes=N] [--instances=N] [--minutes=N]; names: redeem, redeem-hot, "
                + "redeem-scale, redeem-memory, lookup, import, codes, verify, audit, quote, crash, fanout, expiry, nodes"
        );
        return 2;
}
