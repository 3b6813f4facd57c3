using Tessera.Core.Coupons;
using Tessera.Server.Platform.Http;
using Tessera.Server.Redemptions;

namespace Tessera.Server.Replay;

/// <summary>
/// Redeems through the lanes as the API does. One lane, so that what is sent first is decided first.
/// </summary>
internal sealed class Till(SimulationDatabase simulation) : IAsyncDisposable
{
    private readonly RedemptionService _service = new(simulation.Database, Problems.Render, 1, static _ => { });

    /// <summary>Sends a redemption; attempts of one till are decided in the order they are sent.</summary>
    /// <param name="code">Of the coupon.</param>
    /// <param name="customer">Who uses it.</param>
    /// <param name="order">Reference of the order.</param>
    /// <param name="minor">Its amount.</param>
    /// <param name="currency">Of the amount.</param>
    /// <param name="products">What is on it; null where no coupon asks.</param>
    public Task<Answer> RedeemAsync(
        string code,
        Guid customer,
        string order,
        long minor,
        string currency,
        IReadOnlyList<string>? products = null
    )
    {
        const string path = "/api/v1/redemptions";
        var key = IdempotencyKey.Of(Guid.Empty, "redeemCoupon", "POST", path, code + " " + order, []);
        return _service.RunAsync(
            new AttemptCommand(
                Operation.Redeem,
                new Asker(Guid.Empty, null, "job:replay", true, key.KeyHash, key.RequestHash, order, path),
                code,
                customer,
                new OrderFacts(order, minor, currency),
                null,
                products,
                null,
                AttemptCommand.DefaultHoldSeconds,
                null,
                Guid.CreateVersion7()
            )
        );
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();
}
