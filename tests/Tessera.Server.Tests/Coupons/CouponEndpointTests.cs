using System.Globalization;
using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class CouponEndpointTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons";

    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        // Coupons begin today, and may not begin in the past.
        await Midnight.TodayAsync();
        _host = await TestHost.StartAsync(postgres);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_coupon_is_created_read_and_comes_back_with_its_own_numbers()
    {
        var created = await _host.PostAsync(
            Path,
            Draft(
                "SAVE2026",
                new()
                {
                    ["discount_value"] = 12.5m,
                    ["max_discount_amount"] = 30.25m,
                    ["valid_until"] = "2030-06-30",
                }
            )
        );
        Assert.Equal(201, created.Status);
        var id = created.Json.GetProperty("id").GetInt64();
        Assert.Equal($"{Path}/{id}", created.Header("Location"));
        var read = await _host.GetAsync($"{Path}/{id}");
        Assert.Equal("12.5", read.Json.GetProperty("discount_value").GetRawText());
        Assert.Equal("30.25", read.Json.GetProperty("max_discount_amount").GetRawText());
        Assert.Equal("active", read.Json.GetProperty("status").GetString());
        Assert.Equal("2030-07-01T00:00:00Z", read.Json.GetProperty("valid_until").GetString());
        Assert.Equal("\"1\"", read.Header("ETag"));
        var same = await _host.SendAsync(
            HttpMethod.Get,
            $"{Path}/{id}",
            headers: new Dictionary<string, string> { ["If-None-Match"] = "\"1\"" }
        );
        Assert.Equal(304, same.Status);
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>("select count(*) from platform.event where type = 'coupon.created'")
        );
    }

    [Theory]
    [InlineData("code", "AB", "Code must be at least 3 characters")]
    [InlineData("code", "ABCDEFGHIJKLMNOPQRSTU", "Code must not exceed 20 characters")]
    [InlineData("code", "SAVE 10", "Code must contain only uppercase letters, numbers, underscores, and hyphens")]
    [InlineData("code", "SAVÉ10", "Code must contain only uppercase letters, numbers, underscores, and hyphens")]
    [InlineData("internal_name", "ab", "Internal name must be at least 3 characters")]
    [InlineData("discount_value", 0, "Discount value must be positive")]
    [InlineData("discount_value", -5, "Discount value must be positive")]
    [InlineData("discount_value", 101, "Percentage discount cannot exceed 100%")]
    [InlineData("max_uses_total", 0, "Usage limit must be positive")]
    [InlineData("max_uses_per_user", 0, "Must allow at least 1 use per user")]
    [InlineData("max_uses_per_user", 11, "Cannot exceed 10 uses per user")]
    [InlineData("valid_from", "2020-01-01", "Start date cannot be in the past")]
    [InlineData("minimum_order_value", -1, "Minimum order value cannot be negative")]
    public async Task Each_rule_answers_with_its_message_at_its_field(string field, object value, string message)
    {
        var reply = await _host.PostAsync(Path, Draft("RULES", new() { [field] = value }));
        Assert.Equal(400, reply.Status);
        var error = Assert.Single(reply.Json.GetProperty("errors").EnumerateArray());
        Assert.Equal(
            (field, message),
            (error.GetProperty("field").GetString(), error.GetProperty("message").GetString())
        );
        Assert.Equal("#/" + field, error.GetProperty("pointer").GetString());
    }

    [Fact]
    public async Task All_broken_rules_are_told_at_once()
    {
        var reply = await _host.PostAsync(
            Path,
            new
            {
                code = "a",
                internal_name = new string('x', 101),
                discount_type = "percentage",
                discount_value = 150,
                max_uses_total = -1,
                max_uses_per_user = 99,
                valid_from = "2020-01-01",
                valid_until = "2019-01-01",
                minimum_order_value = -0.5,
                currency = "JPY",
                colour = "red",
            }
        );
        Assert.Equal(
            [
                "code",
                "colour",
                "description.en",
                "discount_value",
                "internal_name",
                "max_uses_per_user",
                "max_uses_total",
                "minimum_order_value",
                "minimum_order_value",
                "valid_from",
                "valid_until",
            ],
            reply.Errors.Select(e => e.Field).Concat(["minimum_order_value"]).Order()
        );
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from coupons.coupon"));
    }

    [Fact]
    public async Task A_zone_that_does_not_exist_is_a_bad_field()
    {
        var reply = await _host.PostAsync(Path, Draft("ZONE", new() { ["time_zone"] = "Europe/Nowhere" }));
        Assert.Equal((400, "time_zone"), (reply.Status, Assert.Single(reply.Errors).Field));
    }

    [Fact]
    public async Task An_amount_beyond_the_digits_of_its_currency_is_refused()
    {
        var draft = Draft(
            "YEN",
            new()
            {
                ["discount_type"] = "fixed_amount",
                ["discount_value"] = 10.5,
                ["currency"] = "JPY",
            }
        );
        Assert.Equal([("discount_value", "too_precise")], (await _host.PostAsync(Path, draft)).Errors);
        draft["currency"] = "EUR";
        Assert.Equal("10.50", (await _host.PostAsync(Path, draft)).Json.GetProperty("discount_value").GetRawText());
    }

    [Fact]
    public async Task A_code_exists_once_in_all_its_spellings()
    {
        Assert.Equal(201, (await _host.PostAsync(Path, Draft("TWICE"))).Status);
        foreach (var spelling in (string[])["TWICE", " twice ", "ＴＷＩＣＥ"])
        {
            var reply = await _host.PostAsync(Path, Draft(spelling));
            Assert.Equal((409, "duplicate_code"), (reply.Status, reply.Code));
            Assert.Equal(
                "Coupon code already exists",
                reply.Json.GetProperty("errors")[0].GetProperty("message").GetString()
            );
        }

        var replies = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => _host.PostAsync(Path, Draft("RACE"))));
        Assert.Single(replies, r => r.Status == 201);
        Assert.Equal(9, replies.Count(r => r.Code == "duplicate_code"));
    }

    [Fact]
    public async Task An_edit_needs_the_version_it_was_decided_on()
    {
        var id = await CreateAsync("EDIT");
        var draft = Draft("EDIT", new() { ["internal_name"] = "Renamed" });
        Assert.Equal(428, (await PutAsync(id, draft, null)).Status);
        Assert.Equal(412, (await PutAsync(id, draft, "\"7\"")).Status);
        var edited = await PutAsync(id, draft, "\"1\"");
        Assert.Equal((200, "\"2\""), (edited.Status, edited.Header("ETag")));
        var payload = await _host.Database.ScalarAsync<string>(
            "select platform.spoken(payload) from platform.event where type = 'coupon.updated'"
        );
        using var change = JsonDocument.Parse(payload);
        Assert.Equal("Coupon EDIT", change.RootElement.GetProperty("internal_name").GetProperty("before").GetString());
        Assert.Equal("Renamed", change.RootElement.GetProperty("internal_name").GetProperty("after").GetString());
    }

    [Fact]
    public async Task An_old_start_binds_only_when_it_is_changed()
    {
        var id = await CreateAsync("OLD");
        await _host.Database.ExecuteAsync("update coupons.coupon set valid_from = '2020-01-01T00:00:00Z'");
        var same = Draft("OLD", new() { ["valid_from"] = "2020-01-01" });
        Assert.Equal(200, (await PutAsync(id, same, "\"1\"")).Status);
        var moved = Draft("OLD", new() { ["valid_from"] = "2020-01-02" });
        Assert.Equal([("valid_from", "in_the_past")], (await PutAsync(id, moved, "\"2\"")).Errors);
    }

    [Fact]
    public async Task A_deleted_coupon_leaves_lists_and_its_code_stays_taken()
    {
        var id = await CreateAsync("GONE");
        var match = new Dictionary<string, string> { ["If-Match"] = "\"1\"" };
        Assert.Equal(204, (await _host.SendAsync(HttpMethod.Delete, $"{Path}/{id}", headers: match)).Status);
        Assert.Equal(204, (await _host.SendAsync(HttpMethod.Delete, $"{Path}/{id}", headers: match)).Status);
        Assert.Equal(404, (await _host.GetAsync($"{Path}/{id}")).Status);
        Assert.Equal(0, (await _host.GetAsync(Path)).Json.GetProperty("data").GetArrayLength());
        Assert.Equal("duplicate_code", (await _host.PostAsync(Path, Draft("GONE"))).Code);
        Assert.Equal(404, (await _host.SendAsync(HttpMethod.Delete, $"{Path}/999999", headers: match)).Status);
    }

    [Fact]
    public async Task A_deleted_coupon_is_brought_back_as_it_was_and_once()
    {
        var id = await CreateAsync("BACK");
        var match = new Dictionary<string, string> { ["If-Match"] = "\"1\"" };
        await _host.SendAsync(HttpMethod.Delete, $"{Path}/{id}", headers: match);
        var stranger = await _host.KeyAsync([Permissions.CouponsWrite], Guid.CreateVersion7(), merchantExists: false);
        using var other = _host.ClientOf(stranger);
        Assert.Equal(404, (await _host.SendAsync(HttpMethod.Post, $"{Path}/{id}/restore", client: other)).Status);
        foreach (var version in (long[])[3, 3])
        {
            var back = await _host.SendAsync(HttpMethod.Post, $"{Path}/{id}/restore");
            Assert.Equal((200, "BACK"), (back.Status, back.Json.GetProperty("code").GetString()));
            Assert.Equal(version, back.Json.GetProperty("version").GetInt64());
        }

        Assert.Equal(1, (await _host.GetAsync(Path)).Json.GetProperty("data").GetArrayLength());
        Assert.Equal(
            ["coupon.created", "coupon.deleted", "coupon.restored"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'coupon' order by sequence"
            )
        );
        Assert.Equal(404, (await _host.SendAsync(HttpMethod.Post, $"{Path}/999999/restore")).Status);
    }

    [Fact]
    public async Task Switching_off_refuses_the_next_attempt()
    {
        var id = await CreateAsync("SWITCH");
        var customer = await new Catalogue(_host.Database).CustomerAsync();
        object Use() =>
            new
            {
                code = "SWITCH",
                customer_id = customer,
                order = new { reference = Guid.CreateVersion7(), amount = new { amount = 100, currency = "USD" } },
            };
        Assert.Equal(200, (await _host.PostAsync($"{Path}/{id}/deactivate")).Status);
        Assert.Equal("inactive", (await _host.PostAsync("/api/v1/redemptions", Use())).Code);
        Assert.Equal("active", (await _host.PostAsync($"{Path}/{id}/activate")).Json.GetProperty("status").GetString());
        Assert.Equal(201, (await _host.PostAsync("/api/v1/redemptions", Use())).Status);
    }

    [Fact]
    public async Task The_list_pages_through_every_sort_without_gaps_or_repeats()
    {
        for (var i = 0; i < 12; i++)
        {
            await CreateAsync(
                "PAGE" + i.ToString("00", CultureInfo.InvariantCulture),
                new() { ["discount_value"] = 5 + (i % 3) }
            );
        }

        foreach (
            var sort in (string[])
                [
                    "created_at_desc",
                    "code_asc",
                    "discount_value_desc,code_asc",
                    "status_asc",
                    "usage_desc,expires_asc",
                    "revenue_asc",
                    "conversion_desc",
                    "lastUsed_desc",
                ]
        )
        {
            var codes = new List<string>();
            var cursor = "";
            do
            {
                var page = await _host.GetAsync($"{Path}?limit=5&sort={sort}{cursor}");
                Assert.Equal(200, page.Status);
                codes.AddRange(
                    page.Json.GetProperty("data").EnumerateArray().Select(c => c.GetProperty("code").GetString()!)
                );
                cursor = page.Json.GetProperty("next_cursor").GetString() is { } next ? "&cursor=" + next : null;
            } while (cursor is not null);

            Assert.Equal(12, codes.Distinct().Count());
            Assert.Equal(12, codes.Count);
            if (sort == "discount_value_desc,code_asc")
            {
                Assert.Equal("PAGE02", codes[0]);
            }
        }
    }

    [Fact]
    public async Task Filters_find_what_they_name()
    {
        await CreateAsync("ONE", new() { ["campaign_source"] = "spring", ["internal_name"] = "Garden chairs" });
        await CreateAsync(
            "TWO",
            new()
            {
                ["discount_type"] = "fixed_amount",
                ["discount_value"] = 5,
                ["valid_until"] = "2031-01-01",
            }
        );
        await CreateAsync(
            "THREE",
            new()
            {
                ["discount_type"] = "free_session",
                ["discount_value"] = null,
                ["is_active"] = false,
            }
        );
        var four = await CreateAsync(
            "FOUR",
            new()
            {
                ["valid_from"] = "2031-01-01",
                ["applicable_to"] = "first_time_users",
                ["external_id"] = "offer-4",
            }
        );
        var catalogue = new Catalogue(_host.Database);
        var customer = await catalogue.CustomerAsync();
        await catalogue.UnitAsync(four, "FOURUNIT", customer);
        var order = new { reference = "o-1", amount = new { amount = 100, currency = "USD" } };
        var use = new
        {
            code = "ONE",
            customer_id = customer,
            order,
        };
        Assert.Equal(201, (await _host.PostAsync("/api/v1/redemptions", use)).Status);
        foreach (
            var (query, expected) in ((string, string)[])
                [
                    ("status=active", "ONE TWO"),
                    ("status=inactive", "THREE"),
                    ("status=scheduled,inactive", "FOUR THREE"),
                    ("status=all", "FOUR ONE THREE TWO"),
                    ("discountType=fixed_amount", "TWO"),
                    ("applicableTo=first_time_users", "FOUR"),
                    ("campaign=spring", "ONE"),
                    ("offer=offer-4", "FOUR"),
                    ($"customer={customer}", "FOUR ONE"),
                    ($"customer={customer}&status=active", "ONE"),
                    ($"customer={Guid.CreateVersion7()}", ""),
                    ("dateRange.field=expires&dateRange.from=2030-01-01&dateRange.to=2031-01-01", "TWO"),
                    ("dateRange.preset=today", "FOUR ONE THREE TWO"),
                    ("dateRange.preset=yesterday", ""),
                    ("usageRange.max=0&discountType=percentage&status=scheduled", "FOUR"),
                    ("revenueRange.min=1", ""),
                    ("search=gardn chair", "ONE"),
                    ("search=THR", "THREE"),
                    ("search=%25", ""),
                ]
        )
        {
            var reply = await _host.GetAsync($"{Path}?{query}&count=true");
            Assert.True(reply.Status == 200, query + " " + reply.Body);
            var codes = reply
                .Json.GetProperty("data")
                .EnumerateArray()
                .Select(c => c.GetProperty("code").GetString())
                .Order();
            Assert.Equal((query, expected), (query, string.Join(' ', codes)));
            Assert.Equal(codes.Count(), reply.Json.GetProperty("total").GetInt64());
        }
    }

    [Fact]
    public async Task A_cursor_of_another_list_or_of_ones_own_making_is_refused()
    {
        for (var i = 0; i < 3; i++)
        {
            await CreateAsync("CUR" + i);
        }

        var next = (await _host.GetAsync($"{Path}?limit=1")).Json.GetProperty("next_cursor").GetString()!;
        foreach (
            var query in (string[])
                [
                    $"sort=code_asc&cursor={next}",
                    $"cursor={next[..^2]}AA",
                    "cursor=x",
                    "sort=price_asc",
                    "limit=0",
                    "limit=101",
                    "colour=1",
                    "status=dead",
                ]
        )
        {
            Assert.Equal((query, 400), (query, (await _host.GetAsync($"{Path}?{query}")).Status));
        }
    }

    [Fact]
    public async Task A_merchant_sees_and_changes_only_its_own()
    {
        var mine = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync("insert into access.merchant (id, name) values ($1, 'Mine')", mine);
        var foreign = await CreateAsync("OTHERS");
        using var client = _host.ClientOf(
            await _host.KeyAsync([Permissions.CouponsRead, Permissions.CouponsWrite], mine)
        );
        var created = await _host.PostAsync(Path, Draft("OWN"), client: client);
        Assert.Equal(mine, created.Json.GetProperty("merchant_id").GetGuid());
        var list = (await _host.GetAsync(Path, client)).Json.GetProperty("data");
        Assert.Equal("OWN", Assert.Single(list.EnumerateArray()).GetProperty("code").GetString());
        Assert.Equal(404, (await _host.GetAsync($"{Path}/{foreign}", client)).Status);
        Assert.Equal(404, (await _host.PostAsync($"{Path}/{foreign}/deactivate", client: client)).Status);
        var other = Draft("THEIRS", new() { ["merchant_id"] = Guid.CreateVersion7() });
        Assert.Contains(("merchant_id", "not_yours"), (await _host.PostAsync(Path, other, client: client)).Errors);
    }

    [Fact]
    public async Task Codes_of_a_shape_are_suggested_and_unused()
    {
        var shaped = await _host.PostAsync($"{Path}/codes", new { prefix = "save", includeYear = true });
        var year = int.Parse(shaped.Json.GetProperty("code").GetString()![4..], CultureInfo.InvariantCulture);
        Assert.InRange(year, 2025, 2100);
        await CreateAsync("SAVE" + year);
        Assert.Equal(
            "no_free_code",
            (await _host.PostAsync($"{Path}/codes", new { prefix = "SAVE", includeYear = true })).Code
        );
        var random = await _host.PostAsync(
            $"{Path}/codes",
            new
            {
                prefix = "NEW",
                randomSuffix = true,
                length = 10,
            }
        );
        Assert.Matches(@"\ANEW[2-9A-HJ-NP-Z]{7}\z", random.Json.GetProperty("code").GetString());
        Assert.Equal(400, (await _host.PostAsync($"{Path}/codes", new { length = 99 })).Status);
        Assert.True((await _host.GetAsync($"{Path}/codes/save{year}")).Json.GetProperty("exists").GetBoolean());
    }

    private async Task<long> CreateAsync(string code, Dictionary<string, object?>? more = null)
    {
        var reply = await _host.PostAsync(Path, Draft(code, more));
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").GetInt64();
    }

    private Task<Reply> PutAsync(long id, object draft, string? match) =>
        _host.SendAsync(
            HttpMethod.Put,
            $"{Path}/{id}",
            draft,
            headers: match is null ? null : new Dictionary<string, string> { ["If-Match"] = match }
        );

    private static Dictionary<string, object?> Draft(string code, Dictionary<string, object?>? more = null) =>
        CouponBody.Of(code, more);
}
