using Tessera.Core.Codes;

namespace Tessera.Core.Promotions;

/// <summary>A typed code that names a promotion and may be tried.</summary>
/// <param name="Code">As typed.</param>
/// <param name="Promotion">What it stands for.</param>
internal sealed record TypedCode(string Code, Promotion Promotion);

/// <summary>What the typed codes of a cart mean: which promotions may be tried, and which codes are out already.</summary>
internal sealed class TypedCodes
{
    public static readonly TypedCodes None = new();

    /// <summary>Automatic promotions and those whose code was typed, first priority first.</summary>
    public IReadOnlyList<Promotion> Candidates { get; private init; } = [];

    /// <summary>Codes to be tried, in the order typed.</summary>
    public IReadOnlyList<TypedCode> Typed { get; private init; } = [];

    /// <summary>Codes that are out: unknown, typed twice, too many.</summary>
    public IReadOnlyList<RejectedPromotion> Rejected { get; private init; } = [];

    /// <param name="codes">As typed.</param>
    /// <param name="automatic">Promotions that need no code.</param>
    /// <param name="find">The promotion of a code in normal form, or null.</param>
    /// <param name="rules">Rules of the house.</param>
    public static TypedCodes Of(
        IReadOnlyList<string> codes,
        List<Promotion> automatic,
        Func<string, Promotion?> find,
        PricingRules rules
    )
    {
        var typed = new List<TypedCode>(codes.Count);
        List<RejectedPromotion> rejected = [];
        foreach (var code in codes)
        {
            var normal = CouponCode.TryNormalise(code, out var found) ? found : code.Trim().ToUpperInvariant();
            if (find(normal) is not { } promotion)
            {
                rejected.Add(new RejectedPromotion(null, code, Reasons.NotFound));
            }
            else if (typed.Exists(t => ReferenceEquals(t.Promotion, promotion)))
            {
                rejected.Add(new RejectedPromotion(promotion, code, Reasons.AlreadyApplied));
            }
            else
            {
                typed.Add(new TypedCode(code, promotion));
            }
        }

        // Unknown codes and repetitions take no place.
        if (rules.MaxCodes is { } most && typed.Count > most)
        {
            var over = rules.LastCodesWin ? typed[..^most] : typed[most..];
            typed = rules.LastCodesWin ? typed[^most..] : typed[..most];
            rejected.AddRange(over.Select(t => new RejectedPromotion(t.Promotion, t.Code, Reasons.TooManyCodes)));
        }

        var candidates = automatic;
        foreach (var (_, promotion) in typed)
        {
            candidates.Add(promotion);
        }

        candidates.Sort(Promotion.InOrder);
        return new TypedCodes
        {
            Candidates = candidates,
            Typed = typed,
            Rejected = rejected,
        };
    }

    /// <summary>The code as typed that brought a promotion in; null for automatic ones.</summary>
    public string? For(Promotion promotion)
    {
        foreach (var typed in Typed)
        {
            if (ReferenceEquals(typed.Promotion, promotion))
            {
                return typed.Code;
            }
        }

        return null;
    }
}
