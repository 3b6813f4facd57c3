using System.Text;
using System.Text.Json;
using Tessera.Bench.Partners;
using Tessera.Server.Access;
using Tessera.Server.Connectors;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>Events on their way to subscribers, by Standard Webhooks over real HTTP.</summary>
[Collection(PostgresCollection.Name)]
public sealed class WebhookTests(PostgresFixture postgres) : PartnerTests(postgres)
{
    private const string Path = "/api/v1/webhooks";

    [Fact]
    public async Task A_subscriber_gets_the_events_it_asked_for_signed_and_whole()
    {
        var (id, receiver, secret) = await SubscribeAsync("warehouse", Behaviour.Healthy, "merchant.*");
        await Host.PostAsync("/api/v1/merchants", new { name = "M" });
        await Host.PostAsync("/api/v1/customers", new { external_id = "C" });
        await UntilAsync("delivered", 1);
        Assert.Equal(1, receiver.Calls);
        var body = JsonDocument.Parse(receiver.LastBody).RootElement;
        Assert.Equal("merchant.created", body.GetProperty("type").GetString());
        Assert.Equal("1.0", body.GetProperty("specversion").GetString());
        Assert.Equal(body.GetProperty("id").GetString(), receiver.LastHeaders["webhook-id"]);
        Assert.StartsWith(
            "application/cloudevents+json",
            receiver.LastHeaders["Content-Type"],
            StringComparison.Ordinal
        );
        Assert.True(IsSigned(receiver, secret));

        var rotated = (await Host.PostAsync($"{Path}/{id}/secret")).Json.GetProperty("secret").GetString()!;
        await Host.PostAsync("/api/v1/merchants", new { name = "N" });
        await UntilAsync("delivered", 2);
        Assert.True(IsSigned(receiver, rotated));
        // The old secret signs along, so that a receiver can change over in its own time.
        Assert.True(IsSigned(receiver, secret));
        await Host.Database.ExecuteAsync(
            "update connectors.webhook_secret set valid_until = clock_timestamp() where kind = 'former_signing'"
        );
        await Host.PostAsync("/api/v1/merchants", new { name = "O" });
        await UntilAsync("delivered", 3);
        Assert.False(IsSigned(receiver, secret));
    }

