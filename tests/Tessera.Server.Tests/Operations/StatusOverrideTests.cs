using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Operations;

[Collection(PostgresCollection.Name)]
public sealed class StatusOverrideTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Approvals = "/api/v1/approvals";

    private TestHost _host = null!;
    private Catalogue _given = null!;
    private HttpClient _other = null!;
    private Guid _customer;
    private long _coupon;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
        _other = _host.ClientOf(await _host.KeyAsync([.. Permissions.All]));
        _customer = await _given.CustomerAsync();
        _coupon = await _given.CouponAsync("UNIT", "max_uses_per_user, max_uses_total", "2, 3", "unique");
    }

    public async Task DisposeAsync()
    {
        _other.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task A_wrong_redemption_is_reversed_and_every_promise_still_holds()
    {
        var unit = await _given.UnitAsync(_coupon, "U1", _customer);
        await RedeemAsync("U1");
        Assert.Equal(1, await PostedAsync("coupon_uses"));
        await ApproveAsync(
            await AskAsync(
                new
                {
                    coupon_id = _coupon,
                    instance_id = unit,
                    to = "issued",
                    cause = "wrong_redemption",
                }
            )
        );
        Assert.Equal("issued", await StateAsync(unit));
        Assert.Equal(0, await PostedAsync("coupon_uses"));
        await VerifyAsync();

        // The unit can be used again.
        await RedeemAsync("U1");
        await VerifyAsync();
    }

    [Fact]
    public async Task A_redemption_that_took_place_is_recorded_for_a_merchant()
    {
        var unit = await PaidAsync("U2");
        var asked = await AskAsync(Recorded(unit, TimeProvider.System.GetUtcNow().AddHours(-1)));
        Assert.Equal("paid", asked.GetProperty("effect").GetProperty("before").GetProperty("state").GetString());
        Assert.Equal("redeemed", asked.GetProperty("effect").GetProperty("after").GetProperty("state").GetString());
        await ApproveAsync(asked);
        Assert.Equal("redeemed", await StateAsync(unit));
        Assert.Equal((1, 1), (await PostedAsync("coupon_uses"), await PostedAsync("coupon_customer_uses")));
        await VerifyAsync();
        Assert.Equal(
            ["merchant_support"],
            await _host.Database.ColumnAsync<string>(
                "select payload ->> 'override' from platform.event where payload ->> 'cause' = 'override'"
            )
        );
    }

    [Fact]
    public async Task A_limit_that_is_used_up_is_kept_by_overrides_too()
    {
        var units = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            units.Add(await PaidAsync("L" + i));
        }

        foreach (var unit in units.Take(2))
        {
            await ApproveAsync(await AskAsync(Recorded(unit, TimeProvider.System.GetUtcNow().AddHours(-1))));
        }

        var third = await AskAsync(Recorded(units[2], TimeProvider.System.GetUtcNow().AddHours(-1)));
        Assert.Equal("limit_reached", (await DecideAsync(third)).Code);
        Assert.Equal("paid", await StateAsync(units[2]));
        await VerifyAsync();
    }

    [Fact]
    public async Task What_changed_between_request_and_approval_is_not_overridden()
    {
        var unit = await PaidAsync("U3");
        var asked = await AskAsync(Recorded(unit, TimeProvider.System.GetUtcNow().AddHours(-1)));
        await RedeemAsync("U3");
        Assert.Equal("changed_meanwhile", (await DecideAsync(asked)).Code);
        await VerifyAsync();
    }

    [Fact]
    public async Task Overrides_outside_the_rules_are_refused()
    {
        var unit = await PaidAsync("U4");
        Assert.Equal(
            "outside_window",
            (await SendAsync(Recorded(unit, TimeProvider.System.GetUtcNow().AddDays(-3)))).Code
        );
        Assert.Equal(
            "outside_window",
            (await SendAsync(Recorded(unit, TimeProvider.System.GetUtcNow().AddHours(1)))).Code
        );
        var to = new
        {
            coupon_id = _coupon,
            instance_id = unit,
            to = "issued",
            cause = "technical_fault",
        };
        using var refused = new Counted("tessera.instance.transitions_refused");
        Assert.Equal("illegal_transition", (await SendAsync(to)).Code);
        Assert.Contains("paid issued illegal_transition", refused.Tags);
        var nobody = new
        {
            coupon_id = _coupon,
            instance_id = 7,
            to = "issued",
            cause = "technical_fault",
        };
        Assert.Equal([("input.instance_id", "unknown_instance")], (await SendAsync(nobody)).Errors);
        var bad = await SendAsync(
            new
            {
                coupon_id = _coupon,
                instance_id = unit,
                to = "redeemed",
                cause = "mood",
            }
        );
        Assert.Equal([("input.cause", "unknown_value"), ("input.redemption", "required")], bad.Errors);
    }

    [Fact]
    public async Task An_emergency_needs_no_approval_tells_at_once_and_is_reviewed_by_another()
    {
        var first = await _given.UnitAsync(_coupon, "E1", _customer);
        await RedeemAsync("E1");
        var reverse = new
        {
            coupon_id = _coupon,
            instance_id = first,
            to = "issued",
            cause = "technical_fault",
        };
        var started = await _host.PostAsync(
            "/api/v1/emergencies",
            new { reason = "Tills redeem twice tonight.", minutes = 30 }
        );
        Assert.Equal(201, started.Status);
        var id = started.Json.GetProperty("id").GetString();
        Assert.Equal(
            "emergency_exists",
            (await _host.PostAsync("/api/v1/emergencies", new { reason = "Once more, please.", minutes = 30 })).Code
        );
        var done = (await SendAsync(reverse)).Json;
        Assert.Equal(
            ("executed", "emergency"),
            (done.GetProperty("state").GetString(), done.GetProperty("way").GetString())
        );

        // It is of one person, and it ends.
        var body = new
        {
            kind = "instance_status",
            input = Recorded(await PaidAsync("E2"), TimeProvider.System.GetUtcNow().AddHours(-1)),
            reason = "For the merchant's books.",
        };
        Assert.Equal(
            "pending",
            (await _host.PostAsync(Approvals, body, null, _other)).Json.GetProperty("state").GetString()
        );
        var review = new { finding = "justified", reason = "Matches the journal." };
        Assert.Equal(
            "emergency_running",
            (await _host.PostAsync($"/api/v1/emergencies/{id}/review", review, null, _other)).Code
        );
        Assert.Equal(200, (await _host.PostAsync($"/api/v1/emergencies/{id}/end")).Status);
        Assert.Equal("same_person", (await _host.PostAsync($"/api/v1/emergencies/{id}/review", review)).Code);
        var reviewed = await _host.PostAsync($"/api/v1/emergencies/{id}/review", review, null, _other);
        Assert.Equal(1, reviewed.Json.GetProperty("executed").GetInt64());
        Assert.Equal(
            "pending",
            (await SendAsync(Recorded(await PaidAsync("E3"), TimeProvider.System.GetUtcNow().AddHours(-1))))
                .Json.GetProperty("state")
                .GetString()
        );
        var listed = await _host.GetAsync($"{Approvals}?emergency_id={id}");
        Assert.Equal(1, listed.Json.GetProperty("data").GetArrayLength());
        Assert.Equal(
            ["emergency.started", "emergency.ended", "emergency.reviewed"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'emergency' order by position"
            )
        );
        await VerifyAsync();
    }

    [Fact]
    public async Task A_bulk_ending_above_the_limit_waits_for_another_person_and_a_policy_change_does_too()
    {
        for (var i = 0; i < 5; i++)
        {
            await _given.UnitAsync(_coupon, "B" + i);
        }

        var policy = await _host.PostAsync(
            Approvals,
            new
            {
                kind = "approval_policy",
                input = new
                {
                    kind = "bulk_ending",
                    free_size = 3,
                    expires_after_hours = 24,
                },
                reason = "Smaller than it was.",
            }
        );
        await ApproveAsync(policy.Json);
        var ending = new
        {
            kind = "bulk_ending",
            input = new { coupon_id = _coupon, to = "cancelled" },
            reason = "The offer was withdrawn.",
        };
        var asked = await _host.PostAsync(Approvals, ending);
        Assert.Equal("pending", asked.Json.GetProperty("state").GetString());
        Assert.Equal(5, asked.Json.GetProperty("size").GetInt64());
        await ApproveAsync(asked.Json);
        Assert.Equal(
            5,
            await _host.Database.ScalarAsync<long>("select count(*) from coupons.instance where state = 'cancelled'")
        );
        Assert.Equal("nothing_to_do", (await _host.PostAsync(Approvals, ending)).Code);
        await _given.UnitAsync(_coupon, "B9");
        var alone = (await _host.PostAsync(Approvals, ending)).Json;
        Assert.Equal("below_limit", alone.GetProperty("way").GetString());
        await VerifyAsync();

        // It is listed like any change of many, and undone as a unit.
        foreach (
            var (unit, operation) in new[]
            {
                (1, alone),
                (5, (await _host.GetAsync($"{Approvals}/{asked.Json.GetProperty("id")}")).Json),
            }
        )
        {
            var id = operation.GetProperty("result").GetProperty("operation_id").GetString();
            var undo = await _host.PostAsync($"/api/v1/operations/{id}/undo");
            Assert.True(undo.Status == 202, undo.Body);
            var over = await _host.EndOfAsync(undo.Header("Location")!);
            Assert.Equal((unit, 0), (over.GetProperty("done").GetInt32(), over.GetProperty("error_count").GetInt32()));
        }

        Assert.Equal(
            6,
            await _host.Database.ScalarAsync<long>("select count(*) from coupons.instance where state = 'issued'")
        );
        await VerifyAsync();
    }

    private object Recorded(long unit, DateTimeOffset at) =>
        new
        {
            coupon_id = _coupon,
            instance_id = unit,
            to = "redeemed",
            cause = "merchant_support",
            redemption = new
            {
                redeemed_at = at.ToString(
                    "yyyy-MM-dd'T'HH:mm:ss'Z'",
                    System.Globalization.CultureInfo.InvariantCulture
                ),
                order_reference = "SLIP-" + unit,
                order = new { amount = 2000, currency = "USD" },
                discount = new { amount = 200, currency = "USD" },
            },
        };

    private async Task<long> PaidAsync(string code)
    {
        var unit = await _given.UnitAsync(_coupon, code, _customer);
        await _given.PayAsync(unit);
        return unit;
    }

    private async Task RedeemAsync(string code)
    {
        var order = new
        {
            reference = Guid.CreateVersion7().ToString(),
            amount = new { amount = 1000, currency = "USD" },
        };
        var reply = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = _customer,
                order,
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
    }

    private Task<Reply> SendAsync(object input) =>
        _host.PostAsync(
            Approvals,
            new
            {
                kind = "instance_status",
                input,
                reason = "The merchant sent the slip.",
            }
        );

    private async Task<JsonElement> AskAsync(object input)
    {
        var reply = await SendAsync(input);
        Assert.True(reply.Status == 201, reply.Body);
        Assert.Equal("pending", reply.Json.GetProperty("state").GetString());
        return reply.Json;
    }

    private Task<Reply> DecideAsync(JsonElement approval) =>
        _host.PostAsync(
            $"{Approvals}/{approval.GetProperty("id").GetString()}/approve",
            new { effect_hash = approval.GetProperty("effect_hash").GetString() },
            null,
            _other
        );

    private async Task ApproveAsync(JsonElement approval)
    {
        var reply = await DecideAsync(approval);
        Assert.True(reply.Status == 200, reply.Body);
    }

    private Task<string> StateAsync(long unit) =>
        _host.Database.ScalarAsync<string>("select state from coupons.instance where id = $1", unit);

    private Task<long> PostedAsync(string kind) =>
        _host.Database.ScalarAsync<long>("select posted from balances.account where kind = $1", kind);

    private async Task VerifyAsync()
    {
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }
}
