using Tessera.Core.Limits;
using Tessera.Core.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>One promotion that gives something on the cart.</summary>
/// <param name="Id">Of the use or hold.</param>
/// <param name="Candidate">What it is.</param>
/// <param name="DiscountMinor">What it gives.</param>
/// <param name="Legs">The limits it draws on.</param>
/// <param name="ExpiresAt">When its hold lapses; for reservations.</param>
internal sealed record TakenPromotion(
    Guid Id,
    Candidate Candidate,
    long DiscountMinor,
    Leg[] Legs,
    DateTimeOffset? ExpiresAt
);

/// <summary>What was decided of one cart.</summary>
internal sealed class OrderWork
{
    /// <summary>What the tables of single codes take.</summary>
    public required BatchWork Batch { get; init; }

    /// <summary>The price.</summary>
    public required Quote Quote { get; init; }

    /// <summary>What could apply.</summary>
    public required IReadOnlyList<Promotion> Promotions { get; init; }

    /// <summary>How often it was used, as the price was decided by.</summary>
    public required IReadOnlyDictionary<string, PromotionUse> Uses { get; init; }

    /// <summary>What gave something, in order.</summary>
    public List<TakenPromotion> Taken { get; } = [];

    /// <summary>When the hold lapses as a whole; for reservations.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>Uses of the order that is replaced, which count no more.</summary>
    public List<StoredUse> Replaced { get; } = [];
}
