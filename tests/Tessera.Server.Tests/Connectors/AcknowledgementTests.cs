using System.Globalization;
using System.Text;
using System.Text.Json;
using Tessera.Bench.Partners;
using Tessera.Server.Connectors;
using Tessera.Server.Connectors.Delivery;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>Partners that confirm later, people who work the manual queue, and what the figures say of both.</summary>
[Collection(PostgresCollection.Name)]
public sealed class AcknowledgementTests(PostgresFixture postgres) : PartnerTests(postgres)
{
    private const string Path = "/api/v1/connectors";

    [Theory]
    [InlineData("batch")]
    [InlineData("watermark")]
    public async Task A_callback_confirms_what_was_accepted(string encoding)
    {
        var (id, partner, secret) = await PartnerAsync("later", Behaviour.Accepting, encoding);
        await AppendAsync(1, 10);
        await UntilCommandsAsync("sent", 1);
        var reply = await ConfirmAsync(id, secret, partner.Keys[0], rejected: [3]);
        Assert.True(reply.Status == 200, reply.Body);
        await UntilCommandsAsync("acknowledged", 1);
        Assert.Equal(
            "rejected: sold out {3}",
            await Host.Database.ScalarAsync<string>("select cause || ' ' || ids::text from connectors.task")
        );
        Assert.Equal("already_acknowledged", (await ConfirmAsync(id, secret, partner.Keys[0])).Code);
        Assert.Equal(1, partner.Calls);
    }

    [Fact]
    public async Task A_callback_that_is_not_as_agreed_is_refused()
    {
        var (id, partner, secret) = await PartnerAsync("strict", Behaviour.Accepting);
        var (other, _, otherSecret) = await PartnerAsync("other", Behaviour.Accepting);
        await AppendAsync(1, 10);
        await UntilCommandsAsync("sent", 2);
        var key = partner.Keys[0];
        foreach (
            var wrong in (Task<Reply>[])
                [
                    Host.PostAsync($"{Path}/{id}/acknowledgements", new { key }),
                    ConfirmAsync(id, otherSecret, key),
                    ConfirmAsync(Guid.CreateVersion7(), secret, key),
                    ConfirmAsync(id, secret, key, secondsAgo: 301),
                    // The clock goes on meanwhile; the limit itself stands in StandardWebhooksTests.
                    ConfirmAsync(id, secret, key, secondsAgo: -360),
                    ConfirmAsync(id, secret, key, tamper: true),
                ]
        )
        {
            Assert.Equal((401, "signature_invalid"), ((await wrong).Status, (await wrong).Code));
        }

        Assert.Equal((404, "unknown_command"), StatusOf(await ConfirmAsync(id, secret, "c0-0")));
        // Another partner's command is unknown to this one.
        Assert.Equal((404, "unknown_command"), StatusOf(await ConfirmAsync(other, otherSecret, key)));
        Assert.Equal(200, (await ConfirmAsync(id, secret, key, webhookId: "once")).Status);
        Assert.Equal((409, "webhook_replayed"), StatusOf(await ConfirmAsync(id, secret, key, webhookId: "once")));
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select count(*) from connectors.task"));
    }

    [Fact]
    public async Task A_callback_that_does_not_come_is_asked_for_again_under_the_same_key()
    {
        var (id, partner, secret) = await PartnerAsync("mute", Behaviour.Accepting);
        await AppendAsync(1, 10);
        await UntilCommandsAsync("sent", 1);
        await LapseAsync();
        await UntilCalledAsync(partner, 2, hurry: true);

        // The round is written after the call: its time to confirm begins with it.
        await UntilCommandsAsync("sent", 1);
        Assert.Equal(2, partner.Calls);
        Assert.Single(partner.Keys.Distinct());

        // Whoever is late is told so, and not heard by a call that goes on its way meanwhile.
        await RestAsync(id);
        await LapseAsync();
        Assert.Equal((409, "acknowledgement_late"), StatusOf(await ConfirmAsync(id, secret, partner.Keys[0])));

        Task LapseAsync() =>
            Host.Database.ExecuteAsync(
                "update connectors.awaited set expires_at = clock_timestamp() - interval '1 second'"
            );
    }

