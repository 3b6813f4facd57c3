using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Promotions;

[Collection(PostgresCollection.Name)]
public sealed class PromotionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/promotions";

    private TestHost _host = null!;
    private Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Every_save_is_a_version_and_every_change_is_in_the_log()
    {
        var made = await _host.PostAsync(Path, Simple("Ten", 10));
        Assert.Equal((201, "\"1\""), (made.Status, made.Header("ETag")));
        var at = made.Header("Location")!;
        Assert.Equal("inactive", made.Json.GetProperty("state").GetString());

        Assert.Equal(428, (await _host.SendAsync(HttpMethod.Put, at, Simple("Twelve", 12))).Status);
        var put = await SendAsync(HttpMethod.Put, at, Simple("Twelve", 12), "\"1\"");
        Assert.Equal((200, "\"2\""), (put.Status, put.Header("ETag")));
        Assert.Equal(412, (await SendAsync(HttpMethod.Put, at, Simple("Twelve", 12), "\"1\"")).Status);
        Assert.Equal("\"3\"", (await _host.PostAsync(at + "/activate")).Header("ETag"));
        Assert.Equal("\"3\"", (await _host.PostAsync(at + "/activate")).Header("ETag"));

        var first = (await _host.GetAsync(at + "/versions/1")).Json;
        Assert.Equal(("Ten", 10), (Name(first), first.GetProperty("effects")[0].GetProperty("percent").GetInt32()));
        var third = (await _host.GetAsync(at + "/versions/3")).Json;
        Assert.Equal(("Twelve", "active"), (Name(third), third.GetProperty("state").GetString()));
        Assert.Equal(404, (await _host.GetAsync(at + "/versions/4")).Status);

        Assert.Equal(204, (await SendAsync(HttpMethod.Delete, at, null, "\"3\"")).Status);
        Assert.Equal(204, (await SendAsync(HttpMethod.Delete, at, null, "\"3\"")).Status);
        Assert.Equal(404, (await _host.GetAsync(at)).Status);
        Assert.Equal(200, (await _host.GetAsync(at + "/versions/1")).Status);
        Assert.Equal(
            ["1 promotion.created", "2 promotion.updated", "3 promotion.activated", "4 promotion.deleted"],
            await _host.Database.ColumnAsync<string>(
                "select sequence || ' ' || type from platform.event where aggregatetype = 'promotion' order by position"
            )
        );
        Assert.Equal(
            """["name", "effects"]""",
            await _host.Database.ScalarAsync<string>(
                "select (payload -> 'members')::text from platform.event where type = 'promotion.updated'"
            )
        );

        static string? Name(JsonElement view) => view.GetProperty("name").GetString();
    }

    [Fact]
    public async Task What_was_saved_is_what_is_read_and_may_be_saved_again()
    {
        var made = await _host.PostAsync(Path, Everything);
        Assert.True(made.Status == 201, made.Body);
        var definition = JsonNode.Parse(Everything)!.AsObject();
        var view = JsonNode.Parse(made.Body)!.AsObject();
        foreach (var (name, value) in definition)
        {
            Assert.True(Holds(view[name], value), $"{name}: {view[name]?.ToJsonString()}");
        }

        foreach (
            var own in (string[])
                ["id", "state", "version", "merchant_id", "warnings", "created_by", "created_at", "updated_at"]
        )
        {
            view.Remove(own);
        }

        var again = await SendAsync(HttpMethod.Put, made.Header("Location")!, view.ToJsonString(), "\"1\"");
        Assert.True(again.Status == 200, again.Body);
        Assert.Equal(
            "[]",
            await _host.Database.ScalarAsync<string>(
                "select (payload -> 'members')::text from platform.event where type = 'promotion.updated'"
            )
        );

        // What was left out is there with its standard value: all that was sent has to be there as it was.
        static bool Holds(JsonNode? there, JsonNode? sent) =>
            (there, sent) switch
            {
                (JsonObject a, JsonObject b) => b.All(member => Holds(a[member.Key], member.Value)),
                (JsonArray a, JsonArray b) => a.Count == b.Count
                    && a.Zip(b).All(pair => Holds(pair.First, pair.Second)),
                _ => JsonNode.DeepEquals(there, sent),
            };
    }

    [Fact]
    public async Task All_that_is_wrong_is_named_at_once_where_it_is()
    {
        var reply = await _host.PostAsync(
            Path,
            """
            {"name":"", "coupon_id": 4711, "apply_order": 0, "stacking": "sometimes", "currency": "ZZZ",
             "valid_from": "2027-01-02T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z", "colour": "red",
             "conditions": {"subtotal": {"amount": -1}, "attributes": [{"name": "shoe_size", "min": 40}],
                "hours": {"from": "25:00", "until": "08:00", "time_zone": "Nowhere"}, "weather": "fine",
                "any": [{"subtotal": {"amount": 5}}, {"customer_groups": []}], "all": [{"any": []}]},
             "effects": [{"type": "percent", "target": "lines", "percent": 101, "amount": 5},
                {"type": "fixed", "target": "moon", "amount": 99999999999999999999},
                {"type": "buy_get", "target": "order", "buy": {"quantity": 0}, "get": {"quantity": 1}}]}
            """
        );
        Assert.Equal(400, reply.Status);
        (string, string)[] expected =
        [
            ("name", "required"),
            ("apply_order", "out_of_range"),
            ("stacking", "unknown_value"),
            ("currency", "unknown_currency"),
            ("conditions.subtotal.amount", "out_of_range"),
            ("conditions.attributes.0.name", "unknown_attribute"),
            ("conditions.hours.from", "not_a_time"),
            ("conditions.hours.time_zone", "unknown_time_zone"),
            ("conditions.weather", "unknown_member"),
            ("effects.0.amount", "unknown_member"),
            ("effects.1.target", "unknown_value"),
            ("effects.1.amount", "not_an_integer"),
            ("effects.2.buy.quantity", "out_of_range"),
            ("colour", "unknown_member"),
        ];
        Assert.All(expected, error => Assert.Contains(error, reply.Errors));

        var never = await _host.PostAsync(
            Path,
            """
            {"name":"Never", "currency": "EUR", "channels": [],
             "valid_from": "2027-01-02T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z",
             "conditions": {"subtotal": {"amount": 500, "operator": "lte"}, "all": [{"any": []}],
                "any": [{"subtotal": {"amount": 5}}, {"customer_groups": []}]},
             "effects": [{"type": "percent", "target": "lines", "percent": 101},
                {"type": "buy_get", "target": "order", "buy": {"quantity": 1}, "get": {"quantity": 1}},
                {"type": "fixed", "target": "lines", "amount": 5,
                 "filter": {"skus": ["a"], "exclude_skus": ["a"]}}]}
            """
        );
        Assert.Equal(
            [
                ("channels", "never_true"),
                ("conditions.all.0.any", "never_true"),
                ("conditions.any.1.customer_groups", "never_true"),
                ("effects.0.percent", "out_of_range"),
                ("effects.1.target", "contradiction"),
                ("effects.2.filter", "never_true"),
                ("valid_until", "never_true"),
            ],
            never.Errors.Order()
        );
        Assert.Contains(
            "#/conditions/any/1/customer_groups",
            never.Json.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("pointer").GetString())
        );
    }

    [Fact]
    public async Task A_tree_of_conditions_has_a_bound_and_is_refused_in_no_time_beyond_it()
    {
        var deep = await _host.PostAsync(Path, Nested(12));
        Assert.Equal([("conditions", "too_deep")], deep.Errors);
        var hundred = await _host.PostAsync(Path, Nested(100));
        var (field, code) = Assert.Single(hundred.Errors);
        Assert.Equal((400, "too_deep"), (hundred.Status, code));
        Assert.StartsWith("conditions.", field, StringComparison.Ordinal);
        Assert.Equal(32, field.Split('.').Length);
        Assert.Equal(201, (await _host.PostAsync(Path, Nested(7))).Status);

        static string Nested(int levels)
        {
            var tree = string.Concat(Enumerable.Repeat("""{"any":[""", levels));
            var end = string.Concat(Enumerable.Repeat("]}", levels));
            return $$"""
                {"name": "Deep", "conditions": {{tree}}{"nth_order": 1}{{end}},
                 "effects": [{"type": "percent", "target": "order", "percent": 5}]}
                """;
        }
    }

    [Fact]
    public async Task An_amount_needs_a_currency()
    {
        const string effect = """{"name":"x","effects":[{"type":"fixed","target":"order","amount":500}]}""";
        Assert.Equal([("currency", "required")], (await _host.PostAsync(Path, effect)).Errors);
        const string percent = """{"name":"x","effects":[{"type":"percent","target":"order","percent":5}]}""";
        Assert.Equal(201, (await _host.PostAsync(Path, percent)).Status);
    }

    [Fact]
    public async Task Saving_warns_of_what_always_holds_what_is_shadowed_and_what_stacks_to_nothing()
    {
        var exclusive = await _host.PostAsync(
            Path,
            """
            {"name":"Everything half","apply_order":1,"stacking":"exclusive",
             "effects":[{"type":"percent","target":"order","percent":50}]}
            """
        );
        Assert.Equal("[]", exclusive.Json.GetProperty("warnings").GetRawText());
        await _host.PostAsync(exclusive.Header("Location") + "/activate");
        await QuotedTests.HeardAsync(_host);
        var full = await _host.PostAsync(
            Path,
            """
            {"name":"Free","apply_order":5,"currency":"EUR","conditions":{"subtotal":{"amount":0}},
             "effects":[{"type":"percent","target":"lines","percent":100}]}
            """
        );
        Assert.Equal(201, full.Status);
        Assert.Equal(
            ["apply_order shadowed", "conditions.subtotal always_true", "stacking free_by_stacking"],
            full.Json.GetProperty("warnings")
                .EnumerateArray()
                .Select(w => $"{w.GetProperty("field").GetString()} {w.GetProperty("code").GetString()}")
                .Order()
        );
    }

    [Fact]
    public async Task Rules_have_no_patterns_and_take_what_looks_like_one_for_what_it_says()
    {
        var reply = await _host.PostAsync(
            Path,
            """
            {"name":"Patterns","conditions":{"contains":{"sku_matches":"(a+)+$"},"sku_like":"%"},
             "effects":[{"type":"percent","target":"lines","percent":5,"filter":{"pattern":"^.*$"}}]}
            """
        );
        Assert.Equal(400, reply.Status);
        Assert.Equal(
            ["conditions.contains.sku_matches", "conditions.sku_like", "effects.0.filter.pattern"],
            reply.Errors.Where(e => e.Code == "unknown_member").Select(e => e.Field).Order()
        );
        var literal = Simple("Literal", 50, "\"conditions\": {\"contains\": {\"skus\": [\".*\"]}},");
        var created = await _host.PostAsync(Path, literal);
        await _host.PostAsync(created.Header("Location") + "/activate");
        await QuotedTests.HeardAsync(_host);
        Assert.Equal(0, await DiscountAsync("anything"));
        Assert.Equal(50, await DiscountAsync(".*"));

        async Task<long> DiscountAsync(string sku)
        {
            object[] lines =
            [
                new
                {
                    id = "1",
                    sku,
                    unit_price = 100,
                    quantity = 1,
                },
            ];
            var quote = await _host.PostAsync("/api/v1/quotes", new { currency = "EUR", lines });
            return quote.Json.GetProperty("discount").GetInt64();
        }
    }

    [Fact]
    public async Task A_rule_that_names_a_category_means_those_below_it_too_by_the_tree_of_the_shop()
    {
        const string categories = "/api/v1/categories";
        var made = await _host.PostAsync(
            Path,
            """
            {"name":"Not clothing","effects":[{"type":"percent","target":"lines","percent":10,
             "filter":{"exclude_categories":["clothing"]}}]}
            """
        );
        await _host.PostAsync(made.Header("Location") + "/activate");
        await QuotedTests.HeardAsync(_host);
        var lines = new[]
        {
            new
            {
                id = "1",
                sku = "a",
                unit_price = 1000,
                quantity = 1,
                categories = (string[])["boots"],
            },
        };
        var cart = new
        {
            reference = "R1",
            currency = "EUR",
            lines,
        };
        Assert.Equal(100, await DiscountAsync());
        var first = await _host.GetAsync(categories);
        Assert.Equal("\"0\"", first.Header("ETag"));
        const string tree =
            """{"categories":[{"name":"boots","parent":"shoes"},{"name":"shoes","parent":"clothing"}]}""";
        Assert.Equal(200, (await SendAsync(HttpMethod.Put, categories, tree, "\"0\"")).Status);
        Assert.Equal(412, (await SendAsync(HttpMethod.Put, categories, tree, "\"0\"")).Status);

        // A redemption sees it at once, whatever was heard; a quote as soon as it is heard.
        var order = await _host.PostAsync("/api/v1/orders/redemptions", cart);
        Assert.Equal(0, order.Json.GetProperty("discount").GetProperty("amount").GetInt64());
        await Patience.UntilAsync(async () => await DiscountAsync() == 0, "the tree to be heard of");
        var circle = await SendAsync(
            HttpMethod.Put,
            categories,
            """
            {"categories":[{"name":"a","parent":"b"},{"name":"b","parent":"c"},{"name":"c","parent":"a"},
             {"name":"a","parent":"d"}]}
            """,
            "\"1\""
        );
        Assert.Equal([("categories.0.parent", "circle"), ("categories.3.name", "duplicate")], circle.Errors.Order());

        async Task<long> DiscountAsync()
        {
            var quote = await _host.PostAsync("/api/v1/quotes", new { currency = "EUR", lines });
            return quote.Json.GetProperty("discount").GetInt64();
        }
    }

    [Fact]
    public async Task A_coupon_is_priced_by_one_promotion_at_most()
    {
        var coupon = await _given.CouponAsync("BOUND");
        var body = Simple("Bound", 20, $"\"coupon_id\": {coupon},");
        Assert.Equal(201, (await _host.PostAsync(Path, body)).Status);
        Assert.Equal([("coupon_id", "taken")], (await _host.PostAsync(Path, body)).Errors);
        var unknown = Simple("Bound", 20, "\"coupon_id\": 987654321,");
        Assert.Equal([("coupon_id", "unknown_reference")], (await _host.PostAsync(Path, unknown)).Errors);
    }

    [Fact]
    public async Task A_merchant_sees_and_changes_its_own_alone()
    {
        var ours = (await _host.PostAsync(Path, Simple("Ours", 5))).Header("Location")!;
        using var merchant = _host.ClientOf(
            await _host.KeyAsync(["promotions.read", "promotions.write"], Guid.CreateVersion7(), merchantExists: false)
        );
        Assert.Equal(404, (await _host.GetAsync(ours, merchant)).Status);
        Assert.Equal(404, (await _host.GetAsync(ours + "/versions/1", merchant)).Status);
        Assert.Equal(404, (await _host.PostAsync(ours + "/activate", client: merchant)).Status);
        var theirs = await _host.PostAsync(Path, Simple("Theirs", 5), client: merchant);
        Assert.Equal(201, theirs.Status);
        var seen = (await _host.GetAsync(Path, merchant)).Json.GetProperty("data").EnumerateArray();
        Assert.Equal(["Theirs"], seen.Select(p => p.GetProperty("name").GetString()));
        Assert.Equal(2, (await _host.GetAsync(Path)).Json.GetProperty("data").GetArrayLength());
    }

    internal static string Simple(string name, int percent, string more = "") =>
        $$"""
            {"name": "{{name}}", {{more}} "effects": [{"type": "percent", "target": "order", "percent": {{percent}}}]}
            """;

    private const string Everything = """
        {"name": "Everything", "apply_order": 7, "stacking": "exclusive", "groups": ["a", "b"], "stop_further": "line",
         "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2030-01-01T00:00:00Z", "channels": ["web"],
         "currency": "EUR", "max_uses_total": 100, "max_uses_per_user": 2, "stock": 40,
         "limits": [{"max": 5, "period": "week", "time_zone": "Europe/Vienna", "per": "customer"},
            {"max": 9, "channel": "web"}],
         "budget": {"type": "spend", "limit": 100000, "on_overflow": "clip"},
         "conditions": {
            "subtotal": {"amount": 5000, "operator": "gt", "basis": "running", "filter": {"categories": ["x"]}},
            "quantity": {"min": 3, "per": "line"}, "contains": {"skus": ["s"], "services": ["v"], "consultants": ["4"]},
            "customer_groups": ["vip"], "regions": ["AT-9"],
            "attributes": [{"name": "spend", "min": 100.5}, {"name": "customer.shoe_size", "min": 40, "max": 44}],
            "nth_order": 1, "shipping_methods": ["dhl"], "no_on_sale_lines": true, "stores": ["Graz"],
            "hours": {"from": "22:00", "until": "02:00", "time_zone": "Europe/Vienna", "days": ["friday"]},
            "all": [{"subtotal": {"amount": 900, "operator": "lte", "filter": {"min_unit_price": 5}}}],
            "any": [{"regions": ["DE"]}, {"any": [{"nth_order": 2}, {"stores": ["Linz"]}]}],
            "none": [{"contains": {"exclude_skus": ["q"], "exclude_categories": ["w"], "exclude_on_sale": true}}]},
         "effects": [
            {"type": "percent", "target": "lines", "percent": 12.5, "allocation": "each_unit",
             "max_discount_amount": 900, "max_units": {"count": 2, "scope": "line", "pick": "dearest"},
             "filter": {"max_unit_price": 9000, "session_types": ["long"]}},
            {"type": "fixed", "target": "order", "amount": 500, "weights": "quantity", "reach": "goods_and_shipping"},
            {"type": "fixed_price", "target": "shipping", "amount": 0, "shipping_methods": ["dhl"]},
            {"type": "tiered", "target": "lines", "value_type": "fixed", "basis": "eligible_quantity", "base": 5,
             "basis_filter": {"skus": ["s"]}, "tiers": [{"from": 3, "value": 100}, {"from": 10, "value": 500}]},
            {"type": "graduated", "target": "lines", "first": 100, "additional": 50, "max_units_per_line": 4},
            {"type": "bundle_price", "target": "lines", "quantity": 3, "amount": 1000, "pick": "line_order",
             "max_applications": 2},
            {"type": "buy_get", "target": "lines", "buy": {"quantity": 2, "filter": {"skus": ["a"]}},
             "get": {"quantity": 1, "filter": {"skus": ["b"]}, "percent": 50, "pick": "dearest"},
             "partial_get": true, "max_applications": 3, "scope": "line"}]}
        """;

    private Task<Reply> SendAsync(HttpMethod method, string path, string? body, string tag) =>
        _host.SendAsync(method, path, body, headers: new Dictionary<string, string> { ["If-Match"] = tag });
}