    [Fact]
    public async Task Sums_of_money_are_sent_only_where_somebody_who_may_see_them_said_so()
    {
        var (plain, poor, _) = await SubscribeAsync("plain", Behaviour.Healthy, "campaign.cost_added");
        var (rich, finance, _) = await SubscribeAsync("finance", Behaviour.Healthy, "campaign.cost_added");
        using var writer = Host.ClientOf(await Host.KeyAsync([Permissions.WebhooksWrite, Permissions.WebhooksRead]));
        Task<Reply> PatchAsync(Guid id, object wanted, HttpClient client) =>
            Host.SendAsync(
                HttpMethod.Patch,
                $"{Path}/{id}",
                wanted,
                client: client,
                headers: new Dictionary<string, string> { ["If-Match"] = "*" }
            );
        Assert.Equal("sums_not_yours", (await PatchAsync(rich, new { includes_sums = true }, writer)).Code);
        Assert.True(
            (await PatchAsync(rich, new { includes_sums = true }, Host.Client))
                .Json.GetProperty("includes_sums")
                .GetBoolean()
        );
        Assert.Equal("sums_not_yours", (await PatchAsync(rich, new { url = poor.Address }, writer)).Code);
        Assert.Equal(200, (await PatchAsync(plain, new { name = "still" }, writer)).Status);
        var made = new
        {
            name = "W",
            url = poor.Address,
            includes_sums = true,
        };
        Assert.Equal("sums_not_yours", (await Host.PostAsync(Path, made, client: writer)).Code);

        var campaign = new
        {
            id = "c",
            name = "C",
            start_date = "2026-01-01",
        };
        Assert.Equal(201, (await Host.PostAsync("/api/v1/campaigns", campaign)).Status);
        var cost = new
        {
            day = "2026-01-02",
            amount = new { amount = 4711, currency = "EUR" },
            note = "print",
        };
        Assert.Equal(201, (await Host.PostAsync("/api/v1/campaigns/c/costs", cost)).Status);
        await UntilAsync("delivered", 2);
        Assert.DoesNotContain("4711", poor.LastBody, StringComparison.Ordinal);
        Assert.Contains("\"currency\":\"EUR\"", poor.LastBody, StringComparison.Ordinal);
        Assert.Contains("4711", finance.LastBody, StringComparison.Ordinal);
        // Words stay in the house: an event that has left it can be erased by nobody.
        Assert.DoesNotContain("print", finance.LastBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_sent_before_there_is_a_secret()
    {
        var receiver = Simulator.Add("unsigned", Behaviour.Healthy);
        await Host.PostAsync(Path, new { name = "U", url = receiver.Address });
        var (_, other, _) = await SubscribeAsync("signed", Behaviour.Healthy, "merchant.*");
        await Host.PostAsync("/api/v1/merchants", new { name = "M" });
        await UntilAsync("delivered", 1);
        Assert.Equal((0, 1), (receiver.Calls, other.Calls));
    }

    [Fact]
    public async Task A_delivery_is_tried_again_with_the_same_id_and_can_be_sent_again_by_hand()
    {
        var (id, receiver, _) = await SubscribeAsync("flaky", Behaviour.Failing, "merchant.*");
        // Nobody tries again before the test says so.
        await Host.Database.ExecuteAsync("update connectors.webhook set retries = '{0, 3600}'");
        await Host.PostAsync("/api/v1/merchants", new { name = "M" });
        await Patience.UntilAsync(
            () =>
                Host.Database.ScalarAsync<bool>(
                    "select exists (select from connectors.webhook_delivery where attempts = 1)"
                ),
            "a delivery that fails"
        );
        receiver.Behaviour = Behaviour.Healthy;
        await UntilAsync("delivered", 1, hurry: true);
        var list = await Host.GetAsync($"{Path}/{id}/deliveries");
        var delivery = Assert.Single(list.Json.GetProperty("data").EnumerateArray());
        Assert.Equal(2, delivery.GetProperty("attempts").GetInt32());
        var number = delivery.GetProperty("id").GetInt64();
        var detail = await Host.GetAsync($"{Path}/{id}/deliveries/{number}");
        Assert.Equal(
            ["http_500", "ok"],
            detail
                .Json.GetProperty("attempts")
                .EnumerateArray()
                .Select(static a => a.GetProperty("outcome").GetString())
        );
        var first = receiver.LastHeaders["webhook-id"];
        var resent = await Host.PostAsync($"{Path}/{id}/resends", new { delivery_ids = new[] { number } });
        Assert.Equal(1, resent.Json.GetProperty("count").GetInt32());
        await UntilCalledAsync(receiver, 3);
        Assert.Equal((3, first), (receiver.Calls, receiver.LastHeaders["webhook-id"]));
        var byTime = await Host.PostAsync(
            $"{Path}/{id}/resends",
            new { from = "2030-01-01T00:00:00Z", to = "2031-01-01T00:00:00Z" }
        );
        Assert.Equal(0, byTime.Json.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task A_receiver_that_is_gone_or_fails_for_days_is_switched_off_and_reported()
    {
        var (gone, receiver, _) = await SubscribeAsync("gone", Behaviour.Gone, "merchant.*");
        var (failing, _, _) = await SubscribeAsync("failing", Behaviour.Failing, "merchant.*");
        await Host.Database.ExecuteAsync(
            "update connectors.webhook set failing_since = clock_timestamp() - interval '6 days', failures = 7 where id = $1",
            failing
        );
        await Host.PostAsync("/api/v1/merchants", new { name = "M" });
        const string off = "select count(*) from connectors.webhook where not is_active";
        await Patience.UntilAsync(
            async () => await Host.Database.ScalarAsync<long>(off) == 2,
            "two subscriptions to be switched off"
        );
        var read = await Host.GetAsync($"{Path}/{gone}");
        Assert.Equal("gone", read.Json.GetProperty("disabled_reason").GetString());
        Assert.Equal(
            "failing",
            (await Host.GetAsync($"{Path}/{failing}")).Json.GetProperty("disabled_reason").GetString()
        );
        Assert.Equal(
            2,
            await Host.Database.ScalarAsync<long>("select count(*) from platform.event where type = 'webhook.disabled'")
        );
        receiver.Behaviour = Behaviour.Healthy;
        var on = await Host.SendAsync(
            HttpMethod.Patch,
            $"{Path}/{gone}",
            """{"is_active":true}""",
            headers: new Dictionary<string, string> { ["If-Match"] = read.Header("ETag")! }
        );
        Assert.Null(on.Json.GetProperty("disabled_reason").GetString());
        await UntilAsync("delivered", 1, hurry: true);
    }

    [Fact]
    public async Task A_bad_subscription_is_refused_with_all_that_is_wrong()
    {
        var reply = await Host.PostAsync(
            Path,
            new
            {
                name = "",
                url = "ftp://x",
                events = new[] { "Coupon.Expired" },
                retry_seconds = new[] { -1 },
            }
        );
        Assert.Equal(
            ["events.0", "name", "retry_seconds.0", "url"],
            reply.Errors.Select(static e => e.Field).Order(StringComparer.Ordinal)
        );
    }

    private static bool IsSigned(SimulatedPartner receiver, string secret) =>
        StandardWebhooks.IsSigned(
            [secret],
            receiver.LastHeaders["webhook-id"],
            receiver.LastHeaders["webhook-timestamp"],
            receiver.LastHeaders["webhook-signature"],
            Encoding.UTF8.GetBytes(receiver.LastBody),
            TimeProvider.System.GetUtcNow()
        );

    private async Task<(Guid Id, SimulatedPartner Receiver, string Secret)> SubscribeAsync(
        string name,
        Behaviour behaviour,
        string events
    )
    {
        var receiver = Simulator.Add(name, behaviour);
        var made = await Host.PostAsync(
            Path,
            new
            {
                name,
                url = receiver.Address,
                events = new[] { events },
            }
        );
        Assert.True(made.Status == 201, made.Body);
        var id = made.Json.GetProperty("id").GetGuid();
        var secret = (await Host.PostAsync($"{Path}/{id}/secret")).Json.GetProperty("secret").GetString()!;
        return (id, receiver, secret);
    }

    private Task UntilAsync(string state, int count, bool hurry = false) =>
        Patience.UntilAsync(
            async () =>
            {
                var isThere =
                    await Host.Database.ScalarAsync<long>(
                        "select count(*) from connectors.webhook_delivery where state = $1",
                        state
                    ) >= count;
                if (hurry && !isThere)
                {
                    await Host.Database.ExecuteAsync(
                        "update connectors.webhook_delivery set next_attempt_at = clock_timestamp() where state = 'pending'"
                    );
                }

                return isThere;
            },
            async () =>
            {
                var states = await Host.Database.ColumnAsync<string>(
                    "select event_type || ' ' || state || ' ' || attempts from connectors.webhook_delivery"
                );
                return $"{count} deliveries {state}; they are {string.Join(", ", states)}";
            }
        );
}
