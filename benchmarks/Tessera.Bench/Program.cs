using Tessera.Bench;

var quick = args.Contains("--quick");
var name = args.FirstOrDefault(static a => !a.StartsWith('-'));
var lanes = args.FirstOrDefault(static a => a.StartsWith("--lanes=", StringComparison.Ordinal)) is { } given
    ? int.Parse(given["--lanes=".Length..], System.Globalization.CultureInfo.InvariantCulture)
    : 2;
switch (name)
{
    case "redeem":
        return await RedeemBench.RunAsync(quick, lanes);
    case "quote":
        return await QuoteBench.RunAsync(quick);
    case "import":
        return await ImportBench.RunAsync(quick);
    case "crash":
        return await CrashBench.RunAsync(quick);
    case "fanout":
        return await FanoutBench.RunAsync(quick);
    default:
        await Console.Error.WriteLineAsync(
            "Usage: ./bench NAME [--quick]; names: redeem, import, quote, crash, fanout"
        );
        return 2;
}
