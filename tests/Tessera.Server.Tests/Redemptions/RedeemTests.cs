using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

[Collection(PostgresCollection.Name)]
public sealed class RedeemTests(PostgresFixture postgres) : ShopTests(postgres)
{
    [Fact]
    public async Task A_shared_code_is_redeemed_and_the_discount_is_exact()
    {
        await Given.CouponAsync("TEN");
        var reply = await RedeemAsync("ten ", await Given.CustomerAsync(), amount: 1995);
        Assert.Equal(201, reply.Status);
        Assert.Equal(200, reply.Json.GetProperty("discount").GetProperty("amount").GetInt64());
        Assert.Equal(1795, reply.Json.GetProperty("payable").GetProperty("amount").GetInt64());
        Assert.StartsWith("/api/v1/redemptions/", reply.Header("Location"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_is_redeemed_once_however_many_tills_try()
    {
        var coupon = await Given.CouponAsync("UNIQ", kind: "unique");
        await Given.UnitAsync(coupon, "ONCE");
        var customers = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Given.CustomerAsync()));
        var replies = await Task.WhenAll(customers.Select(c => RedeemAsync("ONCE", c)));
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal("already_redeemed", r.Code));
        Assert.Equal(1, await Host.Database.ScalarAsync<long>("select count(*) from redemptions.redemption"));
        Assert.Equal(39, await Host.Database.ScalarAsync<long>("select count(*) from redemptions.refusal"));
    }

