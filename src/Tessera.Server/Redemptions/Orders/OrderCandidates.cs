using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>A promotion that may apply to a cart, before its rows are locked.</summary>
/// <param name="Promotion">As the book has it.</param>
/// <param name="Attempt">The attempt of its code; null where it applies by itself.</param>
/// <param name="Target">What it is priced for: the coupon of the code, or what stands in for it.</param>
internal sealed record OrderDraft(Promotion Promotion, AttemptCommand? Attempt, CodeTarget? Target)
{
    public string Id => Promotion.Id;
}

/// <summary>What may apply to a cart that is reserved or redeemed, with what stands in for its codes.</summary>
internal static class OrderCandidates
{
    /// <summary>Promotions as they are known before the locks; what a coupon says of itself is read under them.</summary>
    public static List<OrderDraft> Drafts(
        OrderCommand command,
        List<RedemptionCommand> commands,
        Resolution found,
        CompiledPromotions book
    )
    {
        var drafts = new List<OrderDraft>();
        var automatic =
            command.Given is { } given ? book.All.Except(book.OfCoupons.Values).Where(p => given.ContainsKey(p.Id))
            : command.Rules.ReportAutomatic ? book.All.Except(book.OfCoupons.Values)
            : book.Automatic.Relevant(command.Cart);
        drafts.AddRange(automatic.Select(static p => new OrderDraft(p, null, null)));
        foreach (var attempt in commands.OfType<AttemptCommand>())
        {
            for (var target = found.Codes.GetValueOrDefault(attempt.Code); target is not null; target = target.Fallback)
            {
                if (book.OfCoupons.TryGetValue(target.CouponId, out var promotion))
                {
                    drafts.Add(new OrderDraft(promotion, attempt, target));
                }
            }
        }

        return drafts;
    }

    /// <summary>What may apply, with all that stands behind it, now that it is under lock.</summary>
    public static List<Candidate> Of(
        OrderCommand command,
        List<RedemptionCommand> commands,
        (Resolution Found, OrderResolution Orders, Hold Held) read,
        List<OrderDraft> drafts,
        HoldPlan plan
    )
    {
        var (found, orders, hold) = read;
        var names = new CartNames();
        List<Candidate> candidates =
        [
            .. drafts.Where(static d => d.Attempt is null).Select(d => Make(d.Promotion, null, null, 0)),
        ];
        for (var place = 0; place < commands.Count; place++)
        {
            if (
                commands[place] is not AttemptCommand attempt
                || !found.Codes.TryGetValue(attempt.Code, out var target)
                || !CartNames.IsOffered(hold.Coupons[target.CouponId], command.Asker.MerchantId)
            )
            {
                continue;
            }

            candidates.Add(OfCode(attempt, target, place, standsInFor: null));
            if (
                command.Given is null
                && target.Fallback is { } other
                && CartNames.IsOffered(hold.Coupons[other.CouponId], command.Asker.MerchantId)
            )
            {
                candidates.Add(OfCode(attempt, other, place, target.CouponId));
            }
        }

        return candidates;

        Candidate OfCode(AttemptCommand attempt, CodeTarget target, int place, long? standsInFor)
        {
            var bound = drafts.Find(d => d.Attempt == attempt && d.Target == target)?.Promotion;
            var coupon = hold.Coupons[target.CouponId];
            var promotion = names.OfCode(attempt.Code, coupon, bound, standsInFor is not null);
            return Make(promotion, attempt, target, place, standsInFor);
        }

        Candidate Make(
            Promotion promotion,
            AttemptCommand? attempt,
            CodeTarget? target,
            int place,
            long? standsInFor = null
        )
        {
            var limits = CartNames.LimitsOf(promotion, command.Cart, hold.Now);
            if (limits.Any(l => !plan.Accounts.Contains(l.Account.Id)))
            {
                // Another day, week or month began while the locks were waited for.
                throw new StaleResolutionException();
            }

            // What is held is of the code's own coupon, or of what stood in for it then.
            var own = attempt?.ReservationId is { } id ? found.Reservations.GetValueOrDefault(id) : null;
            own = own?.CouponId == target?.CouponId && own?.StoodInFor?.CouponId == standsInFor ? own : null;
            var unit = own?.InstanceId ?? target?.InstanceId;
            var instance = unit is { } held ? hold.Instances.GetValueOrDefault(held) : null;
            var coupon = target is null ? null : hold.Coupons[target.CouponId];
            return new Candidate
            {
                Promotion = names.Unique(promotion),
                CountedAs = promotion.Id,
                Limits = limits,
                Attempt = attempt,
                Coupon = coupon,
                StandsInFor = standsInFor,
                Instance = instance,
                Unit = instance?.Held,
                Own = own,
                OwnHold = own?.Id,
                HolderId = command.HolderId,
                Holder = coupon is null ? null : HolderOf(command, coupon, target!, place, (found, orders, hold)),
            };
        }
    }

    /// <summary>What is known of who uses a code; null for a visitor who is not known, who can use none.</summary>
    private static HolderFacts? HolderOf(
        OrderCommand command,
        CouponTerms coupon,
        CodeTarget target,
        int place,
        (Resolution Found, OrderResolution Orders, Hold Held) read
    )
    {
        var (found, orders, hold) = read;
        if (command.HolderId is not { } customer)
        {
            return null;
        }

        // An order that is priced anew counts neither for its customer nor against its codes.
        var standing = command.Replace ? orders.Standing : null;
        var isOwn = standing?.Uses.Any(u => u.CouponId == coupon.Id) ?? false;
        var isKnown = standing is null && hold.CustomersWithOrders.Contains(customer);
        return new HolderFacts(
            customer,
            command.Cart.Channel,
            command.Asker.MerchantId,
            coupon.Campaign is { } campaign && hold.Audience.Contains((campaign.Id, customer)),
            isKnown || (command.Cart.Customer?.CompletedOrders ?? 0) > 0,
            hold.WithProducts.Contains((place, coupon.Id)),
            target.InstanceId is null
                && !isOwn
                && hold.UsedOrders.Contains((coupon.Id, command.Cart.Channel ?? "", command.Reference)),
            found.Blocked.Contains(customer)
        );
    }
}
