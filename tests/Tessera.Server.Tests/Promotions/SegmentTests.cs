using Tessera.Server.Tests.Redemptions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

[Collection(PostgresCollection.Name)]
public sealed class SegmentTests(PostgresFixture postgres) : ShopTests(postgres)
{
    private const string Path = "/api/v1/segments";

    [Fact]
    public async Task A_promotion_applies_to_those_on_a_list_and_tells_others_which_layer_failed()
    {
        var (listed, other) = (await Given.CustomerAsync(), await Given.CustomerAsync());
        var list = await SegmentAsync(new { name = "Friends" });
        var members = new { customer_ids = new[] { listed, listed } };
        var added = await Host.PostAsync($"{Path}/{list}/members", members);
        Assert.True(added.Status == 200, added.Body);
        Assert.Equal(1, added.Json.GetProperty("changed").GetInt32());
        var coupon = await Given.CouponAsync("FRIENDS", "currency", "'USD'");
        await PromotionAsync(list);
        await PromotionAsync(list, $"\"coupon_id\": {coupon},");

        Assert.Equal(100, await DiscountAsync(listed));
        Assert.Equal(190, (await QuoteAsync(listed, "FRIENDS")).Json.GetProperty("discount").GetInt64());
        var refused = await QuoteAsync(other, "FRIENDS");
        Assert.Equal(0, refused.Json.GetProperty("discount").GetInt64());
        var rejected = refused.Json.GetProperty("rejected")[0];
        Assert.Equal("wrong_segment", rejected.GetProperty("reason").GetString());
        Assert.Equal("segment", rejected.GetProperty("layer").GetString());

        // A private coupon goes to those who are in it now.
        await Host.PostAsync(
            "/api/v1/campaigns",
            new
            {
                id = "friends",
                name = "Friends",
                start_date = "2020-01-01",
            }
        );
        const string secret = "'private', 'friends', 'USD'";
        await Given.CouponAsync("SECRET", "distribution, campaign_id, currency", secret);
        var campaign = new { campaign_id = "friends" };
        Assert.Equal(1, (await AudienceAsync(campaign)).Json.GetProperty("changed").GetInt32());
        Assert.Equal(0, (await AudienceAsync(campaign)).Json.GetProperty("changed").GetInt32());
        Assert.Equal(
            [("campaign_id", "unknown_reference")],
            (await AudienceAsync(new { campaign_id = "none" })).Errors
        );
        Assert.Equal(190, (await QuoteAsync(listed, "SECRET")).Json.GetProperty("discount").GetInt64());
        Assert.Equal(0, (await QuoteAsync(other, "SECRET")).Json.GetProperty("discount").GetInt64());

        Assert.Equal((1, 1), await SizeAsync(list));
        Assert.Equal(200, (await Host.PostAsync($"{Path}/{list}/members/remove", members)).Status);
        Assert.Equal(0, await DiscountAsync(listed));
        Assert.Equal((0, 0), await SizeAsync(list));
        Assert.Equal(
            3,
            await Host.Database.ScalarAsync<long>("select count(*) from platform.event where aggregatetype = 'segment'")
        );

        Task<Reply> AudienceAsync(object body) => Host.PostAsync($"{Path}/{list}/audiences", body);
    }

    [Fact]
    public async Task A_rule_finds_the_same_customers_by_behaviour_region_spend_and_scores_as_its_size_counts()
    {
        var buyer = await CustomerAsync("""{"region": "AT-9", "churn_score": 0.8}""");
        var visitor = await CustomerAsync("""{"region": "AT-9", "churn_score": 0.8}""");
        var calm = await CustomerAsync("""{"region": "AT-9", "churn_score": 0.1}""");
        var away = await CustomerAsync("""{"region": "DE", "churn_score": 0.8}""");
        var gone = await SegmentAsync(
            new { name = "May go", rule = new { attributes = new[] { new { name = "churn_score", min = 0.5 } } } }
        );
        var rule = new
        {
            name = "Vienna, may go, spent",
            currency = "USD",
            rule = new
            {
                segments = new[] { gone },
                regions = new[] { "AT-9" },
                attributes = new[] { new { name = "spend", min = 1000 }, new { name = "orders", min = 1 } },
            },
        };
        var segment = await SegmentAsync(rule);
        await PromotionAsync(segment);

        // Without codes: an order with promotions alone, or none at all, counts like any other.
        foreach (var customer in new[] { buyer, calm, away })
        {
            Assert.Equal(201, (await Shop.RedeemAsync($"before-{customer}", customer, [])).Status);
        }

        var discounts = new List<long>();
        foreach (var customer in new[] { buyer, visitor, calm, away })
        {
            discounts.Add(await DiscountAsync(customer));
        }

        Assert.Equal([100, 0, 0, 0], discounts);
        Assert.Equal((1, 1), await SizeAsync(segment));
        Assert.Equal((3, 3), await SizeAsync(gone));

        // Redeemed as it was quoted; and a return takes the spend back.
        var redeemed = await Shop.RedeemAsync("now", buyer, []);
        Assert.Equal(100, redeemed.Json.GetProperty("discount").GetProperty("amount").GetInt64());

        // Who objects is judged by no number any more (AUD-06).
        var objection = new
        {
            customer_id = buyer,
            kind = "objection",
            purposes = new[] { "profiling" },
        };
        var asked = await Host.PostAsync("/api/v1/privacy-requests", objection);
        var path = $"/api/v1/privacy-requests/{asked.Json.GetProperty("id")}/complete";
        Assert.Equal(200, (await Host.PostAsync(path, new { })).Status);
        Assert.Equal(0, await DiscountAsync(buyer));
        Assert.Equal((0, 0), await SizeAsync(segment));
        Assert.Equal((2, 2), await SizeAsync(gone));
    }

