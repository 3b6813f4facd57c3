using System.Diagnostics;
using Tessera.Core.Coupons;
using Tessera.Server.Platform.Http;
using Tessera.Server.Redemptions;

namespace Tessera.Bench;

/// <summary>Callers in this process that redeem one after the other, each waiting for its answer.</summary>
internal sealed class InProcess(Ground ground, int lanes) : IAsyncDisposable
{
    private readonly RedemptionService _service = new(ground.Database, Problems.Render, lanes, _ => { });
    private int _order;

    /// <summary>Redeems codes, each once, until they or the seconds are used up.</summary>
    /// <returns>Redemptions a second, and how many were refused.</returns>
    public async Task<(double PerSecond, int Done, int Refused)> RunAsync(
        Func<int, string?> codeAt,
        Guid[] customers,
        int callers,
        double seconds
    )
    {
        var next = -1;
        var refused = 0;
        var done = 0;
        var clock = Stopwatch.StartNew();
        async Task CallAsync()
        {
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                var place = Interlocked.Increment(ref next);
                if (codeAt(place) is not { } code)
                {
                    return;
                }

                var answer = await _service.RunAsync(CommandOf(code, customers));
                Interlocked.Increment(ref done);
                if (!answer.Accepted)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(CallAsync)));
        return (done / clock.Elapsed.TotalSeconds, done, refused);
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    private AttemptCommand CommandOf(string code, Guid[] customers)
    {
        // Customers in turn, over all runs: each may use a coupon only so often.
        var number = Interlocked.Increment(ref _order);
        var customer = customers[number % customers.Length];
        var order = "order-" + number;
        var key = IdempotencyKey.Of(Guid.Empty, "redeemCoupon", "POST", "/api/v1/redemptions", order, []);
        return new AttemptCommand(
            Operation.Redeem,
            new Asker(Guid.Empty, null, "key:bench", true, key.KeyHash, key.RequestHash, order, "/api/v1/redemptions"),
            code,
            customer,
            new OrderFacts(order, 5000, "USD"),
            null,
            null,
            null,
            AttemptCommand.DefaultHoldSeconds,
            null,
            Guid.CreateVersion7()
        );
    }
}
