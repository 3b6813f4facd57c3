using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>What becomes of units that somebody extends, ends or cancels (EXP-09, EXP-10).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ChangeTests(PostgresFixture postgres) : ChangedUnits(postgres)
{
    [Fact]
    public async Task An_extension_gives_a_later_end_and_the_unit_can_be_used()
    {
        var unit = await UnitAsync("CHANGEDONE", "(clock_timestamp() + interval '1 hour')");
        var end = await InDaysAsync(3);
        var extended = await ChangeAsync(
            new
            {
                action = "extend",
                reason = Reason,
                valid_until = end,
                codes = (string[])["changedone"],
            }
        );
        Assert.Equal(200, extended.Status);
        Assert.Equal("changed", Outcome(extended));
        var state = await Host.GetAsync("/api/v1/coupon-states/CHANGEDONE");
        Assert.Equal("extended", state.Json.GetProperty("state").GetString());
        Assert.True(state.Json.GetProperty("redeemable").GetBoolean());
        var again = await ChangeAsync(
            new
            {
                action = "extend",
                reason = Reason,
                valid_until = end,
                coupon_id = Coupon,
                instance_ids = (long[])[unit],
            }
        );
        Assert.Equal(409, again.Status);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task A_forced_end_is_at_once_and_frees_its_unit()
    {
        var unit = await UnitAsync("CHANGEDONE");
        var ended = await ChangeAsync(Named("expire", unit, 999));
        Assert.Equal(
            (200, 1, 1),
            (ended.Status, ended.Json.GetProperty("done").GetInt32(), ended.Json.GetProperty("refused").GetInt32())
        );
        Assert.Equal("expired", (await RedeemAsync("CHANGEDONE")).Code);
        using var refused = new Counted("tessera.instance.transitions_refused");
        Assert.Equal(1, await PostedAsync("freed_units"));
        Assert.Equal("expired", Outcome(await ChangeAsync(Coded("cancel", "CHANGEDONE"))));
        Assert.Contains("expired cancelled expired", refused.Tags);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_is_used_or_held_is_left_as_it_is_with_its_reason()
    {
        await UnitAsync("CHANGEDONE");
        await UnitAsync("CHANGEDTWO");
        Assert.Equal(201, (await RedeemAsync("CHANGEDONE")).Status);
        await Host.Database.ExecuteAsync(
            "update coupons.instance set state = 'reserved', prior_state = 'issued', reserved_until = clock_timestamp() + interval '1 hour' where code = 'CHANGEDTWO'"
        );
        var answer = await ChangeAsync(Coded("cancel", "CHANGEDONE", "CHANGEDTWO"));
        Assert.Equal(
            ["already_redeemed", "held_by_checkout"],
            answer.Json.GetProperty("data").EnumerateArray().Select(i => i.GetProperty("outcome").GetString()!).Order()
        );
    }

    [Fact]
    public async Task What_has_expired_is_extended_by_override_alone()
    {
        await UnitAsync("CHANGEDONE", "(clock_timestamp() - interval '1 minute')");
        using var pipeline = new Pipeline(Host.Database);
        await pipeline.LookAhead.RunOnceAsync(default);
        await pipeline.SweepAsync();
        var end = await InDaysAsync(1);
        var plain = new
        {
            action = "extend",
            reason = Reason,
            valid_until = end,
            codes = (string[])["CHANGEDONE"],
        };
        Assert.Equal("nothing_to_extend", (await ChangeAsync(plain)).Code);
        var overridden = new
        {
            action = "extend",
            reason = Reason,
            valid_until = end,
            codes = (string[])["CHANGEDONE"],
            @override = true,
        };
        var limited = Host.ClientOf(await Host.KeyAsync([Permissions.ExpiryChange]));
        Assert.Equal("override_forbidden", (await Host.PostAsync(Path, overridden, client: limited)).Code);
        Assert.Equal("changed", Outcome(await ChangeAsync(overridden)));
        Assert.Equal(201, (await RedeemAsync("CHANGEDONE")).Status);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_ended_untold_is_told_before_it_is_extended_by_override()
    {
        await Host.Database.ExecuteAsync("update expiration.control set mode = 'paused'");
        await UnitAsync("CHANGEDONE", "(clock_timestamp() - interval '1 minute')");
        var overridden = new
        {
            action = "extend",
            reason = Reason,
            valid_until = await InDaysAsync(1),
            codes = (string[])["CHANGEDONE"],
            @override = true,
        };
        Assert.Equal("changed", Outcome(await ChangeAsync(overridden)));
        Assert.Equal(
            ["issued", "expired", "extended"],
            await Host.Database.ColumnAsync<string>("select to_state from verify.transitions order by sequence")
        );
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task Bad_input_is_named_all_at_once()
    {
        var answer = await ChangeAsync(
            new
            {
                action = "extend",
                reason = "short",
                valid_until = "2001-01-01T00:00:00Z",
                codes = (string[])["NOSUCHCODE"],
                coupon_id = 4,
                colour = 1,
            }
        );
        Assert.Equal(400, answer.Status);
        Assert.Equal(
            [
                ("codes", "one_of"),
                ("colour", "unknown_member"),
                ("reason", "too_short"),
                ("valid_until", "in_the_past"),
            ],
            answer.Errors.Order()
        );
        var far = await ChangeAsync(
            new
            {
                action = "extend",
                reason = Reason,
                valid_until = await InDaysAsync(1000),
                codes = (string[])["NOSUCHCODE"],
            }
        );
        Assert.Equal([("valid_until", "beyond_policy")], far.Errors);
        var unknown = await ChangeAsync(Coded("cancel", "NOSUCHCODE"));
        Assert.Equal([("codes.0", "unknown_code")], unknown.Errors);
    }

    [Fact]
    public async Task A_merchant_changes_its_own_units_alone()
    {
        var merchant = Guid.CreateVersion7();
        var key = await Host.KeyAsync([Permissions.ExpiryChange], merchant, merchantExists: false);
        var unit = await UnitAsync("CHANGEDONE");
        var answer = await Host.PostAsync(Path, Named("cancel", unit), client: Host.ClientOf(key));
        Assert.Equal("not_found", Outcome(answer));
        Assert.Equal("issued", await Host.Database.ScalarAsync<string>("select state from coupons.instance"));
    }
}
