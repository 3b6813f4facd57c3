using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Insights;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

/// <summary>From the view of a coupon to the booking that took place (MET-02, RED-15), and that every page says the same.</summary>
[Collection(PostgresCollection.Name)]
public sealed class FunnelTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private Catalogue _catalogue = null!;
    private Guid _customer;

    public async Task InitializeAsync()
    {
        await Midnight.TodayAsync();
        _host = await TestHost.StartAsync(postgres);
        _catalogue = new Catalogue(_host.Database);
        _customer = await _catalogue.CustomerAsync();
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Each_step_from_view_to_completed_booking_equals_its_source_records_on_every_page()
    {
        var merchant = Guid.CreateVersion7();
        var key = await _host.KeyAsync(
            [Permissions.CouponsRead, Permissions.RedemptionsRead, Permissions.FinanceRead],
            merchant,
            merchantExists: false
        );
        var coupon = await _catalogue.CouponAsync(
            "TALK",
            "max_uses_per_user, max_uses_total, merchant_id",
            $"10, 6, '{merchant}'"
        );
        var other = await _catalogue.CouponAsync("OTHER");

        // A report that is sent twice counts once.
        var report = new
        {
            views = new object[]
            {
                new
                {
                    coupon_id = coupon,
                    count = 40,
                    channel = "app",
                },
                new { coupon_id = other },
            },
        };
        var sent = Guid.CreateVersion7().ToString();
        Assert.Equal(202, (await _host.PostAsync("/api/v1/insights/views", report, sent)).Status);
        Assert.Equal(202, (await _host.PostAsync("/api/v1/insights/views", report, sent)).Status);
        Assert.Equal(202, (await _host.PostAsync("/api/v1/insights/views", report)).Status);
        await Settled.UntilCountedAsync(_host);

        var lapses = await ReserveAsync("o-1");
        Assert.Equal(200, (await _host.PostAsync($"/api/v1/reservations/{lapses}/release")).Status);
        var held = await ReserveAsync("o-2");
        var first = await RedeemAsync("o-2", held);
        var second = await RedeemAsync("o-3");
        var third = await RedeemAsync("o-4");
        var fourth = await RedeemAsync("o-5");
        await _host.Database.ExecuteAsync(
            "insert into access.channel (id, name, kind, location) values ('app', 'App', 'app', 'Vienna')"
        );
        await RedeemAsync("o-6", channel: "app");
        await RedeemAsync("o-7", channel: "app");
        var refused = await _host.PostAsync("/api/v1/redemptions", Attempt("o-8"));
        Assert.Equal((409, "limit_reached"), (refused.Status, refused.Code));

        // Told out of order, the later word stays; a second one adds what the first left out.
        Assert.Equal("completed", await BookedAsync(first, "completed", 10));
        Assert.Equal("completed", await BookedAsync(first, "pending", 5));
        Assert.Equal("completed", await BookedAsync(first, "completed", 20, attended: true));
        Assert.Equal("completed", await BookedAsync(second, "completed", 10, attended: false));
        Assert.Equal("completed", await BookedAsync(third, "completed", 10, attended: true));
        Assert.Equal("cancelled", await BookedAsync(fourth, "cancelled", 10));
        var back = await _host.PostAsync($"/api/v1/redemptions/{third}/rollback", new { reason = "returned" });
        Assert.Equal(201, back.Status);
        var late = await TellAsync(third, "cancelled", 30, null);
        Assert.Equal((409, "redemption_rolled_back"), (late.Status, late.Code));
        await Settled.UntilCountedAsync(_host);
        await SourceRecords.AssertEqualAsync(_host.Database);

        // Six redeemed, one of them given back; one refused; one held and let go.
        var steps = new[] { "viewed 80", "tried 8", "redeemed 6", "booked 4", "completed 2" };
        foreach (var funnel in new[] { await FunnelAsync($"?coupon_id={coupon}"), await FunnelAsync("", key) })
        {
            Assert.Equal(steps, StepsOf(funnel));
            Assert.Equal(0.8333m, funnel.GetProperty("conversion_rate").GetDecimal());
            Assert.Equal(0.5m, funnel.GetProperty("booking_rate").GetDecimal());
            Assert.Equal(0.5m, funnel.GetProperty("attendance_rate").GetDecimal());
        }

        Assert.Equal("viewed 82", StepsOf(await FunnelAsync("")).First());
        await Settled.UntilTotalledAsync(_host);
        await AssertSameEverywhereAsync(coupon, key);
        await AssertRowsAsync(coupon, key);

        await _host.Services.GetRequiredService<Rollup>().RebuildAsync(CancellationToken.None);
        await Settled.UntilCountedAsync(_host);
        await SourceRecords.AssertEqualAsync(_host.Database);
        Assert.Equal(steps, StepsOf(await FunnelAsync("", key)));
    }

    [Fact]
    public async Task Views_and_bookings_that_cannot_be_are_refused_with_every_field()
    {
        var coupon = await _catalogue.CouponAsync("SEEN");
        var bad = await _host.PostAsync(
            "/api/v1/insights/views",
            new
            {
                views = new object[]
                {
                    new { coupon_id = coupon },
                    new { coupon_id = 98765 },
                    new { coupon_id = coupon, count = 3 },
                },
            }
        );
        Assert.Equal([("views.1.coupon_id", "unknown_coupon")], bad.Errors);
        Assert.Equal(
            [("colour", "unknown_member"), ("views.0.count", "out_of_range"), ("views.1.coupon_id", "required")],
            (
                await _host.PostAsync(
                    "/api/v1/insights/views",
                    new
                    {
                        colour = 1,
                        views = new object[] { new { coupon_id = coupon, count = 0 }, new { count = 2 } },
                    }
                )
            ).Errors.Order()
        );
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from insights.view_day"));

        // A key for one channel reports no other's; a merchant's key knows no other's coupon.
        var web = await _host.KeyAsync([Permissions.RedemptionsValidate], channels: ["web"]);
        using var channel = _host.ClientOf(web);
        Assert.Equal(
            403,
            (
                await _host.PostAsync(
                    "/api/v1/insights/views",
                    new { views = new[] { new { coupon_id = coupon } } },
                    client: channel
                )
            ).Status
        );
        var merchant = await _host.KeyAsync(
            [Permissions.RedemptionsValidate, Permissions.IngestionWrite],
            Guid.CreateVersion7(),
            merchantExists: false
        );
        using var foreign = _host.ClientOf(merchant);
        Assert.Equal(
            [("views.0.coupon_id", "unknown_coupon")],
            (
                await _host.PostAsync(
                    "/api/v1/insights/views",
                    new { views = new[] { new { coupon_id = coupon } } },
                    client: foreign
                )
            ).Errors
        );

        var redemption = await RedeemAsync("o-1", code: "SEEN");
        var word = new { status = "completed", occurred_at = "2027-01-01T10:00:00Z" };
        Assert.Equal(
            404,
            (await _host.PostAsync($"/api/v1/redemptions/{redemption}/booking", word, client: foreign)).Status
        );
        var wrong = await _host.PostAsync(
            $"/api/v1/redemptions/{redemption}/booking",
            new
            {
                status = "cancelled",
                attended = true,
                occurred_at = "soon",
            }
        );
        Assert.Equal([("attended", "not_completed"), ("occurred_at", "not_an_instant")], wrong.Errors.Order());
    }

    /// <summary>The figures of the coupon and of its merchant on each page are recomputed from the records (MET-24).</summary>
    private async Task AssertSameEverywhereAsync(long coupon, string merchantKey)
    {
        const string source = """
            select json_build_object('redemptions', count(*), 'revenue',
                    coalesce(sum(order_minor - discount_minor) filter (where rolled_back_at is null), 0) / 100.0,
                'discounts', coalesce(sum(discount_minor) filter (where rolled_back_at is null), 0) / 100.0,
                'conversion', round((count(*) - (select count(*) from redemptions.rollback k join redemptions.redemption g
                            on g.id = k.redemption_id where g.coupon_id = $1 and k.use_returned))::numeric
                    / (count(*) - (select count(*) from redemptions.rollback k join redemptions.redemption g
                            on g.id = k.redemption_id where g.coupon_id = $1 and k.use_returned)
                        + (select count(*) from redemptions.refusal where coupon_id = $1)), 4))::text
            from redemptions.redemption where coupon_id = $1
            """;
        using var expected = JsonDocument.Parse(await _host.Database.ScalarAsync<string>(source, coupon));
        (decimal Redemptions, decimal Revenue, decimal Discounts, decimal Conversion) Of(
            JsonElement figures,
            string redemptions,
            string revenue,
            string? discounts,
            string conversion
        ) =>
            (
                figures.GetProperty(redemptions).GetDecimal(),
                figures.GetProperty(revenue).GetDecimal(),
                discounts is null
                    ? expected.RootElement.GetProperty("discounts").GetDecimal()
                    : figures.GetProperty(discounts).GetDecimal(),
                figures.GetProperty(conversion).GetDecimal()
            );

        var wanted = Of(expected.RootElement, "redemptions", "revenue", "discounts", "conversion");
        using var client = _host.ClientOf(merchantKey);
        var summary = (await _host.GetAsync("/api/v1/admin/coupons/analytics/summary", client)).Json;
        var overview = summary.GetProperty("overview");
        Assert.Equal(
            wanted,
            Of(
                overview,
                "total_redemptions",
                "total_revenue_generated",
                "total_discounts_given",
                "average_conversion_rate"
            )
        );
        Assert.Equal(1, overview.GetProperty("total_active_coupons").GetInt64());
        Assert.Equal(5, summary.GetProperty("recent_activity").GetArrayLength());
        Assert.Equal(
            wanted,
            Of(summary.GetProperty("top_performers")[0], "redemptions", "revenue_generated", null, "conversion_rate")
        );
        var row = (await _host.GetAsync("/api/v1/admin/coupons?search=TALK")).Json.GetProperty("data")[0];
        Assert.Equal(
            wanted with
            {
                Redemptions = 5,
            },
            Of(row, "usage_count", "revenue_generated", "total_discounts_given", "conversion_rate")
        );
        var analytics = (await _host.GetAsync($"/api/v1/admin/coupons/{coupon}/analytics")).Json;
        Assert.Equal(
            (2, 1, 0.5m),
            (
                analytics.GetProperty("conversion_analysis").GetProperty("bookings_completed").GetInt64(),
                analytics.GetProperty("conversion_analysis").GetProperty("sessions_attended").GetInt64(),
                analytics.GetProperty("conversion_analysis").GetProperty("attendance_rate").GetDecimal()
            )
        );
        Assert.Equal(
            (wanted.Revenue, wanted.Discounts),
            (
                analytics.GetProperty("financial_impact").GetProperty("revenue_generated").GetDecimal(),
                analytics.GetProperty("financial_impact").GetProperty("total_discounts_given").GetDecimal()
            )
        );
        foreach (var by in (string[])["discount_type", "applicable_to", "channel", "location"])
        {
            var rows = (await _host.GetAsync($"/api/v1/insights/breakdown?by={by}", client)).Json.GetProperty("rows");
            Assert.Equal(wanted.Revenue, rows.EnumerateArray().Sum(static r => r.GetProperty("revenue").GetDecimal()));
        }

        var line = (await _host.GetAsync("/api/v1/insights/timeline", client)).Json.GetProperty("series")[0];
        Assert.Equal(
            (wanted.Redemptions, wanted.Revenue),
            (
                line.GetProperty("points").EnumerateArray().Sum(static p => p.GetProperty("redemptions").GetInt64()),
                line.GetProperty("points").EnumerateArray().Sum(static p => p.GetProperty("revenue").GetDecimal())
            )
        );
    }

    /// <summary>Each figure is the number, or the sum, of the rows its page leads to (MET-24).</summary>
    private async Task AssertRowsAsync(long coupon, string merchantKey)
    {
        using var client = _host.ClientOf(merchantKey);
        Task<(int Count, decimal Revenue, decimal Discounts)> MatchingAsync(string filter) =>
            Drilldown.RedemptionsAsync(_host, filter, "USD", client);

        var overview = (await _host.GetAsync("/api/v1/admin/coupons/analytics/summary", client)).Json.GetProperty(
            "overview"
        );
        var stands = await MatchingAsync("status=redeemed&currency=USD");
        Assert.Equal(5, stands.Count);
        Assert.Equal(
            (
                overview.GetProperty("total_revenue_generated").GetDecimal(),
                overview.GetProperty("total_discounts_given").GetDecimal()
            ),
            (stands.Revenue, stands.Discounts)
        );
        var views = await Drilldown.RowsAsync(_host, $"/api/v1/insights/views?coupon_id={coupon}", client);
        Assert.Equal(80, views.Sum(static v => v.GetProperty("views").GetInt64()));
        var seen = await _host.GetAsync($"/api/v1/insights/views/totals?coupon_id={coupon}", client);
        Assert.Equal(80, seen.Json.GetProperty("views").GetInt64());
        foreach (
            var (filter, count) in ((string, int)[])
                [
                    ("once=true", 8),
                    ("result=redeemed,refused", 7),
                    ("result=refused&reason=limit_reached", 1),
                    ("result=held", 2),
                ]
        )
        {
            var of = $"?coupon_id={coupon}&{filter}";
            Assert.Equal(
                (filter, count),
                (filter, (await Drilldown.RowsAsync(_host, "/api/v1/attempts" + of, client)).Count)
            );
            var totals = await _host.GetAsync("/api/v1/attempts/totals" + of, client);
            Assert.Equal(count, totals.Json.GetProperty("count").GetInt32());
        }

        foreach (
            var (filter, count) in ((string, int)[])
                [
                    ($"coupon_id={coupon}", 6),
                    ("status=rolled_back", 1),
                    ("status=used", 5),
                    ("booking=booked", 4),
                    ("booking=completed", 2),
                    ("booking=attended", 1),
                ]
        )
        {
            Assert.Equal((filter, count), (filter, (await MatchingAsync(filter)).Count));
        }

        var quarters = 0;
        for (var quarter = 1; quarter <= 4; quarter++)
        {
            quarters += (await MatchingAsync($"quarter={quarter}")).Count;
        }

        Assert.Equal(6, quarters);

        foreach (var by in (string[])["discount_type", "applicable_to", "channel", "location"])
        {
            var parts = (await _host.GetAsync($"/api/v1/insights/breakdown?by={by}", client)).Json.GetProperty("rows");
            foreach (var part in parts.EnumerateArray())
            {
                var key = part.GetProperty("key").GetString();
                var rows = await MatchingAsync("currency=USD&" + (key == "" ? $"without={by}" : $"{by}={key}"));
                Assert.Equal(
                    (by, key, part.GetProperty("redemptions").GetInt32(), part.GetProperty("revenue").GetDecimal()),
                    (by, key, rows.Count, rows.Revenue)
                );
            }
        }

        var wrong = await _host.GetAsync(
            "/api/v1/redemptions?weekday=8&booking=never&without=luck&touch=middle",
            client
        );
        Assert.Equal(["booking", "touch", "weekday", "without"], wrong.Errors.Select(static e => e.Field).Order());
        Assert.Equal(400, (await _host.GetAsync("/api/v1/attempts?result=lost", client)).Status);
    }

    private async Task<JsonElement> FunnelAsync(string query, string? key = null)
    {
        using var client = _host.ClientOf(key ?? _host.Key);
        var reply = await _host.GetAsync("/api/v1/insights/funnel" + query, client);
        Assert.True(reply.Status == 200, reply.Body);
        return reply.Json;
    }

    private static IEnumerable<string> StepsOf(JsonElement funnel) =>
        funnel
            .GetProperty("steps")
            .EnumerateArray()
            .Select(static s => $"{s.GetProperty("step").GetString()} {s.GetProperty("count").GetInt64()}");

    private async Task<string> ReserveAsync(string order)
    {
        var reply = await _host.PostAsync("/api/v1/reservations", Attempt(order));
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").GetString()!;
    }

    private async Task<string> RedeemAsync(
        string order,
        string? reservation = null,
        string code = "TALK",
        string? channel = null
    )
    {
        var attempt = Attempt(order, reservation, code);
        if (channel is not null)
        {
            attempt["channel"] = channel;
        }

        var reply = await _host.PostAsync("/api/v1/redemptions", attempt);
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").GetString()!;
    }

    private Dictionary<string, object> Attempt(string reference, string? reservation = null, string code = "TALK")
    {
        var attempt = new Dictionary<string, object>
        {
            ["code"] = code,
            ["customer_id"] = _customer,
            ["order"] = new
            {
                reference,
                service = "book_a_meeting",
                amount = new { amount = 5_000, currency = "USD" },
            },
        };
        if (reservation is not null)
        {
            attempt["reservation_id"] = reservation;
        }

        return attempt;
    }

    private async Task<string> BookedAsync(string redemption, string status, int minute, bool? attended = null)
    {
        var reply = await TellAsync(redemption, status, minute, attended);
        Assert.True(reply.Status == 200, reply.Body);
        return reply.Json.GetProperty("status").GetString()!;
    }

    private Task<Reply> TellAsync(string redemption, string status, int minute, bool? attended) =>
        _host.PostAsync(
            $"/api/v1/redemptions/{redemption}/booking",
            new
            {
                status,
                attended,
                occurred_at = $"2027-01-01T10:{minute:00}:00Z",
            }
        );
}
