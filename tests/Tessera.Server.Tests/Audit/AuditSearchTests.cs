using System.Text.Json;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Audit;

[Collection(PostgresCollection.Name)]
public sealed class AuditSearchTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Entries = "/api/v1/audit/entries";

    private TestHost _host = null!;
    private Catalogue _given = null!;
    private Guid _customer;
    private long _coupon;
    private long _unit;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
        _customer = await _given.CustomerAsync();
        _coupon = await _given.CouponAsync("UNIT", "max_uses_per_user, max_uses_total", "3, 10", "unique");
        _unit = await _given.UnitAsync(_coupon, "U1");
        var redemption = await RedeemAsync("U1");
        await _host.PostAsync($"/api/v1/redemptions/{redemption}/rollback", new { reason = "test" });
        await RedeemAsync("U1");
        for (var i = 0; i < 7; i++)
        {
            await _host.PostAsync("/api/v1/merchants", new { name = "Merchant " + i });
        }

        await IndexedAsync();
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task The_history_of_a_unit_tells_from_its_issue_on_what_became_of_it()
    {
        var history = await AllAsync($"/api/v1/audit/history/instance/{_unit}", limit: 2);
        Assert.Equal(
            [
                "coupon.instances_issued",
                "coupon.state_changed",
                "redemption.rolled_back",
                "coupon.state_changed",
                "coupon.state_changed",
            ],
            history.Select(e => e.GetProperty("type").GetString())
        );
        Assert.Equal(
            ["redeemed", "issued", "redeemed"],
            history
                .Where(e => e.GetProperty("data").TryGetProperty("to", out _))
                .Select(e => e.GetProperty("data").GetProperty("to").GetString())
        );

        // Another unit of the same block has a history of its own.
        Assert.Empty(await AllAsync($"/api/v1/audit/history/instance/{_unit + 1}"));
    }

    [Fact]
    public async Task The_history_of_a_customer_and_of_a_balance_names_every_use()
    {
        Assert.Equal(2, (await AllAsync($"/api/v1/audit/history/customer/{_customer}")).Count);
        var account = await _host.Database.ScalarAsync<Guid>(
            "select id from balances.account where kind = 'coupon_uses'"
        );
        var moves = await AllAsync($"/api/v1/audit/history/account/{account}");
        Assert.Contains(moves, e => e.GetProperty("type").GetString() == "redemption.rolled_back");
        Assert.Equal(
            2,
            moves.Count(e => e.GetProperty("data").TryGetProperty("cause", out var c) && c.GetString() == "redemption")
        );
        Assert.True((await AllAsync($"/api/v1/audit/history/coupon/{_coupon}")).Count >= 5);
        Assert.Equal(404, (await _host.GetAsync("/api/v1/audit/history/nothing/1")).Status);
    }

    [Fact]
    public async Task Entries_are_found_by_actor_subject_type_period_and_text()
    {
        var actor = await _host.Database.ScalarAsync<string>(
            "select actor from platform.event where type = 'merchant.created' limit 1"
        );
        var all = await AllAsync(Entries);
        Assert.Equal(await _host.Database.ScalarAsync<long>("select count(*) from platform.event"), all.Count);
        Assert.True(all.Zip(all.Skip(1)).All(p => Seq(p.First) == Seq(p.Second) + 1));
        var made = await AllAsync($"{Entries}?type=merchant.created&actor={actor}", limit: 3);
        Assert.Equal(7, made.Count);
        Assert.All(
            made,
            e =>
                Assert.Equal(
                    ("directory.write", "127.0.0.1"),
                    (e.GetProperty("permission").GetString(), e.GetProperty("address").GetString())
                )
        );
        var subject = made[0].GetProperty("subject").GetString();
        Assert.Single(await AllAsync($"{Entries}?subject={subject}"));
        Assert.Equal(2, (await AllAsync($"{Entries}?text={_customer.ToString().ToUpperInvariant()} redemption")).Count);
        Assert.Empty(await AllAsync($"{Entries}?actor=job:nobody"));
        var at = made[3].GetProperty("at").GetString()!;
        var before = await AllAsync($"{Entries}?to={at}");
        var after = await AllAsync($"{Entries}?from={at}");
        Assert.Equal(all.Count, before.Count + after.Count);
        Assert.Contains(after, e => Seq(e) == Seq(made[3]));
        Assert.Empty(await AllAsync($"{Entries}?to=2020-01-01"));
        var bad = await _host.GetAsync($"{Entries}?from=2026-01-02&to=2026-01-01&limit=1000&kind=x");
        Assert.Equal(
            [("kind", "unknown_parameter"), ("limit", "not_an_integer"), ("to", "before_from")],
            bad.Errors.Order().ToList()
        );
    }

    [Fact]
    public async Task A_history_is_whole_and_in_order_whichever_way_and_however_long_it_is()
    {
        await _host.Database.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            select gen_random_uuid(), 'channel', case when n % 3 = 0 then 'rare' else 'often' end, 'test', n, 'job:test', '{}',
                clock_timestamp()
            from generate_series(1, 300) n
            """
        );
        await IndexedAsync();
        foreach (var (thing, count, limit) in ((string, int, int)[])[("rare", 100, 7), ("often", 200, 33)])
        {
            var up = await AllAsync($"/api/v1/audit/history/channel/{thing}", limit);
            var down = await AllAsync($"/api/v1/audit/history/channel/{thing}?sort=-seq", limit);
            Assert.Equal(count, up.Count);
            Assert.Equal(up.Select(Seq).Order(), up.Select(Seq));
            Assert.Equal(up.Select(Seq).Reverse(), down.Select(Seq));
            Assert.All(up, e => Assert.Equal("channel:" + thing, e.GetProperty("subject").GetString()));
        }

        var all = await AllAsync($"{Entries}?type=test&actor=job:test");
        Assert.Equal(300, all.Count);
        var at = all[150].GetProperty("at").GetString();
        Assert.Equal(
            300,
            (await AllAsync($"{Entries}?type=test&actor=job:test&from={at}")).Count
                + (await AllAsync($"{Entries}?type=test&actor=job:test&to={at}")).Count
        );
    }

    [Fact]
    public async Task Reads_of_settings_keys_and_people_are_entries_and_part_of_what_was_read()
    {
        var key = (await _host.GetAsync("/api/v1/api-keys")).Json.GetProperty("data")[0].GetProperty("id").GetString();
        await _host.GetAsync("/api/v1/api-keys/" + key);
        foreach (
            var path in (string[])
                ["people", "roles", "roles/administrator", "retention", "privacy-requests", "connectors", "webhooks"]
        )
        {
            Assert.Equal(200, (await _host.GetAsync("/api/v1/" + path)).Status);
        }

        await IndexedAsync();
        var reads = await AllAsync($"{Entries}?type=settings.read");
        Assert.Equal(
            [
                "api_keys",
                "api_keys",
                "connectors",
                "people",
                "privacy_requests",
                "retention",
                "roles",
                "roles",
                "webhooks",
            ],
            reads
                .Select(e => e.GetProperty("subject").GetString()!.Replace("settings:", "", StringComparison.Ordinal))
                .Order()
        );
        Assert.Single(
            await AllAsync($"/api/v1/audit/history/api_key/{key}"),
            e => e.GetProperty("type").GetString() == "settings.read"
        );
    }

    [Fact]
    public async Task A_change_by_a_person_names_the_roles_the_right_and_the_address()
    {
        using var browser = await Person.StaffAsync(_host, "role@example.com", "administrator");
        var made = await browser.PostAsync("/api/v1/merchants", new { name = "By a person" });
        Assert.True(made.Status == 201, made.Body);
        await IndexedAsync();
        var subject = "merchant:" + made.Json.GetProperty("id").GetString();
        var entry = Assert.Single(await AllAsync($"{Entries}?subject={subject}"));
        Assert.StartsWith("person:", entry.GetProperty("actor").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            ("administrator", "directory.write", "127.0.0.1"),
            (
                entry.GetProperty("roles")[0].GetString(),
                entry.GetProperty("permission").GetString(),
                entry.GetProperty("address").GetString()
            )
        );
    }

    [Fact]
    public async Task A_page_is_gone_on_with_by_its_cursor_only_in_the_same_search()
    {
        var page = (await _host.GetAsync($"{Entries}?limit=2")).Json;
        var cursor = page.GetProperty("next_cursor").GetString();
        Assert.Equal(200, (await _host.GetAsync($"{Entries}?limit=2&cursor={cursor}")).Status);
        Assert.Equal("invalid_cursor", (await _host.GetAsync($"{Entries}?limit=2&type=x&cursor={cursor}")).Code);
        using var merchant = _host.ClientOf(
            await _host.KeyAsync([.. Server.Access.Permissions.All], Guid.CreateVersion7(), merchantExists: false)
        );
        Assert.Equal(403, (await _host.GetAsync(Entries, merchant)).Status);
        Assert.Equal(403, (await _host.GetAsync("/api/v1/audit/export", merchant)).Status);
    }

    private static long Seq(JsonElement entry) => entry.GetProperty("seq").GetInt64();

    private async Task<List<JsonElement>> AllAsync(string path, int limit = 100)
    {
        var all = new List<JsonElement>();
        var first = path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "limit=" + limit;
        var next = first;
        while (true)
        {
            var reply = await _host.GetAsync(next);
            Assert.True(reply.Status == 200, reply.Body);
            all.AddRange(reply.Json.GetProperty("data").EnumerateArray());
            if (!reply.Json.GetProperty("has_more").GetBoolean())
            {
                return all;
            }

            next = first + "&cursor=" + reply.Json.GetProperty("next_cursor").GetString();
        }
    }

    private async Task<string> RedeemAsync(string code)
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
        return reply.Json.GetProperty("id").GetString()!;
    }

    /// <summary>Waits until all events are sealed and indexed.</summary>
    private Task IndexedAsync() =>
        Patience.UntilAsync(
            () =>
                _host.Database.ScalarAsync<bool>(
                    "select seq = (select count(*) from platform.event) from audit.indexed"
                ),
            "the log to be indexed"
        );
}
