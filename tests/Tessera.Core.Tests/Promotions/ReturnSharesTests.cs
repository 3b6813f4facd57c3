using Tessera.Core.Promotions;
using Xunit;

namespace Tessera.Core.Tests.Promotions;

public sealed class ReturnSharesTests
{
    [Fact]
    public void However_a_line_is_given_back_the_returns_add_up_to_what_was_paid_and_given()
    {
        for (var seed = 0; seed < 5000; seed++)
        {
            var random = new Dice(seed);
            var quantity = random.Next(1, 30);
            var price = random.Next(0, 500);
            var rest = (long)quantity * price;
            var shares = new List<SoldShare>();
            for (var i = random.Next(0, 5); i > 0; i--)
            {
                var given = random.NextInt64(0, rest + 1);
                rest -= given;
                shares.Add(new SoldShare(Guid.CreateVersion7(), given, 0));
            }

            var paid = rest;
            var line = new SoldLine(quantity, (long)quantity * price, 0, shares);
            long back = 0;
            while (line.Returned < quantity)
            {
                var units = random.Next(1, quantity - line.Returned + 1);
                var part = ReturnShares.Of(line, units);
                Assert.True(part.PaidMinor >= 0 && part.Shares.All(s => s >= 0), $"seed {seed}");
                Assert.Equal((long)units * price, part.PaidMinor + part.Shares.Sum());
                back += part.PaidMinor;
                line = line with
                {
                    Returned = line.Returned + units,
                    Shares =
                    [
                        .. line.Shares.Select((s, i) => s with { ReturnedMinor = s.ReturnedMinor + part.Shares[i] }),
                    ],
                };
            }

            Assert.Equal(paid, back);
            Assert.All(line.Shares, s => Assert.Equal(s.DiscountMinor, s.ReturnedMinor));
        }
    }

    [Fact]
    public void Each_unit_stands_for_an_equal_part_half_a_unit_to_the_earlier()
    {
        var line = new SoldLine(4, 4000, 0, [new SoldShare(Guid.Empty, 10, 0)]);
        Assert.Equal((997, 3), Of(line, 0, 0));
        Assert.Equal((998, 2), Of(line, 1, 3));
        Assert.Equal((997, 3), Of(line, 2, 5));
        Assert.Equal((998, 2), Of(line, 3, 8));

        static (long, long) Of(SoldLine line, int returned, long back)
        {
            var share = new SoldShare(Guid.Empty, 10, back);
            var part = ReturnShares.Of(line with { Returned = returned, Shares = [share] }, 1);
            return (part.PaidMinor, part.Shares[0]);
        }
    }

    [Fact]
    public void More_than_is_left_cannot_be_given_back()
    {
        var line = new SoldLine(2, 100, 1, []);
        Assert.Throws<ArgumentOutOfRangeException>(() => ReturnShares.Of(line, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ReturnShares.Of(line, 0));
    }
}
