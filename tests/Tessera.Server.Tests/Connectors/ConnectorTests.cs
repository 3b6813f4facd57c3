using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Connectors;
using Tessera.Server.Platform;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>Connectors over HTTP, their secrets, and who is told of what.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ConnectorTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/connectors";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_connector_is_made_with_defaults_and_changed_by_its_version()
    {
        var made = await MakeAsync(
            """{"name":"Shops","kind":"partner_rest","address":"https://shops.example.com/api"}"""
        );
        Assert.Equal(201, made.Status);
        Assert.Equal("batch", made.Json.GetProperty("encoding").GetString());
        Assert.Equal(60, made.Json.GetProperty("sla_seconds").GetInt32());
        var place = $"{Path}/{made.Json.GetProperty("id").GetString()}";
        var changed = await _host.SendAsync(
            HttpMethod.Patch,
            place,
            """{"encoding":"watermark","rate_per_second":5}""",
            headers: new Dictionary<string, string> { ["If-Match"] = made.Header("ETag")! }
        );
        Assert.Equal((200, "watermark"), (changed.Status, changed.Json.GetProperty("encoding").GetString()));
        Assert.Equal("Shops", changed.Json.GetProperty("name").GetString());
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from connectors.lane"));
    }

    [Theory]
    [InlineData("partner_rest", "http://shops.example.com")]
    [InlineData("partner_rest", "https://shops.example.com:9999")]
    [InlineData("partner_rest", "https://user@shops.example.com")]
    [InlineData("partner_rest", "ftp://shops.example.com")]
    [InlineData("ecommerce", "nonsense")]
    [InlineData("file", "../etc")]
    [InlineData("file", "/etc")]
    [InlineData("file", "a/../b")]
    [InlineData("internal", "https://shops.example.com")]
    public async Task An_address_that_may_not_be_called_is_refused_when_it_is_written(string kind, string address)
    {
        var reply = await _host.PostAsync(
            Path,
            new
            {
                name = "N",
                kind,
                address,
            }
        );
        Assert.Equal([("address", "invalid_address")], reply.Errors);
    }

    [Fact]
    public async Task A_name_that_resolves_to_a_private_network_is_not_called()
    {
        var id = await IdAsync("""{"name":"L","kind":"partner_rest","address":"https://localhost:8443"}""");
        var test = await _host.PostAsync($"{Path}/{id}/test-calls");
        Assert.Equal((200, "address_refused"), (test.Status, test.Json.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task What_blocks_our_own_redemptions_never_waits()
    {
        var reply = await MakeAsync("""{"name":"I","kind":"internal","is_critical":false}""");
        Assert.Equal([("is_critical", "always_critical")], reply.Errors);
    }

    [Fact]
    public async Task Secrets_are_shown_once_or_never_and_kept_sealed()
    {
        var place = await IdAsync();
        const string credential = "super-secret-token-of-the-partner";
        var set = await _host.PostAsync($"{Path}/{place}/credential", new { credential });
        Assert.True(set.Json.GetProperty("has_credential").GetBoolean());
        Assert.DoesNotContain(credential, set.Body, StringComparison.Ordinal);
        var made = await _host.PostAsync($"{Path}/{place}/signing-secret", idempotencyKey: "once");
        var secret = made.Json.GetProperty("secret").GetString()!;
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        var again = await _host.PostAsync($"{Path}/{place}/signing-secret", idempotencyKey: "once");
        Assert.Null(again.Json.GetProperty("secret").GetString());
        var read = await _host.GetAsync($"{Path}/{place}");
        Assert.DoesNotContain(secret, read.Body, StringComparison.Ordinal);
        var kept = await _host.Database.ColumnAsync<byte[]>("select sealed from connectors.secret");
        Assert.Equal(2, kept.Count);
        Assert.All(
            kept,
            k => Assert.DoesNotContain(credential, System.Text.Encoding.Latin1.GetString(k), StringComparison.Ordinal)
        );
        await _host.PostAsync($"{Path}/{place}/signing-secret");
        Assert.Equal(3, await _host.Database.ScalarAsync<long>("select count(*) from connectors.secret"));
    }

    [Fact]
    public async Task A_key_of_a_merchant_sees_none_of_the_houses_connectors_and_makes_none()
    {
        var place = await IdAsync();
        var key = await _host.KeyAsync(
            ["connectors.read", "connectors.write"],
            Guid.CreateVersion7(),
            merchantExists: false
        );
        using var client = _host.ClientOf(key);
        Assert.Equal(404, (await _host.GetAsync($"{Path}/{place}", client)).Status);
        Assert.Equal(404, (await _host.PostAsync($"{Path}/{place}/signing-secret", client: client)).Status);
        var made = await _host.PostAsync(Path, new { name = "N", kind = "internal" }, client: client);
        Assert.Equal("merchant_key_not_allowed", made.Code);
    }

    [Fact]
    public async Task A_batch_is_told_to_the_connectors_of_its_merchant_and_channel_and_to_no_other()
    {
        var merchant = Guid.CreateVersion7();
        var all = await IdAsync();
        var tills = await IdAsync("""{"name":"T","kind":"internal","channels":["till"]}""");
        var ours = await IdAsync($$"""{"name":"M","kind":"internal","merchants":["{{merchant}}"]}""");
        var off = await IdAsync("""{"name":"O","kind":"internal","is_active":false}""");
        var at = TimeProvider.System.GetUtcNow();
        var written = await AppendAsync(
            new CommandBatch(CommandKind.Disable, merchant, "shop", CommandBatch.Instance, [1, 2, 3], at.AddHours(1)),
            new CommandBatch(CommandKind.Disable, null, "till", CommandBatch.Instance, [.. Ids(25_000)], at),
            new CommandBatch(CommandKind.Enable, Guid.CreateVersion7(), null, CommandBatch.Coupon, [4], at.AddDays(1))
        );
        Assert.Equal(2 + 9 + 2, written);
        async Task<long> ToldAsync(string id) =>
            await _host.Database.ScalarAsync<long>(
                "select coalesce(sum(size), 0) from connectors.command where connector_id = $1",
                Guid.Parse(id)
            );
        Assert.Equal(3 + 25_000 + 1, await ToldAsync(all));
        Assert.Equal(25_000 + 1, await ToldAsync(tills));
        Assert.Equal(3 + 25_000, await ToldAsync(ours));
        Assert.Equal(0, await ToldAsync(off));
        Assert.Equal(5, await _host.Database.ScalarAsync<long>("select count(*) from connectors.batch"));
        Assert.Equal(
            2,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from connectors.command where due_at > clock_timestamp() + interval '50 min'"
            )
        );
    }

    [Fact]
    public async Task A_merchant_sees_the_connectors_of_its_coupons_alone_and_of_their_stream_its_own_coupons()
    {
        var (merchant, rival) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        using var own = _host.ClientOf(await _host.KeyAsync([.. Permissions.All], merchant, merchantExists: false));
        using var other = _host.ClientOf(await _host.KeyAsync([.. Permissions.All], rival, merchantExists: false));
        var ours = await IdAsync($$"""{"name":"Ours","kind":"internal","merchants":["{{merchant}}"]}""");
        string[] hidden =
        [
            await IdAsync($$"""{"name":"Theirs","kind":"internal","merchants":["{{rival}}"]}"""),
            await IdAsync($$"""{"name":"Both","kind":"internal","merchants":["{{merchant}}","{{rival}}"]}"""),
            await IdAsync("""{"name":"None","kind":"internal","merchants":[]}"""),
            await IdAsync("""{"name":"House","kind":"internal"}"""),
        ];
        var at = TimeProvider.System.GetUtcNow().AddDays(1);
        await AppendAsync(
            new CommandBatch(CommandKind.Disable, merchant, null, CommandBatch.Instance, [1, 2], at),
            new CommandBatch(CommandKind.Disable, null, null, CommandBatch.Instance, [987_654], at)
        );
        foreach (var list in (string[])[Path, "/api/v1/connector-figures"])
        {
            var seen = (await _host.GetAsync(list, own)).Json.GetProperty("data").EnumerateArray();
            Assert.Equal(["Ours"], seen.Select(static c => c.GetProperty("name").GetString()));
            Assert.Equal(
                ["Theirs"],
                (await _host.GetAsync(list, other))
                    .Json.GetProperty("data")
                    .EnumerateArray()
                    .Select(static c => c.GetProperty("name").GetString())
            );
        }

        Assert.Equal(200, (await _host.GetAsync($"{Path}/{ours}", own)).Status);
        foreach (var id in hidden)
        {
            Assert.Equal(404, (await _host.GetAsync($"{Path}/{id}", own)).Status);
            Assert.Equal(404, (await _host.GetAsync($"{Path}/{id}/commands", own)).Status);
        }

        // The house's coupon was told to this partner too, and is not the merchant's.
        var told = PositionsOf(await _host.GetAsync($"{Path}/{ours}/commands"));
        var position = Assert.Single(PositionsOf(await _host.GetAsync($"{Path}/{ours}/commands", own)));
        Assert.Equal(2, told.Length);
        var houses = Assert.Single(told, p => p != position);
        var timeline = await _host.GetAsync($"{Path}/{ours}/commands/{position}", own);
        Assert.Equal(
            [1L, 2L],
            timeline.Json.GetProperty("first_ids").EnumerateArray().Select(static i => i.GetInt64())
        );
        Assert.Equal(200, (await _host.GetAsync($"{Path}/{ours}/commands/{houses}")).Status);
        Assert.Equal(404, (await _host.GetAsync($"{Path}/{ours}/commands/{houses}", own)).Status);
        Assert.Equal(404, (await _host.GetAsync($"{Path}/{ours}/commands/{position}", other)).Status);

        // What it is told of its queue is what it sees of it; the house sees all of it.
        await _host.Database.ExecuteAsync(
            "update connectors.connector set is_active = false where id = $1",
            Guid.Parse(ours)
        );
        await _host.Database.ExecuteAsync(
            """
            update connectors.command set state = 'pending', due_at = clock_timestamp() - interval '5 minutes'
                + interval '1 minute' * (size - 1) where connector_id = $1
            """,
            Guid.Parse(ours)
        );
        await _host.Database.ExecuteAsync(
            """
            insert into connectors.task (id, connector_id, position, cause, created_at)
            values (gen_random_uuid(), $1, $2, 'undelivered: test', clock_timestamp())
            """,
            Guid.Parse(ours),
            houses
        );
        var (mine, all) = (await FiguresAsync(ours, own), await FiguresAsync(ours, null));
        Assert.Equal((1, 2), (mine.GetProperty("pending").GetInt32(), all.GetProperty("pending").GetInt32()));
        Assert.Equal((0, 1), (mine.GetProperty("open_tasks").GetInt32(), all.GetProperty("open_tasks").GetInt32()));
        foreach (var (figures, client) in new[] { (mine, own), (all, (HttpClient?)null) })
        {
            var queue = await _host.GetAsync($"{Path}/{ours}/commands/totals?state=pending&due=true", client);
            Assert.Equal(figures.GetProperty("pending").GetInt64(), queue.Json.GetProperty("count").GetInt64());
            var end = figures.GetProperty("measured_at").GetDateTimeOffset();
            var span =
                $"from={Uri.EscapeDataString(end.AddDays(-1).ToString("O"))}&to={Uri.EscapeDataString(end.ToString("O"))}";
            var level = await _host.GetAsync($"{Path}/{ours}/commands/totals?service_level=met,missed&{span}", client);
            Assert.Equal(figures.GetProperty("judged_commands").GetInt64(), level.Json.GetProperty("count").GetInt64());
            var tasks = await _host.GetAsync($"/api/v1/connector-tasks?connector_id={ours}", client);
            Assert.Equal(figures.GetProperty("open_tasks").GetInt32(), tasks.Json.GetProperty("data").GetArrayLength());
        }

        // The merchant's own, of two coupons, came due a minute after that of the house.
        Assert.InRange(
            all.GetProperty("lag_seconds").GetDouble() - mine.GetProperty("lag_seconds").GetDouble(),
            59,
            3600
        );

        // Reading is all: its own is not the merchant's to change or to call.
        Assert.Equal(
            404,
            (await _host.PostAsync($"{Path}/{ours}/queries", new { ids = (long[])[1] }, client: own)).Status
        );
        Assert.Equal(404, (await _host.PostAsync($"{Path}/{ours}/test-calls", client: own)).Status);
        Assert.Equal(404, (await _host.PostAsync($"{Path}/{ours}/signing-secret", client: own)).Status);
        var breaker = await _host.PostAsync(
            $"{Path}/{ours}/breaker",
            new { forced = "open", reason = "No." },
            client: own
        );
        Assert.Equal(404, breaker.Status);
        var changed = await _host.SendAsync(
            HttpMethod.Patch,
            $"{Path}/{ours}",
            new { name = "Mine" },
            client: own,
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );
        Assert.Equal("merchant_key_not_allowed", changed.Code);
    }

    private async Task<JsonElement> FiguresAsync(string connector, HttpClient? client) =>
        (await _host.GetAsync("/api/v1/connector-figures", client))
            .Json.GetProperty("data")
            .EnumerateArray()
            .Single(c => c.GetProperty("connector_id").GetString() == connector);

    private static long[] PositionsOf(Reply stream) =>
        [.. stream.Json.GetProperty("data").EnumerateArray().Select(static c => c.GetProperty("position").GetInt64())];

    private static IEnumerable<long> Ids(int count) => Enumerable.Range(100, count).Select(static i => (long)i);

    private async Task<int> AppendAsync(params CommandBatch[] batches)
    {
        await using var work = await _host.Database.Database.BeginAsync(default);
        var written = await CommandStream.AppendAsync(work, batches, default);
        await work.CommitAsync(default);
        return written;
    }

    private Task<Reply> MakeAsync(string body) => _host.PostAsync(Path, body);

    private async Task<string> IdAsync(string body = """{"name":"I","kind":"internal"}""") =>
        (await MakeAsync(body)).Json.GetProperty("id").GetString()!;
}
