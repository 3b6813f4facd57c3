using Tessera.Core.Connectors;
using Xunit;

namespace Tessera.Core.Tests.Connectors;

public sealed class BreakerTests
{
    [Fact]
    public void Three_bad_rounds_in_a_row_open_it_however_far_apart_they_are()
    {
        var breaker = After(default, Round.Bad, Round.Bad);
        Assert.Equal(BreakerState.Closed, breaker.State);
        Assert.Equal(BreakerState.Open, breaker.After(Round.Bad).State);
    }

    [Fact]
    public void A_partner_that_fails_every_other_time_opens_it_too()
    {
        var breaker = default(Breaker);
        for (var i = 0; i < 10; i++)
        {
            breaker = After(breaker, i % 2 == 0 ? Round.Good : Round.Bad);
        }

        Assert.Equal(BreakerState.Open, breaker.State);
    }

    [Fact]
    public void A_good_probe_closes_it_and_a_bad_one_opens_it_again()
    {
        var probe = new Breaker(BreakerState.HalfOpen, 5, 0b11111, 5);
        Assert.Equal(default, probe.After(Round.Good));
        Assert.Equal((BreakerState.Open, 6), (probe.After(Round.Bad).State, probe.After(Round.Bad).Failures));
    }

    [Fact]
    public void Staff_can_hold_it_closed()
    {
        Assert.Equal(BreakerState.Closed, new Breaker(default, 9, 0, 0).After(Round.Bad, isForcedClosed: true).State);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 8)]
    [InlineData(4, 20)]
    [InlineData(5, 45)]
    [InlineData(6, 60)]
    [InlineData(99, 300)]
    public void Pauses_grow_as_convention_25_says_and_spread_by_a_fifth(int failures, double seconds)
    {
        var breaker = new Breaker(default, failures, 0, 0);
        Assert.Equal(seconds * 0.8, breaker.Pause(0, null).TotalSeconds, 6);
        Assert.Equal(seconds * 1.2, breaker.Pause(1, null).TotalSeconds, 6);
    }

    [Fact]
    public void A_partner_may_ask_for_a_longer_pause_of_at_most_a_day()
    {
        var breaker = new Breaker(default, 1, 0, 0);
        Assert.Equal(TimeSpan.FromMinutes(7), breaker.Pause(0.5, TimeSpan.FromMinutes(7)));
        Assert.Equal(TimeSpan.FromDays(1), breaker.Pause(0.5, TimeSpan.FromDays(400)));
        Assert.Equal(TimeSpan.FromSeconds(1), breaker.Pause(0.5, TimeSpan.FromSeconds(-3)));
    }

    [Fact]
    public void The_rate_halves_when_a_partner_objects_and_recovers_by_itself()
    {
        var rate = CallRate.Next(null, 100, 80, true, false, 1);
        Assert.Equal(40, rate);
        var rounds = 0;
        while (rate < 100)
        {
            rate = CallRate.Next(rate, 100, rate!.Value, false, false, 1);
            rounds++;
        }

        Assert.InRange(rounds, 2, 10);
        Assert.Equal(100, rate);
        Assert.Null(CallRate.Next(null, null, 5000, false, false, 1));
        Assert.Equal(CallRate.Least, CallRate.Next(CallRate.Least, 100, 0.1, true, false, 1));
    }

    [Fact]
    public void A_partner_that_is_slow_by_nature_is_not_held_back_without_end()
    {
        double? rate = null;
        for (var i = 0; i < 100; i++)
        {
            rate = CallRate.Next(rate, null, 0.1, false, true, floor: 0.4);
        }

        Assert.Equal(0.4, rate);
    }

    private static Breaker After(Breaker breaker, params Round[] rounds) =>
        rounds.Aggregate(breaker, static (b, r) => b.After(r));
}
