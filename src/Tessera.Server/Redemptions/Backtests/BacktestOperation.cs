using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Promotions;
using Job = Tessera.Server.Platform.Jobs.Operation;

namespace Tessera.Server.Redemptions.Backtests;

/// <summary>What a back-test is asked for.</summary>
/// <param name="Definition">The draft, in the wire format of promotions.</param>
/// <param name="Period">Over which orders.</param>
/// <param name="Floor">What margins are held against; null for nothing.</param>
internal sealed record BacktestWanted(string Definition, OrderPeriod Period, MarginFloor? Floor);

/// <summary>
/// Runs a draft over stored orders as an operation: each batch of orders, the lines of its takers and the figures so far
/// commit together. A run that was stopped goes on where it was; an operation that is cancelled keeps what it found.
/// </summary>
internal static class BacktestOperation
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "backtest";

    /// <summary>The file an operation makes: one taker a line, as JSON.</summary>
    public const string Output = "output";

    private const int BatchSize = 500;

    /// <summary>Asks for one.</summary>
    public static async Task<Job> CreateAsync(
        UnitOfWork work,
        BacktestWanted wanted,
        string actor,
        bool leased,
        CancellationToken cancel
    )
    {
        var total = await PastOrders.CountAsync(work, wanted.Period, cancel);
        var input = new Input(wanted, wanted.Period.MerchantId);
        return await OperationStore.CreateAsync(
            work,
            Kind,
            JsonSerializer.Serialize(input, Wire.Json),
            total,
            actor,
            leased,
            cancel
        );
    }

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    /// <param name="database">Where.</param>
    /// <param name="operation">As taken.</param>
    /// <param name="progress">Told the orders done, after each commit.</param>
    /// <param name="cancel">Stops after the batch that runs.</param>
    /// <returns>Whether it ended; false when it was paused, cancelled or taken over.</returns>
    public static async Task<bool> RunAsync(
        Database database,
        Job operation,
        Action<long>? progress,
        CancellationToken cancel
    )
    {
        var (wanted, _) = JsonSerializer.Deserialize<Input>(operation.Input, Wire.Json)!;
        var draft = PromotionJson
            .Stored(Encoding.UTF8.GetBytes(wanted.Definition), operation.Id, 1, active: true)
            .Promotion;
        var cursor = operation.Cursor is { } stored
            ? JsonSerializer.Deserialize<Cursor>(stored, Wire.Json)!
            : new Cursor(null, null, 0, 0, new BacktestFigures());
        var tally = new BacktestTally(draft, wanted.Floor, cursor.Figures);
        var places = await PastPlaces.ForAsync(database, draft, wanted.Period.MerchantId, cancel);
        if (cursor.LastId is not null && BacktestTally.Remembers(draft))
        {
            await RememberAsync(database, (wanted.Period, places), cursor, tally, cancel);
        }

        while (true)
        {
            await using var work = await database.BeginAsync(cancel);
            var after = cursor.LastId is { } id ? (cursor.LastAt!.Value, id) : ((DateTimeOffset, Guid)?)null;
            var orders = await PastOrders.ReadAsync(work, wanted.Period, after, BatchSize, cancel);
            if (orders.Count == 0)
            {
                var result = JsonSerializer.Serialize(
                    new BacktestResult(wanted.Period.Currency, tally.Figures),
                    Wire.Json
                );
                var isOurs = await OperationStore.TryEndAsync(work, operation, "succeeded", result, cancel);
                await work.CommitAsync(CancellationToken.None);
                return isOurs;
            }

            orders = await places.PlaceAsync(work, orders, cancel);
            var takers = orders.Select(tally.Add).OfType<Taker>().ToList();
            var chunks = cursor.Chunks;
            if (takers.Count > 0)
            {
                await OperationStore.WriteChunkAsync(work, operation.Id, Output, chunks++, Lines(takers), cancel);
            }

            var last = orders[^1];
            cursor = new Cursor(last.PlacedAt, last.Id, cursor.Done + orders.Count, chunks, tally.Figures);
            var place = JsonSerializer.Serialize(cursor, Wire.Json);
            if (!await OperationStore.TryAdvanceAsync(work, operation, cursor.Done, 0, place, cancel))
            {
                return false;
            }

            await work.CommitAsync(CancellationToken.None);
            progress?.Invoke(cursor.Done);
        }
    }

    /// <summary>What earlier runs gave counts toward the limits of the draft: it is computed again, not stored.</summary>
    private static async Task RememberAsync(
        Database database,
        (OrderPeriod Period, PastPlaces Places) of,
        Cursor until,
        BacktestTally tally,
        CancellationToken cancel
    )
    {
        (DateTimeOffset, Guid)? after = null;
        for (var left = until.Done; left > 0; )
        {
            await using var work = await database.BeginAsync(cancel);
            var count = (int)Math.Min(left, BatchSize);
            var orders = await PastOrders.ReadAsync(work, of.Period, after, count, cancel);
            if (orders.Count == 0)
            {
                return;
            }

            orders = await of.Places.PlaceAsync(work, orders, cancel);
            orders.ForEach(tally.Remember);
            after = (orders[^1].PlacedAt, orders[^1].Id);
            left -= orders.Count;
        }
    }

    private static byte[] Lines(List<Taker> takers)
    {
        var text = new StringBuilder(takers.Count * 200);
        foreach (var taker in takers)
        {
            text.Append(JsonSerializer.Serialize(taker, Wire.Json)).Append('\n');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private sealed record Input(BacktestWanted Wanted, Guid? MerchantId);

    private sealed record Cursor(DateTimeOffset? LastAt, Guid? LastId, long Done, int Chunks, BacktestFigures Figures);
}

/// <summary>The result of the operation.</summary>
/// <param name="Currency">Of its amounts.</param>
/// <param name="Figures">What it came to.</param>
internal sealed record BacktestResult(string Currency, BacktestFigures Figures);

/// <summary>Runs the back-tests that callers have asked for. Every node may run it at once.</summary>
internal sealed class BacktestWorker(Database database, TimeProvider clock, ILogger<BacktestWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, BacktestOperation.Kind, null, cancel) is not { } operation)
        {
            return false;
        }

        await BacktestOperation.RunAsync(database, operation, null, cancel);
        return true;
    }
}
