using Microsoft.AspNetCore.Http;
using Tessera.Core;
using Tessera.Core.Promotions;
using Tessera.Server.Access;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions;

/// <summary>What callers ask of a quote.</summary>
/// <param name="Wish">The cart and how it is priced.</param>
/// <param name="SearchTime">How long the best combination is searched.</param>
/// <param name="Keep">Whether the receipt is kept.</param>
internal sealed record QuoteCall(QuoteWish Wish, TimeSpan SearchTime, bool Keep);

/// <summary>Reads requests for prices.</summary>
internal static class QuoteRequests
{
    public static readonly Refusal WrongChannel = new(
        "channel_not_allowed",
        "This key may not act in this channel.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal WrongInstant = new(
        "instant_not_allowed",
        "This key may price carts as of now only.",
        RefusalKind.Forbidden
    );

    public static readonly string[] Selections = ["all", "best_per_line", "best_for_order", "best_combination"];

    private const int SearchMilliseconds = 50;
    private const int MaxSearchMilliseconds = 2000;

    /// <summary>Reads a quote; null when something is wrong, which is in the fields.</summary>
    public static QuoteCall? Read(Fields body, Caller caller)
    {
        var cart = CartJson.Read(body);
        var at = body.Instant("at", required: false);
        var selection = body.Word("selection", Selections, required: false) ?? Selections[0];
        var within = body.Integer("within_ms", 1, MaxSearchMilliseconds, required: false) ?? SearchMilliseconds;
        var explain = body.Flag("explain", required: false) ?? true;
        var keep = body.Flag("keep", required: false) ?? false;
        if (cart is null)
        {
            return null;
        }

        var rules = PricingRules.Default with
        {
            Selection = (Selection)Array.IndexOf(Selections, selection),
            Explain = explain || keep,
            ReportAutomatic = explain || keep,
        };
        var customer = Guid.TryParseExact(cart.Customer?.Id, "D", out var id) ? id : (Guid?)null;
        var wish = new QuoteWish(cart, caller.MerchantId, customer, at, rules);
        return new QuoteCall(wish, TimeSpan.FromMilliseconds(within), keep);
    }

    /// <summary>What the caller may not ask.</summary>
    public static Refusal? Forbidden(QuoteWish wish, Caller caller) =>
        caller.Channels is { } channels && !(wish.Cart.Channel is { } channel && channels.Contains(channel))
            ? WrongChannel
        : wish.At is not null && !caller.Can(Permissions.QuotesAnyTime) ? WrongInstant
        : null;

    /// <summary>The language sentences are wanted in: by parameter, else by header, else English.</summary>
    public static string LanguageOf(HttpContext context, string? wanted)
    {
        if (wanted is not null)
        {
            return wanted;
        }

        foreach (var range in context.Request.Headers.AcceptLanguage.ToString().Split(','))
        {
            var tag = range.Split(';')[0].Trim();
            if (tag.StartsWith("de", StringComparison.OrdinalIgnoreCase))
            {
                return "de";
            }

            if (tag.StartsWith("en", StringComparison.OrdinalIgnoreCase))
            {
                return "en";
            }
        }

        return "en";
    }
}
