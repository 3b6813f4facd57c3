using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Bench.Partners;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>The whole way of a unit: a node with all its workers, and a partner over real HTTP.</summary>
[Collection(PostgresCollection.Name)]
public sealed class TimelineTests(PostgresFixture postgres) : IAsyncLifetime
{
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
                    }
                )
        );
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _simulator.DisposeAsync();
    }

    [Fact]
    public async Task A_partner_that_confirmed_an_end_is_told_of_the_later_one_and_the_timeline_shows_both()
    {
        var partner = _simulator.Add("shop", Behaviour.Healthy);
        var made = await _host.PostAsync(
            "/api/v1/connectors",
            new
            {
                name = "Shop",
                kind = "partner_rest",
                address = partner.Address,
                encoding = "batch",
            }
        );
        Assert.True(made.Status == 201, made.Body);
        var given = new Catalogue(_host.Database);
        var coupon = await given.CouponAsync("ENDING", kind: "unique");
        var unit = await given.UnitAsync(coupon, "ENDINGONE", until: "(clock_timestamp() - interval '1 minute')");
        await AcknowledgedAsync(1);
        Assert.False(partner.Enabled[unit]);

        var path = $"/api/v1/expiry/coupons/{coupon}/instances/{unit}/timeline";
        var told = await _host.GetAsync(path);
        Assert.True(told.Status == 200, told.Body);
        Assert.Equal(["ended", "enqueued", "expired"], Words(told, "steps", "step"));
        Assert.Equal(["disable"], Words(told, "partners", "kind"));
        Assert.Equal(["acknowledged"], Words(told, "partners", "state"));
        Assert.Equal(
            "ok",
            told.Json.GetProperty("partners")[0].GetProperty("calls")[0].GetProperty("outcome").GetString()
        );
        Assert.InRange(told.Json.GetProperty("seconds_to_acknowledged").GetDouble(), 60, 120);

        // After the acknowledgement (EXP-07, R-10): the window is opened again, and the partner has to know its new end.
        var end = await _host.Database.ScalarAsync<DateTime>(
            "select date_trunc('second', clock_timestamp() + interval '2 days')"
        );
        var extended = await _host.PostAsync(
            "/api/v1/expiry/changes",
            new
            {
                action = "extend",
                reason = "The shop was closed for a week",
                valid_until = end,
                @override = true,
                coupon_id = coupon,
                instance_ids = (long[])[unit],
            }
        );
        Assert.True(extended.Status == 200, extended.Body);
        await AcknowledgedAsync(2);
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

        var again = await _host.GetAsync(path);
        Assert.Equal(["disable", "enable"], Words(again, "partners", "kind"));
        Assert.Equal(["acknowledged", "acknowledged"], Words(again, "partners", "state"));
        Assert.Equal(
            404,
            (await _host.GetAsync($"/api/v1/expiry/coupons/{coupon}/instances/{unit + 1}/timeline")).Status
        );
    }

    private static IEnumerable<string?> Words(Reply reply, string list, string name) =>
        reply.Json.GetProperty(list).EnumerateArray().Select(i => i.GetProperty(name).GetString());

    private async Task AcknowledgedAsync(int count)
    {
        for (var i = 0; i < 400; i++)
        {
            if (
                await _host.Database.ScalarAsync<long>(
                    "select count(*) from connectors.command where state = 'acknowledged'"
                ) >= count
            )
            {
                return;
            }

            await Task.Delay(50);
        }

        Assert.Fail("The partner was not told.");
    }
}
