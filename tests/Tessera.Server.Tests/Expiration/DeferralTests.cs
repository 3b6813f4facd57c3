using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Bench.Partners;
using Tessera.Server.Connectors;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Under pressure critical partners go first, and others wait in sight of everybody (EXP-12).</summary>
[Collection(PostgresCollection.Name)]
public sealed class DeferralTests(PostgresFixture postgres) : PartnerTests(postgres)
{
    [Fact]
    public async Task Partners_that_are_not_critical_wait_while_the_sweep_is_behind_and_redemptions_are_blocked_all_the_same()
    {
        var till = await PartnerAsync("till", isCritical: true);
        var mail = await PartnerAsync("mail", isCritical: false);

        // Another node holds a job of an hour ago and does not come on with it.
        await Host.Database.ExecuteAsync(
            """
            with b as (
                insert into expiration.bucket select at, at + interval '1 hour', 1, 'hand', clock_timestamp()
                from date_trunc('hour', clock_timestamp() - interval '5 hours', 'UTC') at returning starts_at
            )
            insert into expiration.job (bucket, from_at, from_id, until_at, until_id, done_at, done_id, planned, created_at, leased_until)
            select starts_at, starts_at, -1, starts_at + interval '1 hour', -1, starts_at, -1, 1, clock_timestamp(), 'infinity' from b
            """
        );
        await Patience.UntilAsync(() => DeferredAsync("mail"), "a partner that waits");
        Assert.False(await DeferredAsync("till"));
        var given = new Catalogue(Host.Database);
        var coupon = await given.CouponAsync("ENDING", kind: "unique");
        await given.UnitAsync(coupon, "ENDINGONE", until: "(clock_timestamp() - interval '1 second')");
        // Until the sweep has begun with its hour, that is behind as well.
        await Patience.UntilAsync(
            () => Host.Database.ScalarAsync<bool>("select exists (select from expiration.batch)"),
            "a unit to be told of"
        );
        await AppendAsync(4711);
        await Patience.UntilAsync(() => Task.FromResult(till.HasApplied(4711)), "a partner to be told");
        Assert.Equal(0, mail.Calls);
        var figures = await Host.GetAsync("/api/v1/connector-figures");
        var waiting = figures.Json.GetProperty("data")[0];
        Assert.Equal("mail", Name(waiting));
        Assert.InRange(waiting.GetProperty("pending").GetInt32(), 1, 2);
        Assert.Equal(JsonValueKind.String, waiting.GetProperty("deferred_at").ValueKind);
        var status = await new PipelineControl(Host.Database.Database).StatusAsync(default);
        Assert.EndsWith(
            "deferred",
            status.Single(static s => s.Name == "partner mail").Value,
            StringComparison.Ordinal
        );

        // What has ended is refused whoever has been told of it.
        var refused = await Host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code = "ENDINGONE",
                customer_id = await given.CustomerAsync(),
                order = new { reference = "o1", amount = new { amount = 1000, currency = "USD" } },
            }
        );
        Assert.Equal(409, refused.Status);

        await Host.Database.ExecuteAsync(
            "update expiration.job set leased_until = null where leased_until = 'infinity'"
        );
        await Patience.UntilAsync(async () => !await DeferredAsync("mail"), "a partner that goes on");
        await Patience.UntilAsync(() => Task.FromResult(mail.HasApplied(4711)), "a partner to be told");
        Assert.Equal(
            ["connector.deferred", "connector.resumed"],
            await Host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'connector_lane' and type ~ 'deferred|resumed' order by sequence"
            )
        );
    }

    [Fact]
    public async Task A_critical_partner_that_waits_for_us_presses_and_one_that_is_sick_or_slow_does_not()
    {
        await PartnerAsync("till", isCritical: true);
        await PartnerAsync("mail", isCritical: false);
        await Host.Database.ExecuteAsync("update connectors.lane set leased_until = 'infinity', leased_by = 'busy'");
        await AppendAsync(4711);
        await Host.Database.ExecuteAsync("update connectors.command set due_at = due_at - interval '40 seconds'");
        await Patience.UntilAsync(() => DeferredAsync("mail"), "a partner that waits");
        foreach (
            var own in (string[])
                ["breaker = 'open'", "failures = 1", "forced = 'open'", "rate = 3", "next_attempt_at = 'infinity'"]
        )
        {
            await Host.Database.ExecuteAsync($"update connectors.lane set {own}");
            await Patience.UntilAsync(async () => !await DeferredAsync("mail"), "a partner that goes on");
            await Host.Database.ExecuteAsync(
                "update connectors.lane set breaker = 'closed', failures = 0, forced = null, rate = null, next_attempt_at = '-infinity'"
            );
            await Patience.UntilAsync(() => DeferredAsync("mail"), "a partner that waits");
        }
    }

    private async Task<SimulatedPartner> PartnerAsync(string name, bool isCritical) =>
        (
            await PartnerAsync(
                name,
                Behaviour.Healthy,
                new { channels = (string[])["elsewhere"], is_critical = isCritical }
            )
        ).Partner;

    private async Task AppendAsync(long unit)
    {
        await using var work = await Host.Database.Database.BeginAsync(default);
        var batch = new CommandBatch(
            CommandKind.Disable,
            null,
            "elsewhere",
            CommandBatch.Instance,
            [unit],
            TimeProvider.System.GetUtcNow()
        );
        await CommandStream.AppendAsync(work, [batch], default);
        await work.CommitAsync(default);
    }

    /// <summary>Looks as the node does every few seconds, and asks the console.</summary>
    private async Task<bool> DeferredAsync(string name)
    {
        var watch = Host.Services.GetServices<IHostedService>().OfType<PressureWatch>().Single();
        await watch.RunOnceAsync(default);
        var figures = await Host.GetAsync("/api/v1/expiry/figures");
        var partner = figures.Json.GetProperty("partners").EnumerateArray().Single(p => Name(p) == name);
        return partner.GetProperty("deferred_at").ValueKind == JsonValueKind.String;
    }

    private static string? Name(JsonElement partner) => partner.GetProperty("name").GetString();
}
