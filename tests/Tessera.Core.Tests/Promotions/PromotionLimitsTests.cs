using Tessera.Core.Promotions;
using Xunit;

namespace Tessera.Core.Tests.Promotions;

public sealed class PromotionLimitsTests
{
    private static readonly Cart Cart = new("EUR", [new CartLine("a", "A", 1000, 1)]) { Channel = "web" };
    private static readonly DateTimeOffset Noon = new(2026, 3, 28, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(LimitPeriod.Day, "day:2026-03-28:Europe/Berlin", "2026-03-28T23:00:00Z")]
    [InlineData(LimitPeriod.Week, "week:2026-03-23:Europe/Berlin", "2026-03-29T22:00:00Z")]
    [InlineData(LimitPeriod.Month, "month:2026-03-01:Europe/Berlin", "2026-03-31T22:00:00Z")]
    public void A_period_ends_at_midnight_of_its_zone_also_across_the_change_of_clocks(
        LimitPeriod period,
        string name,
        string until
    )
    {
        var (found, end) = PromotionLimits.PeriodOf(period, "Europe/Berlin", Noon);
        Assert.Equal(name, found);
        Assert.Equal(DateTimeOffset.Parse(until, null), end);
    }

    [Fact]
    public void A_limit_of_a_period_refuses_until_the_next_and_only_in_its_channel()
    {
        var promotion = Ten() with { Limits = [new UseLimit(2) { Period = LimitPeriod.Day, Channel = "web" }] };
        var limits = PromotionLimits.Of(promotion, Cart, Noon);
        var use = PromotionLimits.Use(promotion, limits, _ => (1, 1));
        var refused = PriceWith(promotion, Cart, use).Rejected.Single();
        Assert.Equal(Reasons.LimitReached, refused.Reason);
        Assert.Equal(new Remedy("wait_until", At: Noon.AddHours(12)), refused.Change);

        var app = Cart with { Channel = "app" };
        Assert.Empty(PromotionLimits.Of(promotion, app, Noon));
        Assert.Equal(100, PriceWith(promotion, app, default).DiscountMinor);
    }

    [Fact]
    public void Each_kind_of_limit_is_an_account_of_its_own_and_draws_uses_or_money()
    {
        var promotion = Ten() with
        {
            MaxUses = 5,
            MaxUsesPerCustomer = 1,
            Stock = 7,
            Limits = [new UseLimit(3) { Period = LimitPeriod.Week, PerCustomer = true }],
            Budget = new PromotionBudget(false, 1000, BudgetOverflow.Clip),
        };
        var cart = Cart with { Customer = new Shopper("c1") { Email = "A@b.example" } };
        var limits = PromotionLimits.Of(promotion, cart, Noon);
        Assert.Equal(7, limits.Count);
        Assert.Equal(7, limits.Select(l => l.Account.Id).Distinct().Count());
        Assert.Equal([1, 1, 1, 1, 1, 1, 250], PromotionLimits.Legs(limits, 250).Select(l => l.Amount));

        var same = Cart with { Customer = new Shopper("c2") { Email = " a@B.example " } };
        var shared = PromotionLimits.Of(promotion, same, Noon).Select(l => l.Account.Id);
        Assert.Equal(5, shared.Intersect(limits.Select(l => l.Account.Id)).Count());
    }

    [Theory]
    [InlineData("promotion_stock", Reasons.OutOfStock)]
    [InlineData("promotion_budget_uses", Reasons.BudgetExhausted)]
    public void Stock_and_a_budget_in_uses_refuse_by_their_own_reason(string kind, string reason)
    {
        var promotion = Ten() with { Stock = 4, Budget = new PromotionBudget(true, 4, BudgetOverflow.Reject) };
        var limits = PromotionLimits.Of(promotion, Cart, Noon);
        var full = limits.Single(l => l.Account.Kind == kind).Account.Id;
        var use = PromotionLimits.Use(promotion, limits, id => id == full ? (3, 1) : (0, 0));
        Assert.Equal(reason, PriceWith(promotion, Cart, use).Rejected.Single().Reason);
    }

    [Fact]
    public void A_limit_per_customer_and_period_needs_a_customer()
    {
        var promotion = Ten() with { Limits = [new UseLimit(1) { Period = LimitPeriod.Month, PerCustomer = true }] };
        Assert.Equal(Reasons.CustomerRequired, PriceWith(promotion, Cart, default).Rejected.Single().Reason);
    }

    [Fact]
    public void Limits_that_cannot_hold_are_found_on_save()
    {
        var promotion = Ten() with
        {
            Stock = 0,
            Limits = [new UseLimit(0), new UseLimit(1) { Zone = "Mars/Base" }, new UseLimit(2) { Zone = "Mars/Base" }],
        };
        var found = RuleCheck.Of(promotion, []).Where(f => f.IsError).Select(f => f.Code);
        Assert.Equal(["out_of_range", "out_of_range", "unknown_time_zone", "duplicate"], found);
    }

    private static Promotion Ten() => new("p1", 1, [new PercentOff(10) { Target = EffectTarget.Order }]);

    private static Quote PriceWith(Promotion promotion, Cart cart, PromotionUse use) =>
        PromotionEngine.Price(
            cart,
            [promotion],
            new Dictionary<string, PromotionUse> { ["p1"] = use },
            Noon,
            PricingRules.Default
        );
}
