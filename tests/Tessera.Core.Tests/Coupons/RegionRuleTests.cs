using Tessera.Core.Coupons;
using Xunit;

namespace Tessera.Core.Tests.Coupons;

public sealed class RegionRuleTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 2, 9, 30, 0, TimeSpan.Zero);
    private static readonly RegionRule Rule = new("AT", 30, true, 10, 7);
    private static readonly RegionRule Strict = new("AT", 0, false, 0, 0);

    [Theory]
    [InlineData("AT", true)]
    [InlineData("AT-9", true)]
    [InlineData("US-CA", true)]
    [InlineData("UK", false)]
    [InlineData("at", false)]
    [InlineData("A", false)]
    [InlineData("AT-", false)]
    [InlineData("AT-WIEN", false)]
    [InlineData("AT-9 ", false)]
    [InlineData("default", false)]
    public void A_region_is_a_country_or_a_part_of_one(string text, bool isRegion) =>
        Assert.Equal(isRegion, RegionNames.IsRegion(text));

    [Fact]
    public void A_new_coupon_is_valid_for_as_long_as_the_region_asks_from_its_issue()
    {
        Assert.Equal(RegionRule.TooShort, Rule.Check(null, Now.AddDays(-1), Now.AddDays(29), Now)?.Code);
        Assert.Equal(RegionRule.TooShort, Rule.Check(null, Now.AddDays(5), Now.AddDays(34), Now)?.Code);
        Assert.Null(Rule.Check(null, Now.AddDays(5), Now.AddDays(35), Now));
        Assert.Null(Rule.Check(null, Now, null, Now));
        Assert.Contains("AT", Rule.Check(null, Now, Now.AddDays(1), Now)!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_end_that_was_promised_is_brought_forward_only_as_the_region_allows()
    {
        var window = new CouponWindow(Now.AddDays(-100), Now.AddDays(60), Now.AddDays(-100));
        Assert.Null(Rule.Check(window, window.From, Now.AddDays(10), Now));
        Assert.Equal(RegionRule.BroughtForward, Rule.Check(window, window.From, Now.AddDays(9), Now)?.Code);
        Assert.Equal(RegionRule.BroughtForward, Strict.Check(window, window.From, Now.AddDays(59), Now)?.Code);
        Assert.Equal(RegionRule.BroughtForward, Strict.CheckEnding()?.Code);
        var open = window with { Until = DateTimeOffset.MaxValue };
        Assert.Equal(RegionRule.BroughtForward, Strict.Check(open, open.From, Now.AddDays(900), Now)?.Code);
    }

    [Fact]
    public void A_later_end_and_a_coupon_that_has_not_begun_take_nothing_from_anybody()
    {
        var made = new CouponWindow(Now.AddDays(-1), Now.AddDays(2), Now.AddDays(-1));
        Assert.Null(Rule.Check(made, made.From, Now.AddDays(3), Now));
        Assert.Null(Rule.Check(made, made.From, made.Until, Now));
        var planned = new CouponWindow(Now.AddDays(10), Now.AddDays(90), Now);
        Assert.Null(Strict.Check(planned, planned.From, Now.AddDays(20), Now));
        Assert.Equal(RegionRule.TooShort, Rule.Check(planned, planned.From, Now.AddDays(39), Now)?.Code);
    }
}
