namespace Tessera.Core.Promotions;

/// <summary>One pricing of one cart: which promotions apply, in which order, and what each gives.</summary>
internal sealed partial class PricingRun(
    Cart cart,
    IReadOnlyList<Promotion> candidates,
    IReadOnlyDictionary<string, PromotionUse> uses,
    DateTimeOffset now,
    PricingRules rules
)
{
    private readonly List<(Promotion Promotion, long Amount)> applied = [];
    private readonly List<(Promotion Promotion, Unmet Unmet)> refused = [];
    private readonly List<PricingStep> steps = [];
    private readonly Dictionary<string, IReadOnlyList<ConditionVerdict>> conditions = new(StringComparer.Ordinal);
    private readonly HashSet<string> cut = new(StringComparer.Ordinal);
    private bool ranOutOfTime;

    public Quote Price(TypedCodes codes)
    {
        using var state = PricingState.Of(cart);
        if (candidates.Any(p => p.Exclusive) && FirstExclusive(state) is { } exclusive)
        {
            Alone(state, exclusive);
        }
        else
        {
            switch (rules.Selection)
            {
                case Selection.BestPerLine:
                    BestPerLine(state);
                    break;
                case Selection.BestForOrder:
                    BestForOrder(state);
                    break;
                case Selection.BestCombination:
                    BestCombination(state);
                    break;
                default:
                    InOrder(state, candidates);
                    break;
            }
        }

        return Report(state, codes);
    }

    /// <summary>Every one in order, each on what the earlier ones left.</summary>
    private void InOrder(PricingState state, IReadOnlyList<Promotion> promotions)
    {
        foreach (var promotion in promotions)
        {
            if (Conflict(promotion) is { } other)
            {
                refused.Add((promotion, InTheWay(other)));
                continue;
            }

            if (Try(state, promotion, Part.All, out var amount) is { } unmet)
            {
                refused.Add((promotion, unmet));
                continue;
            }

            applied.Add((promotion, amount));
        }
    }

    private Promotion? FirstExclusive(PricingState state)
    {
        foreach (var promotion in candidates)
        {
            if (promotion.Exclusive && Probe(state, promotion, out _) is null)
            {
                return promotion;
            }
        }

        return null;
    }

    /// <summary>Applies one; the others keep a reason of their own, or give way to it.</summary>
    private void Alone(PricingState state, Promotion only)
    {
        foreach (var promotion in candidates)
        {
            if (!ReferenceEquals(promotion, only))
            {
                refused.Add((promotion, Probe(state, promotion, out _) ?? InTheWay(only)));
            }
        }

        if (Try(state, only, Part.All, out var amount) is null)
        {
            applied.Add((only, amount));
        }
    }

    private void BestForOrder(PricingState state)
    {
        var (best, most) = (default(Promotion), 0L);
        foreach (var promotion in candidates)
        {
            if (Probe(state, promotion, out var amount) is null && amount > most)
            {
                (best, most) = (promotion, amount);
            }
        }

        if (best is null)
        {
            InOrder(state, candidates);
            return;
        }

        Alone(state, best);
    }

    /// <summary>What a promotion would give alone on the cart as it stands; the cart is left as it was.</summary>
    private Unmet? Probe(PricingState state, Promotion promotion, out long amount)
    {
        using var copy = state.Copy();
        var before = steps.Count;
        var unmet = Try(copy, promotion, Part.All, out amount);
        steps.RemoveRange(before, steps.Count - before);
        return unmet;
    }

    private Promotion? Conflict(Promotion promotion)
    {
        if (promotion.Groups.Count > 0)
        {
            foreach (var (other, _) in applied)
            {
                if (Excludes(promotion, other))
                {
                    return other;
                }
            }
        }

        return null;
    }

    private static bool Excludes(Promotion one, Promotion other) =>
        one.Groups.Count > 0
        && other.Groups.Count > 0
        && !one.Groups.Intersect(other.Groups, StringComparer.Ordinal).Any();

    private static Unmet InTheWay(Promotion other) =>
        new(Reasons.NotStackable, "stacking", new Remedy("remove_code", Subject: other.Id));

    /// <summary>Applies a promotion, if all that it asks for holds.</summary>
    /// <returns>Why it gave nothing; then the cart is as it was. Null when it gave something.</returns>
    private Unmet? Try(PricingState state, Promotion promotion, Part part, out long amount)
    {
        amount = 0;
        uses.TryGetValue(promotion.Id, out var use);
        if (Eligibility.Check(promotion, cart, use, now) is { } out1)
        {
            return out1;
        }

        if (rules.Explain && promotion.Condition is { } condition)
        {
            conditions[promotion.Id] = ConditionTrace.Of(condition, state, now);
        }

        if (promotion.Condition?.Check(state, now) is { } unmet)
        {
            return unmet;
        }

        var left = Eligibility.BudgetLeft(promotion, use);
        var rejects = left is not null && promotion.Budget!.Overflow == BudgetOverflow.Reject;
        using var before = rejects ? state.Copy() : null;
        var mark = steps.Count;
        var most = rejects ? use.LeftMinor : Least(left, use.LeftMinor);
        var reason = Give(state, promotion, part, most, ref amount);
        if (amount == 0)
        {
            return new Unmet(reason, "effect");
        }

        if (rejects && amount > left)
        {
            state.TakeFrom(before!);
            steps.RemoveRange(mark, steps.Count - mark);
            amount = 0;
            return new Unmet(Reasons.BudgetExhausted, "budget");
        }

        return null;
    }

    private static long? Least(long? one, long? other) => one < other ? one : other ?? one;

    private string Give(PricingState state, Promotion promotion, Part part, long? left, ref long amount)
    {
        // What was tried before does not count; the order's part of a promotion comes after that of its lines.
        var isCut = part == Part.Others && cut.Contains(promotion.Id);
        var reason = Reasons.ExcludedItems;
        Span<long> was = state.Slots <= 128 ? stackalloc long[state.Slots] : new long[state.Slots];
        Span<long> start = state.Slots <= 128 ? stackalloc long[state.Slots] : new long[state.Slots];
        Costs(state, start);
        foreach (var effect in promotion.Effects)
        {
            if (!Belongs(effect, part))
            {
                continue;
            }

            Costs(state, was);
            var original = rules.PercentBase == PercentBase.Original;
            var given = EffectPricing.Apply(state, effect, original, left - amount, out var why, out var beyond);
            amount += given;
            isCut |= beyond;
            if (given > 0)
            {
                Note(state, promotion, effect.Target, was);
            }
            else if (why == Reasons.NothingLeft || reason == Reasons.ExcludedItems)
            {
                reason = why;
            }
        }

        if (isCut)
        {
            cut.Add(promotion.Id);
        }
        else
        {
            cut.Remove(promotion.Id);
        }

        if (promotion.StopsFurther)
        {
            for (var slot = 0; slot < state.Goods; slot++)
            {
                state.Stopped[slot] |= state.CostOf(slot) < start[slot];
            }
        }

        return reason;
    }

    private void Note(PricingState state, Promotion promotion, EffectTarget target, ReadOnlySpan<long> was)
    {
        if (!rules.Explain)
        {
            return;
        }

        for (var slot = 0; slot < state.Slots; slot++)
        {
            if (state.CostOf(slot) < was[slot])
            {
                var kind = slot < state.Goods ? target : EffectTarget.Shipping;
                steps.Add(
                    new PricingStep(promotion.Id, kind, state.IdOf(slot), was[slot], was[slot] - state.CostOf(slot))
                );
            }
        }
    }

    private static void Costs(PricingState state, Span<long> costs)
    {
        for (var slot = 0; slot < state.Slots; slot++)
        {
            costs[slot] = state.CostOf(slot);
        }
    }

    private static bool Belongs(Effect effect, Part part) =>
        part == Part.All || part == Part.Lines == (effect.Target == EffectTarget.Lines);

    /// <summary>Which effects of a promotion are meant.</summary>
    private enum Part
    {
        /// <summary>All.</summary>
        All,

        /// <summary>Those on lines.</summary>
        Lines,

        /// <summary>Those on the order and on deliveries.</summary>
        Others,
    }
}
