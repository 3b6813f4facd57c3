using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Bench.Partners;
using Tessera.Server.Connectors;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>Commands on their way to partners of every kind, over real HTTP.</summary>
[Collection(PostgresCollection.Name)]
public sealed class DeliveryTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/connectors";

    private readonly string _drop = Directory.CreateTempSubdirectory("tessera-drop-").FullName;
    private TestHost _host = null!;
    private PartnerSimulator _simulator = null!;

    public async Task InitializeAsync()
    {
        _simulator = await PartnerSimulator.StartAsync();
        var database = await postgres.DatabaseAsync();
        _host = await TestHost.StartAsync(
            database,
            builder =>
                builder.Services.AddSingleton(
                    new Settings
                    {
                        ConnectionString = database.ConnectionString,
                        EgressAllow = [IPNetwork.Parse("127.0.0.0/8")],
                        FileDrop = _drop,
                    }
                )
        );
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _simulator.DisposeAsync();
        Directory.Delete(_drop, recursive: true);
    }

    [Fact]
    public async Task A_partner_is_told_in_the_way_it_can_take()
    {
        var single = await PartnerAsync("single", Behaviour.Healthy, new { encoding = "single" });
        var batch = await PartnerAsync("batch", Behaviour.Healthy, new { encoding = "batch", batch_size = 40 });
        var mark = await PartnerAsync("mark", Behaviour.Healthy, new { encoding = "watermark" });
        var past = Now.AddSeconds(-1);
        await AppendAsync(Disable(past, Ids(1, 100)), Disable(past, Ids(500, 3), isEarly: true));
        await UntilAsync("acknowledged", 6);
        Assert.Equal(103, single.Partner.Calls);
        Assert.Equal((103, 0), single.Partner.Count());
        Assert.Equal(4, batch.Partner.Calls);
        Assert.Equal((103, 0), batch.Partner.Count());
        Assert.Equal(1, mark.Partner.Calls);
        // A mark tells of what the partner can know by itself; what ended early is told by id.
        Assert.Equal((3, 0), mark.Partner.Count());
        Assert.Equal(past.ToUnixTimeMilliseconds(), mark.Partner.Mark!.Value.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task What_is_enabled_again_stays_enabled_in_every_encoding()
    {
        var partners = new List<SimulatedPartner>();
        foreach (var encoding in (string[])["single", "batch", "watermark"])
        {
            partners.Add((await PartnerAsync(encoding, Behaviour.Healthy, new { encoding })).Partner);
        }

        await AppendAsync(
            Disable(Now.AddSeconds(-1), Ids(1, 50), isEarly: true),
            new CommandBatch(CommandKind.Enable, null, null, CommandBatch.Instance, Ids(10, 5), Now.AddDays(1))
        );
        await UntilAsync("acknowledged", 6);
        Assert.All(
            partners,
            p =>
            {
                Assert.Equal(Ids(10, 5), p.Enabled.Where(static e => e.Value).Select(static e => e.Key).Order());
                Assert.Equal(50, p.Enabled.Count);
            }
        );
    }

    [Fact]
    public async Task A_command_comes_at_its_time_unless_the_partner_can_schedule()
    {
        var now = await PartnerAsync("now", Behaviour.Healthy, new { can_schedule = true });
        var later = await PartnerAsync("later", Behaviour.Healthy, new { can_schedule = false });
        await AppendAsync(Disable(Now.AddHours(2), Ids(1, 5)));
        await UntilAsync("acknowledged", 1);
        Assert.Equal((1, 0), (now.Partner.Calls, later.Partner.Calls));
        Assert.Contains("effective_at", now.Partner.LastBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_attempt_has_the_same_key_and_one_effect()
    {
        var (id, partner) = await PartnerAsync("drop", Behaviour.Dropping);
        await AppendAsync(Disable(Now.AddSeconds(-1), Ids(1, 10)));
        await UntilAsync("acknowledged", 1, hurry: true);
        Assert.Equal(3, partner.Calls);
        Assert.Single(partner.Keys.Distinct());
        Assert.Equal((10, 0), partner.Count());
        Assert.Equal(
            ["connection_failed", "connection_failed", "ok"],
            await _host.Database.ColumnAsync<string>(
                "select outcome from connectors.attempt where connector_id = $1 order by id",
                id
            )
        );
    }

    [Theory]
    [InlineData(Behaviour.Failing, "http_500")]
    [InlineData(Behaviour.Throttling, "http_429")]
    [InlineData(Behaviour.Garbage, "unreadable_answer")]
    [InlineData(Behaviour.Endless, "answer_too_long")]
    [InlineData(Behaviour.Dead, "connection_failed")]
    [InlineData(Behaviour.Slow, "timeout")]
    public async Task A_sick_partner_opens_its_breaker_and_its_work_becomes_a_task(Behaviour behaviour, string reason)
    {
        var well = await PartnerAsync("well", Behaviour.Healthy);
        var (id, partner) = await PartnerAsync(
            "sick",
            behaviour,
            new { timeout_seconds = 1, manual_after_seconds = 2 }
        );
        await AppendAsync(Disable(Now, Ids(1, 10)));
        await UntilAsync("acknowledged", 1);
        Assert.Equal((10, 0), well.Partner.Count());
        await UntilAsync("manual", 1, hurry: true);
        var tasks = await _host.GetAsync("/api/v1/connector-tasks");
        var task = Assert.Single(tasks.Json.GetProperty("data").EnumerateArray());
        Assert.Equal("undelivered: " + reason, task.GetProperty("cause").GetString());
        Assert.Equal(id.ToString(), task.GetProperty("connector_id").GetString());
        Assert.True(partner.Calls >= 2);
        Assert.True(partner.Count().Twice == 0);
    }

    [Fact]
    public async Task A_refusal_goes_to_people_at_once_and_holds_up_nothing()
    {
        var (id, partner) = await PartnerAsync("no", Behaviour.Refusing);
        await AppendAsync(Disable(Now, Ids(1, 10)));
        await UntilAsync("manual", 1);
        Assert.Equal(1, partner.Calls);
        partner.Behaviour = Behaviour.Healthy;
        partner.Rejects = [22];
        await AppendAsync(Disable(Now, Ids(20, 5)));
        await UntilAsync("acknowledged", 1);
        var causes = await _host.Database.ColumnAsync<string>(
            "select cause || ' ' || ids::text from connectors.task where connector_id = $1 order by created_at",
            id
        );
        Assert.Equal(["refused: http_422 {1,2,3,4,5,6,7,8,9,10}", "rejected: unknown coupon {22}"], causes);
    }

    [Fact]
    public async Task A_partner_that_is_well_again_is_told_what_it_missed_once()
    {
        var (id, partner) = await PartnerAsync("again", Behaviour.Failing);
        await AppendAsync(Disable(Now, Ids(1, 10)));
        for (var i = 0; i < 200 && await BreakerAsync(id) != "open"; i++)
        {
            await HurryAsync();
            await Task.Delay(50);
        }

        Assert.Equal("open", await BreakerAsync(id));
        partner.Behaviour = Behaviour.Healthy;
        await UntilAsync("acknowledged", 1, hurry: true);
        Assert.Equal("closed", await BreakerAsync(id));
        Assert.Equal((10, 0), partner.Count());
        var told = await _host.Database.ColumnAsync<string>(
            "select type from platform.event where aggregatetype = 'connector_lane' order by sequence"
        );
        Assert.Equal(["connector.breaker_opened", "connector.breaker_closed"], told);
    }

    [Fact]
    public async Task A_breaker_that_staff_holds_open_lets_no_call_through()
    {
        var (id, partner) = await PartnerAsync("held", Behaviour.Healthy);
        var forced = await _host.PostAsync($"{Path}/{id}/breaker", new { forced = "open", reason = "maintenance" });
        Assert.Equal("open", forced.Json.GetProperty("forced").GetString());
        await AppendAsync(Disable(Now, Ids(1, 10)));
        await Task.Delay(600);
        Assert.Equal(0, partner.Calls);
        await _host.PostAsync($"{Path}/{id}/breaker", new { forced = (string?)null, reason = "over" });
        await UntilAsync("acknowledged", 1);
        Assert.Equal(1, partner.Calls);
    }

    [Fact]
    public async Task Calls_are_signed_and_carry_the_credential_in_the_partners_way()
    {
        var (id, partner) = await PartnerAsync("shop", Behaviour.Healthy, new { kind = "ecommerce" });
        var made = await _host.PostAsync($"{Path}/{id}/signing-secret");
        await _host.PostAsync($"{Path}/{id}/credential", new { credential = "partner-token" });
        var test = await _host.PostAsync($"{Path}/{id}/test-calls");
        Assert.Equal("acknowledged", test.Json.GetProperty("outcome").GetString());
        Assert.Equal("partner-token", partner.LastHeaders["X-Api-Key"]);
        Assert.True(
            StandardWebhooks.IsSigned(
                [made.Json.GetProperty("secret").GetString()!],
                partner.LastHeaders["webhook-id"],
                partner.LastHeaders["webhook-timestamp"],
                partner.LastHeaders["webhook-signature"],
                System.Text.Encoding.UTF8.GetBytes(partner.LastBody),
                Now
            )
        );
        await AppendAsync(Disable(Now, [7]));
        await UntilAsync("acknowledged", 1);
        Assert.Contains("\"coupon_ids\":[7]", partner.LastBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_private_address_is_not_called_unless_the_deployment_opened_it()
    {
        foreach (
            var address in (string[])["https://10.1.2.3", "https://[::ffff:192.168.1.1]", "https://169.254.169.254"]
        )
        {
            var made = await _host.PostAsync(
                Path,
                new
                {
                    name = "P",
                    kind = "partner_rest",
                    address,
                }
            );
            var test = await _host.PostAsync($"{Path}/{made.Json.GetProperty("id").GetString()}/test-calls");
            Assert.Equal("address_refused", test.Json.GetProperty("reason").GetString());
        }
    }

    [Fact]
    public async Task A_file_appears_whole_and_the_house_confirms_by_itself()
    {
        await MakeAsync(
            new
            {
                name = "F",
                kind = "file",
                address = "partner/in",
                encoding = "batch",
            }
        );
        await MakeAsync(new { name = "I", kind = "internal" });
        await AppendAsync(Disable(Now, [11, 12]));
        await UntilAsync("acknowledged", 2);
        var file = Assert.Single(Directory.GetFiles(System.IO.Path.Combine(_drop, "partner", "in")));
        var lines = await File.ReadAllLinesAsync(file);
        Assert.Equal("sequence,action,subject,id,at", lines[0]);
        Assert.Contains(",disable,instance,12,", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lane_that_another_node_took_over_writes_nothing()
    {
        var (id, partner) = await PartnerAsync("slow", Behaviour.Slow, new { timeout_seconds = 1 });
        await AppendAsync(Disable(Now, Ids(1, 3)));
        for (var i = 0; i < 100 && partner.Calls == 0; i++)
        {
            await Task.Delay(20);
        }

        await _host.Database.ExecuteAsync(
            "update connectors.lane set fence = fence + 1, leased_until = 'infinity' where connector_id = $1",
            id
        );
        await Task.Delay(1500);
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from connectors.attempt"));
        Assert.Equal(0, await _host.Database.ScalarAsync<int>("select failures from connectors.lane"));
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private static long[] Ids(int first, int count) => [.. Enumerable.Range(first, count).Select(static i => (long)i)];

    private static CommandBatch Disable(DateTimeOffset ends, long[] ids, bool isEarly = false) =>
        new(CommandKind.Disable, null, null, CommandBatch.Instance, ids, ends, isEarly);

    private async Task AppendAsync(params CommandBatch[] batches)
    {
        await using var work = await _host.Database.Database.BeginAsync(default);
        await CommandStream.AppendAsync(work, batches, default);
        await work.CommitAsync(default);
    }

    private async Task<(Guid Id, SimulatedPartner Partner)> PartnerAsync(
        string name,
        Behaviour behaviour,
        object? more = null
    )
    {
        var partner = _simulator.Add(name, behaviour);
        var body = JsonSerializer.SerializeToNode(more ?? new { })!.AsObject();
        body["name"] = name;
        body["address"] = partner.Address;
        body["kind"] ??= "partner_rest";
        return (await MakeAsync(body), partner);
    }

    private async Task<Guid> MakeAsync(object body)
    {
        var made = await _host.PostAsync(Path, JsonSerializer.Serialize(body));
        Assert.True(made.Status == 201, made.Body);
        return made.Json.GetProperty("id").GetGuid();
    }

    private Task<string> BreakerAsync(Guid id) =>
        _host.Database.ScalarAsync<string>("select breaker from connectors.lane where connector_id = $1", id);

    /// <summary>The pauses between attempts are over.</summary>
    private Task HurryAsync() =>
        _host.Database.ExecuteAsync(
            "update connectors.lane set next_attempt_at = clock_timestamp() where leased_by is null"
        );

    private async Task UntilAsync(string state, int count, bool hurry = false)
    {
        for (var i = 0; i < 400; i++)
        {
            if (
                await _host.Database.ScalarAsync<long>(
                    "select count(*) from connectors.command where state = $1",
                    state
                ) >= count
            )
            {
                return;
            }

            if (hurry)
            {
                await HurryAsync();
            }

            await Task.Delay(50);
        }

        var states = await _host.Database.ColumnAsync<string>(
            "select state || ' ' || coalesce(error, '') from connectors.command"
        );
        Assert.Fail("The commands are " + string.Join(", ", states));
    }
}
