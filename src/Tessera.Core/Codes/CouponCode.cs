namespace Tessera.Core.Codes;

/// <summary>The one normal form of coupon codes, for storage, uniqueness and look-up (convention 53).</summary>
public static class CouponCode
{
    /// <summary>The longest code, in its normal form: prefix, date and random part of a generated one included.</summary>
    public const int MaximumLength = 64;

    /// <summary>Trims, applies NFKC and upper case.</summary>
    /// <param name="text">As typed, scanned or pasted.</param>
    /// <param name="code">Letters A to Z, digits, hyphen and underscore.</param>
    /// <returns>False when the text can be no code.</returns>
    public static bool TryNormalise(string text, out string code)
    {
        ArgumentNullException.ThrowIfNull(text);
        code = text;
        if (!IsNormal(text))
        {
            code = CompatibilityForms.Fold(text.Trim());
        }

        return code.Length is > 0 and <= MaximumLength && IsNormal(code);
    }

    private static bool IsNormal(string text)
    {
        foreach (var c in text)
        {
            if (c is not ((>= 'A' and <= 'Z') or (>= '0' and <= '9') or '-' or '_'))
            {
                return false;
            }
        }

        return true;
    }
}
