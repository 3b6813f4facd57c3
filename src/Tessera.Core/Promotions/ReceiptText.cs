using System.Globalization;

namespace Tessera.Core.Promotions;

/// <summary>A receipt in plain sentences, for people.</summary>
public static class ReceiptText
{
    private static readonly Dictionary<string, (string English, string German)> Why = new(StringComparer.Ordinal)
    {
        [Reasons.NotFound] = ("there is no such code", "diesen Code gibt es nicht"),
        [Reasons.Inactive] = ("it is switched off", "sie ist ausgeschaltet"),
        [Reasons.NotStarted] = ("it has not begun", "sie hat noch nicht begonnen"),
        [Reasons.Expired] = ("it has ended", "sie ist abgelaufen"),
        [Reasons.LimitReached] = ("all its uses are taken", "alle Einlösungen sind vergeben"),
        [Reasons.UserLimitReached] = (
            "this customer has used it as often as it allows",
            "dieser Kunde hat sie so oft genutzt, wie sie es erlaubt"
        ),
        [Reasons.BelowMinimum] = ("the order is too small", "die Bestellung ist zu klein"),
        [Reasons.AboveMaximum] = ("the order is too large", "die Bestellung ist zu groß"),
        [Reasons.BelowQuantity] = ("there are too few units", "es sind zu wenige Stücke"),
        [Reasons.ExcludedItems] = ("nothing in the cart may take it", "nichts im Warenkorb darf sie erhalten"),
        [Reasons.NotFirstTime] = ("it is for a first order", "sie gilt nur für die erste Bestellung"),
        [Reasons.WrongSegment] = ("it is for other customers", "sie gilt für andere Kunden"),
        [Reasons.WrongChannel] = ("it does not hold in this channel", "sie gilt nicht in diesem Kanal"),
        [Reasons.WrongService] = ("it is for another service", "sie gilt für eine andere Leistung"),
        [Reasons.WrongConsultant] = ("it is for another consultant", "sie gilt für eine andere Beratung"),
        [Reasons.NotStackable] = ("another promotion takes its place", "eine andere Aktion geht vor"),
        [Reasons.AlreadyApplied] = ("the code was typed before", "der Code wurde schon eingegeben"),
        [Reasons.TooManyCodes] = ("the cart takes no more codes", "der Warenkorb nimmt keine weiteren Codes an"),
        [Reasons.NothingLeft] = ("there is nothing left to reduce", "es ist nichts mehr zu ermäßigen"),
        [Reasons.RequirementNotMet] = ("the cart lacks what it asks for", "dem Warenkorb fehlt, was sie verlangt"),
        [Reasons.CustomerRequired] = ("the customer must be known", "der Kunde muss bekannt sein"),
        [Reasons.BudgetExhausted] = ("its budget does not cover it", "ihr Budget reicht dafür nicht"),
        [Reasons.WrongCurrency] = ("it is in another currency", "sie gilt in einer anderen Währung"),
        [Reasons.OutOfStock] = ("there is none of it left", "davon ist nichts mehr da"),
        [Reasons.NotOwner] = ("it belongs to another customer", "sie gehört einem anderen Kunden"),
        [Reasons.AlreadyRedeemed] = ("it has been used", "sie wurde schon eingelöst"),
        [Reasons.NotValid] = ("it is not valid", "er ist nicht gültig"),
        [Reasons.NeedsCart] = (
            "a promotion prices it, by the lines of a cart",
            "eine Aktion berechnet ihn, nach den Positionen eines Warenkorbs"
        ),
        [Reasons.Blocked] = ("this customer is blocked", "dieser Kunde ist gesperrt"),
        [Reasons.OutsideHours] = ("it does not hold at this hour", "sie gilt nicht zu dieser Stunde"),
    };

    /// <summary>One sentence a step, one a refusal, and the total.</summary>
    /// <param name="receipt">What was decided.</param>
    /// <param name="names">What people call the promotions, by id; ids where there is no name.</param>
    public static IReadOnlyList<string> English(Receipt receipt, IReadOnlyDictionary<string, string>? names = null)
    {
        string Name(string? id) => NameOf(id, names);
        ArgumentNullException.ThrowIfNull(receipt);
        string Amount(long minor) => $"{Currencies.Format(minor, receipt.Currency)} {receipt.Currency}";
        string Change(Remedy? change) => EnglishChange(change, Amount, id => CodeOf(receipt, id) ?? Name(id));
        var steps = receipt.Steps.Select(s =>
            s.Target switch
            {
                EffectTarget.Shipping =>
                    $"{Name(s.Promotion)} takes {Amount(s.DiscountMinor)} off delivery {s.Id}, which cost {Amount(s.BeforeMinor)}.",
                EffectTarget.Order when s.Id.Length == 0 =>
                    $"{Name(s.Promotion)} takes {Amount(s.DiscountMinor)} off the order, which cost {Amount(s.BeforeMinor)}.",
                EffectTarget.Order =>
                    $"{Name(s.Promotion)} takes {Amount(s.DiscountMinor)} off the order at line {s.Id}, which cost {Amount(s.BeforeMinor)}.",
                _ =>
                    $"{Name(s.Promotion)} takes {Amount(s.DiscountMinor)} off line {s.Id}, which cost {Amount(s.BeforeMinor)}.",
            }
        );
        var refusals = receipt
            .Verdicts.Where(v => v.Reason is not null)
            .Select(v => $"{v.Code ?? Name(v.Id)} does not apply: {WhyOf(v.Reason!).English}.{Change(v.Change)}");
        var cuts = receipt
            .Verdicts.Where(static v => v.IsCut)
            .Select(v => $"{Name(v.Id)} is cut to {Amount(v.AmountMinor)}: its budget has no more left.");
        var others = (receipt.StandIns ?? []).Select(s =>
            Reasons.IsExhausted(s.Reason)
                ? $"{s.Code} is exhausted, as {WhyOf(s.Reason).English}; {Name(s.By)} stands in for it."
                : $"{s.Code} does not apply: {WhyOf(s.Reason).English}.{Change(s.Change)} {Name(s.By)} stands in for it."
        );
        return
        [
            .. others,
            .. steps,
            .. cuts,
            .. refusals,
            $"Goods of {Amount(receipt.SubtotalMinor)} come to {Amount(receipt.TotalMinor)} with delivery and discounts.",
        ];
    }

