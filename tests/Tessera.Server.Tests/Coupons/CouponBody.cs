using System.Globalization;

namespace Tessera.Server.Tests.Coupons;

/// <summary>What is sent to make a coupon.</summary>
internal static class CouponBody
{
    /// <summary>A coupon of 10 % from today on that keeps every rule, unless something else is said.</summary>
    /// <param name="code">Of the coupon.</param>
    /// <param name="more">Members over those it has, or beside them.</param>
    public static Dictionary<string, object?> Of(string code, Dictionary<string, object?>? more = null)
    {
        var draft = new Dictionary<string, object?>
        {
            ["code"] = code,
            ["internal_name"] = "Coupon " + code,
            ["description"] = new { en = "A coupon" },
            ["discount_type"] = "percentage",
            ["discount_value"] = 10,
            ["valid_from"] = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            ["is_active"] = true,
        };
        foreach (var (name, value) in more ?? [])
        {
            draft[name] = value;
        }

        return draft;
    }
}
