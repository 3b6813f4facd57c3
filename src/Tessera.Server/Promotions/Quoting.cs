using System.Globalization;
using Tessera.Core;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>A cart that is to be priced.</summary>
/// <param name="Cart">Passed by <see cref="CartCheck"/>.</param>
/// <param name="MerchantId">Whose promotions and codes; null for the deployment's.</param>
/// <param name="CustomerId">Who buys, where known.</param>
/// <param name="At">Another instant than now.</param>
/// <param name="Rules">Rules of the house.</param>
internal sealed record QuoteWish(Cart Cart, Guid? MerchantId, Guid? CustomerId, DateTimeOffset? At, PricingRules Rules)
{
    /// <summary>Leaves out what is active; for previews.</summary>
    public bool Alone { get; init; }
}

/// <summary>
/// Prices carts as they would be redeemed at that instant, without holding or writing anything: the same engine, the same
/// decision on each code, the same accounts behind the limits.
/// </summary>
public sealed class Quoting(Database database, PromotionCatalogue catalogue, QuoteClock clock)
{
    /// <summary>Prices a cart.</summary>
    /// <param name="wish">What is to be priced.</param>
    /// <param name="drafts">Promotions that are tried although they are not saved.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="pricing">Told when everything is read and the pricing begins.</param>
    /// <returns>Null when the customer is not known.</returns>
    internal async Task<PricedCart?> PriceAsync(
        QuoteWish wish,
        IReadOnlyList<Promotion> drafts,
        CancellationToken cancel,
        Action? pricing = null
    )
    {
        ArgumentNullException.ThrowIfNull(wish);
        var book = await catalogue.BookAsync(wish.MerchantId, cancel);
        wish = wish with { Cart = book.Placed(wish.Cart) };
        string[] codes = [.. wish.Cart.Codes.Select(NormalOf).Distinct(StringComparer.Ordinal)];
        var facts = await FactsAsync(wish, codes, cancel);
        if (wish.CustomerId is not null && facts.Customer is null)
        {
            return null;
        }

        var now = wish.At ?? facts.Now;
        var cart = Buyers.Known(wish.Cart, facts.Customer, book.Segments, now);
        var automatic = wish.Alone ? [] : book.Automatic.Relevant(cart);
        automatic.AddRange(drafts.Where(static d => d.Code is null));
        var candidates = CandidatesOf(wish, codes, facts, book, automatic, now, cart);
        var (standing, customerUses) = await StandingAsync(wish, candidates, now, cancel);
        var ofCodes = candidates
            .Where(static c => c is { Coupon: not null, StandsInFor: null })
            .ToDictionary(static c => c.Promotion.Code!, static c => c.Promotion, StringComparer.Ordinal);
        foreach (var draft in drafts.Where(static d => d.Code is not null))
        {
            ofCodes[draft.Code!] = draft;
        }

        pricing?.Invoke();
        var deciding = new CartDeciding(cart, "", wish.Rules, standing, now);
        var quote = deciding.Price(candidates, automatic, ofCodes, customerUses);
        List<Promotion> priced =
        [
            .. automatic,
            .. ofCodes.Values,
            .. candidates.Where(static c => c.StandsInFor is not null).Select(static c => c.Promotion),
        ];
        priced.Sort(Promotion.InOrder);
        return new PricedCart(quote, cart, priced, deciding.Uses, now, wish.Rules)
        {
            Names = NamesOf(quote, book, candidates, facts),
        };
    }

    /// <summary>Asks the database only about what only the database knows.</summary>
    private async Task<QuoteFacts> FactsAsync(QuoteWish wish, string[] codes, CancellationToken cancel)
    {
        if (codes.Length == 0 && wish.CustomerId is null)
        {
            return new QuoteFacts { Now = await clock.NowAsync(cancel) };
        }

        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        return await QuoteStore.ReadAsync(connection, wish.Cart, codes, wish.CustomerId, except: null, cancel);
    }

    private async Task<(LimitBook Book, Dictionary<string, long> CustomerUses)> StandingAsync(
        QuoteWish wish,
        List<CartCandidate> candidates,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var book = new LimitBook();
        if (candidates.Count == 0)
        {
            return (book, []);
        }

        var accounts = candidates.SelectMany(static c => c.Legs(1)).Select(static l => l.Account.Id).ToHashSet();
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        foreach (var (id, posted, pending) in await QuoteStore.StandingAsync(connection, accounts, now, cancel))
        {
            book.Load(id, posted, pending);
        }

        var perCustomer = candidates.Where(static c => c.Promotion.MaxUsesPerCustomer is not null);
        var uses = await QuoteStore.CustomerUsesAsync(
            connection,
            [.. perCustomer.Select(static c => c.CountedAs)],
            wish.CustomerId,
            wish.Cart.Customer?.Email,
            cancel
        );
        return (book, uses);
    }

