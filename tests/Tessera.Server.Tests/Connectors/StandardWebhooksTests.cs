using System.Globalization;
using System.Text;
using Tessera.Server.Connectors;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>Which calls count as signed, by Standard Webhooks 1.0.0.</summary>
public sealed class StandardWebhooksTests
{
    private const string Present = "whsec_cHJlc2VudA==";
    private const string Former = "whsec_Zm9ybWVy";

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(-301, false)]
    [InlineData(-300, true)]
    [InlineData(0, true)]
    [InlineData(300, true)]
    [InlineData(301, false)]
    public void A_time_counts_within_five_minutes_before_and_after(int seconds, bool counts)
    {
        var at = Noon.AddSeconds(seconds).ToUnixTimeSeconds();
        var signatures = StandardWebhooks.Sign([Present], "msg", at, "{}"u8);
        Assert.Equal(
            counts,
            StandardWebhooks.IsSigned(
                [Present],
                "msg",
                at.ToString(CultureInfo.InvariantCulture),
                signatures,
                "{}"u8,
                Noon
            )
        );
    }

    [Fact]
    public void Either_of_two_secrets_is_enough_while_one_is_replaced()
    {
        var at = Noon.ToUnixTimeSeconds();
        var time = at.ToString(CultureInfo.InvariantCulture);
        var both = StandardWebhooks.Sign([Present, Former], "msg", at, "{}"u8);
        Assert.True(StandardWebhooks.IsSigned([Former], "msg", time, both, "{}"u8, Noon));
        var one = StandardWebhooks.Sign([Former], "msg", at, "{}"u8);
        Assert.True(StandardWebhooks.IsSigned([Present, Former], "msg", time, one, "{}"u8, Noon));
        Assert.False(StandardWebhooks.IsSigned([Present], "msg", time, one, "{}"u8, Noon));
    }

    [Theory]
    [InlineData("other", "{}")]
    [InlineData("msg", "{ }")]
    [InlineData("", "{}")]
    public void What_was_not_signed_is_not_taken(string id, string body)
    {
        var at = Noon.ToUnixTimeSeconds();
        var signatures = StandardWebhooks.Sign([Present], "msg", at, "{}"u8);
        Assert.False(
            StandardWebhooks.IsSigned(
                [Present],
                id,
                at.ToString(CultureInfo.InvariantCulture),
                signatures,
                Encoding.UTF8.GetBytes(body),
                Noon
            )
        );
    }
}
