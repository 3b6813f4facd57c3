using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

[Collection(PostgresCollection.Name)]
public sealed class DirectoryTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("merchants", """{"name":"Corner Books","external_id":"M-1"}""", """{"external_id":null}""")]
    [InlineData(
        "customers",
        """{"external_id":"C-1","groups":["a"],"attributes":{"tier":"gold","age":7,"vip":true}}""",
        """{"groups":[]}"""
    )]
    [InlineData("channels", """{"id":"till-7","name":"Till 7","kind":"till"}""", """{"name":"Till seven"}""")]
    [InlineData(
        "services",
        """{"id":"first_talk","name":"First talk","session_types":["video","phone"]}""",
        """{"session_types":["video"]}"""
    )]
    [InlineData(
        "regions",
        """{"id":"AT-9","coupons":{"minimum_days":30,"notice_days":7}}""",
        """{"coupons":{"may_shorten":false}}"""
    )]
    [InlineData("consultants", """{"id":12,"name":"Dr. Weber"}""", """{"is_active":false}""")]
    public async Task A_record_lives_from_creation_to_deletion_and_every_change_is_in_the_log(
        string plural,
        string body,
        string patch
    )
    {
        var made = await _host.PostAsync("/api/v1/" + plural, body);
        Assert.Equal(201, made.Status);
        var address = made.Header("Location")!;
        var etag = made.Header("ETag")!;

        var read = await _host.GetAsync(address);
        Assert.Equal((200, made.Body, etag), (read.Status, read.Body, read.Header("ETag")));
        Assert.Equal(
            "private, no-cache",
            read.Headers.CacheControl!.ToString()
                .Replace("no-cache, private", "private, no-cache", StringComparison.Ordinal)
        );
        Assert.Equal(304, (await SendAsync(HttpMethod.Get, address, null, ("If-None-Match", etag))).Status);

        var patched = await SendAsync(HttpMethod.Patch, address, patch, ("If-Match", etag));
        Assert.Equal(200, patched.Status);
        Assert.Equal(2, patched.Json.GetProperty("version").GetInt32());
        Assert.NotEqual(etag, patched.Header("ETag"));
        Assert.Equal(412, (await SendAsync(HttpMethod.Put, address, body, ("If-Match", etag))).Status);
        Assert.Equal(428, (await SendAsync(HttpMethod.Put, address, body)).Status);
        var put = await SendAsync(HttpMethod.Put, address, body, ("If-Match", patched.Header("ETag")!));
        Assert.Equal((200, 3), (put.Status, put.Json.GetProperty("version").GetInt32()));

        Assert.Equal(428, (await SendAsync(HttpMethod.Delete, address, null)).Status);
        Assert.Equal(412, (await SendAsync(HttpMethod.Delete, address, null, ("If-Match", etag))).Status);
        Assert.Equal(
            204,
            (await SendAsync(HttpMethod.Delete, address, null, ("If-Match", put.Header("ETag")!))).Status
        );
        Assert.Equal(
            204,
            (await SendAsync(HttpMethod.Delete, address, null, ("If-Match", put.Header("ETag")!))).Status
        );
        Assert.Equal(404, (await _host.GetAsync(address)).Status);

        var name = plural.TrimEnd('s');
        Assert.Equal(
            [$"1 {name}.created", $"2 {name}.updated", $"3 {name}.updated", $"4 {name}.deleted"],
            await _host.Database.ColumnAsync<string>(
                "select sequence || ' ' || type from platform.event where aggregatetype = $1 order by position",
                name
            )
        );
    }

    [Fact]
    public async Task The_log_has_a_setting_before_and_after_and_its_words_beside_it()
    {
        var made = await _host.PostAsync("/api/v1/merchants", new { name = "Miss Featherstone", region = "AT" });
        var merchant = made.Json.GetProperty("id").GetString()!;
        await PatchAsync($"/api/v1/merchants/{merchant}", new { name = "Mister Featherstone", is_active = false });
        var connector = await _host.PostAsync(
            "/api/v1/connectors",
            new
            {
                name = "Shops",
                kind = "internal",
                contact = "Ask for Featherstone",
            }
        );
        var id = connector.Json.GetProperty("id").GetString()!;
        await PatchAsync($"/api/v1/connectors/{id}", new { batch_size = 50, contact = "Nobody" });
        Assert.Equal(
            [
                "merchant.created null {is_active,name,region}",
                "merchant.updated {is_active,name} {is_active,name}",
                "connector.updated {batch_size,contact} {batch_size,contact}",
            ],
            await _host.Database.ColumnAsync<string>(
                """
                select type || ' ' || coalesce(names.before::text, 'null') || ' ' || names.after::text
                from platform.event cross join lateral (select
                    (select array_agg(k order by k) from jsonb_object_keys(nullif(payload -> 'before', 'null')) k) as before,
                    (select array_agg(k order by k) from jsonb_object_keys(payload -> 'after') k) as after) names
                where type in ('merchant.created', 'merchant.updated', 'connector.updated') order by position
                """
            )
        );
        var changed = await _host.Database.ScalarAsync<string>(
            "select platform.spoken(payload) from platform.event where type = 'merchant.updated'"
        );
        Assert.Contains("Miss Featherstone", changed, StringComparison.Ordinal);
        Assert.Contains("Mister Featherstone", changed, StringComparison.Ordinal);
        Assert.Equal(
            "true false 1000 50",
            await _host.Database.ScalarAsync<string>(
                """
                select concat_ws(' ', m.payload #>> '{before,is_active}', m.payload #>> '{after,is_active}',
                    c.payload #>> '{before,batch_size}', c.payload #>> '{after,batch_size}')
                from platform.event m cross join platform.event c
                where m.type = 'merchant.updated' and c.type = 'connector.updated'
                """
            )
        );
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where payload::text like '%Featherstone%'"
            )
        );
    }

    private async Task PatchAsync(string path, object wanted)
    {
        var reply = await _host.SendAsync(
            HttpMethod.Patch,
            path,
            wanted,
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );
        Assert.True(reply.Status == 200, reply.Body);
    }

    [Fact]
    public async Task All_bad_fields_are_named_at_once()
    {
        var reply = await _host.PostAsync(
            "/api/v1/channels",
            """{"id":"Till 7","name":"","kind":"kiosk","is_active":"yes","colour":"red"}"""
        );
        Assert.Equal(400, reply.Status);
        Assert.Equal(
            [
                ("colour", "unknown_member"),
                ("id", "invalid_id"),
                ("is_active", "not_a_flag"),
                ("kind", "unknown_value"),
                ("name", "required"),
            ],
            reply.Errors.Order()
        );
    }

    [Fact]
    public async Task A_customer_keeps_plain_attributes_only()
    {
        var reply = await _host.PostAsync(
            "/api/v1/customers",
            """{"attributes":{"a":{"b":1},"c":1e400,"d":"\ud800","e":null,"f":9007199254740993}}"""
        );
        Assert.Equal(400, reply.Status);
        Assert.Equal(
            ["attributes.a", "attributes.c", "attributes.d", "attributes.e", "attributes.f"],
            reply.Errors.Select(e => e.Field).Order()
        );
    }

    [Fact]
    public async Task An_external_id_names_one_record()
    {
        await _host.PostAsync("/api/v1/merchants", """{"name":"A","external_id":"X"}""");
        var second = await _host.PostAsync("/api/v1/merchants", """{"name":"B","external_id":"X"}""");
        Assert.Equal((409, "external_id_taken"), (second.Status, second.Code));
        var third = await _host.PostAsync("/api/v1/merchants", """{"name":"B","external_id":"Y"}""");
        var address = third.Header("Location")!;
        var moved = await SendAsync(
            HttpMethod.Patch,
            address,
            """{"external_id":"X"}""",
            ("If-Match", third.Header("ETag")!)
        );
        Assert.Equal((409, "external_id_taken"), (moved.Status, moved.Code));
    }

    [Fact]
    public async Task An_external_id_that_somebody_takes_meanwhile_is_taken_also_to_who_waits_for_it()
    {
        var made = await _host.PostAsync("/api/v1/merchants", """{"name":"B","external_id":"Y"}""");
        Task<Reply> moved;
        await using (var work = await _host.Database.Database.BeginAsync(default))
        {
            await work.ExecuteAsync(
                "insert into access.merchant (id, name, external_id) values (gen_random_uuid(), 'A', 'X')",
                [],
                default
            );
            moved = SendAsync(
                HttpMethod.Patch,
                made.Header("Location")!,
                """{"external_id":"X"}""",
                ("If-Match", made.Header("ETag")!)
            );
            await OneWaitsAsync();
            await work.CommitAsync(default);
        }

        Assert.Equal((409, "external_id_taken"), ((await moved).Status, (await moved).Code));
    }

    [Fact]
    public async Task A_merchant_that_somebody_deletes_meanwhile_is_unknown_to_who_waits_for_it()
    {
        var merchant = await MerchantAsync("Gone");
        (string Path, object Body)[] uses =
        [
            (
                "/api/v1/api-keys",
                new
                {
                    name = "K",
                    permissions = Array.Empty<string>(),
                    merchant_id = merchant,
                }
            ),
            (
                "/api/v1/people",
                new
                {
                    realm = "merchant",
                    email = "a@b.example",
                    name = "A",
                    roles = (string[])["merchant_till"],
                    merchant_id = merchant,
                }
            ),
            (
                "/api/v1/campaigns",
                new
                {
                    name = "C",
                    start_date = "2026-01-01",
                    merchant_id = merchant,
                }
            ),
        ];
        foreach (var (path, body) in uses)
        {
            Task<Reply> used;
            await using (var work = await _host.Database.Database.BeginAsync(default))
            {
                await work.ExecuteAsync("delete from access.merchant where id = $1", [merchant], default);
                used = _host.PostAsync(path, body);
                await OneWaitsAsync();
                await work.CommitAsync(default);
            }

            var refused = await used;
            Assert.True(refused.Errors is [("merchant_id", _)], path + ": " + refused.Body);
            await _host.Database.ExecuteAsync("insert into access.merchant (id, name) values ($1, 'Gone')", merchant);
        }
    }

    [Fact]
    public async Task A_merchant_that_something_refers_to_is_not_deleted()
    {
        var made = await _host.PostAsync("/api/v1/merchants", """{"name":"A"}""");
        await _host.KeyAsync([], made.Json.GetProperty("id").GetGuid());
        var reply = await SendAsync(
            HttpMethod.Delete,
            made.Header("Location")!,
            null,
            ("If-Match", made.Header("ETag")!)
        );
        Assert.Equal((409, "in_use"), (reply.Status, reply.Code));
    }

    [Fact]
    public async Task The_id_of_a_channel_cannot_change()
    {
        var made = await _host.PostAsync("/api/v1/channels", """{"id":"shop","name":"Shop","kind":"shop"}""");
        var reply = await SendAsync(
            HttpMethod.Patch,
            made.Header("Location")!,
            """{"id":"store"}""",
            ("If-Match", made.Header("ETag")!)
        );
        Assert.Equal([("id", "immutable")], reply.Errors);
    }

    [Fact]
    public async Task A_repeat_with_the_same_key_makes_one_record_and_gives_the_same_answer()
    {
        const string body = """{"name":"Once"}""";
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => _host.PostAsync("/api/v1/merchants", body, "same"))
        );
        var made = replies.First(r => r.Status == 201);
        Assert.All(
            replies,
            r => Assert.True(r.Body == made.Body || (r.Status, r.Code) == (409, "idempotency_key_in_progress"))
        );
        var again = await _host.PostAsync("/api/v1/merchants", body, "same");
        Assert.Equal((201, made.Body, "true"), (again.Status, again.Body, again.Header("Idempotency-Replayed")));
        Assert.Equal(made.Header("Location"), again.Header("Location"));
        Assert.Equal(made.Header("ETag"), again.Header("ETag"));
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from access.merchant"));

        var other = await _host.PostAsync("/api/v1/merchants", """{"name":"Twice"}""", "same");
        Assert.Equal((422, "idempotency_key_reused"), (other.Status, other.Code));
        using var stranger = _host.ClientOf(await _host.KeyAsync([Permissions.DirectoryWrite]));
        Assert.Equal(201, (await _host.PostAsync("/api/v1/merchants", body, "same", stranger)).Status);
    }

    [Fact]
    public async Task A_walk_through_the_pages_meets_every_row_once_while_others_are_added()
    {
        for (var i = 0; i < 23; i++)
        {
            await MerchantAsync($"M{i % 5}");
        }

        foreach (var sort in (string[])["name", "-name", "created_at", "-created_at"])
        {
            var before = await _host.Database.ColumnAsync<Guid>("select id from access.merchant");
            var met = new List<Guid>();
            var next = $"/api/v1/merchants?limit=4&sort={sort}";
            while (next is not null)
            {
                var page = await _host.GetAsync(next);
                Assert.Equal(200, page.Status);
                met.AddRange(page.Json.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetGuid()));
                next = page.Header("Link") is { } link ? link[1..link.IndexOf('>', StringComparison.Ordinal)] : null;
                Assert.Equal(next is not null, page.Json.GetProperty("has_more").GetBoolean());
                await MerchantAsync("M2");
            }

            Assert.Equal(met.Count, met.Distinct().Count());
            Assert.Empty(before.Except(met));
        }
    }

    [Fact]
    public async Task A_cursor_is_good_for_its_own_list_filter_and_sort_only()
    {
        for (var i = 0; i < 3; i++)
        {
            await MerchantAsync("M");
        }

        var page = await _host.GetAsync("/api/v1/merchants?limit=1&sort=name");
        var cursor = page.Json.GetProperty("next_cursor").GetString();
        Assert.Equal(200, (await _host.GetAsync($"/api/v1/merchants?limit=2&sort=name&cursor={cursor}")).Status);
        string[] wrong =
        [
            $"/api/v1/merchants?cursor={cursor}",
            $"/api/v1/merchants?sort=-name&cursor={cursor}",
            $"/api/v1/merchants?sort=name&is_active=true&cursor={cursor}",
            $"/api/v1/channels?sort=name&cursor={cursor}",
            $"/api/v1/merchants?sort=name&cursor={cursor}x",
            "/api/v1/merchants?sort=name&cursor=%00",
            "/api/v1/merchants?sort=name&cursor=' or 1=1",
        ];
        foreach (var path in wrong)
        {
            var reply = await _host.GetAsync(path);
            Assert.Equal(400, reply.Status);
            Assert.Contains(reply.Code, (string[])["invalid_cursor", "invalid_request"]);
        }

        foreach (
            var path in (string[])["?limit=0", "?limit=101", "?limit=x", "?sort=id", "?nmae=x", "?limit=1&limit=2"]
        )
        {
            Assert.Equal("invalid_request", (await _host.GetAsync("/api/v1/merchants" + path)).Code);
        }
    }

    [Fact]
    public async Task Customers_are_read_by_the_ids_that_records_name_them_by()
    {
        foreach (var number in (string[])["C-1", "C-2", "C-3"])
        {
            await _host.PostAsync("/api/v1/customers", new { external_id = number });
        }

        var ids = await _host.Database.ColumnAsync<Guid>(
            "select id from access.customer where external_id <> 'C-2' order by external_id"
        );
        var list = await _host.GetAsync($"/api/v1/customers?id={ids[0]},{ids[1]},{Guid.CreateVersion7()}");
        Assert.Equal(
            ["C-1", "C-3"],
            list.Json.GetProperty("data")
                .EnumerateArray()
                .Select(static c => c.GetProperty("external_id").GetString()!)
                .Order(StringComparer.Ordinal)
        );
        var wrong = await _host.GetAsync($"/api/v1/customers?id={ids[0]},C-2");
        Assert.Equal([("id", "not_an_id")], wrong.Errors);
        var many = string.Join(',', Enumerable.Range(0, 101).Select(static _ => Guid.CreateVersion7()));
        Assert.Equal([("id", "too_many")], (await _host.GetAsync("/api/v1/customers?id=" + many)).Errors);
    }

    [Fact]
    public async Task A_key_of_a_merchant_sees_that_merchant_and_changes_nothing()
    {
        var own = await MerchantAsync("Own");
        var other = await MerchantAsync("Other");
        await _host.PostAsync("/api/v1/customers", """{"external_id":"C"}""");
        var customer = await _host.Database.ScalarAsync<Guid>("select id from access.customer");
        using var merchant = _host.ClientOf(await _host.KeyAsync([.. Permissions.All], own));

        var list = (await _host.GetAsync("/api/v1/merchants", merchant)).Json.GetProperty("data");
        Assert.Equal([own], list.EnumerateArray().Select(m => m.GetProperty("id").GetGuid()));
        Assert.Equal(200, (await _host.GetAsync($"/api/v1/merchants/{own}", merchant)).Status);
        Assert.Equal(404, (await _host.GetAsync($"/api/v1/merchants/{other}", merchant)).Status);
        Assert.Empty((await _host.GetAsync("/api/v1/customers", merchant)).Json.GetProperty("data").EnumerateArray());
        Assert.Equal(404, (await _host.GetAsync($"/api/v1/customers/{customer}", merchant)).Status);
        var write = await _host.PostAsync("/api/v1/merchants", """{"name":"Third"}""", client: merchant);
        Assert.Equal((403, "merchant_key_not_allowed"), (write.Status, write.Code));
    }

    [Fact]
    public async Task A_key_of_a_channel_sees_that_channel()
    {
        await _host.PostAsync("/api/v1/channels", """{"id":"a","name":"A","kind":"shop"}""");
        await _host.PostAsync("/api/v1/channels", """{"id":"b","name":"B","kind":"shop"}""");
        using var till = _host.ClientOf(await _host.KeyAsync([Permissions.DirectoryRead], channels: ["a"]));
        var list = (await _host.GetAsync("/api/v1/channels", till)).Json.GetProperty("data");
        Assert.Equal(["a"], list.EnumerateArray().Select(c => c.GetProperty("id").GetString()));
        Assert.Equal(404, (await _host.GetAsync("/api/v1/channels/b", till)).Status);
    }

    /// <summary>Until a request waits for a merchant that somebody else is changing.</summary>
    private Task OneWaitsAsync() =>
        Patience.UntilAsync(
            () =>
                _host.Database.ScalarAsync<bool>(
                    """
                    select exists (select from pg_stat_activity where datname = current_database()
                        and wait_event_type = 'Lock' and wait_event = 'transactionid')
                    """
                ),
            "a request that waits for a merchant"
        );

    private async Task<Guid> MerchantAsync(string name) =>
        (await _host.PostAsync("/api/v1/merchants", new { name })).Json.GetProperty("id").GetGuid();

    private Task<Reply> SendAsync(
        HttpMethod method,
        string path,
        string? body,
        params (string Name, string Value)[] headers
    ) => _host.SendAsync(method, path, body, headers: headers.ToDictionary(h => h.Name, h => h.Value));
}
