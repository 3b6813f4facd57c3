namespace Tessera.Server.Connectors;

/// <summary>What a command asks of a partner.</summary>
public enum CommandKind
{
    /// <summary>Refuse these coupons from an instant on.</summary>
    Disable,

    /// <summary>Take these coupons again, until a new end .</summary>
    Enable,
}

/// <summary>Coupons that changed together and of which the same partners are to be told (EXP-06).</summary>
/// <param name="Kind">What partners are asked.</param>
/// <param name="MerchantId">Whose coupons; null for the house's own, which concern connectors of all merchants.</param>
/// <param name="Channel">Where they are used; null for everywhere, which concerns every connector.</param>
/// <param name="CouponKind"><c>instance</c> for units, <c>coupon</c> for definitions with a shared code.</param>
/// <param name="Ids">Of the coupons; any number, told in commands of at most <see cref="MaximumIds"/>.</param>
/// <param name="EndsAt">Disable: not redeemable from then on. Enable: the new end.</param>
/// <param name="IsEarly">
/// Disable only: partners cannot know this end from the coupon itself, because it was forced or cancelled; so a partner
/// that is told low-water marks is told these ids too.
/// </param>
public sealed record CommandBatch(
    CommandKind Kind,
    Guid? MerchantId,
    string? Channel,
    string CouponKind,
    long[] Ids,
    DateTimeOffset EndsAt,
    bool IsEarly = false
)
{
    /// <summary>The most ids of one command.</summary>
    public const int MaximumIds = 10_000;

    /// <summary>Units.</summary>
    public const string Instance = "instance";

    /// <summary>Definitions with a shared code.</summary>
    public const string Coupon = "coupon";
}
