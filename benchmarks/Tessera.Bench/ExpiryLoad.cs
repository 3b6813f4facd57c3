using System.Collections.Concurrent;
using System.Diagnostics;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Lanes;
using Tessera.Server.Redemptions;

namespace Tessera.Bench;

/// <summary>Redemptions that arrive at a steady rate, whether or not those before have been answered.</summary>
/// <param name="ground">Where.</param>
/// <param name="pick">The code of each: they are numbered from 0.</param>
/// <param name="customers">Who redeems, in turn.</param>
internal sealed class ExpiryLoad(Ground ground, Func<int, string> pick, Guid[] customers) : IAsyncDisposable
{
    private readonly RedemptionService _service = new(ground.Database, Problems.Render, 2, _ => { });
    private int _next;
    private int _accepted;
    private int _refused;

    /// <summary>Redemptions that were accepted and refused so far.</summary>
    public (int Accepted, int Refused) Answers => (_accepted, _refused);

    /// <summary>Redeems so many a second until told to stop.</summary>
    /// <returns>When each was due, since the load began, and the milliseconds it took from then.</returns>
    public async Task<(TimeSpan Due, double Milliseconds)[]> RunAsync(
        int perSecond,
        Stopwatch clock,
        CancellationToken stop
    )
    {
        var took = new ConcurrentBag<(TimeSpan, double)>();
        var running = new List<Task>();
        for (var sent = 0; !stop.IsCancellationRequested; )
        {
            var due = (int)(clock.Elapsed.TotalSeconds * perSecond);
            for (; sent < due && !stop.IsCancellationRequested; sent++)
            {
                var at = TimeSpan.FromSeconds((double)sent / perSecond);
                running.Add(RedeemAsync(clock, at, took));
            }

            await Task.Delay(1, CancellationToken.None);
        }

        await Task.WhenAll(running);
        return [.. took];
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private async Task RedeemAsync(Stopwatch clock, TimeSpan due, ConcurrentBag<(TimeSpan, double)> took)
    {
        var place = Interlocked.Increment(ref _next) - 1;
        var order = "beside-" + place;
        var key = IdempotencyKey.Of(Guid.Empty, "redeemCoupon", "POST", "/api/v1/redemptions", order, []);
        try
        {
            var answer = await _service.RunAsync(
                new AttemptCommand(
                    Operation.Redeem,
                    new Asker(
                        Guid.Empty,
                        null,
                        "key:bench",
                        true,
                        key.KeyHash,
                        key.RequestHash,
                        order,
                        "/api/v1/redemptions"
                    ),
                    pick(place),
                    customers[place % customers.Length],
                    new OrderFacts(order, 5000, "USD"),
                    null,
                    null,
                    null,
                    AttemptCommand.DefaultHoldSeconds,
                    null,
                    Guid.CreateVersion7()
                )
            );
            _ = answer.Accepted ? Interlocked.Increment(ref _accepted) : Interlocked.Increment(ref _refused);
        }
        catch (Exception error) when (error is LaneUnavailableException || Database.IsOutage(error))
        {
            // PostgreSQL was killed: what came of this one is not known, and nobody asks again.
            return;
        }

        took.Add((due, (clock.Elapsed - due).TotalMilliseconds));
    }
}
