using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>What happened before a case: uses, cancellations and holds, read at the case's instant.</summary>
public sealed class OracleHistory
{
    private readonly Dictionary<(string Promotion, string Order), Use> used = [];
    private readonly Dictionary<(string Promotion, string Session), DateTimeOffset?> held = [];
    private string? order;
    private string? session;
    private DateTimeOffset now;

    /// <summary>Whether a case has a history at all.</summary>
    public bool IsPresent { get; private init; }

    /// <summary>Plays the history of a case.</summary>
    /// <exception cref="FormatException">An event is unknown.</exception>
    public static OracleHistory Read(JsonElement json)
    {
        var cart = json.GetProperty("cart");
        var history = new OracleHistory
        {
            IsPresent = json.Has("history"),
            order = cart.Text("orderId"),
            session = cart.Text("session"),
            now = json.GetProperty("now").GetDateTimeOffset(),
        };
        foreach (var happened in json.Member("history").List(item => item))
        {
            history.Play(happened);
        }

        return history;
    }

    /// <summary>Use as it counts for this cart: its own order and its own session do not.</summary>
    public IReadOnlyDictionary<string, PromotionUse> Uses(OracleCase of)
    {
        ArgumentNullException.ThrowIfNull(of);
        var uses = new Dictionary<string, PromotionUse>(StringComparer.Ordinal);
        foreach (var promotion in of.Promotions)
        {
            var others = used.Where(u => u.Key.Promotion == promotion.Id && u.Key.Order != order).ToList();
            var before = promotion.Budget is { InUses: false } budget ? budget.UsedBefore : 0;
            uses[promotion.Id] = new PromotionUse(
                others.Count,
                held.Count(h => h.Key.Promotion == promotion.Id && h.Key.Session != session && Lives(h.Value)),
                others.Count(u => u.Value.Is(of.Cart.Customer)),
                before + others.Sum(u => u.Value.Spent)
            );
        }

        return uses;
    }

    /// <summary>Orders that used a promotion, live holds on it, and what it gave.</summary>
    public (long Redeemed, long Held, long Spent) Count(Promotion promotion)
    {
        ArgumentNullException.ThrowIfNull(promotion);
        var before = promotion.Budget is { InUses: false } budget ? budget.UsedBefore : 0;
        var own = used.Where(u => u.Key.Promotion == promotion.Id).ToList();
        return (
            own.Count,
            held.Count(h => h.Key.Promotion == promotion.Id && Lives(h.Value)),
            before + own.Sum(u => u.Value.Spent)
        );
    }

    private void Play(JsonElement happened)
    {
        switch (happened.Text("event"))
        {
            case "redeem":
                var key = (happened.Text("promotion")!, happened.Text("order")!);
                used.TryGetValue(key, out var use);
                used[key] = new Use(
                    (use?.Spent ?? 0) + (happened.Minor("amount") ?? 0),
                    happened.Text("customer") ?? use?.Customer,
                    happened.Text("email") ?? use?.Email
                );
                if (happened.Text("session") is { } redeeming)
                {
                    held.Remove((key.Item1, redeeming));
                }

                break;
            case "cancel":
                if (happened.Flag("restoresUsage"))
                {
                    foreach (var gone in used.Keys.Where(k => k.Order == happened.Text("order")).ToList())
                    {
                        used.Remove(gone);
                    }
                }

                break;
            case "hold":
                held[(happened.Text("promotion")!, happened.Text("session")!)] = happened.Instant("expiresAt");
                break;
            case "release":
                foreach (var gone in held.Keys.Where(k => k.Session == happened.Text("session")).ToList())
                {
                    held.Remove(gone);
                }

                break;
            default:
                throw OracleReader.Unknown("history.event", happened.Text("event"));
        }
    }

    private bool Lives(DateTimeOffset? expiresAt) => expiresAt is not { } end || end > now;

    private sealed record Use(long Spent, string? Customer, string? Email)
    {
        /// <summary>A customer is recognised by id or by e-mail address.</summary>
        public bool Is(Shopper? shopper) =>
            shopper is not null
            && (
                (Customer is not null && Customer == shopper.Id)
                || (Email is not null && string.Equals(Email, shopper.Email, StringComparison.OrdinalIgnoreCase))
            );
    }
}