    [Fact]
    public async Task People_retry_assign_settle_and_drop_what_the_machine_gave_up()
    {
        var (id, partner, _) = await PartnerAsync("no", Behaviour.Refusing, acknowledgement: "sync");
        for (var i = 0; i < 4; i++)
        {
            await AppendAsync(1 + 10 * i, 10);
        }

        await UntilCommandsAsync("manual", 4);
        const string tasks = "/api/v1/connector-tasks";
        var open = (await Host.GetAsync(tasks))
            .Json.GetProperty("data")
            .EnumerateArray()
            .OrderBy(static t => t.GetProperty("position").GetInt64())
            .ToArray();
        Assert.Equal(4, open.Length);
        string IdOf(int place) => open[place].GetProperty("id").GetString()!;
        async Task<int> ActAsync(object body)
        {
            var reply = await Host.PostAsync(tasks + "/actions", body);
            Assert.True(reply.Status == 200, reply.Body);
            return reply.Json.GetProperty("changed").GetInt32();
        }

        Assert.Equal(
            1,
            await ActAsync(
                new
                {
                    action = "assign",
                    ids = new[] { IdOf(0) },
                    assignee = "night shift",
                }
            )
        );
        Assert.Equal(
            1,
            (await Host.GetAsync(tasks + "?assignee=night%20shift")).Json.GetProperty("data").GetArrayLength()
        );
        Assert.Equal(
            1,
            await ActAsync(
                new
                {
                    action = "done",
                    ids = new[] { IdOf(0) },
                    evidence = "by phone",
                }
            )
        );
        Assert.Equal(
            0,
            await ActAsync(
                new
                {
                    action = "done",
                    ids = new[] { IdOf(0) },
                    evidence = "again",
                }
            )
        );
        Assert.Equal(
            1,
            await ActAsync(
                new
                {
                    action = "drop",
                    ids = new[] { IdOf(1) },
                    evidence = "shop closed",
                }
            )
        );
        partner.Behaviour = Behaviour.Healthy;
        Assert.Equal(2, await ActAsync(new { action = "retry", connector_id = id }));
        await UntilCommandsAsync("acknowledged", 2);
        Assert.Equal((20, 0), partner.Count());
        Assert.Equal(6, partner.Keys.Distinct().Count());
        var states = await Host.Database.ColumnAsync<string>("select state from connectors.command order by position");
        Assert.Equal(["done_by_hand", "dropped", "dropped", "dropped", "acknowledged", "acknowledged"], states);
        var wrong = await Host.PostAsync(tasks + "/actions", new { action = "done", ids = new[] { IdOf(0) } });
        Assert.Equal([("evidence", "required")], wrong.Errors);
    }

    [Fact]
    public async Task The_figures_and_the_timeline_tell_how_a_partner_is_doing()
    {
        var (id, _, _) = await PartnerAsync("well", Behaviour.Healthy, acknowledgement: "sync");
        await PartnerAsync("bad", Behaviour.Failing, acknowledgement: "sync");
        await AppendAsync(1, 10);
        await UntilCommandsAsync("acknowledged", 1);
        const string failed = "select count(*) from connectors.lane where last_error is not null";
        await Patience.UntilAsync(async () => await Host.Database.ScalarAsync<long>(failed) > 0, "a call that fails");
        var page = await Host.GetAsync("/api/v1/connector-figures");
        Assert.True(page.Status == 200, page.Body);
        var (bad, well) = (page.Json.GetProperty("data")[0], page.Json.GetProperty("data")[1]);
        Assert.Equal(("bad", "well"), (bad.GetProperty("name").GetString(), well.GetProperty("name").GetString()));
        Assert.Equal((0, 1.0), (well.GetProperty("pending").GetInt32(), well.GetProperty("sla_adherence").GetDouble()));
        Assert.Equal(
            (1, "http_500"),
            (bad.GetProperty("pending").GetInt32(), bad.GetProperty("last_error").GetString())
        );
        Assert.True(bad.GetProperty("lag_seconds").GetDouble() > 0);
        Assert.Equal(0, bad.GetProperty("success_rate").GetDouble());
        var stream = await Host.GetAsync($"{Path}/{id}/commands");
        var command = Assert.Single(stream.Json.GetProperty("data").EnumerateArray());
        Assert.True(command.GetProperty("seconds").GetDouble() >= 0);
        var timeline = await Host.GetAsync($"{Path}/{id}/commands/{command.GetProperty("position")}");
        var attempt = Assert.Single(timeline.Json.GetProperty("attempts").EnumerateArray());
        Assert.Equal(
            ("ok", 200),
            (attempt.GetProperty("outcome").GetString(), attempt.GetProperty("status").GetInt32())
        );
        Assert.Equal(10, timeline.Json.GetProperty("first_ids").GetArrayLength());
    }

