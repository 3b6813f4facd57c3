using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>One event of a history, as written.</summary>
/// <param name="Kind"><c>redeem</c>, <c>cancel</c>, <c>hold</c> or <c>release</c>.</param>
/// <param name="At">When.</param>
/// <param name="Promotion">Which promotion.</param>
/// <param name="Order">On which order.</param>
/// <param name="Session">Of which checkout.</param>
/// <param name="Customer">By whom.</param>
/// <param name="Email">By whom.</param>
/// <param name="AmountMinor">What it gave.</param>
/// <param name="ExpiresAt">When a hold is over; null is open-ended.</param>
/// <param name="Restores">Whether a cancellation gives the uses back.</param>
public sealed record OracleEvent(
    string Kind,
    DateTimeOffset At,
    string? Promotion,
    string? Order,
    string? Session,
    string? Customer,
    string? Email,
    long AmountMinor,
    DateTimeOffset? ExpiresAt,
    bool Restores
);

/// <summary>What happened before a case: uses, cancellations and holds, read at the case's instant.</summary>
public sealed class OracleHistory
{
    private readonly Dictionary<(string Promotion, string Order), Use> used = [];
    private readonly Dictionary<(string Promotion, string Session), DateTimeOffset?> held = [];
    private string? order;
    private string? session;
    private DateTimeOffset now;

    private readonly List<OracleEvent> events = [];

    /// <summary>The order that is priced anew, if it is one.</summary>
    public string? OwnOrder => order;

    /// <summary>The checkout of the cart, if it has one.</summary>
    public string? OwnSession => session;

    /// <summary>The events, in order.</summary>
    public IReadOnlyList<OracleEvent> Events => events;

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
            history.events.Add(
                new OracleEvent(
                    happened.Text("event")!,
                    happened.Instant("at") ?? history.now,
                    happened.Text("promotion"),
                    happened.Text("order"),
                    happened.Text("session"),
                    happened.Text("customer"),
                    happened.Text("email"),
                    happened.Minor("amount") ?? 0,
                    happened.Instant("expiresAt"),
                    happened.Flag("restoresUsage")
                )
            );
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
