using Tessera.Core.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>What happens when a code of a cart is refused.</summary>
public enum OrderMode
{
    /// <summary>Then nothing is used.</summary>
    AllOrNothing,

    /// <summary>The others are used.</summary>
    BestEffort,
}

/// <summary>Reserve or redeem a whole cart: all its codes and the promotions that apply by themselves.</summary>
/// <param name="Operation">Reserve or redeem.</param>
/// <param name="Asker">Who asks.</param>
/// <param name="Cart">What is bought, with its codes as typed.</param>
/// <param name="HolderId">Who uses the codes; null for an unknown visitor, who can use none.</param>
/// <param name="Reference">The order's number with its shop.</param>
/// <param name="Mode">What happens when a code is refused.</param>
/// <param name="ReservationIds">The holds to redeem.</param>
/// <param name="HoldSeconds">How long to hold, for reservations.</param>
/// <param name="Replace">Whether an order of this reference is priced anew; its own uses then do not count.</param>
/// <param name="Rules">Rules of the house.</param>
/// <param name="Id">Of the order or reservation this becomes.</param>
public sealed record OrderCommand(
    Operation Operation,
    Asker Asker,
    Cart Cart,
    Guid? HolderId,
    string Reference,
    OrderMode Mode,
    IReadOnlyList<Guid> ReservationIds,
    int HoldSeconds,
    bool Replace,
    PricingRules Rules,
    Guid Id
)
{
    /// <summary>What brought the customer.</summary>
    public Arrival? Arrival { get; init; }

    /// <summary>
    /// The lines as the shop sent them, once the cart is priced in the categories above theirs too: an order keeps what was
    /// said of it, and a later tree means it anew.
    /// </summary>
    public IReadOnlyList<CartLine>? Sent { get; init; }

    /// <summary>The cart as an order keeps it.</summary>
    internal Cart Kept => Sent is { } lines ? Cart with { Lines = lines } : Cart;

    /// <summary>Whether the cart says all that is known of the customer; else the directory and stored orders add to it.</summary>
    public bool KnowsCustomer { get; init; }

    /// <summary>
    /// What was given by promotion, of an order that was placed elsewhere and is taken over: it counts against limits as
    /// if it had been decided here. Null for a cart that is priced.
    /// </summary>
    public IReadOnlyDictionary<string, long>? Given { get; init; }
}

/// <summary>What became of a cart.</summary>
/// <param name="Answer">As sent and kept.</param>
/// <param name="Quote">The price that was decided; null when the answer was kept from before, or nothing was priced.</param>
public sealed record OrderOutcome(Answer Answer, Quote? Quote);