    [Fact]
    public async Task A_partner_that_falls_behind_its_service_level_is_reported_once_and_when_it_has_caught_up()
    {
        var (id, _, _) = await PartnerAsync("late", Behaviour.Failing, acknowledgement: "sync");
        await Midnight.TodayAsync();
        await AppendAsync(1, 10);
        await Host.Database.ExecuteAsync("update connectors.command set due_at = due_at - interval '2 minutes'");
        for (var i = 0; i < 2; i++)
        {
            await LaneWatch.RunAsync(Host.Database.Database, default);
        }

        await Host.Database.ExecuteAsync(
            "update connectors.lane set quota_told_on = (clock_timestamp() at time zone 'UTC')::date"
        );
        Assert.Equal([$"partner_late connector:{id}", $"quota_exhausted connector:{id}"], await AlertsAsync());

        await Host.Database.ExecuteAsync("update connectors.command set state = 'dropped'");
        await LaneWatch.RunAsync(Host.Database.Database, default);
        Assert.Equal([$"quota_exhausted connector:{id}"], await AlertsAsync());
        Assert.Equal(
            ["connector.sla_breached", "connector.sla_recovered"],
            await Host.Database.ColumnAsync<string>(
                "select type from platform.event where type like 'connector.sla%' and aggregateid = $1 order by sequence",
                id.ToString()
            )
        );
    }

    private async Task<List<string>> AlertsAsync()
    {
        await using (var work = await Host.Database.Database.BeginAsync(default))
        {
            await Anomalies.CheckAsync(work, default);
            await work.CommitAsync(default);
        }

        var open = (await Host.GetAsync("/api/v1/expiry/alerts?is_open=true")).Json.GetProperty("data");
        return
        [
            .. open.EnumerateArray()
                .Select(static a => $"{a.GetProperty("kind").GetString()} {a.GetProperty("subject").GetString()}")
                .Order(StringComparer.Ordinal),
        ];
    }

    private static (int Status, string? Code) StatusOf(Reply reply) => (reply.Status, reply.Code);

    private async Task<(Guid Id, SimulatedPartner Partner, string Secret)> PartnerAsync(
        string name,
        Behaviour behaviour,
        string encoding = "batch",
        string acknowledgement = "callback"
    )
    {
        var (id, partner) = await PartnerAsync(name, behaviour, new { encoding, acknowledgement });
        var secret = (await Host.PostAsync($"{Path}/{id}/signing-secret")).Json.GetProperty("secret").GetString()!;
        return (id, partner, secret);
    }

    private async Task<Reply> ConfirmAsync(
        Guid id,
        string secret,
        string key,
        long[]? rejected = null,
        int secondsAgo = 0,
        string? webhookId = null,
        bool tamper = false
    )
    {
        var body = JsonSerializer.Serialize(
            new { key, rejected = (rejected ?? []).Select(static r => new { id = r, reason = "sold out" }) }
        );
        var at = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - secondsAgo;
        webhookId ??= Guid.CreateVersion7().ToString();
        var signature = StandardWebhooks.Sign([secret], webhookId, at, Encoding.UTF8.GetBytes(body));
        using var stranger = Host.ClientOf(null);
        return await Host.SendAsync(
            HttpMethod.Post,
            $"{Path}/{id}/acknowledgements",
            tamper ? body + " " : body,
            client: stranger,
            headers: new Dictionary<string, string>
            {
                ["webhook-id"] = webhookId,
                ["webhook-timestamp"] = at.ToString(CultureInfo.InvariantCulture),
                ["webhook-signature"] = signature,
            }
        );
    }

    private async Task AppendAsync(int first, int count)
    {
        await using var work = await Host.Database.Database.BeginAsync(default);
        long[] ids = [.. Enumerable.Range(first, count).Select(static i => (long)i)];
        var now = TimeProvider.System.GetUtcNow();
        await CommandStream.AppendAsync(
            work,
            [new CommandBatch(CommandKind.Disable, null, null, CommandBatch.Instance, ids, now)],
            default
        );
        await work.CommitAsync(default);
    }
}
