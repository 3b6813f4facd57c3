using Tessera.Server.Promotions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

/// <summary>RUL-13: whom staff has blocked uses no coupon, on any path.</summary>
[Collection(PostgresCollection.Name)]
public sealed class BlockedCustomerTests(PostgresFixture postgres) : ShopTests(postgres)
{
    [Fact]
    public async Task A_blocked_customer_is_refused_as_blocked_on_every_path_until_the_block_is_lifted()
    {
        await Given.CouponAsync("TEN", "max_uses_per_user", "9");
        var customer = await Given.CustomerAsync();
        var path = $"/api/v1/customers/{customer}";
        var held = await Host.PostAsync("/api/v1/reservations", Body("r"));
        Assert.Equal(201, held.Status);

        using var shop = Host.ClientOf(await Host.KeyAsync(["directory.write"]));
        var reason = new { reason = "Sold codes on." };
        Assert.Equal(403, (await Host.PostAsync(path + "/block", reason, client: shop)).Status);
        Assert.Equal([("reason", "required")], (await Host.PostAsync(path + "/block", new { })).Errors);
        Assert.Equal(404, (await Host.PostAsync($"/api/v1/customers/{Guid.CreateVersion7()}/block", reason)).Status);
        var blocked = await Host.PostAsync(path + "/block", reason);
        Assert.True(blocked.Status == 200, blocked.Body);
        Assert.Equal("Sold codes on.", blocked.Json.GetProperty("blocked_reason").GetString());
        Assert.NotNull(blocked.Json.GetProperty("blocked_at").GetString());
        Assert.Equal(blocked.Body, (await Host.PostAsync(path + "/block", new { reason = "Again" })).Body);

        var all = (await Host.GetAsync("/api/v1/customers?blocked=true")).Json.GetProperty("data").EnumerateArray();
        Assert.Equal(customer, Assert.Single(all).GetProperty("id").GetGuid());

        var asked = await Host.PostAsync("/api/v1/validations", Body("v"));
        Assert.Equal("blocked", asked.Code);
        foreach (var use in (string[])["reservations", "redemptions"])
        {
            var single = await Host.PostAsync("/api/v1/" + use, Body(use));
            Assert.Equal((409, "blocked"), (single.Status, single.Code));
        }

        var id = held.Json.GetProperty("id").GetString();
        Assert.Equal("blocked", (await Host.PostAsync("/api/v1/redemptions", Body("r", id))).Code);
        var quote = await QuoteAsync();
        Assert.Equal("blocked", quote.Json.GetProperty("rejected")[0].GetProperty("reason").GetString());
        var cart = await Shop.RedeemAsync("c", customer, ["TEN"]);
        Assert.Equal([("codes.0", "blocked")], cart.Errors);
        var receipt = Guid.Parse(cart.Header("Location")!.Split('/')[^1]);
        var told = await Receipts.TellAsync(Host.Database.Database, receipt, german: true, replay: true, default);
        Assert.Null(told!.Difference);
        Assert.Equal("TEN wird nicht angewandt: dieser Kunde ist gesperrt.", told.Sentences[0]);

        // Others are not touched, and who is let again has what he held.
        Assert.Equal(201, (await Shop.RedeemAsync("o", await Given.CustomerAsync(), ["TEN"])).Status);
        var free = await Host.PostAsync(path + "/unblock", new { reason = "Cleared up." });
        Assert.Equal(System.Text.Json.JsonValueKind.Null, free.Json.GetProperty("blocked_at").ValueKind);
        Assert.Equal(201, (await Host.PostAsync("/api/v1/redemptions", Body("r", id))).Status);
        Assert.Equal(1, (await QuoteAsync()).Json.GetProperty("applied").GetArrayLength());
        Assert.Equal(
            "customer.blocked Sold codes on., customer.unblocked Cleared up.",
            await Host.Database.ScalarAsync<string>(
                """
                select string_agg(type || ' ' || (platform.spoken(payload)::jsonb ->> 'reason'), ', ' order by sequence) from platform.event
                where type in ('customer.blocked', 'customer.unblocked')
                """
            )
        );

        Dictionary<string, object> Body(string reference, string? reservation = null)
        {
            var body = new Dictionary<string, object>
            {
                ["code"] = "TEN",
                ["customer_id"] = customer,
                ["order"] = new { reference, amount = new { amount = 1000, currency = "USD" } },
            };
            if (reservation is not null)
            {
                body["reservation_id"] = reservation;
            }

            return body;
        }

        Task<Reply> QuoteAsync() =>
            Host.PostAsync(
                "/api/v1/quotes",
                new
                {
                    currency = "USD",
                    customer_id = customer,
                    codes = (string[])["TEN"],
                    lines = (object[])
                        [
                            new
                            {
                                id = "1",
                                sku = "a",
                                unit_price = 1000,
                                quantity = 1,
                            },
                        ],
                }
            );
    }
}
