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

    /// <summary>Where the undo of a change of many may lead back to: each state with those that may have been before.</summary>
    private const string WaysBack = """
        paid: issued
        issued: revoked
        extended: issued paid extended pending_expiration expired
        cancelled: issued paid extended pending_expiration
        revoked: issued paid extended pending_expiration
        expired: issued paid extended pending_expiration
        refunded: paid redeemed expired cancelled
        archived: redeemed expired cancelled revoked refunded
        """;

    [Fact]
    public void Exactly_the_ways_back_of_an_undo_are_open_and_to_life_only_within_the_window()
    {
        var ways = WaysBack
            .Split('\n')
            .Select(static line => line.Split(':'))
            .ToDictionary(static parts => parts[0].Trim(), static parts => parts[1].Trim().Split(' '));
        foreach (var from in Enum.GetValues<InstanceState>())
        {
            foreach (var to in Enum.GetValues<InstanceState>())
            {
                var isOpen = ways.GetValueOrDefault(from.Name())?.Contains(to.Name()) == true;
                var before = InstanceTransitions.DecideReturn(from, to, Noon, Noon.AddTicks(-1));
                Assert.True(isOpen == before is null, $"{from} back to {to}: {before?.Code}");
                var ends = from.IsLive() || to.IsLive();
                var after = InstanceTransitions.DecideReturn(from, to, Noon, Noon);
                Assert.Equal(
                    !isOpen ? "illegal_transition"
                        : ends ? "window_over"
                        : null,
                    after?.Code
                );
            }
        }
    }

    [Fact]
    public void Any_change_of_many_has_its_way_back_unless_its_unit_was_held_or_used()
    {
        // What a change of many may lead to, from every state it may begin with, is what its undo knows.
        InstanceState[] made =
        [
            InstanceState.Paid,
            InstanceState.Expired,
            InstanceState.Extended,
            InstanceState.Cancelled,
            InstanceState.Revoked,
            InstanceState.Refunded,
            InstanceState.Archived,
        ];
        foreach (var from in Enum.GetValues<InstanceState>().Except([InstanceState.Reserved]))
        {
            foreach (
                var to in made.Where(to => InstanceTransitions.IsLegal(from, to, byOverride: to != InstanceState.Paid))
            )
            {
                if (from == InstanceState.Redeemed && (to is InstanceState.Expired or InstanceState.Extended))
                {
                    // A redemption that is taken back: its undo records it again.
                    continue;
                }

                Assert.Null(InstanceTransitions.DecideReturn(to, from, Noon, Noon.AddTicks(-1)));
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
