using System.Text;
using System.Text.Json;
using Tessera.Core.Promotions;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>What became of a receipt that was computed again.</summary>
/// <param name="Recomputed">What comes out now.</param>
/// <param name="Difference">The first thing that differs; null when nothing does.</param>
/// <param name="Whole">False when the search had been cut short, so that a better price may come out.</param>
internal sealed record Replayed(Receipt Recomputed, string? Difference, bool Whole);

/// <summary>Computes receipts again, from the input and the versions they name.</summary>
internal static class Replaying
{
    /// <summary>Computes a receipt again and compares.</summary>
    /// <exception cref="InvalidOperationException">A version it names is not there.</exception>
    public static async Task<Replayed> RunAsync(UnitOfWork work, StoredReceipt stored, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(stored);
        var input = stored.Input;
        var promotions = new List<Promotion>();
        foreach (var kept in input.Promotions)
        {
            promotions.Add(await PromotionAsync(work, kept, cancel));
        }

        var rules = new PricingRules
        {
            PercentBase = input.Rules.PercentBase,
            Selection = input.Rules.Selection,
            MaxCodes = input.Rules.MaxCodes,
            LastCodesWin = input.Rules.LastCodesWin ?? false,
            AllCodesOrNone = input.Rules.AllCodesOrNone ?? false,
            ReportAutomatic = input.Rules.ReportAutomatic ?? false,
        };
        var uses = (input.Uses ?? new Dictionary<string, KeptUse>(StringComparer.Ordinal)).ToDictionary(
            static u => u.Key,
            static u => new PromotionUse(u.Value.Uses, u.Value.Held, u.Value.Own, u.Value.Spent)
            {
                Exhausted = u.Value.Reason is { } reason
                    ? new LimitHit(reason, u.Value.Until) { Change = u.Value.Change }
                    : null,
                LeftMinor = u.Value.Left,
            },
            StringComparer.Ordinal
        );
        var cart = CartJson.Kept(input.Cart);
        var quote = PromotionEngine.Price(cart, promotions, uses, input.Now, rules);
        var receipt = Receipt.Of(quote, cart, input.Now);
        return new Replayed(receipt, stored.Receipt.FirstDifference(receipt), input.Whole ?? true);
    }

    private static async Task<Promotion> PromotionAsync(UnitOfWork work, KeptPromotion kept, CancellationToken cancel)
    {
        if (kept.Definition is { } definition)
        {
            var bytes = JsonSerializer.SerializeToUtf8Bytes(definition, Wire.Json);
            var fields = Fields.Of(RequestBody.Parse(bytes).Body!);
            var draft = PromotionJson.Read(fields, kept.Id, kept.Version, kept.Active ?? true);
            return draft!.Promotion with
            {
                Code = kept.Code,
                Priority = kept.Order ?? draft.Promotion.Priority,
                IsFallback = kept.Fallback ?? false,
            };
        }

        var stored = await PromotionStore.FindVersionAsync(work, Guid.Parse(kept.Id), kept.Version, null, cancel);
        return stored is null
            ? throw new InvalidOperationException($"Version {kept.Version} of promotion {kept.Id} is not there.")
            : stored.Draft.Promotion with
            {
                Code = kept.Code,
                IsFallback = kept.Fallback ?? false,
            };
    }
}
