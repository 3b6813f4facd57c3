namespace Tessera.Core.Promotions;

/// <summary>Ways of choosing among promotions that may all apply (RUL-05).</summary>
internal sealed partial class PricingRun
{
    /// <summary>Promotions up to this many are combined exhaustively.</summary>
    private const int Exhaustive = 12;

    /// <summary>
    /// Of the promotions on lines each line keeps the one that gives it most, each judged alone on the untouched cart;
    /// ties go to the earlier. Order and shipping effects follow on what is left.
    /// </summary>
    private void BestPerLine(PricingState state)
    {
        var onLines = candidates.Where(p => p.Effects.Any(e => e.Target == EffectTarget.Lines)).ToList();
        var alone = new List<(Promotion Promotion, PricingState State)>();
        var own = new Dictionary<string, Unmet>(StringComparer.Ordinal);
        foreach (var promotion in onLines)
        {
            var copy = state.Copy();
            var mark = steps.Count;
            if (Try(copy, promotion, Part.Lines, out _) is { } unmet)
            {
                own[promotion.Id] = unmet;
                copy.Dispose();
            }
            else
            {
                alone.Add((promotion, copy));
            }

            steps.RemoveRange(mark, steps.Count - mark);
        }

        var given = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var slot = 0; slot < state.Goods; slot++)
        {
            var (best, most) = (-1, 0L);
            for (var i = 0; i < alone.Count; i++)
            {
                if (alone[i].State.OwnOff[slot] > most)
                {
                    (best, most) = (i, alone[i].State.OwnOff[slot]);
                }
            }

            if (best >= 0)
            {
                Keep(state, alone[best].State, alone[best].Promotion, slot);
                given[alone[best].Promotion.Id] = given.GetValueOrDefault(alone[best].Promotion.Id) + most;
            }
        }

        alone.ForEach(a => a.State.Dispose());
        foreach (var promotion in candidates)
        {
            Follow(state, promotion, given.GetValueOrDefault(promotion.Id), own.GetValueOrDefault(promotion.Id));
        }
    }

    /// <summary>A line becomes what its best promotion makes of it.</summary>
    private void Keep(PricingState state, PricingState best, Promotion promotion, int slot)
    {
        if (rules.Explain)
        {
            steps.Add(
                new PricingStep(
                    promotion.Id,
                    EffectTarget.Lines,
                    state.IdOf(slot),
                    state.CostOf(slot),
                    best.OwnOff[slot]
                )
            );
        }

        var (first, count) = (state.FirstOf(slot), state.EndOf(slot) - state.FirstOf(slot));
        best.Price.AsSpan(first, count).CopyTo(state.Price.AsSpan(first));
        best.Served.AsSpan(first, count).CopyTo(state.Served.AsSpan(first));
        state.OwnOff[slot] = best.OwnOff[slot];
        state.Stopped[slot] |= promotion.StopsFurther;
    }

    private void Follow(PricingState state, Promotion promotion, long onLines, Unmet? own)
    {
        long following = 0;
        Unmet? unmet = null;
        if (promotion.Effects.Any(e => e.Target != EffectTarget.Lines))
        {
            unmet = Try(state, promotion, Part.Others, out following);
        }

        if (onLines + following > 0)
        {
            applied.Add((promotion, onLines + following));
        }
        else if (promotion.Effects.All(e => e.Target != EffectTarget.Lines))
        {
            refused.Add((promotion, unmet!));
        }
        else
        {
            refused.Add((promotion, own ?? new Unmet(Reasons.NotStackable, "stacking")));
        }
    }

    /// <summary>
    /// The allowed combination that gives most. Up to twelve promotions every combination is tried; of more, the twelve
    /// that alone give most are combined so, and the others join where they add something. Ties go to the combination
    /// with the earlier promotions.
    /// </summary>
    private void BestCombination(PricingState state)
    {
        // One that gives nothing alone may fit where others have made its discount small enough for its budget.
        var able = new List<(Promotion Promotion, long Amount, Unmet? Unmet)>();
        foreach (var promotion in candidates)
        {
            var unmet = Probe(state, promotion, out var amount);
            able.Add((promotion, amount, unmet));
        }

        var core = able.OrderByDescending(a => a.Amount)
            .ThenBy(a => a.Promotion.Priority)
            .Take(Exhaustive)
            .Select(a => a.Promotion)
            .OrderBy(p => p.Priority)
            .ToList();
        var (best, most) = (new List<Promotion>(), 0L);
        for (var mask = (1 << core.Count) - 1; mask > 0 && !IsOutOfTime(); mask--)
        {
            var set = core.Where((_, i) => (mask >> (core.Count - 1 - i) & 1) == 1).ToList();
            if (Worth(state, set) is var worth && worth > most)
            {
                (best, most) = (set, worth);
            }
        }

        foreach (var (promotion, _, _) in able.Where(a => !core.Contains(a.Promotion)))
        {
            if (IsOutOfTime())
            {
                break;
            }

            var wider = best.Append(promotion).OrderBy(p => p.Priority).ToList();
            if (Worth(state, wider) is var worth && worth > most)
            {
                (best, most) = (wider, worth);
            }
        }

        InOrder(state, best);
        foreach (var (promotion, _, unmet) in able.Where(a => !best.Contains(a.Promotion)))
        {
            var other = best.Find(p => Excludes(p, promotion)) ?? (best.Count > 0 ? best[0] : promotion);
            refused.Add((promotion, unmet ?? InTheWay(other)));
        }
    }

    private bool IsOutOfTime() => ranOutOfTime |= rules.OutOfTime.IsCancellationRequested;

    /// <summary>What a set gives together; nothing when the set is not allowed.</summary>
    private long Worth(PricingState state, List<Promotion> set)
    {
        for (var i = 0; i < set.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (Excludes(set[i], set[j]))
                {
                    return 0;
                }
            }
        }

        using var copy = state.Copy();
        var mark = steps.Count;
        long worth = 0;
        foreach (var promotion in set)
        {
            Try(copy, promotion, Part.All, out var amount);
            worth += amount;
        }

        steps.RemoveRange(mark, steps.Count - mark);
        return worth;
    }
}
