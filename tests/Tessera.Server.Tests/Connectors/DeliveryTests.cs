using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Bench.Partners;
using Tessera.Server.Connectors;
using Tessera.Server.Connectors.Delivery;
using Tessera.Server.Tests.Insights;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Connectors;

/// <summary>Commands on their way to partners of every kind, over real HTTP.</summary>
[Collection(PostgresCollection.Name)]
public sealed class DeliveryTests(PostgresFixture postgres) : PartnerTests(postgres)
{
    private const string Path = "/api/v1/connectors";

    private readonly string _drop = Directory.CreateTempSubdirectory("tessera-drop-").FullName;

    private protected override string FileDrop => _drop;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
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
        await UntilCommandsAsync("acknowledged", 6);
        Assert.Equal(103, single.Partner.Calls);
        Assert.Equal((103, 0), single.Partner.Count());
        Assert.Equal(4, batch.Partner.Calls);
        Assert.Equal((103, 0), batch.Partner.Count());
        Assert.Equal(1, mark.Partner.Calls);
        // A mark tells of what the partner can know by itself; what ended early is told by id.
        Assert.Equal((3, 0), mark.Partner.Count());
        Assert.Equal(past.ToUnixTimeMilliseconds(), mark.Partner.Marked.Mark!.Value.ToUnixTimeMilliseconds());
    }

    [Fact]
    public async Task A_partners_figures_are_the_sums_of_the_rows_they_lead_to()
    {
        // The calls of a quota are those of a day.
        await Midnight.TodayAsync();
        var (id, partner) = await PartnerAsync(
            "single",
            Behaviour.Healthy,
            new { encoding = "single", sla_seconds = 3600 }
        );
        await AppendAsync(
            Disable(Now.AddSeconds(-1), Ids(1, 40)),
            Disable(Now.AddSeconds(-1), Ids(100, 3), isEarly: true)
        );
        await UntilCommandsAsync("acknowledged", 2);
        partner.Behaviour = Behaviour.Refusing;
        await AppendAsync(Disable(Now.AddSeconds(-1), Ids(200, 2)));
        await UntilCommandsAsync("manual", 1);
        partner.Behaviour = Behaviour.Failing;
        await AppendAsync(Disable(Now.AddSeconds(-1), Ids(300, 1)), Disable(Now.AddHours(3), Ids(400, 1)));
        await UntilFailedAsync(id);
        // What is on its way is tried again and again: the figures are compared once nobody calls any more.
        await RestAsync(id);

        var figures = (await Host.GetAsync("/api/v1/connector-figures")).Json.GetProperty("data")[0];
        long Of(string name) => figures.GetProperty(name).GetInt64();
        var measured = figures.GetProperty("measured_at").GetDateTimeOffset();
        string To(TimeSpan span) => $"from={Stamp(measured - span)}&to={Stamp(measured)}";
        var calls = await CallsAsync(id, To(TimeSpan.FromHours(1)));
        var failed = await CallsAsync(id, To(TimeSpan.FromHours(1)) + "&result=failed");
        Assert.Equal((Of("calls"), Of("failed_calls")), calls);
        Assert.Equal((Of("failed_calls"), Of("failed_calls")), failed);
        Assert.True(failed.Calls > 0);
        Assert.Equal(partner.Calls, calls.Calls);
        Assert.Equal(calls.Calls, Of("quota_used"));
        var share = figures.GetProperty("success_rate").GetDouble();
        Assert.Equal((calls.Calls - failed.Calls) / (double)calls.Calls, share, 4);

        Assert.Equal(Of("pending"), await CommandsAsync(id, "state=pending&due=true"));
        Assert.Equal(1, Of("pending"));
        Assert.Equal(2, await CommandsAsync(id, "state=pending"));
        Assert.Equal(Of("awaiting_callback"), await CommandsAsync(id, "state=sent"));
        Assert.Equal(
            Of("judged_commands"),
            await CommandsAsync(id, To(TimeSpan.FromDays(1)) + "&service_level=met,missed")
        );
        Assert.Equal(2, await CommandsAsync(id, To(TimeSpan.FromDays(1)) + "&service_level=met"));
        Assert.Equal(400, (await Host.GetAsync($"{Path}/{id}/commands?service_level=perhaps")).Status);
        Assert.Equal(400, (await Host.GetAsync($"{Path}/{id}/calls?result=perhaps&from=never")).Status);
        foreach (var list in (string[])["calls", "calls/totals", "commands/totals"])
        {
            Assert.Equal(404, (await Host.GetAsync($"{Path}/{Guid.CreateVersion7()}/{list}")).Status);
        }
    }

    private static string Stamp(DateTimeOffset at) => Uri.EscapeDataString(at.ToString("O"));

    /// <summary>For how many calls the rows of all pages stand, and how many of them failed; their totals say the same.</summary>
    private async Task<(long Calls, long Failed)> CallsAsync(Guid id, string filter)
    {
        var rows = await Drilldown.RowsAsync(Host, $"{Path}/{id}/calls?{filter}");
        long Sum(IEnumerable<JsonElement> some) => some.Sum(static row => row.GetProperty("calls").GetInt64());
        var found = (Sum(rows), Sum(rows.Where(static row => row.GetProperty("outcome").GetString() != "ok")));
        var totals = (await Host.GetAsync($"{Path}/{id}/calls/totals?{filter}")).Json;
        Assert.Equal(found, (totals.GetProperty("calls").GetInt64(), totals.GetProperty("failed").GetInt64()));
        return found;
    }

    private async Task<long> CommandsAsync(Guid id, string filter)
    {
        var rows = await Drilldown.RowsAsync(Host, $"{Path}/{id}/commands?{filter}");
        var totals = await Host.GetAsync($"{Path}/{id}/commands/totals?{filter}");
        Assert.Equal(rows.Count, totals.Json.GetProperty("count").GetInt64());
        return rows.Count;
    }

    private Task UntilFailedAsync(Guid id)
    {
        const string sql =
            "select exists (select from connectors.attempt where connector_id = $1 and outcome = 'http_500')";
        return Patience.UntilAsync(() => Host.Database.ScalarAsync<bool>(sql, id), "a call that fails");
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
        await UntilCommandsAsync("acknowledged", 6);
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
        await UntilCommandsAsync("acknowledged", 1);
        Assert.Equal((1, 0), (now.Partner.Calls, later.Partner.Calls));
        Assert.Contains("effective_at", now.Partner.LastBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_attempt_has_the_same_key_and_one_effect()
    {
        var (id, partner) = await PartnerAsync("drop", Behaviour.Dropping);
        await AppendAsync(Disable(Now.AddSeconds(-1), Ids(1, 10)));
        await UntilCommandsAsync("acknowledged", 1, hurry: true);
        Assert.Equal(3, partner.Calls);
        Assert.Single(partner.Keys.Distinct());
        Assert.Equal((10, 0), partner.Count());
        Assert.Equal(
            ["connection_failed", "connection_failed", "ok"],
            await Host.Database.ColumnAsync<string>(
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
        // Who is slow is slower than anybody waits; the others have all the time to be sick in their way.
        var (id, partner) = await PartnerAsync(
            "sick",
            behaviour,
            new { timeout_seconds = behaviour == Behaviour.Slow ? 1 : 15 }
        );
        await AppendAsync(Disable(Now, Ids(1, 10)));
        await UntilCommandsAsync("acknowledged", 1);
        Assert.Equal((10, 0), well.Partner.Count());
        await UntilCalledAsync(partner, 3, hurry: true);
        await Patience.UntilAsync(async () => await BreakerAsync(id) == "open", "a breaker that opens");
        await Host.Database.ExecuteAsync("update connectors.connector set manual_after_seconds = 1 where id = $1", id);
        await UntilCommandsAsync("manual", 1, hurry: true);
        var tasks = await Host.GetAsync("/api/v1/connector-tasks");
        var task = Assert.Single(tasks.Json.GetProperty("data").EnumerateArray());
        Assert.Equal("undelivered: " + reason, task.GetProperty("cause").GetString());
        Assert.Equal(id.ToString(), task.GetProperty("connector_id").GetString());
        Assert.Equal(0, partner.Count().Twice);
    }

    [Fact]
    public async Task A_refusal_goes_to_people_at_once_and_holds_up_nothing()
    {
        var (id, partner) = await PartnerAsync("no", Behaviour.Refusing);
        await AppendAsync(Disable(Now, Ids(1, 10)));
        await UntilCommandsAsync("manual", 1);
        Assert.Equal(1, partner.Calls);
        partner.Behaviour = Behaviour.Healthy;
        partner.Rejects = [22];
        await AppendAsync(Disable(Now, Ids(20, 5)));
        await UntilCommandsAsync("acknowledged", 1);
        var causes = await Host.Database.ColumnAsync<string>(
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
        await Patience.UntilAsync(
            async () =>
            {
                await HurryAsync();
                return await BreakerAsync(id) == "open";
            },
            "a breaker that opens"
        );
        partner.Behaviour = Behaviour.Healthy;
        await UntilCommandsAsync("acknowledged", 1, hurry: true);
        Assert.Equal("closed", await BreakerAsync(id));
        Assert.Equal((10, 0), partner.Count());
        var told = await Host.Database.ColumnAsync<string>(
            "select type from platform.event where aggregatetype = 'connector_lane' order by sequence"
        );
        Assert.Equal(["connector.breaker_opened", "connector.breaker_closed"], told);
    }

    [Fact]
    public async Task A_breaker_that_staff_holds_open_lets_no_call_through()
    {
        var (id, partner) = await PartnerAsync("held", Behaviour.Healthy);
        var forced = await Host.PostAsync($"{Path}/{id}/breaker", new { forced = "open", reason = "maintenance" });
        Assert.Equal("open", forced.Json.GetProperty("forced").GetString());
        await AppendAsync(Disable(Now, Ids(1, 10)));
        await Task.Delay(600);
        Assert.Equal(0, partner.Calls);
        await Host.PostAsync($"{Path}/{id}/breaker", new { forced = (string?)null, reason = "over" });
        await UntilCommandsAsync("acknowledged", 1);
        Assert.Equal(1, partner.Calls);
    }

    [Fact]
    public async Task Calls_are_signed_and_carry_the_credential_in_the_partners_way()
    {
        var (id, partner) = await PartnerAsync("shop", Behaviour.Healthy, new { kind = "ecommerce" });
        var made = await Host.PostAsync($"{Path}/{id}/signing-secret");
        await Host.PostAsync($"{Path}/{id}/credential", new { credential = "partner-token" });
        var test = await Host.PostAsync($"{Path}/{id}/test-calls");
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
        await UntilCommandsAsync("acknowledged", 1);
        Assert.Contains("\"coupon_ids\":[7]", partner.LastBody, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_private_address_is_not_called_unless_the_deployment_opened_it()
    {
        foreach (
            var address in (string[])["https://10.1.2.3", "https://[::ffff:192.168.1.1]", "https://169.254.169.254"]
        )
        {
            var made = await Host.PostAsync(
                Path,
                new
                {
                    name = "P",
                    kind = "partner_rest",
                    address,
                }
            );
            var test = await Host.PostAsync($"{Path}/{made.Json.GetProperty("id").GetString()}/test-calls");
            Assert.Equal("address_refused", test.Json.GetProperty("reason").GetString());
        }
    }

    [Fact]
    public async Task A_file_appears_whole_and_the_house_confirms_by_itself()
    {
        await ConnectorAsync(
            new
            {
                name = "F",
                kind = "file",
                address = "partner/in",
                encoding = "batch",
            }
        );
        await ConnectorAsync(new { name = "I", kind = "internal" });
        await AppendAsync(Disable(Now, [11, 12]));
        await UntilCommandsAsync("acknowledged", 2);
        var file = Assert.Single(Directory.GetFiles(System.IO.Path.Combine(_drop, "partner", "in")));
        var lines = await File.ReadAllLinesAsync(file);
        Assert.Equal("sequence,action,subject,id,at", lines[0]);
        Assert.Contains(",disable,instance,12,", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lane_that_another_node_took_over_writes_nothing()
    {
        var (id, partner) = await PartnerAsync("slow", Behaviour.Healthy, new { timeout_seconds = 15 });
        var answering = new TaskCompletionSource();
        partner.Answering = answering.Task;
        await AppendAsync(Disable(Now, Ids(1, 3)));
        await UntilCalledAsync(partner, 1);
        await Host.Database.ExecuteAsync(
            "update connectors.lane set fence = fence + 1, leased_until = 'infinity' where connector_id = $1",
            id
        );
        answering.SetResult();
        await Host.Services.GetServices<IHostedService>().OfType<DeliveryWorker>().Single().DrainAsync(default);
        Assert.Equal((3, 0), partner.Count());
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select count(*) from connectors.attempt"));
        Assert.Equal(0, await Host.Database.ScalarAsync<int>("select failures from connectors.lane"));
    }

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private static long[] Ids(int first, int count) => [.. Enumerable.Range(first, count).Select(static i => (long)i)];

    private static CommandBatch Disable(DateTimeOffset ends, long[] ids, bool isEarly = false) =>
        new(CommandKind.Disable, null, null, CommandBatch.Instance, ids, ends, isEarly);

    private async Task AppendAsync(params CommandBatch[] batches)
    {
        await using var work = await Host.Database.Database.BeginAsync(default);
        await CommandStream.AppendAsync(work, batches, default);
        await work.CommitAsync(default);
    }

    [Fact]
    public async Task A_partner_whose_calls_of_the_day_are_used_up_waits_until_the_next_and_it_is_told_once()
    {
        await Midnight.TodayAsync();
        var (id, partner) = await PartnerAsync(
            "small",
            Behaviour.Healthy,
            new { encoding = "single", quota_per_day = 2 }
        );
        var well = await PartnerAsync("well", Behaviour.Healthy);
        await AppendAsync(Disable(Now.AddSeconds(-1), Ids(1, 5)));
        const string told = "select count(*) from platform.event where type = 'connector.quota_exhausted'";
        await Patience.UntilAsync(
            async () => await Host.Database.ScalarAsync<long>(told) > 0,
            "a quota that is used up"
        );

        // It is asked again, and says nothing more.
        const string asked = "select fence from connectors.lane where connector_id = $1 and leased_by is null";
        await Patience.UntilAsync(
            async () => (await Host.Database.ColumnAsync<long>(asked, id)).Count == 1,
            "a lane nobody works"
        );
        var fence = await Host.Database.ScalarAsync<long>(asked, id);
        await HurryAsync();
        await Patience.UntilAsync(
            async () => (await Host.Database.ColumnAsync<long>(asked, id)).Exists(now => now > fence),
            "a lane that was asked again"
        );
        await UntilCommandsAsync("acknowledged", 1);
        Assert.Equal(1, await Host.Database.ScalarAsync<long>(told));
        Assert.Equal(2, partner.Calls);
        Assert.Equal((5, 0), well.Partner.Count());
        Assert.True(
            await Host.Database.ScalarAsync<bool>(
                """
                select next_attempt_at = date_trunc('day', clock_timestamp(), 'UTC') + interval '1 day'
                from connectors.lane where connector_id = $1
                """,
                id
            )
        );
    }

    [Fact]
    public async Task A_test_call_shows_what_the_partner_answers_and_changes_nothing()
    {
        var (id, partner) = await PartnerAsync("tried", Behaviour.Healthy, new { timeout_seconds = 15 });
        var good = await Host.PostAsync($"{Path}/{id}/test-calls", idempotencyKey: "once");
        Assert.Equal((200, "ok"), (good.Status, good.Json.GetProperty("reason").GetString()));
        Assert.Equal(good.Body, (await Host.PostAsync($"{Path}/{id}/test-calls", idempotencyKey: "once")).Body);
        Assert.Equal(1, partner.Calls);

        // While the partner takes its time, nothing is held.
        var answering = new TaskCompletionSource();
        partner.Answering = answering.Task;
        var slow = Host.PostAsync($"{Path}/{id}/test-calls");
        await UntilCalledAsync(partner, 2);

        // Others come and go: a transaction that is older than the call does not.
        var called = await Host.Database.ScalarAsync<DateTime>("select clock_timestamp()");
        const string older =
            "select not exists (select from pg_stat_activity where datname = current_database() and xact_start < $1)";
        await Patience.UntilAsync(
            () => Host.Database.ScalarAsync<bool>(older, called),
            "the end of transactions that are older than a call"
        );
        Assert.False(slow.IsCompleted);
        answering.SetResult();
        Assert.Equal("ok", (await slow).Json.GetProperty("reason").GetString());

        // It takes longer than anybody waits.
        partner.Behaviour = Behaviour.Slow;
        await PatienceAsync(1);
        var late = await Host.PostAsync($"{Path}/{id}/test-calls");
        Assert.Equal((200, "timeout"), (late.Status, late.Json.GetProperty("reason").GetString()));
        await PatienceAsync(15);
        partner.Behaviour = Behaviour.Failing;
        var bad = await Host.PostAsync($"{Path}/{id}/test-calls");
        Assert.Equal((200, "http_500"), (bad.Status, bad.Json.GetProperty("reason").GetString()));
        Assert.Equal((0, 0), partner.Count());
        Assert.Equal("closed", await BreakerAsync(id));

        Task PatienceAsync(int seconds) =>
            Host.Database.ExecuteAsync(
                "update connectors.connector set timeout_seconds = $2 where id = $1",
                id,
                seconds
            );
    }

    private Task<string> BreakerAsync(Guid id) =>
        Host.Database.ScalarAsync<string>("select breaker from connectors.lane where connector_id = $1", id);
}
