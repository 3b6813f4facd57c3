using Tessera.Core;
using Tessera.Core.Coupons;
using Xunit;

namespace Tessera.Core.Tests.Coupons;

public sealed class InstanceTransitionsTests
{
    private static readonly DateTimeOffset Noon = new(2027, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A.18, read row by row: each state with those that may follow it; + marks those by override only.</summary>
    private const string Table = """
        issued: paid reserved redeemed pending_expiration expired extended cancelled revoked
        paid: reserved redeemed pending_expiration expired extended cancelled revoked refunded
        reserved: issued paid extended pending_expiration redeemed expired cancelled revoked
        extended: reserved redeemed pending_expiration expired extended cancelled revoked
        pending_expiration: reserved redeemed expired extended cancelled revoked
        redeemed: refunded archived +issued +paid +extended +pending_expiration +expired
        expired: refunded archived +extended +redeemed
        cancelled: refunded archived
        revoked: archived
        refunded: archived
        archived:
        """;

    [Fact]
    public void Exactly_the_transitions_of_the_table_are_legal()
    {
        foreach (var line in Table.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, followers) = (line.Split(':')[0], line.Split(':')[1].Split(' ').Select(w => w.Trim()).ToArray());
            var from = InstanceStates.Parse(name.Trim());
            foreach (var to in Enum.GetValues<InstanceState>())
            {
                var plain = followers.Contains(to.Name());
                var byOverride = plain || followers.Contains("+" + to.Name());
                Assert.True(plain == InstanceTransitions.IsLegal(from, to), $"{from} to {to}");
                Assert.True(byOverride == InstanceTransitions.IsLegal(from, to, byOverride: true), $"{from} to {to}");
            }
        }
    }

    [Fact]
    public void An_instance_begins_as_issued()
    {
        var first = Enum.GetValues<InstanceState>().Where(to => InstanceTransitions.IsLegal(null, to));
        Assert.Equal([InstanceState.Issued], first);
    }

    [Theory]
    [InlineData(InstanceState.Issued, null)]
    [InlineData(InstanceState.Paid, null)]
    [InlineData(InstanceState.Extended, null)]
    [InlineData(InstanceState.PendingExpiration, null)]
    [InlineData(InstanceState.Reserved, "held_by_checkout")]
    [InlineData(InstanceState.Redeemed, "already_redeemed")]
    [InlineData(InstanceState.Expired, "expired")]
    [InlineData(InstanceState.Cancelled, "illegal_transition")]
    [InlineData(InstanceState.Revoked, "illegal_transition")]
    [InlineData(InstanceState.Refunded, "illegal_transition")]
    [InlineData(InstanceState.Archived, "illegal_transition")]
    public void Only_a_live_unit_that_no_checkout_holds_is_ended_by_staff(InstanceState state, string? reason)
    {
        foreach (var to in (InstanceState[])[InstanceState.Cancelled, InstanceState.Revoked])
        {
            Assert.Equal(reason, InstanceTransitions.DecideEnding(Unit(state), to, Noon)?.Code);
        }
    }

    [Fact]
    public void A_unit_has_expired_from_the_instant_of_its_end_whatever_its_state_says()
    {
        var unit = Unit(InstanceState.Issued);
        Assert.Null(InstanceTransitions.DecideEnding(unit, InstanceState.Revoked, unit.ValidUntil.AddTicks(-1)));
        Assert.Equal(Refusals.Expired, InstanceTransitions.DecideEnding(unit, InstanceState.Revoked, unit.ValidUntil));
    }

    private static HeldInstance Unit(InstanceState state) =>
        new(
            state,
            state == InstanceState.Reserved ? InstanceState.Issued : null,
            null,
            Noon.AddDays(-1),
            Noon.AddDays(1),
            null,
            state == InstanceState.Reserved ? Noon.AddMinutes(5) : null
        );
}
