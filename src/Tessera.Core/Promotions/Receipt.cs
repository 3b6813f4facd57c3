using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tessera.Core.Promotions;

/// <summary>What became of one promotion.</summary>
/// <param name="Id">The promotion; null for a code nobody knows.</param>
/// <param name="Version">The version that decided (RUL-12).</param>
/// <param name="Code">The code as typed; null for automatic ones.</param>
/// <param name="AmountMinor">What it gave; 0 when it was refused.</param>
/// <param name="Reason">Why it was refused; null when it gave something.</param>
/// <param name="Change">The smallest change that would make it pass.</param>
public sealed record Verdict(
    [property: JsonPropertyName("p")] string? Id,
    [property: JsonPropertyName("v")] int Version,
    [property: JsonPropertyName("c")] string? Code,
    [property: JsonPropertyName("a")] long AmountMinor,
    [property: JsonPropertyName("r")] string? Reason,
    [property: JsonPropertyName("x")] Remedy? Change
)
{
    /// <summary>The layer of eligibility that failed first (RUL-06).</summary>
    [JsonPropertyName("l")]
    public string? Layer { get; init; }

    /// <summary>The verdict on every single condition, as they were when the promotion was tried.</summary>
    [JsonPropertyName("d")]
    public IReadOnlyList<ConditionVerdict>? Conditions { get; init; }

    /// <summary>
    /// Whether that is all a budget had left, of more. It follows from amounts and budget, so it is not compared: receipts
    /// from before it was noted are the same.
    /// </summary>
    [JsonPropertyName("k")]
    public bool IsCut { get; init; }

    /// <inheritdoc/>
    public bool Equals(Verdict? other) =>
        other is not null
        && (Id, Version, Code, AmountMinor, Reason, Change, Layer)
            == (other.Id, other.Version, other.Code, other.AmountMinor, other.Reason, other.Change, other.Layer)
        && (Conditions ?? []).SequenceEqual(other.Conditions ?? []);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Version, Code, AmountMinor, Reason);
}

/// <summary>
/// Why a price came out as it did: the versions used, the verdict on each promotion and every amount taken off, in minor
/// units (RUL-01, RUL-12). Small enough to be kept with each redemption and refusal.
/// </summary>
/// <param name="At">The instant the price holds for.</param>
/// <param name="Currency">ISO 4217.</param>
/// <param name="SubtotalMinor">Goods before discounts.</param>
/// <param name="TotalMinor">Goods and deliveries after discounts.</param>
/// <param name="TaxMinor">Tax on the reduced prices.</param>
/// <param name="Verdicts">What gave something in order, then what was refused.</param>
/// <param name="Steps">Every amount taken off, in order.</param>
public sealed record Receipt(
    [property: JsonPropertyName("t")] DateTimeOffset At,
    [property: JsonPropertyName("m")] string Currency,
    [property: JsonPropertyName("s")] long SubtotalMinor,
    [property: JsonPropertyName("o")] long TotalMinor,
    [property: JsonPropertyName("x")] long TaxMinor,
    [property: JsonPropertyName("v")] IReadOnlyList<Verdict> Verdicts,
    [property: JsonPropertyName("e")] IReadOnlyList<PricingStep> Steps
)
{
    /// <summary>Codes whose promotion was exhausted or not eligible, with what was used in its stead.</summary>
    [JsonPropertyName("f")]
    public IReadOnlyList<StandIn>? StandIns { get; init; }

    /// <summary>The receipt of a quote.</summary>
    public static Receipt Of(Quote quote, Cart cart, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(quote);
        ArgumentNullException.ThrowIfNull(cart);
        var refused = quote.Rejected.Select(r => new Verdict(
            r.Promotion?.Id,
            r.Promotion?.Version ?? 0,
            r.Code,
            0,
            r.Reason,
            r.Change
        )
        {
            Layer = r.Layer,
            Conditions = ConditionsOf(r.Promotion),
        });
        return new Receipt(
            at,
            cart.Currency,
            quote.SubtotalMinor,
            quote.TotalMinor,
            quote.TaxMinor,
            [
                .. quote.Applied.Select(a => new Verdict(
                    a.Promotion.Id,
                    a.Promotion.Version,
                    a.Promotion.Code,
                    a.AmountMinor,
                    null,
                    null
                )
                {
                    Conditions = ConditionsOf(a.Promotion),
                    IsCut = a.IsCut,
                }),
                .. refused,
            ],
            quote.Steps
        )
        {
            StandIns = quote.StandIns.Count == 0 ? null : quote.StandIns,
        };

        IReadOnlyList<ConditionVerdict>? ConditionsOf(Promotion? promotion) =>
            promotion is null ? null : quote.Conditions.GetValueOrDefault(promotion.Id);
    }

    /// <summary>As it is stored.</summary>
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, ReceiptJson.Default.Receipt);

    /// <summary>As it was stored.</summary>
    /// <exception cref="JsonException">It is not a receipt.</exception>
    public static Receipt FromBytes(ReadOnlySpan<byte> stored) =>
        JsonSerializer.Deserialize(stored, ReceiptJson.Default.Receipt)
        ?? throw new JsonException("A receipt is an object.");

    /// <summary>The first thing in which a recomputed receipt differs from this one; null when they agree.</summary>
    public string? FirstDifference(Receipt recomputed)
    {
        ArgumentNullException.ThrowIfNull(recomputed);
        if ((Currency, SubtotalMinor) != (recomputed.Currency, recomputed.SubtotalMinor))
        {
            return $"subtotal: {SubtotalMinor} {Currency}, now {recomputed.SubtotalMinor} {recomputed.Currency}";
        }

        for (var i = 0; i < Math.Max(Steps.Count, recomputed.Steps.Count); i++)
        {
            var (then, now) = (Steps.ElementAtOrDefault(i), recomputed.Steps.ElementAtOrDefault(i));
            if (then != now)
            {
                return $"step {i + 1}: {then}, now {now}";
            }
        }

        for (var i = 0; i < Math.Max(Verdicts.Count, recomputed.Verdicts.Count); i++)
        {
            var (then, now) = (Verdicts.ElementAtOrDefault(i), recomputed.Verdicts.ElementAtOrDefault(i));
            if (then != now)
            {
                return $"verdict {i + 1}: {then}, now {now}";
            }
        }

        if (!(StandIns ?? []).SequenceEqual(recomputed.StandIns ?? []))
        {
            return $"stand-ins: {Told(StandIns)}, now {Told(recomputed.StandIns)}";
        }

        return (TotalMinor, TaxMinor) == (recomputed.TotalMinor, recomputed.TaxMinor)
            ? null
            : $"total: {TotalMinor}, tax {TaxMinor}; now {recomputed.TotalMinor}, tax {recomputed.TaxMinor}";

        static string Told(IReadOnlyList<StandIn>? all) => all is null ? "none" : string.Join("; ", all);
    }
}

/// <summary>How receipts are stored: short names, nothing that is empty.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(Receipt))]
internal sealed partial class ReceiptJson : JsonSerializerContext;
