using Tessera.Core.Coupons;

namespace Tessera.Core.Promotions;

/// <summary>Why a condition does not hold: the first failing layer (RUL-06).</summary>
/// <param name="Reason">One of <see cref="Reasons"/>.</param>
/// <param name="Layer">Which kind of condition failed.</param>
/// <param name="Change">The smallest change that would make it hold, where there is one.</param>
public sealed record Unmet(string Reason, string Layer, Remedy? Change = null);

/// <summary>How a subtotal is compared.</summary>
public enum Comparison
{
    /// <summary>At least.</summary>
    AtLeast,

    /// <summary>More than.</summary>
    MoreThan,

    /// <summary>At most.</summary>
    AtMost,

    /// <summary>Exactly.</summary>
    Exactly,
}

/// <summary>What must hold of a cart for a promotion to apply: a typed tree (RUL-06). Built once per version.</summary>
public abstract record Condition
{
    /// <summary>Null when it holds.</summary>
    internal abstract Unmet? Check(PricingState state, DateTimeOffset now);

    private protected static bool Counts(CartLine line, LineFilter filter) => line.Discountable && filter.Matches(line);
}

/// <summary>All of these, judged in order; the first that fails is reported.</summary>
/// <param name="Of">The parts.</param>
public sealed record AllOf(IReadOnlyList<Condition> Of) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        for (var i = 0; i < Of.Count; i++)
        {
            if (Of[i].Check(state, now) is { } unmet)
            {
                return unmet;
            }
        }

        return null;
    }
}

/// <summary>At least one of these; when none holds the first is reported.</summary>
/// <param name="Of">The parts.</param>
public sealed record AnyOf(IReadOnlyList<Condition> Of) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        Unmet? first = null;
        for (var i = 0; i < Of.Count; i++)
        {
            if (Of[i].Check(state, now) is not { } unmet)
            {
                return null;
            }

            first ??= unmet;
        }

        return first ?? new Unmet(Reasons.RequirementNotMet, "any");
    }
}

/// <summary>None of these.</summary>
/// <param name="Of">The parts.</param>
public sealed record NoneOf(IReadOnlyList<Condition> Of) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        for (var i = 0; i < Of.Count; i++)
        {
            if (Of[i].Check(state, now) is null)
            {
                return new Unmet(Reasons.RequirementNotMet, "none");
            }
        }

        return null;
    }
}

/// <summary>A spend threshold on discountable lines (RUL-03).</summary>
/// <param name="Comparison">How.</param>
/// <param name="AmountMinor">Against what, in minor units.</param>
/// <param name="Running">Counts what earlier discounts left; else the prices before discounts.</param>
/// <param name="Filter">Which lines count.</param>
public sealed record Subtotal(Comparison Comparison, long AmountMinor, bool Running, LineFilter Filter) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        long sum = 0;
        for (var i = 0; i < state.Goods; i++)
        {
            var line = state.Cart.Lines[i];
            if (Counts(line, Filter))
            {
                sum += Running ? state.CostOf(i) : line.AmountMinor;
            }
        }

        return Comparison switch
        {
            Comparison.AtLeast when sum < AmountMinor => Below(AmountMinor - sum),
            Comparison.MoreThan when sum <= AmountMinor => Below(AmountMinor - sum + 1),
            Comparison.AtMost when sum > AmountMinor => new Unmet(
                Reasons.AboveMaximum,
                "spend",
                new Remedy("spend_less", sum - AmountMinor)
            ),
            Comparison.Exactly when sum != AmountMinor => new Unmet(
                Reasons.RequirementNotMet,
                "spend",
                sum < AmountMinor ? new Remedy("spend_more", AmountMinor - sum) : null
            ),
            _ => null,
        };
    }

    private static Unmet Below(long missing) => new(Reasons.BelowMinimum, "spend", new Remedy("spend_more", missing));
}

/// <summary>A number of units.</summary>
/// <param name="Min">At least so many.</param>
/// <param name="PerLine">One line must reach it; else matching lines add up.</param>
/// <param name="Filter">Which lines count.</param>
public sealed record UnitCount(long Min, bool PerLine, LineFilter Filter) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        long reached = 0;
        foreach (var line in state.Cart.Lines)
        {
            if (Counts(line, Filter))
            {
                reached = PerLine ? Math.Max(reached, line.Quantity) : reached + line.Quantity;
            }
        }

        return reached >= Min
            ? null
            : new Unmet(Reasons.BelowQuantity, "quantity", new Remedy("add_units", Min - reached));
    }
}

/// <summary>Some line matches.</summary>
/// <param name="Filter">Which.</param>
public sealed record Contains(LineFilter Filter) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        foreach (var line in state.Cart.Lines)
        {
            if (Filter.Matches(line))
            {
                return null;
            }
        }

        var reason =
            Filter.Consultants is not null ? Reasons.WrongConsultant
            : Filter.Services is not null || Filter.SessionTypes is not null ? Reasons.WrongService
            : Reasons.RequirementNotMet;
        return new Unmet(reason, "contents");
    }
}

/// <summary>The customer is in one of these groups (RUL-09).</summary>
/// <param name="Groups">Any of them.</param>
public sealed record InGroup(IReadOnlyList<string> Groups) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now) =>
        state.Cart.Customer is { } customer && customer.Groups.Any(g => Groups.Contains(g, StringComparer.Ordinal))
            ? null
            : new Unmet(Reasons.WrongSegment, "segment");
}