    /// <summary>The normal form of a typed code, also of one that can be none.</summary>
    internal static string NormalOf(string code) =>
        CouponCode.TryNormalise(code, out var normal) ? normal : code.Trim().ToUpperInvariant();

    /// <summary>What may apply and has limits or a code.</summary>
    private static List<CartCandidate> CandidatesOf(
        QuoteWish wish,
        string[] codes,
        QuoteFacts facts,
        CompiledPromotions book,
        List<Promotion> automatic,
        DateTimeOffset now,
        Cart cart
    )
    {
        var candidates = new List<CartCandidate>();
        foreach (var promotion in automatic)
        {
            if (IsLimited(promotion) && PromotionLimits.Of(promotion, cart, now) is { Count: > 0 } limits)
            {
                candidates.Add(
                    new CartCandidate
                    {
                        Promotion = promotion,
                        CountedAs = promotion.Id,
                        Limits = limits,
                    }
                );
            }
        }

        var names = new CartNames();
        foreach (var code in codes)
        {
            if (!facts.Codes.TryGetValue(code, out var found) || !CartNames.IsOffered(found.Coupon, wish.MerchantId))
            {
                continue;
            }

            candidates.Add(Of(code, found, standsInFor: null));
            if (found.Fallback is { } other && CartNames.IsOffered(other.Coupon, wish.MerchantId))
            {
                candidates.Add(Of(code, other, found.Coupon.Id));
            }
        }

        return candidates;

        CartCandidate Of(string code, QuotedCode found, long? standsInFor)
        {
            var bound = book.OfCoupons.GetValueOrDefault(found.Coupon.Id);
            var promotion = names.OfCode(code, found.Coupon, bound, standsInFor is not null);
            return new CartCandidate
            {
                Promotion = names.Unique(promotion),
                CountedAs = promotion.Id,
                Limits = CartNames.LimitsOf(promotion, cart, now),
                Coupon = found.Coupon,
                StandsInFor = standsInFor,
                Unit = found.Instance,
                HolderId = wish.CustomerId,
                Holder = new HolderFacts(
                    wish.CustomerId ?? Guid.Empty,
                    cart.Channel,
                    wish.MerchantId,
                    found.InAudience,
                    (cart.Customer?.CompletedOrders ?? 0) > 0,
                    found.HasProduct,
                    IsBlocked: facts.Customer?.IsBlocked ?? false
                ),
            };
        }
    }

    /// <summary>What people call what a price names. The book may have thousands, so of a cart with codes those it needs.</summary>
    private static IReadOnlyDictionary<string, string> NamesOf(
        Quote quote,
        CompiledPromotions book,
        List<CartCandidate> candidates,
        QuoteFacts facts
    )
    {
        if (facts.Codes.Count == 0)
        {
            return book.Names;
        }

        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var id in quote.Applied.Select(static a => a.Promotion.Id))
        {
            if (book.Names.TryGetValue(id, out var name))
            {
                names[id] = name;
            }
        }

        foreach (var candidate in candidates.Where(static c => c.Coupon is not null))
        {
            var (promotion, code) = (candidate.Promotion, candidate.Promotion.Code!);
            names[promotion.Id] =
                book.Names.GetValueOrDefault(candidate.CountedAs)
                ?? (
                    promotion.IsFallback
                        ? CartNames.Spoken(facts.Codes[code].Fallback!.Description, promotion.Id)
                        : code
                );
        }

        return names;
    }

    private static bool IsLimited(Promotion promotion) =>
        promotion is not { MaxUses: null, MaxUsesPerCustomer: null, Stock: null, Budget: null, Limits.Count: 0 };

    /// <summary>A cart with what the directory and stored orders know of its customer.</summary>
    internal static async Task<Cart> KnownAsync(
        Npgsql.NpgsqlConnection connection,
        Cart cart,
        Guid customer,
        (string? Channel, string Reference)? except,
        CompiledPromotions book,
        CancellationToken cancel
    )
    {
        var facts = await QuoteStore.ReadAsync(connection, cart, [], customer, except, cancel);
        return Buyers.Known(cart, facts.Customer, book.Segments, facts.Now);
    }
}
