using System.Diagnostics;
using System.Text.Json;
using Tessera.Bench.Partners;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>The whole way of a unit: a node with all its workers, and a partner over real HTTP.</summary>
[Collection(PostgresCollection.Name)]
public sealed class TimelineTests(PostgresFixture postgres) : PartnerTests(postgres)
{
    [Fact]
    public async Task A_partner_that_confirmed_an_end_is_told_of_the_later_one_and_the_timeline_shows_both()
    {
        var (_, partner) = await PartnerAsync("shop", Behaviour.Healthy, new { encoding = "batch" });
        var given = new Catalogue(Host.Database);
        var coupon = await given.CouponAsync("ENDING", kind: "unique");
        var since = Stopwatch.StartNew();
        var unit = await given.UnitAsync(coupon, "ENDINGONE", until: "(clock_timestamp() - interval '1 minute')");
        await UntilCommandsAsync("acknowledged", 1);
        Assert.False(partner.Enabled[unit]);

        var path = $"/api/v1/expiry/coupons/{coupon}/instances/{unit}/timeline";
        var told = await Host.GetAsync(path);
        Assert.True(told.Status == 200, told.Body);
        Assert.Equal(["ended", "enqueued", "expired"], Words(told, "steps", "step"));
        Assert.Equal(["disable"], Words(told, "partners", "kind"));
        Assert.Equal(["acknowledged"], Words(told, "partners", "state"));
        Assert.Equal(
            "ok",
            told.Json.GetProperty("partners")[0].GetProperty("calls")[0].GetProperty("outcome").GetString()
        );
        Assert.InRange(
            told.Json.GetProperty("seconds_to_acknowledged").GetDouble(),
            60,
            60 + since.Elapsed.TotalSeconds
        );

        // Nobody is left to confirm it, which is said once (EXP-07).
        await Patience.UntilAsync(
            async () => IsSettled(told = await Host.GetAsync(path)),
            "an end that all partners have confirmed"
        );
        Assert.Equal(
            """{"kind": "disable", "coupons": 1, "subject": "instance", "partners": 1, "by_people": 0, "confirmed": 1}""",
            await Host.Database.ScalarAsync<string>(
                "select payload::text from platform.event where type = 'connector.batch_settled'"
            )
        );

        // After the acknowledgement (EXP-07, R-10): the window is opened again, and the partner has to know its new end.
        var end = await Host.Database.ScalarAsync<DateTime>(
            "select date_trunc('second', clock_timestamp() + interval '2 days')"
        );
        await ExtendAsync(coupon, unit, end, byOverride: true);
        await UntilCommandsAsync("acknowledged", 2);
        Assert.True(partner.Enabled[unit]);
        using (var body = JsonDocument.Parse(partner.LastBody))
        {
            Assert.Contains(
                body.RootElement.EnumerateObject(),
                p =>
                    p.Value.ValueKind == JsonValueKind.String
                    && p.Value.TryGetDateTimeOffset(out var at)
                    && at == new DateTimeOffset(end, TimeSpan.Zero)
            );
        }

        var again = await Host.GetAsync(path);
        Assert.Equal(["disable", "enable"], Words(again, "partners", "kind"));
        Assert.Equal(["acknowledged", "acknowledged"], Words(again, "partners", "state"));

        // What it was told of an end that has been replaced since stays in sight.
        await ExtendAsync(coupon, unit, end.AddDays(1), byOverride: false);
        await UntilCommandsAsync("acknowledged", 3);
        Assert.Equal(["disable", "enable", "enable"], Words(await Host.GetAsync(path), "partners", "kind"));
        Assert.Equal(
            404,
            (await Host.GetAsync($"/api/v1/expiry/coupons/{coupon}/instances/{unit + 1}/timeline")).Status
        );
    }

    private static bool IsSettled(Reply told) =>
        told.Json.GetProperty("partners")[0].GetProperty("settled_at").ValueKind == JsonValueKind.String;

    private async Task ExtendAsync(long coupon, long unit, DateTime end, bool byOverride)
    {
        var extended = await Host.PostAsync(
            "/api/v1/expiry/changes",
            new
            {
                action = "extend",
                reason = "The shop was closed for a week",
                valid_until = end,
                @override = byOverride,
                coupon_id = coupon,
                instance_ids = (long[])[unit],
            }
        );
        Assert.True(extended.Status == 200, extended.Body);
    }

    private static IEnumerable<string?> Words(Reply reply, string list, string name) =>
        reply.Json.GetProperty(list).EnumerateArray().Select(i => i.GetProperty(name).GetString());
}
