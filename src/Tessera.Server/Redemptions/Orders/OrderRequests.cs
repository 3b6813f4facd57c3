using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>What callers send about carts, read into commands. Amounts are minor units of the cart's currency.</summary>
internal static class OrderRequests
{
    private static readonly string[] Modes = ["all_or_nothing", "best_effort"];

    /// <summary>The body of a reservation or redemption of a cart.</summary>
    /// <returns>Null when something is wrong; the fields know what.</returns>
    public static OrderCommand? Read(Fields body, Operation operation, Asker asker)
    {
        ArgumentNullException.ThrowIfNull(body);
        var reference = body.Text("reference", 100);
        var isRedemption = operation == Operation.Redeem;
        var reservation = isRedemption ? body.Id("reservation_id", required: false) : null;
        var replace = isRedemption && (body.Flag("replace", required: false) ?? false);
        var hold = isRedemption
            ? null
            : body.Integer("hold_seconds", 1, AttemptCommand.MaximumHoldSeconds, required: false);
        var mode = body.Word("mode", Modes, required: false);
        var explain = body.Flag("explain", required: false) ?? false;
        var arrival = RedemptionRequests.ArrivalOf(body);
        var cart = CartJson.Read(body);
        return reference is null || cart is null || body.Errors.Count > 0
            ? null
            : new OrderCommand(
                operation,
                asker,
                cart,
                Guid.TryParse(cart.Customer?.Id, out var holder) ? holder : null,
                reference,
                mode == "best_effort" ? OrderMode.BestEffort : OrderMode.AllOrNothing,
                reservation is { } held ? [held] : [],
                (int?)hold ?? AttemptCommand.DefaultHoldSeconds,
                replace,
                PricingRules.Default with
                {
                    ReportAutomatic = explain,
                },
                Guid.CreateVersion7()
            )
            {
                Arrival = arrival,
            };
    }
}