/// <summary>The customer is in one of these segments (RUL-09).</summary>
/// <param name="Segments">Any of them, by id.</param>
public sealed record InSegment(IReadOnlyList<string> Segments) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now) =>
        state.Cart.Customer is { } customer && customer.Segments.Any(s => Segments.Contains(s, StringComparer.Ordinal))
            ? null
            : new Unmet(Reasons.WrongSegment, "segment");
}

/// <summary>The customer lives in one of these regions (RUL-09).</summary>
/// <param name="Regions">Any of them.</param>
public sealed record InRegion(IReadOnlyList<string> Regions) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now) =>
        state.Cart.Customer?.Region is { } region && Regions.Contains(region, StringComparer.Ordinal)
            ? null
            : new Unmet(Reasons.WrongSegment, "segment");
}

/// <summary>A number known of the customer lies in a range, both ends included (RUL-10). Unknown numbers fail.</summary>
/// <param name="Name">Which number.</param>
/// <param name="Min">At least.</param>
/// <param name="Max">At most.</param>
public sealed record AttributeInRange(string Name, decimal? Min, decimal? Max) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now) =>
        state.Cart.Customer is { } customer
        && customer.Attributes.TryGetValue(Name, out var value)
        && (Min is not { } min || value >= min)
        && (Max is not { } max || value <= max)
            ? null
            : new Unmet(Reasons.WrongSegment, "segment");
}

/// <summary>This is the customer's nth order: so many less one were completed before (RUL-07).</summary>
/// <param name="N">1 for the first.</param>
public sealed record NthOrder(int N) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        if (state.Cart.Customer is not { } customer)
        {
            return new Unmet(Reasons.CustomerRequired, "history");
        }

        return customer.CompletedOrders + 1 == N
            ? null
            : new Unmet(N == 1 ? Reasons.NotFirstTime : Reasons.WrongSegment, "history");
    }
}

/// <summary>One of the deliveries uses one of these methods.</summary>
/// <param name="Methods">Any of them.</param>
public sealed record ShipsBy(IReadOnlyList<string> Methods) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now) =>
        state.Cart.Shipping.Any(s => Methods.Contains(s.Method, StringComparer.Ordinal))
            ? null
            : new Unmet(Reasons.RequirementNotMet, "shipping");
}

/// <summary>No line is on sale.</summary>
public sealed record NothingOnSale : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now) =>
        state.Cart.Lines.Any(line => line.OnSale) ? new Unmet(Reasons.ExcludedItems, "contents") : null;
}

/// <summary>Sold in one of these stores (RUL-11).</summary>
/// <param name="Stores">Any of them.</param>
public sealed record InStore(IReadOnlyList<string> Stores) : Condition
{
    internal override Unmet? Check(PricingState state, DateTimeOffset now) =>
        state.Cart.Store is { } store && Stores.Contains(store, StringComparer.Ordinal)
            ? null
            : new Unmet(Reasons.WrongChannel, "channel");
}

/// <summary>Days of the week and hours of the day in a named zone. Hours that end before they begin span midnight.</summary>
/// <param name="Days">The days on which the window begins; empty means every day.</param>
/// <param name="From">Inclusive, on the zone's clock.</param>
/// <param name="Until">Exclusive; equal to <paramref name="From"/> means the whole day.</param>
/// <param name="Zone">An IANA name.</param>
public sealed record Hours(IReadOnlyList<DayOfWeek> Days, TimeOnly From, TimeOnly Until, string Zone) : Condition
{
    private readonly TimeZoneInfo zone = Zones.TryFind(Zone, out var found)
        ? found
        : throw new ArgumentException($"There is no time zone called {Zone}.", nameof(Zone));

    internal override Unmet? Check(PricingState state, DateTimeOffset now)
    {
        if (Holds(now))
        {
            return null;
        }

        return new Unmet(
            Reasons.OutsideHours,
            "time",
            NextOpening(now) is { } at ? new Remedy("wait_until", At: at) : null
        );
    }

    /// <summary>The first beginning of a window after an instant: one lies within eight days, unless a clock change
    /// leaves it out.</summary>
    private DateTimeOffset? NextOpening(DateTimeOffset now)
    {
        var today = TimeZoneInfo.ConvertTime(now, zone).Date;
        for (var day = 0; day <= 8; day++)
        {
            var local = today.AddDays(day) + (From == Until ? TimeSpan.Zero : From.ToTimeSpan());
            while (zone.IsInvalidTime(local))
            {
                local = local.AddMinutes(1);
            }

            var offset = zone.IsAmbiguousTime(local)
                ? zone.GetAmbiguousTimeOffsets(local).Max()
                : zone.GetUtcOffset(local);
            var at = new DateTimeOffset(local, offset).ToUniversalTime();
            if (at > now && Holds(at))
            {
                return at;
            }
        }

        return null;
    }

    private bool Holds(DateTimeOffset now)
    {
        var local = TimeZoneInfo.ConvertTime(now, zone);
        var time = TimeOnly.FromTimeSpan(local.TimeOfDay);
        if (From == Until)
        {
            return OnDay(local.DayOfWeek);
        }

        if (From < Until)
        {
            return time >= From && time < Until && OnDay(local.DayOfWeek);
        }

        return (time >= From && OnDay(local.DayOfWeek)) || (time < Until && OnDay(local.AddDays(-1).DayOfWeek));
    }

    private bool OnDay(DayOfWeek day) => Days.Count == 0 || Days.Contains(day);
}
