using System.Globalization;

namespace Tessera.Core.Codes;

/// <summary>Turns random bytes into codes (convention 53, CPN-11). The bytes come from a cryptographic generator.</summary>
public static class CodeAlphabet
{
    /// <summary>32 letters and digits of which none looks like another: no 0, O, 1, I.</summary>
    public const string Symbols = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

    /// <summary>Symbols that carry 60 bits: what nobody guesses.</summary>
    public const int SecretLength = 12;

    /// <summary>Bytes a secret of <see cref="SecretLength"/> is made from.</summary>
    public const int SecretBytes = 8;

    /// <summary>A secret of 60 bits.</summary>
    /// <param name="random">Eight bytes; the top four bits are not used.</param>
    /// <param name="to">Twelve symbols.</param>
    public static void WriteSecret(ReadOnlySpan<byte> random, Span<char> to)
    {
        var bits = BitConverter.ToUInt64(random);
        for (var i = 0; i < SecretLength; i++)
        {
            to[i] = Symbols[(int)(bits & 31)];
            bits >>= 5;
        }
    }

    /// <summary>A code of the shape asked for (A.6), for a person to see and keep: short ones are not secret.</summary>
    /// <param name="options">The shape.</param>
    /// <param name="today">Gives year and month.</param>
    /// <param name="random">One byte a random symbol, of which five bits count.</param>
    public static string Shape(CodeOptions options, DateOnly today, ReadOnlySpan<byte> random)
    {
        ArgumentNullException.ThrowIfNull(options);
        var head =
            (options.Prefix ?? "")
            + (options.IncludeYear ? today.Year.ToString(CultureInfo.InvariantCulture) : "")
            + (options.IncludeMonth ? today.ToString("MMM", CultureInfo.InvariantCulture).ToUpperInvariant() : "");
        var wanted =
            options.Length ?? Math.Max(MinimumLength, head.Length + (options.RandomSuffix ? DefaultSuffix : 0));
        var suffix = Math.Max(0, Math.Min(wanted, MaximumLength) - head.Length);
        Span<char> symbols = stackalloc char[suffix];
        for (var i = 0; i < suffix; i++)
        {
            symbols[i] = Symbols[random[i] & 31];
        }

        return string.Concat(head, symbols);
    }

    /// <summary>The shortest code of a coupon (A.5).</summary>
    public const int MinimumLength = 3;

    /// <summary>The longest code of a coupon (A.5).</summary>
    public const int MaximumLength = 20;

    private const int DefaultSuffix = 6;
}

/// <summary>The shape of a code (A.6).</summary>
/// <param name="Prefix">For example SAVE.</param>
/// <param name="IncludeYear">Adds the year.</param>
/// <param name="IncludeMonth">Adds the month as three letters.</param>
/// <param name="RandomSuffix">Adds random symbols.</param>
/// <param name="Length">Of the whole; filled up with random symbols.</param>
public sealed record CodeOptions(
    string? Prefix = null,
    bool IncludeYear = false,
    bool IncludeMonth = false,
    bool RandomSuffix = false,
    int? Length = null
)
{
    /// <summary>All that is wrong with the options, by field.</summary>
    public IReadOnlyList<FieldError> Validate()
    {
        var errors = new List<FieldError>();
        var head = (Prefix?.Length ?? 0) + (IncludeYear ? 4 : 0) + (IncludeMonth ? 3 : 0);
        if (Prefix is not null && !CouponCode.TryNormalise(Prefix, out _))
        {
            errors.Add(
                new FieldError(
                    "prefix",
                    "#/prefix",
                    "invalid_characters",
                    "Code must contain only uppercase letters, numbers, underscores, and hyphens"
                )
            );
        }

        if (Length is < CodeAlphabet.MinimumLength or > CodeAlphabet.MaximumLength)
        {
            errors.Add(
                new FieldError(
                    "length",
                    "#/length",
                    "out_of_range",
                    $"The length has to be from {CodeAlphabet.MinimumLength:minimum} to {CodeAlphabet.MaximumLength:maximum} characters"
                )
            );
        }
        else if (head > (Length ?? CodeAlphabet.MaximumLength))
        {
            errors.Add(
                new FieldError(
                    "prefix",
                    "#/prefix",
                    "too_long",
                    "Prefix, year and month are longer than the code may be"
                )
            );
        }

        if (head == 0 && !RandomSuffix && Length is null)
        {
            errors.Add(
                new FieldError("prefix", "#/prefix", "required", "A code needs a prefix, a date or a random suffix")
            );
        }

        return errors;
    }
}
