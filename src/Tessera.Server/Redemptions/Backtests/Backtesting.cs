using System.Text;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;
using Job = Tessera.Server.Platform.Jobs.Operation;

namespace Tessera.Server.Redemptions.Backtests;

/// <summary>Back-tests that a command runs itself, to their end.</summary>
public static class Backtesting
{
    /// <summary>Reads what is asked for, in the form of <c>POST /api/v1/backtests</c>, and stores the operation.</summary>
    /// <param name="database">Where the orders are.</param>
    /// <param name="body">JSON.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>The operation, held by the caller; or what is wrong.</returns>
    public static async Task<(Job? Operation, Refusal? Refusal)> CreateAsync(
        Database database,
        ReadOnlyMemory<byte> body,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(database);
        var (parsed, refusal) = RequestBody.Parse(body);
        if (refusal is not null)
        {
            return (null, refusal);
        }

        var fields = Fields.Of(parsed!);
        await using var work = await database.BeginAsync(cancel);
        var wanted = await BacktestEndpoints.ReadAsync(work, fields, null, cancel);
        if (fields.Finish() is { } wrong)
        {
            return (null, wrong);
        }

        var operation = await BacktestOperation.CreateAsync(work, wanted!, "job:cli", leased: true, cancel);
        await work.CommitAsync(cancel);
        return (operation, null);
    }

    /// <summary>Takes an operation that was stopped.</summary>
    public static Task<Job?> TakeAsync(Database database, Guid id, CancellationToken cancel) =>
        OperationStore.TakeAsync(database, BacktestOperation.Kind, id, cancel);

    /// <summary>Runs an operation that the caller holds.</summary>
    /// <param name="database">Where.</param>
    /// <param name="operation">As created or taken.</param>
    /// <param name="progress">Told the orders done.</param>
    /// <param name="cancel">Stops after the batch that runs.</param>
    /// <returns>The figures as JSON; null when it was paused, cancelled or taken over.</returns>
    public static async Task<string?> RunAsync(
        Database database,
        Job operation,
        Action<long>? progress,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(operation);
        return await BacktestOperation.RunAsync(database, operation, progress, cancel)
            ? (await FindAsync(database, operation.Id, cancel)).Result
            : null;
    }

    /// <summary>Runs a draft over all orders of a source.</summary>
    /// <param name="database">Where the orders are.</param>
    /// <param name="definition">The draft, in the wire format of promotions, in pounds.</param>
    /// <param name="source">The name of the data.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="until">Only orders before this instant.</param>
    public static async Task<(long Takers, long Minor)> RunAsync(
        Database database,
        string definition,
        string source,
        CancellationToken cancel,
        string until = "2100-01-01T00:00:00Z"
    )
    {
        var body =
            $$"""{"promotion": {{definition}}, "currency": "GBP", "source": "{{source}}", "from": "2000-01-01T00:00:00Z", "until": "{{until}}"}""";
        var (operation, refusal) = await CreateAsync(database, Encoding.UTF8.GetBytes(body), cancel);
        if (refusal is not null)
        {
            throw new InvalidOperationException(refusal.Message + " " + refusal.Errors?[0].Message);
        }

        await RunAsync(database, operation!, null, cancel);
        var figures = BacktestEndpoints.ViewOf(await FindAsync(database, operation!.Id, cancel)).Figures!;
        return (figures.Takers, figures.Discount);
    }

    private static async Task<Job> FindAsync(Database database, Guid id, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        return (await OperationStore.FindAsync(work, id, null, cancel))!;
    }
}
