namespace Tessera.Core;

/// <summary>Numbers of payment cards, which are never kept here (BAL-13).</summary>
public static class CardNumbers
{
    private const int Fewest = 13;
    private const int Most = 19;

    /// <summary>
    /// Whether a text has a run of 13 to 19 digits, however they are set apart, whose last is the check digit of the others
    /// (ISO/IEC 7812). One in ten other numbers of that length looks so too.
    /// </summary>
    public static bool AreIn(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var digits = new List<int>();
        foreach (var c in text)
        {
            if (char.IsAsciiDigit(c))
            {
                digits.Add(c - '0');
            }
            else if (c is not (' ' or '-' or '.'))
            {
                if (HasOne(digits))
                {
                    return true;
                }

                digits.Clear();
            }
        }

        return HasOne(digits);
    }

    private static bool HasOne(List<int> digits)
    {
        if (digits.Count is < Fewest or > Most)
        {
            return false;
        }

        var sum = 0;
        for (var i = 0; i < digits.Count; i++)
        {
            var digit = digits[^(i + 1)];
            var weighed = i % 2 == 0 ? digit : digit * 2;
            sum += weighed > 9 ? weighed - 9 : weighed;
        }

        return sum % 10 == 0;
    }
}
