using System.Collections.Frozen;

namespace Tessera.Core.Promotions;

/// <summary>
/// The active promotions of a shop, prepared once and shared: each automatic one is filed under something a cart must
/// have for it to apply, so that a quote costs what the promotions that can meet the cart cost, however many there are.
/// </summary>
public sealed class PromotionBook
{
    private readonly Promotion[] always;
    private readonly FrozenDictionary<(Shelf Shelf, string Key), Promotion[]> filed;
    private readonly FrozenDictionary<string, Promotion> byCode;

    /// <summary>Prepares promotions; codes and priorities are unique.</summary>
    public PromotionBook(IEnumerable<Promotion> promotions)
    {
        ArgumentNullException.ThrowIfNull(promotions);
        var everywhere = new List<Promotion>();
        var shelves = new Dictionary<(Shelf Shelf, string Key), List<Promotion>>();
        var codes = new Dictionary<string, Promotion>(StringComparer.Ordinal);
        foreach (var promotion in promotions)
        {
            if (promotion.Code is { } code)
            {
                codes.Add(code, promotion);
            }
            else if (KeysOf(promotion) is { } keys)
            {
                foreach (var key in keys.Distinct())
                {
                    (shelves.TryGetValue(key, out var shelf) ? shelf : shelves[key] = []).Add(promotion);
                }
            }
            else
            {
                everywhere.Add(promotion);
            }
        }

        always = [.. everywhere];
        filed = shelves.ToFrozenDictionary(s => s.Key, s => s.Value.ToArray());
        byCode = codes.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>What a promotion is filed under.</summary>
    private enum Shelf
    {
        Sku,
        Category,
        Group,
        Segment,
        Channel,
        Store,
    }

    /// <summary>The promotion of a code in normal form.</summary>
    public Promotion? Find(string code) => byCode.GetValueOrDefault(code);

    /// <summary>The automatic promotions a cart may meet, each once.</summary>
    public List<Promotion> Relevant(Cart cart)
    {
        ArgumentNullException.ThrowIfNull(cart);
        var found = new List<Promotion>(always.Length + 16);
        found.AddRange(always);
        var seen = new HashSet<Promotion>(ReferenceEqualityComparer.Instance);
        foreach (var line in cart.Lines)
        {
            Take(Shelf.Sku, line.Sku);
            for (var i = 0; i < line.Categories.Count; i++)
            {
                Take(Shelf.Category, line.Categories[i]);
            }
        }

        for (var i = 0; i < (cart.Customer?.Groups.Count ?? 0); i++)
        {
            Take(Shelf.Group, cart.Customer!.Groups[i]);
        }

        for (var i = 0; i < (cart.Customer?.Segments.Count ?? 0); i++)
        {
            Take(Shelf.Segment, cart.Customer!.Segments[i]);
        }

        Take(Shelf.Channel, cart.Channel);
        Take(Shelf.Store, cart.Store);
        return found;

        void Take(Shelf shelf, string? key)
        {
            if (key is not null && filed.TryGetValue((shelf, key), out var promotions))
            {
                foreach (var promotion in promotions)
                {
                    if (seen.Add(promotion))
                    {
                        found.Add(promotion);
                    }
                }
            }
        }
    }

    /// <summary>Of these a cart must have at least one; null when nothing of the kind can be said.</summary>
    private static List<(Shelf Shelf, string Key)>? KeysOf(Promotion promotion) =>
        Required(promotion.Condition) ?? OfEffects(promotion.Effects) ?? Of(Shelf.Channel, promotion.Channels);

    private static List<(Shelf, string)>? Required(Condition? condition)
    {
        switch (condition)
        {
            case AllOf all:
                foreach (var part in all.Of)
                {
                    if (Required(part) is { } keys)
                    {
                        return keys;
                    }
                }

                return null;
            case Contains contains:
                return Of(contains.Filter);
            case UnitCount { Min: > 0 } count:
                return Of(count.Filter);
            case Subtotal { Comparison: Comparison.AtLeast or Comparison.MoreThan, AmountMinor: > 0 } spend:
                return Of(spend.Filter);
            case InGroup group:
                return Of(Shelf.Group, group.Groups);
            case InSegment segment:
                return Of(Shelf.Segment, segment.Segments);
            case InStore store:
                return Of(Shelf.Store, store.Stores);
            default:
                return null;
        }
    }

    private static List<(Shelf, string)>? OfEffects(IReadOnlyList<Effect> effects)
    {
        var keys = new List<(Shelf, string)>();
        foreach (var effect in effects)
        {
            var onGoods = effect.Target != EffectTarget.Shipping && !effect.ReachesShipping;
            if (!onGoods || (Of(effect.Filter) ?? Of((effect as BuyGet)?.GetFilter)) is not { } own)
            {
                return null;
            }

            keys.AddRange(own);
        }

        return keys;
    }

    private static List<(Shelf, string)>? Of(LineFilter? filter) =>
        Of(Shelf.Sku, filter?.Skus) ?? Of(Shelf.Category, filter?.Categories);

    private static List<(Shelf, string)>? Of(Shelf shelf, IReadOnlyList<string>? keys) =>
        keys?.Select(key => (shelf, key)).ToList();
}
