using System.Text.Json.Serialization;

namespace Tessera.Core.Promotions;

/// <summary>A code whose promotion is exhausted or asks for more, and what was used in its stead (CMP-01).</summary>
/// <param name="Code">As typed.</param>
/// <param name="Promotion">The promotion of the code.</param>
/// <param name="Version">Its version.</param>
/// <param name="Reason">Why it could not be used itself.</param>
/// <param name="By">The promotion that stood in.</param>
/// <param name="Change">The smallest change that would make the code pass itself.</param>
public sealed record StandIn(
    [property: JsonPropertyName("c")] string Code,
    [property: JsonPropertyName("p")] string Promotion,
    [property: JsonPropertyName("v")] int Version,
    [property: JsonPropertyName("r")] string Reason,
    [property: JsonPropertyName("b")] string By,
    [property: JsonPropertyName("x")] Remedy? Change = null
);

/// <summary>
/// Lets fallbacks stand in: a code that is refused because what there was of it is taken, or because customer or cart are not
/// eligible, is tried once more with its fallback, if that is not in the cart by itself. A fallback that gives nothing either leaves the code its own reason.
/// </summary>
internal sealed class StandingIn(IReadOnlyDictionary<string, Promotion> ofCodes, IEnumerable<Promotion> fallbacks)
{
    private readonly Dictionary<string, Promotion> _current = new(ofCodes, StringComparer.Ordinal);
    private readonly Dictionary<string, Promotion> _left = fallbacks.ToDictionary(
        static p => p.Code!,
        StringComparer.Ordinal
    );
    private readonly Dictionary<string, StandIn> _standing = new(StringComparer.Ordinal);

    /// <summary>What a code stands for at present.</summary>
    public Promotion? Find(string code) => _current.GetValueOrDefault(code);

    /// <summary>What stands in, in the order of the codes.</summary>
    public IReadOnlyList<StandIn> Standing => [.. _standing.Values];

    /// <summary>Takes in how a price came out.</summary>
    /// <returns>Whether it is to be computed again.</returns>
    public bool Follow(Quote quote)
    {
        var changed = false;
        foreach (var rejected in quote.Rejected)
        {
            if (
                rejected is not { Code: { } typed, Promotion.Code: { } code }
                || rejected.Reason == Reasons.AlreadyApplied
            )
            {
                continue;
            }

            if (_standing.Remove(code))
            {
                _current[code] = ofCodes[code];
                changed = true;
            }
            else if (
                Reasons.AllowFallback(rejected.Reason)
                && _left.Remove(code, out var other)
                && _current.Values.All(p => OfferOf(p) != OfferOf(other))
            )
            {
                var primary = _current[code];
                _standing[code] = new StandIn(
                    typed,
                    primary.Id,
                    primary.Version,
                    rejected.Reason,
                    other.Id,
                    rejected.Change
                );
                _current[code] = other;
                changed = true;
            }
        }

        return changed;
    }

    /// <summary>Two codes of one coupon are two promotions of one offer: what follows the number sign tells them apart.</summary>
    private static string OfferOf(Promotion promotion) => promotion.Id.Split('#', 2)[0];
}
