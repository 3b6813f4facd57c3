using System.Globalization;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;

namespace Tessera.Server.Promotions;

/// <summary>A promotion that may apply to a cart, with all that stands behind it.</summary>
internal class CartCandidate
{
    /// <summary>As the engine prices it; its id is unique within the cart.</summary>
    public required Promotion Promotion { get; init; }

    /// <summary>Under which its uses count.</summary>
    public required string CountedAs { get; init; }

    /// <summary>The limits of the promotion; those of the coupon follow from its terms.</summary>
    public required IReadOnlyList<PromotionLimit> Limits { get; init; }

    /// <summary>The coupon of its code; null for a promotion that applies by itself.</summary>
    public CouponTerms? Coupon { get; init; }

    /// <summary>The unit of its code, or the one that was held for this checkout.</summary>
    public HeldInstance? Unit { get; init; }

    /// <summary>The hold of this checkout on it.</summary>
    public Guid? OwnHold { get; init; }

    /// <summary>Who uses the code; null for a visitor who is not known.</summary>
    public Guid? HolderId { get; init; }

    /// <summary>What is known of who uses the code; null where there is no code.</summary>
    public HolderFacts? Holder { get; init; }

    /// <summary>The coupon of the code, where this is what stands in for it.</summary>
    public long? StandsInFor { get; init; }

    /// <summary>The budget of the campaign that its discount is cut to; null where none is.</summary>
    public LimitAccount? Cut => Coupon is null ? null : Redeeming.ClippingBudget(Coupon);

    /// <summary>Within which it may be used, once that is decided.</summary>
    public (DateTimeOffset From, DateTimeOffset Until)? Window { get; set; }

    /// <summary>What a use of it draws on. A visitor who is not known yet has no limit of his own.</summary>
    /// <param name="discountMinor">What it gives.</param>
    public Leg[] Legs(long discountMinor) =>
        [
            .. Coupon is null
                ? []
                : Redeeming
                    .LegsOf(Coupon, HolderId ?? Guid.Empty, discountMinor)
                    .Where(l =>
                        HolderId is not null
                        || l.Account.Kind is not (AccountKinds.CouponCustomerUses or AccountKinds.FirstOrder)
                    ),
            .. PromotionLimits.Legs(Limits, discountMinor),
        ];
}

/// <summary>How what may apply to one cart is called: the same in a quote as in a redemption.</summary>
internal sealed class CartNames
{
    private const string Prefix = "coupon:";

    private readonly Dictionary<string, int> _times = new(StringComparer.Ordinal);

    /// <summary>The place of the first code without a promotion of its own: after everything that has a place, with
    /// room for what stands in for each.</summary>
    private int _place = int.MaxValue - (2 * CartCheck.MaxCodes) - 1;

    /// <summary>What a code stands for: the promotion of its coupon, or the coupon itself.</summary>
    /// <param name="code">In its normal form.</param>
    /// <param name="coupon">Its coupon.</param>
    /// <param name="bound">The promotion that prices the coupon, if any.</param>
    /// <param name="isFallback">Whether the coupon stands in for that of the code.</param>
    public Promotion OfCode(string code, CouponTerms coupon, Promotion? bound, bool isFallback = false) =>
        bound is not null
            ? bound with
            {
                Code = code,
                IsFallback = isFallback,
            }
            // Its limits follow from its terms.
            : CouponPromotion.Of(coupon, code, _place++) with
            {
                Id = string.Create(CultureInfo.InvariantCulture, $"{Prefix}{coupon.Id}"),
                MaxUses = null,
                MaxUsesPerCustomer = null,
                Budget = null,
                IsFallback = isFallback,
            };

    /// <summary>The limits of a promotion's own; a coupon that prices itself has none beside its terms.</summary>
    public static IReadOnlyList<PromotionLimit> LimitsOf(Promotion promotion, Cart cart, DateTimeOffset now) =>
        CouponOf(promotion.Id) is null ? PromotionLimits.Of(promotion, cart, now) : [];

    /// <summary>The coupon an id of <see cref="OfCode"/> stands for; null where a promotion prices it.</summary>
    public static long? CouponOf(string id) =>
        id.StartsWith(Prefix, StringComparison.Ordinal)
        && long.TryParse(id[Prefix.Length..].Split('#', 2)[0], CultureInfo.InvariantCulture, out var coupon)
            ? coupon
            : null;

    /// <summary>Two units of one coupon are two promotions to the engine.</summary>
    public Promotion Unique(Promotion promotion)
    {
        var many = _times[promotion.Id] = _times.GetValueOrDefault(promotion.Id) + 1;
        return many == 1
            ? promotion
            : promotion with
            {
                Id = string.Create(CultureInfo.InvariantCulture, $"{promotion.Id}#{many}"),
            };
    }

    /// <summary>
    /// What a sentence calls a coupon whose code was not typed: what its customers read of it, without its own full stop. Its
    /// code is for those who hold it.
    /// </summary>
    public static string Spoken(string? description, string id) => description?.TrimEnd('.', ' ') ?? id;

    /// <summary>What another merchant offers is as unknown as what nobody offers.</summary>
    public static bool IsOffered(CouponTerms coupon, Guid? merchant) =>
        !coupon.IsDeleted && (merchant is null || coupon.MerchantId == merchant);
}