    [Fact]
    public async Task A_changed_rule_is_a_version_and_prices_from_then_on()
    {
        var customer = await CustomerAsync("""{"region": "AT"}""");
        var segment = await SegmentAsync(new { name = "Here", rule = new { regions = new[] { "AT" } } });
        await PromotionAsync(segment);
        Assert.Equal(100, await DiscountAsync(customer));

        var read = await Host.GetAsync($"{Path}/{segment}");
        var changed = await Host.SendAsync(
            HttpMethod.Put,
            $"{Path}/{segment}",
            """{"name": "There", "rule": {"regions": ["DE"]}}""",
            headers: new Dictionary<string, string> { ["If-Match"] = read.Header("ETag")! }
        );
        Assert.True(changed.Status == 200, changed.Body);
        await QuotedTests.HeardAsync(Host);
        Assert.Equal(0, await DiscountAsync(customer));
        Assert.Equal(
            "AT,DE",
            await Host.Database.ScalarAsync<string>(
                "select string_agg(rule #>> '{regions,0}', ',' order by version) from promotions.segment_version"
            )
        );

        var deleted = await DeleteAsync(segment);
        Assert.Equal("segment_in_use", deleted.Code);
        await Host.Database.ExecuteAsync("update promotions.promotion set deleted_at = clock_timestamp()");
        Assert.Equal(204, (await DeleteAsync(segment)).Status);
        Assert.Equal(404, (await Host.GetAsync($"{Path}/{segment}")).Status);
    }

    [Fact]
    public async Task Circles_unknown_names_and_foreign_conditions_are_refused_by_field()
    {
        var first = await SegmentAsync(new { name = "First", rule = new { regions = new[] { "AT" } } });
        var second = await SegmentAsync(new { name = "Second", rule = new { segments = new[] { first } } });
        var circle = await Host.SendAsync(
            HttpMethod.Put,
            $"{Path}/{first}",
            $$"""{"name": "First", "rule": {"any": [{"none": [{"segments": ["{{second}}"]}]} ]} }""",
            headers: new Dictionary<string, string> { ["If-Match"] = "\"1\"" }
        );
        Assert.Equal([("rule.segments", "cycle")], circle.Errors);
        var error = circle.Json.GetProperty("errors")[0];
        Assert.Equal("First → Second → First", error.GetProperty("params").GetProperty("path").GetString());
        Assert.Contains("First → Second → First", error.GetProperty("message").GetString(), StringComparison.Ordinal);

        var unknown = await Host.PostAsync(
            Path,
            $$"""
            {"name": "Odd", "rule": {"segments": ["{{Guid.CreateVersion7()}}"], "subtotal": {"amount": 5},
             "attributes": [{"name": "shoe_size", "min": 3}]} }
            """
        );
        Assert.Equal([("rule.attributes.0.name", "unknown_attribute")], unknown.Errors);
        var foreign = await Host.PostAsync(
            Path,
            $$"""
            {"name": "Odd", "rule": {"segments": ["{{Guid.CreateVersion7()}}"], "subtotal": {"amount": 5},
             "attributes": [{"name": "spend", "min": 3}]} }
            """
        );
        Assert.Equal(
            [("rule.subtotal", "not_of_customers"), ("currency", "required"), ("rule.segments", "unknown_reference")],
            foreign.Errors
        );
        var promotion = await Host.PostAsync("/api/v1/promotions", PromotionOf(Guid.CreateVersion7().ToString()));
        Assert.Equal([("conditions.segments", "unknown_reference")], promotion.Errors);
        var stranger = await Host.PostAsync(
            $"{Path}/{await SegmentAsync(new { name = "List" })}/members",
            new { customer_ids = new[] { Guid.CreateVersion7() } }
        );
        Assert.Equal([("customer_ids.0", "unknown_customer")], stranger.Errors);
        var ruled = await Host.PostAsync($"{Path}/{first}/members", new { customer_ids = Array.Empty<Guid>() });
        Assert.Equal("segment_by_rule", ruled.Code);
    }

