using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class BulkCreateTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons/bulk";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task What_was_made_together_is_taken_back_as_a_unit_but_for_what_somebody_changed_since()
    {
        var made = (
            await _host.PostAsync(
                Path,
                new { coupons = new[] { Draft("BACK1"), Draft("BACK2"), Draft("BACK3", value: 150) } }
            )
        ).Json;
        var operation = "/api/v1/operations/" + made.GetProperty("operation_id").GetString();
        var listed = (await _host.GetAsync(operation)).Json;
        Assert.Equal(
            ("create", "succeeded", 3, 1),
            (
                listed.GetProperty("action").GetString(),
                listed.GetProperty("status").GetString(),
                listed.GetProperty("done").GetInt32(),
                listed.GetProperty("error_count").GetInt32()
            )
        );
        Assert.Contains(
            "3,coupons.2.discount_value,",
            (await _host.GetAsync(operation + "/errors")).Body,
            StringComparison.Ordinal
        );
        Assert.Contains(
            ",BACK1,created,,",
            (await _host.GetAsync(operation + "/output")).Body,
            StringComparison.Ordinal
        );
        var second = made.GetProperty("results")[1].GetProperty("id").GetInt64();
        Assert.Equal(200, (await _host.PostAsync($"/api/v1/admin/coupons/{second}/activate")).Status);

        var undo = await _host.PostAsync(operation + "/undo");
        Assert.True(undo.Status == 202, undo.Body);
        var over = await _host.EndOfAsync(undo.Header("Location")!);
        Assert.Equal((2, 1), (over.GetProperty("done").GetInt32(), over.GetProperty("error_count").GetInt32()));
        Assert.Equal(
            ["BACK2"],
            await _host.Database.ColumnAsync<string>("select code from coupons.coupon where deleted_at is null")
        );
        Assert.Equal("not_undoable", (await _host.PostAsync(operation + "/undo")).Code);
    }

    [Fact]
    public async Task Each_item_is_made_whole_or_refused_with_its_own_errors()
    {
        await _host.PostAsync("/api/v1/admin/coupons", Draft("TAKEN"));
        var reply = await _host.PostAsync(
            Path,
            new
            {
                coupons = new object?[]
                {
                    Draft("ONE"),
                    Draft("taken "),
                    "no object",
                    Draft("TWO", value: 150),
                    Draft("one"),
                    Draft("THREE", external: "e1"),
                    Draft("FOUR", external: "e1"),
                    new { code = "FIVE", colour = "red" },
                },
            }
        );
        Assert.Equal(200, reply.Status);
        Assert.Equal(
            (2, 6),
            (reply.Json.GetProperty("created").GetInt32(), reply.Json.GetProperty("refused").GetInt32())
        );
        var results = reply.Json.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal(
            ["created", "refused", "refused", "refused", "refused", "created", "refused", "refused"],
            results.Select(r => r.GetProperty("status").GetString())
        );
        Assert.Equal("Coupon code already exists", results[1].GetProperty("reason").GetString());
        Assert.Equal("#/coupons/2", Error(results[2]).GetProperty("pointer").GetString());
        Assert.Equal("Percentage discount cannot exceed 100%", Error(results[3]).GetProperty("message").GetString());
        Assert.Equal("coupons.3.discount_value", Error(results[3]).GetProperty("field").GetString());
        Assert.Equal("duplicate_code", Error(results[4]).GetProperty("code").GetString());
        Assert.Equal("#/coupons/6/external_id", Error(results[6]).GetProperty("pointer").GetString());
        Assert.Contains(
            "unknown_member",
            results[7].GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("code").GetString())
        );
        Assert.Equal(
            ["TAKEN", "ONE", "THREE"],
            await _host.Database.ColumnAsync<string>("select code from coupons.coupon order by id")
        );
        Assert.Equal(
            3,
            await _host.Database.ScalarAsync<long>("select count(*) from platform.event where type = 'coupon.created'")
        );
    }

    [Fact]
    public async Task A_repeat_makes_nothing_twice_and_a_request_without_a_key_nothing_at_all()
    {
        var body = new { coupons = new[] { Draft("ONE"), Draft("TWO") } };
        var first = await _host.PostAsync(Path, body, "k1");
        var again = await _host.PostAsync(Path, body, "k1");
        Assert.Equal((first.Body, "true"), (again.Body, again.Header("Idempotency-Replayed")));
        Assert.Equal(422, (await _host.PostAsync(Path, new { coupons = new[] { Draft("SIX") } }, "k1")).Status);
        Assert.Equal("idempotency_key_malformed", (await _host.PostAsync(Path, body, "")).Code);
        Assert.Equal(2, await _host.Database.ScalarAsync<long>("select count(*) from coupons.coupon"));
    }

    [Fact]
    public async Task Codes_wanted_by_many_requests_at_once_are_made_once()
    {
        var replies = await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(i =>
                    _host.PostAsync(
                        Path,
                        new
                        {
                            coupons = Enumerable.Range(0, 20).Select(c => Draft($"SAME{c}")).Append(Draft($"OWN{i}")),
                        }
                    )
                )
        );
        Assert.All(replies, r => Assert.Equal(200, r.Status));
        Assert.Equal(28, replies.Sum(r => r.Json.GetProperty("created").GetInt32()));
        Assert.Equal(28, await _host.Database.ScalarAsync<long>("select count(*) from coupons.coupon"));
        Assert.Equal(28, await _host.Database.ScalarAsync<long>("select count(*) from coupons.code"));
    }

    [Fact]
    public async Task A_list_has_to_have_1_to_1000_items()
    {
        Assert.Equal([("coupons", "required")], (await _host.PostAsync(Path, """{"coupons":[]}""")).Errors);
        Assert.Equal([("coupons", "not_a_list")], (await _host.PostAsync(Path, """{"coupons":{}}""")).Errors);
        var many = "{\"coupons\":[" + string.Join(',', Enumerable.Repeat("{}", 1001)) + "]}";
        Assert.Equal([("coupons", "too_many")], (await _host.PostAsync(Path, many)).Errors);
    }

    [Fact]
    public async Task A_key_of_a_merchant_makes_that_merchants_coupons()
    {
        var own = Guid.CreateVersion7();
        using var client = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsBulk], own, merchantExists: false));
        var reply = await _host.PostAsync(
            Path,
            new { coupons = new[] { Draft("OWN"), Draft("OTHER", merchant: Guid.CreateVersion7()) } },
            client: client
        );
        Assert.Equal(1, reply.Json.GetProperty("created").GetInt32());
        Assert.Equal(
            own,
            await _host.Database.ScalarAsync<Guid>("select merchant_id from coupons.coupon where code = 'OWN'")
        );
    }

    private static System.Text.Json.JsonElement Error(System.Text.Json.JsonElement result) =>
        Assert.Single(result.GetProperty("errors").EnumerateArray());

    private static object Draft(string code, decimal value = 10, string? external = null, Guid? merchant = null) =>
        new
        {
            code,
            internal_name = "A coupon",
            description = new { en = "A coupon" },
            discount_type = "percentage",
            discount_value = value,
            valid_from = "2030-01-01",
            external_id = external,
            merchant_id = merchant,
        };
}
