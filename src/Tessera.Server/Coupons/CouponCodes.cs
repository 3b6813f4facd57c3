using Tessera.Core.Codes;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Coupons;

/// <summary>
/// How lists are narrowed to a coupon by its code. A unit's own code is no code of a coupon: its story is one look-up away
/// (<c>GET /coupon-states/{code}</c>).
/// </summary>
internal static class CouponCodes
{
    /// <summary>The coupon of the code <c>{}</c>, as a value: lists by coupon stay in the order of their index.</summary>
    public const string Coupon = "(select coupon_id from coupons.code where code = {} and instance_id is null)";

    /// <summary>The code that was asked for, in its normal form; null where none was.</summary>
    public static string? Read(Query query)
    {
        var text = query.Text("coupon_code", 100);
        return text is not null && CouponCode.TryNormalise(text, out var normal) ? normal : text;
    }
}