    /// <summary>The same in German.</summary>
    public static IReadOnlyList<string> German(Receipt receipt, IReadOnlyDictionary<string, string>? names = null)
    {
        string Name(string? id) => NameOf(id, names);
        ArgumentNullException.ThrowIfNull(receipt);
        string Amount(long minor) =>
            $"{Currencies.Format(minor, receipt.Currency).Replace('.', ',')} {receipt.Currency}";
        string Change(Remedy? change) => GermanChange(change, Amount, id => CodeOf(receipt, id) ?? Name(id));
        var steps = receipt.Steps.Select(s =>
            s.Target switch
            {
                EffectTarget.Shipping =>
                    $"{Name(s.Promotion)} senkt die Lieferung {s.Id} von {Amount(s.BeforeMinor)} um {Amount(s.DiscountMinor)}.",
                EffectTarget.Order when s.Id.Length == 0 =>
                    $"{Name(s.Promotion)} senkt die Bestellung von {Amount(s.BeforeMinor)} um {Amount(s.DiscountMinor)}.",
                EffectTarget.Order =>
                    $"{Name(s.Promotion)} senkt die Bestellung um {Amount(s.DiscountMinor)} bei Position {s.Id}, die {Amount(s.BeforeMinor)} kostete.",
                _ =>
                    $"{Name(s.Promotion)} senkt die Position {s.Id} von {Amount(s.BeforeMinor)} um {Amount(s.DiscountMinor)}.",
            }
        );
        var refusals = receipt
            .Verdicts.Where(v => v.Reason is not null)
            .Select(v => $"{v.Code ?? Name(v.Id)} wird nicht angewandt: {WhyOf(v.Reason!).German}.{Change(v.Change)}");
        var cuts = receipt
            .Verdicts.Where(static v => v.IsCut)
            .Select(v =>
                $"{Name(v.Id)} ist auf {Amount(v.AmountMinor)} gekürzt: mehr ist von ihrem Budget nicht übrig."
            );
        var others = (receipt.StandIns ?? []).Select(s =>
            Reasons.IsExhausted(s.Reason)
                ? $"{s.Code} ist erschöpft, denn {WhyOf(s.Reason).German}; stattdessen gilt {Name(s.By)}."
                : $"{s.Code} wird nicht angewandt: {WhyOf(s.Reason).German}.{Change(s.Change)} Stattdessen gilt {Name(s.By)}."
        );
        return
        [
            .. others,
            .. steps,
            .. cuts,
            .. refusals,
            $"Waren für {Amount(receipt.SubtotalMinor)} kosten mit Lieferung und Rabatten {Amount(receipt.TotalMinor)}.",
        ];
    }

    private static string EnglishChange(Remedy? change, Func<long, string> amount, Func<string?, string> name) =>
        change?.Kind switch
        {
            "spend_more" => $" Spend {amount(change.Amount)} more.",
            "spend_less" => $" Spend {amount(change.Amount)} less.",
            "add_units" => $" Add {change.Amount.ToString(CultureInfo.InvariantCulture)} more.",
            "wait_until" when change.At is { } at => $" Wait until {Instant(at)}.",
            "remove_code" => $" Leave out {name(change.Subject)}.",
            _ => "",
        };

    private static string GermanChange(Remedy? change, Func<long, string> amount, Func<string?, string> name) =>
        change?.Kind switch
        {
            "spend_more" => $" Es fehlen {amount(change.Amount)}.",
            "spend_less" => $" Es sind {amount(change.Amount)} zu viel.",
            "add_units" => $" Es fehlen {change.Amount.ToString(CultureInfo.InvariantCulture)} Stück.",
            "wait_until" when change.At is { } at => $" Ab {Instant(at)} gilt sie.",
            "remove_code" => $" Ohne {name(change.Subject)} gilt sie.",
            _ => "",
        };

    private static (string English, string German) WhyOf(string reason) =>
        Why.GetValueOrDefault(reason, (reason, reason));

    /// <summary>The code that brought a promotion in: what a customer can leave out.</summary>
    private static string? CodeOf(Receipt receipt, string? id) =>
        receipt.Verdicts.FirstOrDefault(v => v.Id == id && v.Reason is null)?.Code;

    private static string NameOf(string? id, IReadOnlyDictionary<string, string>? names) =>
        id is null ? "" : names?.GetValueOrDefault(id) ?? id;

    private static string Instant(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
