using Tessera.Core.Expiration;
using Xunit;

namespace Tessera.Core.Tests.Expiration;

/// <summary>When others have to wait for critical partners (EXP-12), and when a clock is off (EXP-14).</summary>
public sealed class PressureTests
{
    [Theory]
    [InlineData(0, 0, false, false)]
    [InlineData(19, 0.49, false, false)]
    [InlineData(20, 0, false, true)]
    [InlineData(0, 0.5, false, true)]
    [InlineData(5, 0, true, true)]
    [InlineData(0, 0.25, true, true)]
    [InlineData(4, 0.24, true, false)]
    public void Pressure_ends_later_than_it_begins(double lag, double share, bool stood, bool stands) =>
        Assert.Equal(stands, Pressure.Stands(TimeSpan.FromSeconds(lag), share, stood));

    [Theory]
    [InlineData(-1.1, true)]
    [InlineData(-0.9, false)]
    [InlineData(1.9, false)]
    [InlineData(2.2, true)]
    public void A_clock_is_off_when_it_differs_by_more_than_a_second_and_a_slow_answer_proves_nothing(
        double database,
        bool isStopped
    )
    {
        // Asked at noon and answered a second later.
        var noon = new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
        var reading = ClockDrift.Judge(noon, noon.AddSeconds(database), noon.AddSeconds(1));
        Assert.Equal(isStopped, reading.IsStopped);
    }
}
