using Tessera.Core.Limits;
using Tessera.Core.Promotions;
using Tessera.Server.Access;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions.Backtests;

/// <summary>A stored order, as a back-test sees it.</summary>
/// <param name="Id">Of the order.</param>
/// <param name="Reference">The shop's.</param>
/// <param name="PlacedAt">The instant it is priced at.</param>
/// <param name="Cart">As it was priced, without codes.</param>
/// <param name="Used">What promotions gave on it, by promotion.</param>
internal sealed record PastOrder(
    Guid Id,
    string Reference,
    DateTimeOffset PlacedAt,
    Cart Cart,
    IReadOnlyDictionary<string, long> Used
);

/// <summary>An order that would have taken the draft.</summary>
/// <param name="OrderId">Of the order.</param>
/// <param name="Reference">The shop's.</param>
/// <param name="PlacedAt">When it was placed.</param>
/// <param name="Discount">What the draft would have given.</param>
/// <param name="Overlaps">Promotions that were used on it.</param>
/// <param name="BelowFloor">Whether its margin would have been below the floor.</param>
internal sealed record Taker(
    Guid OrderId,
    string Reference,
    DateTimeOffset PlacedAt,
    long Discount,
    IReadOnlyList<string> Overlaps,
    bool BelowFloor
);

/// <summary>How often the draft would have met a promotion that was used.</summary>
/// <param name="PromotionId">That was used.</param>
/// <param name="Orders">On which both would have given something.</param>
/// <param name="Discount">What it gave on them.</param>
/// <param name="DraftDiscount">What the draft would have given on them.</param>
internal sealed record Overlap(
    string PromotionId,
    long Orders,
    [property: Guarded(Permissions.FinanceRead)] long Discount,
    [property: Guarded(Permissions.FinanceRead)] long DraftDiscount
);

/// <summary>What a back-test comes to. Amounts in minor units of its currency.</summary>
internal sealed record BacktestFigures
{
    /// <summary>Orders of the period.</summary>
    public long Orders { get; init; }

    /// <summary>What they came to before discounts.</summary>
    [Guarded(Permissions.FinanceRead)]
    public long Subtotal { get; init; }

    /// <summary>Orders that would have taken the draft.</summary>
    public long Takers { get; init; }

    /// <summary>What those came to before discounts.</summary>
    [Guarded(Permissions.FinanceRead)]
    public long TakersSubtotal { get; init; }

    /// <summary>What the draft would have cost.</summary>
    [Guarded(Permissions.FinanceRead)]
    public long Discount { get; init; }

    /// <summary>Takers on which another promotion was used.</summary>
    public long Overlapping { get; init; }

    /// <summary>By promotion that was used.</summary>
    public IReadOnlyList<Overlap> Overlaps { get; init; } = [];

    /// <summary>Takers whose margin would have been below the floor, and was not before.</summary>
    public long BelowFloor { get; init; }

    /// <summary>Takers whose margin was below the floor without the draft.</summary>
    public long BelowFloorBefore { get; init; }

    /// <summary>Orders refused, by reason.</summary>
    public IReadOnlyDictionary<string, long> Refused { get; init; } = new Dictionary<string, long>();
}

/// <summary>What the margin of an order is held against.</summary>
/// <param name="CostPercent">What goods cost, in percent of their price.</param>
/// <param name="FloorPercent">The least margin, in percent of what is paid.</param>
internal sealed record MarginFloor(decimal CostPercent, decimal FloorPercent)
{
    /// <summary>Whether an order lies below the floor.</summary>
    /// <param name="subtotal">Before discounts.</param>
    /// <param name="discount">All of them.</param>
    public bool IsBelow(long subtotal, long discount)
    {
        var paid = subtotal - discount;
        return paid - (subtotal * CostPercent / 100) < paid * FloorPercent / 100;
    }
}