    [Fact]
    public async Task A_shared_code_is_never_used_more_often_than_its_total()
    {
        await Given.CouponAsync("FIVE", "max_uses_total", "5");
        var customers = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => Given.CustomerAsync()));
        var replies = await Task.WhenAll(customers.Select(c => RedeemAsync("FIVE", c)));
        Assert.Equal(5, replies.Count(r => r.Status == 201));
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal("limit_reached", r.Code));
        Assert.Equal(
            1,
            await Host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'coupon.limit_reached'"
            )
        );
    }

    [Fact]
    public async Task A_customer_uses_a_code_no_more_often_than_allowed()
    {
        await Given.CouponAsync("TWICE", "max_uses_per_user", "2");
        var customer = await Given.CustomerAsync();
        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => RedeemAsync("TWICE", customer)));
        Assert.Equal(2, replies.Count(r => r.Status == 201));
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal("user_limit_reached", r.Code));
    }

    [Fact]
    public async Task The_same_key_gives_the_first_answer_byte_for_byte_and_has_one_effect()
    {
        await Given.CouponAsync("KEY", "max_uses_per_user", "10");
        var body = Body("KEY", await Given.CustomerAsync());
        var first = await Host.PostAsync("/api/v1/redemptions", body, "k1");
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Host.PostAsync("/api/v1/redemptions", body, "k1"))
        );
        Assert.All(
            replies,
            r =>
            {
                Assert.Equal(201, r.Status);
                Assert.Equal(first.Body, r.Body);
                Assert.Equal("true", r.Header("Idempotency-Replayed"));
                Assert.Equal(first.Header("Location"), r.Header("Location"));
            }
        );
        Assert.Null(first.Header("Idempotency-Replayed"));
        Assert.Equal(1, await Host.Database.ScalarAsync<long>("select count(*) from redemptions.redemption"));

        var other = await Host.PostAsync("/api/v1/redemptions", Body("KEY", await Given.CustomerAsync()), "k1");
        Assert.Equal((422, "idempotency_key_reused"), (other.Status, other.Code));
    }

    [Fact]
    public async Task A_coupon_is_refused_from_the_instant_it_ends()
    {
        await Given.CouponAsync(
            "OVER",
            "valid_from, valid_until",
            "clock_timestamp() - interval '2 days', clock_timestamp()"
        );
        await Given.CouponAsync("SOON", "valid_from", "clock_timestamp() + interval '1 hour'");
        var customer = await Given.CustomerAsync();
        Assert.Equal("expired", (await RedeemAsync("OVER", customer)).Code);
        Assert.Equal("not_started", (await RedeemAsync("SOON", customer)).Code);
    }

    [Fact]
    public async Task A_hold_counts_against_the_limit_until_it_is_released()
    {
        await Given.CouponAsync("HOLD", "max_uses_total", "1");
        var (a, b) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        var held = await Host.PostAsync("/api/v1/reservations", Body("HOLD", a));
        Assert.Equal(201, held.Status);
        Assert.Equal("limit_reached", (await RedeemAsync("HOLD", b)).Code);

        var id = held.Json.GetProperty("id").GetString();
        var released = await Host.PostAsync($"/api/v1/reservations/{id}/release");
        Assert.Equal(200, released.Status);
        Assert.Equal("reservation_ended", (await Host.PostAsync($"/api/v1/reservations/{id}/release")).Code);
        Assert.Equal(201, (await RedeemAsync("HOLD", b)).Status);
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select sum(pending)::bigint from balances.account"));
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select count(*) from balances.hold"));
    }

    [Fact]
    public async Task A_hold_is_redeemed_by_its_owner_and_by_nobody_else()
    {
        var coupon = await Given.CouponAsync("UNI2", kind: "unique");
        await Given.UnitAsync(coupon, "MINE");
        var (a, b) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        var held = (await Host.PostAsync("/api/v1/reservations", Body("MINE", a))).Json.GetProperty("id").GetString();
        Assert.Equal("limit_reached", (await RedeemAsync("MINE", b)).Code);
        Assert.Equal("reservation_mismatch", (await RedeemAsync("MINE", b, reservation: held)).Code);
        Assert.Equal(201, (await RedeemAsync("MINE", a, reservation: held)).Status);
        Assert.Equal("reservation_ended", (await RedeemAsync("MINE", a, reservation: held)).Code);
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select sum(pending)::bigint from balances.account"));
    }

    [Fact]
    public async Task A_lapsed_hold_gives_way_without_any_job()
    {
        var coupon = await Given.CouponAsync("UNI3", kind: "unique");
        await Given.UnitAsync(coupon, "LAPSE");
        await Given.CouponAsync("LAPS2", "max_uses_total", "1");
        var (a, b) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        foreach (var code in (string[])["LAPSE", "LAPS2"])
        {
            var held = await Host.PostAsync("/api/v1/reservations", Body(code, a, holdSeconds: 1));
            Assert.Equal(201, held.Status);
            await Task.Delay(1050);
            Assert.Equal(201, (await RedeemAsync(code, b)).Status);
        }

        const string open = "select count(*) from redemptions.reservation where ending is null";
        await Patience.UntilAsync(
            async () => await Host.Database.ScalarAsync<long>(open) == 0,
            "lapsed holds to be ended"
        );
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select sum(pending)::bigint from balances.account"));
        Assert.Equal(
            ["lapsed", "lapsed"],
            await Host.Database.ColumnAsync<string>("select ending from redemptions.reservation")
        );
    }

    [Fact]
    public async Task A_rollback_returns_the_use_once()
    {
        await Given.CouponAsync("BACK", "max_uses_total", "1");
        var customer = await Given.CustomerAsync();
        var id = (await RedeemAsync("BACK", customer)).Json.GetProperty("id").GetString();
        Assert.Equal("limit_reached", (await RedeemAsync("BACK", customer)).Code);
        var replies = await Task.WhenAll(
            Enumerable
                .Range(0, 5)
                .Select(_ => Host.PostAsync($"/api/v1/redemptions/{id}/rollback", new { reason = "refund" }))
        );
        Assert.Single(replies, r => r.Status == 201);
        Assert.Equal(4, replies.Count(r => r.Code == "already_rolled_back"));
        Assert.Equal(201, (await RedeemAsync("BACK", customer)).Status);
        Assert.Equal(
            1,
            await Host.Database.ScalarAsync<long>("select posted from balances.account where kind = 'coupon_uses'")
        );
    }

    [Fact]
    public async Task A_shared_code_is_used_once_on_an_order_even_without_its_key()
    {
        await Given.CouponAsync("ORDER", "max_uses_per_user", "10");
        var body = Body("ORDER", await Given.CustomerAsync());
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 6).Select(_ => Host.PostAsync("/api/v1/redemptions", body))
        );
        Assert.Single(replies, r => r.Status == 201);
        Assert.All(
            replies.Where(r => r.Status != 201),
            r => Assert.Equal((409, "already_redeemed"), (r.Status, r.Code))
        );
        Assert.Equal("already_redeemed", (await Host.PostAsync("/api/v1/redemptions", body)).Code);
    }

    [Fact]
    public async Task A_total_that_is_set_later_counts_the_uses_before_it()
    {
        var coupon = await Given.CouponAsync("LATE", "max_uses_per_user", "10");
        var customer = await Given.CustomerAsync();
        var first = (await RedeemAsync("LATE", customer)).Json.GetProperty("id").GetString();
        await RedeemAsync("LATE", customer);
        var path = $"/api/v1/admin/coupons/{coupon}";
        var read = await Host.GetAsync(path);
        var draft = System.Text.Json.Nodes.JsonNode.Parse(read.Body)!.AsObject();
        var edit = new System.Text.Json.Nodes.JsonObject { ["max_uses_total"] = 3 };
        foreach (
            var name in (string[])
                [
                    "code",
                    "internal_name",
                    "description",
                    "discount_type",
                    "discount_value",
                    "valid_from",
                    "max_uses_per_user",
                    "is_active",
                ]
        )
        {
            edit[name] = draft[name]!.DeepClone();
        }

        var match = new Dictionary<string, string> { ["If-Match"] = read.Header("ETag")! };
        Assert.Equal(200, (await Host.SendAsync(HttpMethod.Put, path, edit.ToJsonString(), headers: match)).Status);
        Assert.Equal(201, (await RedeemAsync("LATE", customer)).Status);
        Assert.Equal("limit_reached", (await RedeemAsync("LATE", customer)).Code);
        Assert.Equal(201, (await Host.PostAsync($"/api/v1/redemptions/{first}/rollback", new { reason = "x" })).Status);
        Assert.Equal(201, (await RedeemAsync("LATE", customer)).Status);
        Assert.Equal("limit_reached", (await RedeemAsync("LATE", customer)).Code);
    }

    [Fact]
    public async Task A_campaign_gives_away_no_more_than_its_budget()
    {
        await Host.Database.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, start_at, budget_minor, budget_currency, created_by)
            values ('sale', 'Sale', clock_timestamp() - interval '1 day', 1000, 'USD', 'job:test')
            """
        );
        await Given.CouponAsync("BUDG", "campaign_id", "'sale'");
        var customers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Given.CustomerAsync()));
        var replies = await Task.WhenAll(customers.Select(c => RedeemAsync("BUDG", c, amount: 2000)));
        Assert.Equal(5, replies.Count(r => r.Status == 201));
        Assert.All(replies.Where(r => r.Status != 201), r => Assert.Equal("budget_exhausted", r.Code));
    }

    [Fact]
    public async Task A_validation_answers_without_any_effect()
    {
        await Given.CouponAsync("LOOK", "max_uses_total", "1");
        var customer = await Given.CustomerAsync();
        var yes = await Host.PostAsync("/api/v1/validations", Body("LOOK", customer));
        Assert.Equal(200, yes.Status);
        Assert.True(yes.Json.GetProperty("valid").GetBoolean());
        var no = await Host.PostAsync("/api/v1/validations", Body("NONE", customer));
        Assert.False(no.Json.GetProperty("valid").GetBoolean());
        Assert.Equal("not_found", no.Code);
        Assert.Equal(
            0,
            await Host.Database.ScalarAsync<long>("select count(*) from platform.event where type like 'coupon%'")
        );
        Assert.Equal(201, (await RedeemAsync("LOOK", customer)).Status);
    }

    [Fact]
    public async Task All_bad_fields_of_a_request_are_named_at_once()
    {
        var reply = await Host.PostAsync(
            "/api/v1/redemptions",
            """{"code": "a b", "customer_id": "x", "customer_id": "y", "order": {"amount": {"amount": 1.5, "currency": "ZZZ"}}, "more": 1}"""
        );
        Assert.Equal((400, "invalid_request"), (reply.Status, reply.Code));
        Assert.Equal("application/problem+json", reply.MediaType);
        Assert.Equal(
            [
                ("code", "not_a_code"),
                ("customer_id", "duplicate_member"),
                ("customer_id", "not_an_id"),
                ("more", "unknown_member"),
                ("order.amount.amount", "not_an_integer"),
                ("order.amount.currency", "unknown_currency"),
                ("order.reference", "required"),
            ],
            reply.Errors.Order()
        );
    }

    private Task<Reply> RedeemAsync(string code, Guid customer, long amount = 5000, string? reservation = null) =>
        Host.PostAsync("/api/v1/redemptions", Body(code, customer, amount, reservation));

    private static Dictionary<string, object> Body(
        string code,
        Guid customer,
        long amount = 5000,
        string? reservation = null,
        int? holdSeconds = null
    )
    {
        var body = new Dictionary<string, object>
        {
            ["code"] = code,
            ["customer_id"] = customer,
            ["order"] = new
            {
                reference = Guid.CreateVersion7().ToString("N"),
                amount = new { amount, currency = "USD" },
            },
        };
        if (reservation is not null)
        {
            body["reservation_id"] = reservation;
        }

        if (holdSeconds is not null)
        {
            body["hold_seconds"] = holdSeconds;
        }

        return body;
    }
}
