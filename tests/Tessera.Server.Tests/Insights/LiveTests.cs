using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Insights.Alerts;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

[Collection(PostgresCollection.Name)]
public sealed class LiveTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private Catalogue _catalogue = null!;

    public async Task InitializeAsync()
    {
        await Midnight.TodayAsync();
        _host = await TestHost.StartAsync(postgres);
        _catalogue = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Each_tenant_sees_its_own_coupons_used_and_nobody_elses()
    {
        var (bakery, books) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var bakeryKey = await _host.KeyAsync([Permissions.CouponsRead], bakery, merchantExists: false);
        var booksKey = await _host.KeyAsync([Permissions.CouponsRead], books, merchantExists: false);
        var loaf = await OfMerchantAsync("LOAF", bakery);
        var novel = await OfMerchantAsync("NOVEL", books);
        using var ofBakery = await OpenAsync(bakeryKey);
        using var ofBooks = await OpenAsync(booksKey);
        using var ofAll = await OpenAsync(_host.Key);
        var customer = await _catalogue.CustomerAsync();
        await RedeemAsync("LOAF", customer, "l-1");
        await RedeemAsync("NOVEL", customer, "n-1");

        Assert.Equal([loaf], (await UntilAsync(ofBakery, "coupon_used", 1)).Keys);
        Assert.Equal([novel], (await UntilAsync(ofBooks, "coupon_used", 1)).Keys);
        var both = await UntilAsync(ofAll, "coupon_used", 2);
        Assert.Equal([loaf, novel], both.Keys.Order());
        Assert.Equal(1, both[loaf].GetProperty("coupon").GetProperty("usage_count").GetInt64());
    }

    [Fact]
    public async Task What_happened_during_a_break_is_told_after_it()
    {
        var coupon = await _catalogue.CouponAsync("BREAK", "currency, max_uses_total", "'EUR', 2");
        long seen;
        using (var before = await OpenAsync(_host.Key))
        {
            await RedeemAsync("BREAK", await _catalogue.CustomerAsync(), "b-1");
            seen = (await UntilAsync(before, "coupon_used", 1))[coupon].GetProperty("seq").GetInt64();
            before.Abort();
        }

        await RedeemAsync("BREAK", await _catalogue.CustomerAsync(), "b-2");
        using var after = await OpenAsync(_host.Key, seen);
        var caughtUp = (await UntilAsync(after, "limit_reached", 1))[coupon];
        Assert.Equal("limit_reached", caughtUp.GetProperty("coupon").GetProperty("status").GetString());
        Assert.Equal(2, caughtUp.GetProperty("coupon").GetProperty("usage_count").GetInt64());
    }

    [Fact]
    public async Task An_unusual_number_of_uses_is_told_once_to_those_whose_coupon_it_is_and_stands_until_somebody_knows()
    {
        var bakery = Guid.CreateVersion7();
        string[] rights = [Permissions.CouponsRead, Permissions.CouponsWrite];
        var bakeryKey = await _host.KeyAsync(rights, bakery, merchantExists: false);
        var books = Guid.CreateVersion7();
        var booksKey = await _host.KeyAsync(rights, books, merchantExists: false);
        var loaf = await OfMerchantAsync("LOAF", bakery);
        var steady = await OfMerchantAsync("STEADY", bakery);
        var young = await OfMerchantAsync("YOUNG", bakery);
        await _host.Database.ExecuteAsync(
            "update coupons.coupon set created_at = now() - interval '30 days' where id <> $1",
            young
        );
        using var ofBakery = await OpenAsync(bakeryKey);
        using var ofBooks = await OpenAsync(booksKey);

        // The node's own pass may have seen what is changed below, and tell of it after that.
        var watch = _host.Services.GetRequiredService<UnusualWatch>();
        await watch.StopAsync(default);

        // Sixty uses today: of coupons that have two a day, twenty a day, and are new.
        await _host.Database.ExecuteAsync(
            """
            insert into insights.coupon_day (coupon_id, day, currency, channel, redemptions, rolled_back, revenue_minor, discount_minor)
            select c, (now() at time zone 'UTC')::date - d, 'EUR', '',
                case when d = 0 then 60 when c = $1 then 2 else 20 end, 0, 0, 0
            from unnest(array[$1, $2, $3]) c, generate_series(0, 28) d where c <> $3 or d = 0
            """,
            loaf,
            steady,
            young
        );
        await watch.RunOnceAsync(default);
        await watch.RunOnceAsync(default);
        Assert.Equal([loaf], (await UntilAsync(ofBakery, "fraud_detected", 1)).Keys);
        Assert.Equal(["coupon_alert.raised"], await AlertEventsAsync());

        using var client = _host.ClientOf(bakeryKey);
        using var other = _host.ClientOf(booksKey);
        const string path = "/api/v1/insights/alerts";
        var alert = (await _host.GetAsync(path + "?is_open=true", client)).Json.GetProperty("data")[0];
        Assert.Equal(("LOAF", 60, 2m), Of(alert));
        Assert.Equal(0, (await _host.GetAsync(path, other)).Json.GetProperty("data").GetArrayLength());
        var id = alert.GetProperty("id").GetString();
        Assert.Equal(404, (await _host.PostAsync($"{path}/{id}/acknowledge", client: other)).Status);
        var noted = await _host.PostAsync($"{path}/{id}/acknowledge", new { note = "The fair." }, client: client);
        Assert.Equal((200, "The fair."), (noted.Status, noted.Json.GetProperty("acknowledged_note").GetString()));
        var again = await _host.PostAsync($"{path}/{id}/acknowledge");
        Assert.Equal(noted.Body, again.Body);

        // What is not seen any more is over.
        await _host.Database.ExecuteAsync("update insights.coupon_day set redemptions = 1");
        await _host.Database.ExecuteAsync("update insights.alert set seen_at = seen_at - interval '3 minutes'");
        await watch.RunOnceAsync(default);
        Assert.Equal(0, (await _host.GetAsync(path + "?is_open=true")).Json.GetProperty("data").GetArrayLength());
        Assert.Equal(
            ["coupon_alert.raised", "coupon_alert.acknowledged", "coupon_alert.cleared"],
            await AlertEventsAsync()
        );

        // The other shop has heard nothing of all this: the next it hears is of its own.
        var novel = await OfMerchantAsync("NOVEL", books);
        await RedeemAsync("NOVEL", await _catalogue.CustomerAsync(), "n-1");
        Assert.Equal([novel], (await UntilAsync(ofBooks, "coupon_used", 1)).Keys);
    }

    [Fact]
    public async Task A_place_the_log_does_not_have_starts_over()
    {
        using var socket = new ClientWebSocket();
        using var hello = await ConnectAsync(socket, _host.Key, 1_000_000);
        Assert.True(hello.RootElement.GetProperty("reset").GetBoolean());
    }

    [Fact]
    public async Task A_key_that_is_revoked_loses_its_stream()
    {
        var key = await _host.KeyAsync([Permissions.CouponsRead]);
        using var socket = await OpenAsync(key);
        await _host.Database.ExecuteAsync(
            "update access.api_key set revoked_at = clock_timestamp() where name = 'test'"
        );
        var last = await Patience.ForAsync(
            async within =>
            {
                JsonElement last = default;
                while (await ReceiveAsync(socket, within) is { } message)
                {
                    last = message.RootElement;
                }

                return last;
            },
            "the end of a stream whose key is revoked"
        );
        Assert.Equal("session_ended", last.GetProperty("reason").GetString());
        Assert.Equal(WebSocketCloseStatus.PolicyViolation, socket.CloseStatus);
    }

    [Fact]
    public async Task Without_the_right_or_from_a_foreign_page_there_is_no_stream()
    {
        var key = await _host.KeyAsync([Permissions.CampaignsRead]);
        using var lacking = new ClientWebSocket();
        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(lacking, key, null));
        using var foreign = new ClientWebSocket();
        foreign.Options.SetRequestHeader("Origin", "https://example.com");
        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(foreign, _host.Key, null));
        Assert.Equal("stream_expected", (await _host.GetAsync("/ws/coupons")).Code);
    }

    [Fact]
    public async Task Without_sockets_the_same_comes_as_server_sent_events()
    {
        var coupon = await _catalogue.CouponAsync("SENT", "currency", "'EUR'");
        await RedeemAsync("SENT", await _catalogue.CustomerAsync(), "s-1");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/ws/coupons");
        request.Headers.Add("Accept", "text/event-stream");
        request.Headers.Add("Last-Event-ID", "0");
        using var response = await _host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var line = await Patience.ForAsync(
            async within =>
            {
                string? line;
                do
                {
                    line = await reader.ReadLineAsync(within);
                } while (line is not null && !line.Contains("coupon_used", StringComparison.Ordinal));
                return line;
            },
            "a use among the events sent"
        );
        Assert.Contains($"\"coupon_id\":{coupon}", line, StringComparison.Ordinal);
    }

    private Task<List<string>> AlertEventsAsync() =>
        _host.Database.ColumnAsync<string>(
            "select type from platform.event where aggregatetype = 'coupon_alert' order by sequence"
        );

    private static (string? Code, long Measured, decimal Usual) Of(JsonElement alert) =>
        (
            alert.GetProperty("code").GetString(),
            alert.GetProperty("measured").GetInt64(),
            alert.GetProperty("usual").GetDecimal()
        );

    private async Task<long> OfMerchantAsync(string code, Guid merchant) =>
        await _catalogue.CouponAsync(code, "currency, merchant_id", $"'EUR', '{merchant}'");

    private async Task RedeemAsync(string code, Guid customer, string order)
    {
        var reply = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = customer,
                order = new { reference = order, amount = new { amount = 2_000, currency = "EUR" } },
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
    }

    private async Task<ClientWebSocket> OpenAsync(string key, long? after = null)
    {
        var socket = new ClientWebSocket();
        using var hello = await ConnectAsync(socket, key, after);
        Assert.Equal("hello", hello.RootElement.GetProperty("type").GetString());
        return socket;
    }

    private Task<JsonDocument> ConnectAsync(ClientWebSocket socket, string key, long? after)
    {
        socket.Options.SetRequestHeader("Authorization", "Bearer " + key);
        var address = new UriBuilder(_host.Address)
        {
            Scheme = "ws",
            Path = "/ws/coupons",
            Query = after is null ? "" : $"after={after}",
        };
        return Patience.ForAsync(
            async within =>
            {
                await socket.ConnectAsync(address.Uri, within);
                return (await ReceiveAsync(socket, within))!;
            },
            "the first message of a stream"
        );
    }

    /// <summary>Until an event was told so often; the last change of each coupon, with the seq of its message.</summary>
    private static Task<Dictionary<long, JsonElement>> UntilAsync(ClientWebSocket socket, string name, long times) =>
        Patience.ForAsync(within => UntilAsync(socket, name, times, within), $"{name}, {times} times");

    private static async Task<Dictionary<long, JsonElement>> UntilAsync(
        ClientWebSocket socket,
        string name,
        long times,
        CancellationToken within
    )
    {
        var seen = new Dictionary<long, JsonElement>();
        long count = 0;
        while (count < times)
        {
            var message = (await ReceiveAsync(socket, within))!.RootElement;
            if (message.GetProperty("type").GetString() != "changes")
            {
                continue;
            }

            foreach (var change in message.GetProperty("changes").EnumerateArray())
            {
                if (change.GetProperty("events").TryGetProperty(name, out var now))
                {
                    count += now.GetInt64();
                    var noted = JsonSerializer.SerializeToNode(change)!.AsObject();
                    noted["seq"] = message.GetProperty("seq").GetInt64();
                    seen[change.GetProperty("coupon_id").GetInt64()] = JsonSerializer.SerializeToElement(noted);
                }
            }
        }

        return seen;
    }

    /// <summary>The next message; null when the stream was closed.</summary>
    private static async Task<JsonDocument?> ReceiveAsync(ClientWebSocket socket, CancellationToken within)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[8192];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(), within);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            await whole.WriteAsync(buffer.AsMemory(0, part.Count), within);
            if (part.EndOfMessage)
            {
                return JsonDocument.Parse(whole.ToArray());
            }
        }
    }
}