/// <summary>
/// Runs a draft over orders in the order of their time, alone on each as it was, with the limits it names: what it has
/// given before counts.
/// </summary>
internal sealed class BacktestTally(Promotion draft, MarginFloor? floor, BacktestFigures start)
{
    private readonly LimitBook _book = new();
    private readonly Dictionary<string, Overlap> _overlaps = start.Overlaps.ToDictionary(
        static o => o.PromotionId,
        StringComparer.Ordinal
    );
    private readonly Dictionary<string, long> _refused = new(start.Refused, StringComparer.Ordinal);
    private BacktestFigures _figures = start;

    /// <summary>What it comes to so far.</summary>
    public BacktestFigures Figures =>
        _figures with
        {
            Overlaps = [.. _overlaps.Values.OrderByDescending(static o => o.Orders).ThenBy(static o => o.PromotionId)],
            Refused = _refused,
        };

    /// <summary>Whether what was given before decides about later orders.</summary>
    public static bool Remembers(Promotion draft) =>
        draft.MaxUses is not null
        || draft.MaxUsesPerCustomer is not null
        || draft.Limits.Count > 0
        || draft.Stock is not null
        || draft.Budget is not null;

    /// <summary>Prices an order with the draft and counts it.</summary>
    /// <returns>What it would have taken; null when it would not.</returns>
    public Taker? Add(PastOrder order)
    {
        var quote = Price(order, out var limits);
        var subtotal = quote.SubtotalMinor;
        _figures = _figures with { Orders = _figures.Orders + 1, Subtotal = _figures.Subtotal + subtotal };
        var given = quote.DiscountMinor;
        if (given == 0)
        {
            var reason = quote.Rejected is [var rejected, ..] ? rejected.Reason : Reasons.NothingLeft;
            _refused[reason] = _refused.GetValueOrDefault(reason) + 1;
            return null;
        }

        _book.Post([.. PromotionLimits.Legs(limits, given)]);
        var before = order.Used.Values.Sum();
        var wasBelow = floor?.IsBelow(subtotal, before) ?? false;
        var isBelow = floor?.IsBelow(subtotal, before + given) ?? false;
        foreach (var (promotion, discount) in order.Used)
        {
            var overlap = _overlaps.GetValueOrDefault(promotion) ?? new Overlap(promotion, 0, 0, 0);
            _overlaps[promotion] = overlap with
            {
                Orders = overlap.Orders + 1,
                Discount = overlap.Discount + discount,
                DraftDiscount = overlap.DraftDiscount + given,
            };
        }

        _figures = _figures with
        {
            Takers = _figures.Takers + 1,
            TakersSubtotal = _figures.TakersSubtotal + subtotal,
            Discount = _figures.Discount + given,
            Overlapping = _figures.Overlapping + (order.Used.Count > 0 ? 1 : 0),
            BelowFloor = _figures.BelowFloor + (isBelow && !wasBelow ? 1 : 0),
            BelowFloorBefore = _figures.BelowFloorBefore + (wasBelow ? 1 : 0),
        };
        return new Taker(order.Id, order.Reference, order.PlacedAt, given, [.. order.Used.Keys], isBelow);
    }

    /// <summary>Counts what an order took in an earlier run, and nothing else.</summary>
    public void Remember(PastOrder order)
    {
        var quote = Price(order, out var limits);
        if (quote.DiscountMinor > 0)
        {
            _book.Post([.. PromotionLimits.Legs(limits, quote.DiscountMinor)]);
        }
    }

    private Quote Price(PastOrder order, out IReadOnlyList<PromotionLimit> limits)
    {
        limits = PromotionLimits.Of(draft, order.Cart, order.PlacedAt);
        var use = PromotionLimits.Use(draft, limits, id => (_book.Posted(id), 0));
        var uses = new Dictionary<string, PromotionUse>(StringComparer.Ordinal) { [draft.Id] = use };
        return PromotionEngine.Price(
            order.Cart,
            [draft],
            uses,
            order.PlacedAt,
            PricingRules.Default with
            {
                Explain = false,
            }
        );
    }
}
