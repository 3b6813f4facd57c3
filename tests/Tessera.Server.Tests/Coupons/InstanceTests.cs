using Microsoft.Extensions.Logging;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class InstanceTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly LogLines _log = new();
    private TestHost _host = null!;
    private Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(
            postgres,
            builder =>
            {
                builder.Logging.AddProvider(_log);
                builder.Logging.SetMinimumLevel(LogLevel.Information);
            }
        );
        _given = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        _log.Dispose();
    }

    [Fact]
    public async Task A_month_that_many_need_at_once_is_made_once_and_fails_nobody()
    {
        // Each has a session already, as in a node that is at work.
        var months = Enumerable.Range(0, 6).Select(n => new DateTime(2071, 1 + n, 15, 0, 0, 0, DateTimeKind.Utc));
        foreach (var month in months)
        {
            await Task.WhenAll(
                Enumerable
                    .Range(0, 16)
                    .Select(_ => _host.Database.ExecuteAsync("select coupons.ensure_instance_months(array[$1])", month))
            );
        }

        Assert.Equal(
            6,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'database.partition_made' and aggregateid like '%instance_2071__'"
            )
        );
    }

    [Fact]
    public async Task Issued_units_have_secret_codes_that_can_be_redeemed_once()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var issued = await _host.PostAsync(UnitsOf(coupon), """{"count":3,"prefix":"save"}""");
        Assert.Equal(201, issued.Status);
        var codes = issued.Json.GetProperty("data").EnumerateArray().Select(u => u.GetProperty("code").GetString()!);
        Assert.All(codes, code => Assert.Matches("^SAVE[2-9A-HJ-NP-Z]{12}$", code));
        Assert.Equal(3, codes.Distinct().Count());
        Assert.Equal(201, (await RedeemAsync(codes.First())).Status);
        Assert.Equal("already_redeemed", (await RedeemAsync(codes.First())).Code);
        Assert.Equal(201, (await RedeemAsync(codes.Last())).Status);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task Units_issued_to_customers_are_theirs_alone()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        Guid[] customers = [await _given.CustomerAsync(), await _given.CustomerAsync()];
        var issued = await _host.PostAsync(UnitsOf(coupon), new { customer_ids = customers });
        var units = issued.Json.GetProperty("data").EnumerateArray().ToArray();
        Assert.Equal(customers, units.Select(u => u.GetProperty("customer_id").GetGuid()));
        var code = units[0].GetProperty("code").GetString()!;
        Assert.Equal(409, (await RedeemAsync(code, customers[1])).Status);
        Assert.Equal(201, (await RedeemAsync(code, customers[0])).Status);
        var own = await _host.GetAsync($"{UnitsOf(coupon)}?customer_id={customers[1]}");
        Assert.Equal("issued", Assert.Single(Data(own)).GetProperty("state").GetString());
        Assert.Single(Data(await _host.GetAsync(UnitsOf(coupon) + "?state=redeemed")));
    }

    [Fact]
    public async Task A_repeat_issues_nothing_twice()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var first = await _host.PostAsync(UnitsOf(coupon), """{"count":2}""", "k1");
        var again = await _host.PostAsync(UnitsOf(coupon), """{"count":2}""", "k1");
        Assert.Equal(first.Body, again.Body);
        Assert.Equal(2, await _host.Database.ScalarAsync<long>("select count(*) from coupons.instance"));
    }

    [Fact]
    public async Task What_cannot_be_issued_is_refused_with_its_reason()
    {
        var shared = await _given.CouponAsync("SHARED");
        Assert.Equal("coupon_has_shared_code", (await _host.PostAsync(UnitsOf(shared), """{"count":1}""")).Code);
        var over = await _given.CouponAsync(
            "OVER",
            "valid_from, valid_until",
            "clock_timestamp() - interval '2 days', clock_timestamp() - interval '1 day'",
            "unique"
        );
        Assert.Equal("coupon_over", (await _host.PostAsync(UnitsOf(over), """{"count":1}""")).Code);
        Assert.Equal(404, (await _host.PostAsync(UnitsOf(987654), """{"count":1}""")).Status);
        var bad = await _host.PostAsync(UnitsOf(shared), """{"count":1001,"prefix":"TOO LONG!","colour":1}""");
        Assert.Equal(
            [("colour", "unknown_member"), ("count", "out_of_range"), ("prefix", "invalid_prefix")],
            bad.Errors.Order()
        );
        Assert.Equal([("count", "required")], (await _host.PostAsync(UnitsOf(shared), "{}")).Errors);
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from coupons.instance"));
    }

    [Theory]
    [InlineData("cancel", "cancelled")]
    [InlineData("revoke", "revoked")]
    public async Task A_unit_that_was_ended_is_of_no_use_and_cannot_be_ended_again(string verb, string state)
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var unit = await _given.UnitAsync(coupon, "ENDED");
        var ended = await _host.PostAsync(UnitsOf(coupon) + $"/{unit}/{verb}");
        Assert.Equal((200, state), (ended.Status, ended.Json.GetProperty("state").GetString()));
        Assert.Equal("\"2\"", ended.Header("ETag"));
        Assert.Equal(409, (await RedeemAsync("ENDED")).Status);
        using var refused = new Counted("tessera.instance.transitions_refused");
        Assert.Equal("illegal_transition", (await _host.PostAsync(UnitsOf(coupon) + $"/{unit}/{verb}")).Code);
        Assert.Contains($"{state} {state} illegal_transition", refused.Tags);
        Assert.Contains(
            _log.All,
            l => l.Text.StartsWith($"Refused illegal_transition: unit {unit} from {state}", StringComparison.Ordinal)
        );
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task A_unit_in_use_is_not_ended()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var used = await _given.UnitAsync(coupon, "USED");
        await RedeemAsync("USED");
        Assert.Equal("already_redeemed", (await _host.PostAsync(UnitsOf(coupon) + $"/{used}/revoke")).Code);
        var over = await _given.UnitAsync(coupon, "OVER", until: "(clock_timestamp() + interval '1 second')");
        var held = await _given.UnitAsync(coupon, "HELD");
        var reserved = await _host.PostAsync("/api/v1/reservations", Order("HELD", await _given.CustomerAsync()));
        Assert.Equal(201, reserved.Status);
        Assert.Equal("held_by_checkout", (await _host.PostAsync(UnitsOf(coupon) + $"/{held}/cancel")).Code);
        await Patience.UntilAsync(
            () =>
                _host.Database.ScalarAsync<bool>(
                    "select valid_until < clock_timestamp() from coupons.instance where id = $1",
                    over
                ),
            "the end of a unit"
        );
        Assert.Equal("expired", (await _host.PostAsync(UnitsOf(coupon) + $"/{over}/cancel")).Code);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task Of_many_who_end_or_use_a_unit_at_once_exactly_one_succeeds()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var unit = await _given.UnitAsync(coupon, "RACE");
        var customer = await _given.CustomerAsync();
        var replies = await Task.WhenAll(
            Enumerable
                .Range(0, 24)
                .Select(i =>
                    (i % 3) switch
                    {
                        0 => _host.PostAsync(UnitsOf(coupon) + $"/{unit}/cancel"),
                        1 => _host.PostAsync(UnitsOf(coupon) + $"/{unit}/revoke"),
                        _ => _host.PostAsync("/api/v1/redemptions", Order("RACE", customer, i)),
                    }
                )
        );
        Assert.Single(replies, r => r.Status is 200 or 201);
        Assert.All(replies, r => Assert.Contains(r.Status, (int[])[200, 201, 409]));
        Assert.Equal(2, (await _host.GetAsync(UnitsOf(coupon) + $"/{unit}")).Json.GetProperty("version").GetInt32());
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task A_unit_that_gets_an_end_in_another_month_meanwhile_is_asked_for_again()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var unit = await _given.UnitAsync(coupon, "MOVED", until: "'2071-01-15T00:00:00Z'");
        await _host.Database.ExecuteAsync(
            "select coupons.ensure_instance_months(array[timestamptz '2071-03-15', timestamptz '2071-05-15'])"
        );
        foreach (var key in (string?[])[null, "moved"])
        {
            Task<Reply> ended;
            await using (var extension = await _host.Database.Database.BeginAsync(default))
            {
                await extension.ExecuteAsync(
                    "update coupons.instance set valid_until = valid_until + interval '2 months' where id = $1",
                    [unit],
                    default
                );
                ended = _host.PostAsync(UnitsOf(coupon) + $"/{unit}/cancel", idempotencyKey: key);
                await BlockedAsync(extension.Connection.ProcessID);
                await extension.CommitAsync(default);
            }

            Assert.Equal((412, "precondition_failed"), ((await ended).Status, (await ended).Code));
        }

        Assert.Equal(200, (await _host.PostAsync(UnitsOf(coupon) + $"/{unit}/cancel")).Status);

        Task BlockedAsync(int holder) =>
            Patience.UntilAsync(
                () =>
                    _host.Database.ScalarAsync<bool>(
                        "select exists (select from pg_stat_activity where $1 = any(pg_blocking_pids(pid)))",
                        holder
                    ),
                "somebody who waits for a unit"
            );
    }

    [Fact]
    public async Task A_walk_through_the_pages_meets_every_unit_once_whatever_its_end()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        for (var i = 0; i < 7; i++)
        {
            await _given.UnitAsync(coupon, "UNIT" + i, until: $"(clock_timestamp() + interval '{i + 1} months')");
        }

        foreach (var sort in (string[])["id", "-id"])
        {
            var seen = new List<long>();
            for (string? cursor = ""; cursor is not null; )
            {
                var page = await _host.GetAsync($"{UnitsOf(coupon)}?limit=3&sort={sort}{cursor}");
                seen.AddRange(Data(page).Select(u => u.GetProperty("id").GetInt64()));
                cursor = page.Json.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : null;
            }

            Assert.Equal(7, seen.Count);
            Assert.Equal(sort == "id" ? seen.Order() : seen.OrderDescending(), seen);
        }
    }

    [Fact]
    public async Task A_code_shows_in_full_to_those_who_may_issue_codes_and_units_to_their_merchant_alone()
    {
        var own = Guid.CreateVersion7();
        using var reader = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsRead]));
        var all = await _host.KeyAsync([.. Permissions.All], own, merchantExists: false);
        using var merchant = _host.ClientOf(all);
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var unit = await _given.UnitAsync(coupon, "SECRETCODE");
        var path = UnitsOf(coupon) + $"/{unit}";
        Assert.Equal("SECRETCODE", (await _host.GetAsync(path)).Json.GetProperty("code").GetString());
        Assert.Equal("SECR…", (await _host.GetAsync(path, reader)).Json.GetProperty("code").GetString());
        Assert.Equal("SECR…", Data(await _host.GetAsync(UnitsOf(coupon), reader))[0].GetProperty("code").GetString());
        foreach (
            var reply in (Reply[])
                [
                    await _host.GetAsync(path, merchant),
                    await _host.GetAsync(UnitsOf(coupon), merchant),
                    await _host.PostAsync(path + "/cancel", client: merchant),
                    await _host.PostAsync(UnitsOf(coupon), """{"count":1}""", client: merchant),
                ]
        )
        {
            Assert.Equal((404, "not_found"), (reply.Status, reply.Code));
        }
    }

    private static string UnitsOf(long coupon) => $"/api/v1/admin/coupons/{coupon}/instances";

    private static System.Text.Json.JsonElement[] Data(Reply reply) =>
        [.. reply.Json.GetProperty("data").EnumerateArray()];

    private async Task<Reply> RedeemAsync(string code, Guid? customer = null) =>
        await _host.PostAsync("/api/v1/redemptions", Order(code, customer ?? await _given.CustomerAsync()));

    private static object Order(string code, Guid customer, int number = 0) =>
        new
        {
            code,
            customer_id = customer,
            order = new
            {
                reference = $"order-{code}-{customer}-{number}",
                amount = new { amount = 5000, currency = "USD" },
            },
        };

    private async Task AssertVerifiedAsync()
    {
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            // The chain is sealed by a worker of its own pace; the other promises hold at every instant.
            Assert.True(
                finding.Fault is null || finding.Name.Contains("chain", StringComparison.Ordinal),
                finding.Fault
            );
        }
    }
}
