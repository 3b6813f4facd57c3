using System.CommandLine;
using Tessera.Cli.Commands;
using Tessera.Server;

var root = new RootCommand("Tessera: coupons and promotions, self-hosted.")
{
    ServeCommand.Create(),
    MigrateCommand.Create(),
    ConfigCommand.Create(),
    OpenApiCommand.Create(),
    AttackCommand.Create(),
    KeyCommand.Create(),
    PersonCommand.Create(),
    ImportCommand.Create(),
    GenerateCommand.Create(),
    ExpireCommand.Create(),
    VerifyCommand.Create(),
    OracleCommand.Create(),
    ReceiptCommand.Create(),
    BacktestCommand.Create(),
    ReplayCommand.Create(),
    DemoCommand.Create(),
};

try
{
    var configuration = new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = null,
    };
    return await root.Parse(args).InvokeAsync(configuration);
}
catch (SettingException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 2;
}
catch (Exception error)
    when (error
            is InvalidOperationException
                or Npgsql.NpgsqlException
                or IOException
                or UnauthorizedAccessException
                or HttpRequestException
                or TimeoutException
    )
{
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
