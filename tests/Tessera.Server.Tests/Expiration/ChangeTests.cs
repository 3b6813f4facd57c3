using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

[Collection(PostgresCollection.Name)]
public sealed class ChangeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/expiry/changes";
    private const string Reason = "The shop was closed for a week";

    private TestHost _host = null!;
    private Catalogue _given = null!;
    private long _coupon;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
        _coupon = await _given.CouponAsync("CHANGED", kind: "unique");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task An_extension_gives_a_later_end_and_the_unit_can_be_used()
    {
        var unit = await _given.UnitAsync(_coupon, "CHANGEDONE", until: "(clock_timestamp() + interval '1 hour')");
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
        var state = await _host.GetAsync("/api/v1/coupon-states/CHANGEDONE");
        Assert.Equal("extended", state.Json.GetProperty("state").GetString());
        Assert.True(state.Json.GetProperty("redeemable").GetBoolean());
        var again = await ChangeAsync(
            new
            {
                action = "extend",
                reason = Reason,
                valid_until = end,
                coupon_id = _coupon,
                instance_ids = (long[])[unit],
            }
        );
        Assert.Equal(409, again.Status);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task A_forced_end_is_at_once_and_frees_its_unit()
    {
        var unit = await _given.UnitAsync(_coupon, "CHANGEDONE");
        var ended = await ChangeAsync(
            new
            {
                action = "expire",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = (long[])[unit, 999],
            }
        );
        Assert.Equal(
            (200, 1, 1),
            (ended.Status, ended.Json.GetProperty("done").GetInt32(), ended.Json.GetProperty("refused").GetInt32())
        );
        Assert.Equal("expired", (await RedeemAsync("CHANGEDONE")).Code);
        using var refused = new Counted("tessera.instance.transitions_refused");
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>("select posted from balances.account where kind = 'freed_units'")
        );
        Assert.Equal(
            "expired",
            Outcome(
                await ChangeAsync(
                    new
                    {
                        action = "cancel",
                        reason = Reason,
                        codes = (string[])["CHANGEDONE"],
                    }
                )
            )
        );
        Assert.Contains("expired cancelled expired", refused.Tags);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_is_used_or_held_is_left_as_it_is_with_its_reason()
    {
        await _given.UnitAsync(_coupon, "CHANGEDONE");
        await _given.UnitAsync(_coupon, "CHANGEDTWO");
        Assert.Equal(201, (await RedeemAsync("CHANGEDONE")).Status);
        await _host.Database.ExecuteAsync(
            "update coupons.instance set state = 'reserved', prior_state = 'issued', reserved_until = clock_timestamp() + interval '1 hour' where code = 'CHANGEDTWO'"
        );
        var answer = await ChangeAsync(
            new
            {
                action = "cancel",
                reason = Reason,
                codes = (string[])["CHANGEDONE", "CHANGEDTWO"],
            }
        );
        Assert.Equal(
            ["already_redeemed", "held_by_checkout"],
            answer.Json.GetProperty("data").EnumerateArray().Select(i => i.GetProperty("outcome").GetString()!).Order()
        );
    }

    [Fact]
    public async Task What_has_expired_is_extended_by_override_alone()
    {
        await _given.UnitAsync(_coupon, "CHANGEDONE", until: "(clock_timestamp() - interval '1 minute')");
        using var pipeline = new Pipeline(_host.Database);
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
        var limited = _host.ClientOf(await _host.KeyAsync([Permissions.ExpiryChange]));
        Assert.Equal("override_forbidden", (await _host.PostAsync(Path, overridden, client: limited)).Code);
        Assert.Equal("changed", Outcome(await ChangeAsync(overridden)));
        Assert.Equal(201, (await RedeemAsync("CHANGEDONE")).Status);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_ended_untold_is_told_before_it_is_extended_by_override()
    {
        await _host.Database.ExecuteAsync("update expiration.control set mode = 'paused'");
        await _given.UnitAsync(_coupon, "CHANGEDONE", until: "(clock_timestamp() - interval '1 minute')");
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
            await _host.Database.ColumnAsync<string>("select to_state from verify.transitions order by sequence")
        );
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task An_extension_beyond_what_one_may_give_alone_waits_for_another_person()
    {
        var campaign = await CampaignAsync();
        await _given.UnitAsync(_coupon, "CHANGEDONE", until: "(clock_timestamp() + interval '1 hour')");
        await _host.Database.ExecuteAsync("update coupons.instance set campaign_id = $1", campaign);
        await _host.Database.ExecuteAsync(
            "insert into coupons.instance (id, valid_until, coupon_id, campaign_id, valid_from) select n, valid_until, coupon_id, campaign_id, valid_from from coupons.instance, generate_series(1, 400) n"
        );
        var wanted = new
        {
            action = "extend",
            reason = Reason,
            valid_until = await InDaysAsync(100),
            campaign_id = campaign,
        };
        var asked = await ChangeAsync(wanted);
        Assert.Equal((202, "pending_approval"), (asked.Status, asked.Json.GetProperty("status").GetString()));
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from expiration.change"));
    }

    [Fact]
    public async Task A_campaign_is_ended_as_an_operation()
    {
        var campaign = await CampaignAsync();
        for (var n = 0; n < 5; n++)
        {
            await _given.UnitAsync(_coupon, "CHANGED" + n, until: $"(clock_timestamp() + interval '{n + 1} hours')");
        }

        await _host.Database.ExecuteAsync("update coupons.instance set campaign_id = $1", campaign);
        var ended = await ChangeAsync(
            new
            {
                action = "expire",
                reason = Reason,
                campaign_id = campaign,
            }
        );
        Assert.Equal(202, ended.Status);
        await OverAsync(ended.Json.GetProperty("operation_id").GetGuid());
        Assert.Equal(
            5,
            await _host.Database.ScalarAsync<long>("select count(*) from coupons.instance where state = 'expired'")
        );
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task Each_line_of_a_list_that_names_nothing_is_in_the_error_file()
    {
        var list = new StringBuilder("instance_id\n");
        for (var n = 0; n < 30; n++)
        {
            var unit = await _given.UnitAsync(_coupon, "LISTED" + n);
            list.Append(unit).Append('\n').Append(unit + 500).Append('\n');
        }

        list.Append("nonsense\n");
        var operation = await UploadAsync("cancel", list.ToString());
        Assert.Equal(operation, await UploadAsync("cancel", list.ToString()));
        var over = await OverAsync(operation);
        Assert.Equal((61, 31), (over.GetProperty("done").GetInt32(), over.GetProperty("error_count").GetInt32()));
        Assert.Equal(
            30,
            await _host.Database.ScalarAsync<long>("select count(*) from coupons.instance where state = 'cancelled'")
        );
        var errors = await _host.GetAsync($"/api/v1/operations/{operation}/errors");
        Assert.Contains("3,,not_found,", errors.Body, StringComparison.Ordinal);
        Assert.Contains("62,,invalid_id,", errors.Body, StringComparison.Ordinal);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task A_long_list_goes_through_in_batches_with_its_progress()
    {
        const int count = 6000;
        var first = await _host.Database.ScalarAsync<long>(
            $$"""
            with b as (select nextval('coupons.instance_block') * 1024 as first from generate_series(1, 6)), f as (select min(first) as first from b),
            e as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', first, 'job:test',
                    jsonb_build_object('first_id', first, 'last_id', first + {{count - 1}}), clock_timestamp() from f
            ), i as (
                insert into coupons.instance (id, valid_until, coupon_id, code, valid_from)
                select first + n, 'infinity', $1, 'L' || (first + n), clock_timestamp() - interval '1 day' from f, generate_series(0, {{count
                - 1}}) n
            )
            select first from f
            """,
            _coupon
        );
        var list = new StringBuilder("instance_id\n");
        for (var n = 0; n < count; n++)
        {
            list.Append(first + n).Append('\n').Append(first + 1_000_000 + n).Append('\n');
        }

        var over = await OverAsync(await UploadAsync("cancel", list.ToString()));
        Assert.Equal(
            (2 * count, 2 * count, count),
            (
                over.GetProperty("total").GetInt32(),
                over.GetProperty("done").GetInt32(),
                over.GetProperty("error_count").GetInt32()
            )
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
        var unknown = await ChangeAsync(
            new
            {
                action = "cancel",
                reason = Reason,
                codes = (string[])["NOSUCHCODE"],
            }
        );
        Assert.Equal([("codes.0", "unknown_code")], unknown.Errors);
    }

    [Fact]
    public async Task A_merchant_changes_its_own_units_alone()
    {
        var merchant = Guid.CreateVersion7();
        var key = await _host.KeyAsync([Permissions.ExpiryChange], merchant, merchantExists: false);
        var unit = await _given.UnitAsync(_coupon, "CHANGEDONE");
        var answer = await _host.PostAsync(
            Path,
            new
            {
                action = "cancel",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = (long[])[unit],
            },
            client: _host.ClientOf(key)
        );
        Assert.Equal("not_found", Outcome(answer));
        Assert.Equal("issued", await _host.Database.ScalarAsync<string>("select state from coupons.instance"));
    }

    private Task<Reply> ChangeAsync(object body) => _host.PostAsync(Path, body);

    private static string? Outcome(Reply reply) => reply.Json.GetProperty("data")[0].GetProperty("outcome").GetString();

    private async Task<string> InDaysAsync(int days) =>
        await _host.Database.ScalarAsync<string>(
            "select to_char((clock_timestamp() + $1 * interval '1 day') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            days
        );

    private async Task<string> CampaignAsync() =>
        await _host.Database.ScalarAsync<string>(
            "insert into campaigns.campaign (id, name, start_at, created_by) values ('summer', 'Summer', clock_timestamp(), 'test') returning id"
        );

    private async Task<Reply> RedeemAsync(string code) =>
        await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = await _given.CustomerAsync(),
                order = new
                {
                    reference = Guid.CreateVersion7().ToString(),
                    amount = new { amount = 10000, currency = "USD" },
                },
            }
        );

    /// <summary>Uploads a list; its content is its idempotency key.</summary>
    private async Task<Guid> UploadAsync(string action, string list)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            $"{Path}/upload?action={action}&reason={Uri.EscapeDataString(Reason)}"
        );
        request.Content = new StringContent(list, Encoding.UTF8, "text/csv");
        request.Headers.Add("Idempotency-Key", "list-" + list.Length);
        using var response = await _host.Client.SendAsync(request);
        var accepted = await Reply.OfAsync(response);
        Assert.True(accepted.Status == 202, accepted.Body);
        return accepted.Json.GetProperty("operation_id").GetGuid();
    }

    private async Task<JsonElement> OverAsync(Guid operation)
    {
        for (var attempt = 0; attempt < 300; attempt++)
        {
            var view = (await _host.GetAsync("/api/v1/operations/" + operation)).Json;
            if (view.GetProperty("status").GetString() is "succeeded" or "failed")
            {
                Assert.Equal("succeeded", view.GetProperty("status").GetString());
                return view;
            }

            await Task.Delay(100);
        }

        throw new TimeoutException("The operation did not end.");
    }

    private async Task AssertVerifiedAsync()
    {
        await _host
            .Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>()
            .OfType<Sealer>()
            .Single()
            .SealAsync(default);
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }
}