    [Fact]
    public async Task Segments_that_ask_for_one_another_have_a_bound()
    {
        var parts = Enumerable.Range(0, 40).Select(i => new { regions = new[] { "R" + i } }).ToArray();
        var inner = await SegmentAsync(new { name = "Inner", rule = new { any = parts } });
        var wide = await SegmentAsync(
            new
            {
                name = "Wide",
                rule = new
                {
                    segments = new[] { inner },
                    any = parts,
                    none = parts,
                },
            }
        );
        var more = Enumerable.Range(0, 3).Select(_ => new { segments = new[] { wide }, any = parts }).ToArray();
        var large = await Host.PostAsync(Path, new { name = "Large", rule = new { all = more } });
        Assert.Equal([("rule", "too_large")], large.Errors);
    }

    [Fact]
    public async Task A_merchant_sees_and_asks_for_its_own_segments_alone()
    {
        var merchant = Guid.CreateVersion7();
        await Host.Database.ExecuteAsync("insert into access.merchant (id, name) values ($1, 'A merchant')", merchant);
        var theirs = await SegmentAsync(new { name = "The house's" });
        using var client = Host.ClientOf(await Host.KeyAsync(["promotions.read", "promotions.write"], merchant));
        Assert.Equal(404, (await Host.GetAsync($"{Path}/{theirs}", client)).Status);
        Assert.Equal(404, (await Host.GetAsync($"{Path}/{theirs}/members", client)).Status);
        var promotion = await Host.PostAsync("/api/v1/promotions", PromotionOf(theirs), client: client);
        Assert.Equal([("conditions.segments", "unknown_reference")], promotion.Errors);
        var own = await Host.PostAsync(Path, new { name = "Own" }, client: client);
        Assert.Equal(201, own.Status);
        var list = await Host.GetAsync(Path, client);
        Assert.Equal(
            "Own",
            Assert.Single(list.Json.GetProperty("data").EnumerateArray()).GetProperty("name").GetString()
        );
    }

    [Fact]
    public async Task Members_are_listed_page_by_page()
    {
        for (var i = 0; i < 3; i++)
        {
            await CustomerAsync("""{"region": "AT"}""");
        }

        var segment = await SegmentAsync(new { name = "Here", rule = new { regions = new[] { "AT" } } });
        var (seen, cursor) = (new HashSet<string>(), "");
        do
        {
            var page = await Host.GetAsync($"{Path}/{segment}/members?limit=2{cursor}");
            Assert.True(page.Status == 200, page.Body);
            foreach (var member in page.Json.GetProperty("data").EnumerateArray())
            {
                Assert.True(seen.Add(member.GetProperty("customer_id").GetString()!));
            }

            cursor = page.Json.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : "";
        } while (cursor.Length > 0);

        Assert.Equal(3, seen.Count);
    }

    private async Task<Guid> CustomerAsync(string attributes)
    {
        var id = await Given.CustomerAsync();
        await Host.Database.ExecuteAsync($"update access.customer set attributes = '{attributes}' where id = $1", id);
        return id;
    }

    private async Task<string> SegmentAsync(object definition)
    {
        var made = await Host.PostAsync(Path, definition);
        Assert.True(made.Status == 201, made.Body);
        return made.Json.GetProperty("id").GetString()!;
    }

    private Task<Reply> DeleteAsync(string segment) =>
        Host.SendAsync(
            HttpMethod.Delete,
            $"{Path}/{segment}",
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );

    private static string PromotionOf(string segment, string more = "") =>
        $$"""
            {"name": "Ten", {{more}} "conditions": {"segments": ["{{segment}}"]},
             "effects": [{"type": "percent", "target": "order", "percent": 10}]}
            """;

    private async Task PromotionAsync(string segment, string more = "")
    {
        var made = await Host.PostAsync("/api/v1/promotions", PromotionOf(segment, more));
        Assert.True(made.Status == 201, made.Body);
        Assert.Equal(200, (await Host.PostAsync(made.Header("Location") + "/activate")).Status);
        await QuotedTests.HeardAsync(Host);
    }

    private async Task<(long Size, int Listed)> SizeAsync(string segment)
    {
        var read = await Host.GetAsync($"{Path}/{segment}");
        Assert.True(read.Status == 200, read.Body);
        Assert.True(read.Json.GetProperty("size_is_exact").GetBoolean());
        var members = await Host.GetAsync($"{Path}/{segment}/members");
        return (read.Json.GetProperty("size").GetInt64(), members.Json.GetProperty("data").GetArrayLength());
    }

    private Task<Reply> QuoteAsync(Guid customer, params string[] codes) =>
        Host.PostAsync(
            "/api/v1/quotes",
            new
            {
                currency = "USD",
                customer_id = customer,
                codes,
                lines = new[]
                {
                    new
                    {
                        id = "1",
                        sku = "a",
                        unit_price = 1000,
                        quantity = 1,
                    },
                },
            }
        );

    private async Task<long> DiscountAsync(Guid customer)
    {
        var reply = await QuoteAsync(customer);
        Assert.True(reply.Status == 200, reply.Body);
        return reply.Json.GetProperty("discount").GetInt64();
    }
}
