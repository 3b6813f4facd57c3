using System.Text.Json;
using Npgsql;
using Tessera.Core.Promotions;
using Tessera.Core.Promotions.Oracle;

namespace Tessera.Server.Replay;

/// <summary>
/// Runs cases of the open test kit through the path that redeems carts: each case is loaded into a simulation database,
/// its history is played there, the clock is set to its instant, and the cart is redeemed.
/// </summary>
/// <remarks>
/// Each case is a merchant of its own. Like the index of automatic promotions, this way is silent about those that gave
/// nothing, so only refusals of codes are compared, as the schema allows.
/// </remarks>
public sealed class OracleReplay : IAsyncDisposable
{
    private readonly SimulationDatabase _simulation;

    private OracleReplay(SimulationDatabase simulation) => _simulation = simulation;

    /// <summary>Makes the simulation database.</summary>
    /// <param name="server">A login that may create databases.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<OracleReplay> StartAsync(string server, CancellationToken cancel) =>
        new(await SimulationDatabase.MakeAsync(server, cancel));

    /// <summary>Every case of a file, in order.</summary>
    public async IAsyncEnumerable<OracleFinding> AllAsync(
        JsonElement file,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel
    )
    {
        foreach (var json in OracleReader.Cases(file))
        {
            yield return await OracleRun.OneAsync(
                json,
                of => DifferenceAsync(of, cancel),
                static error => error is PostgresException
            );
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _simulation.DisposeAsync();

    private async Task<string?> DifferenceAsync(OracleCase of, CancellationToken cancel)
    {
        await using var world = await OracleWorld.MakeAsync(_simulation, of, cancel);
        foreach (var happened in of.Book.Events)
        {
            await world.PlayAsync(happened, cancel);
        }

        await _simulation.SetClockAsync(of.Now, cancel);
        var counts = new Dictionary<string, (long, long, long)>(StringComparer.Ordinal);
        foreach (var promotion in of.Promotions)
        {
            counts[promotion.Id] = await world.CountAsync(promotion, cancel);
        }

        var quote = await world.RedeemAsync(cancel);
        return OracleComparison.FirstDifference(of, quote, p => counts[p.Id], isSilent: true)
            ?? await world.FirstUnwrittenAsync(quote, cancel);
    }
}
