using Microsoft.Playwright;
using Tessera.Server.Tests.Insights;
using Tessera.Server.Tests.Support;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Each number leads to the rows it is made of, and these are as many (MET-24).</summary>
[Collection(AppCollection.Name)]
public sealed class DrilldownTests(App app)
{
    [Fact]
    public async Task A_figure_leads_to_as_many_rows_as_it_says()
    {
        await UntilCountedAsync();
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/dashboard?period=90");
        var figure = view.Page.Locator("a.figure").Filter(new() { HasText = "Redemptions" }).Last;
        var count = await figure.Locator(".figure__value").InnerTextAsync();
        await view.UseAsync(figure);
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync(count + " redemptions");
        Assert.Empty(await view.AxeAsync());

        // What was carried over is said, stays while one looks further, and is taken away one by one.
        await view.GoAsync("/coupons/dashboard?period=90");
        await view.UseAsync(view.Page.Locator("a.figure").Filter(new() { HasText = "Revenue" }));
        await Expect(view.Page.Locator(".chip")).ToHaveCountAsync(2);
        await view.UseAsync(view.Button("Remove Status"));
        await Expect(view.Page.Locator(".chip")).ToHaveCountAsync(1);
        Assert.Contains("currency=", view.Page.Url, StringComparison.Ordinal);
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_list_of_coupons_leads_to_the_uses_of_each()
    {
        await UntilCountedAsync();
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=AUTUMN15");
        var row = view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "AUTUMN15" });
        var uses = row.Locator("a.quiet-link").First;
        var count = (await uses.InnerTextAsync()).Split('/')[0].Trim();
        await view.UseAsync(uses);
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync(count + " redemptions");
        await Expect(view.Page.Locator(".chip").First).ToContainTextAsync("AUTUMN15");

        // And as many are found by who types the code.
        await view.GoAsync("/redemptions");
        await view.WriteAsync(view.Page.GetByLabel("Coupon code"), "autumn15");
        await view.UseAsync(view.Button("Search"));
        await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync(" redemptions");
        await Expect(view.Page.Locator("[role=row] .code-chip").First).ToHaveTextAsync("AUTUMN15");
        await Expect(view.Page.Locator("[role=row] .code-chip").Filter(new() { HasNotText = "AUTUMN15" }))
            .ToHaveCountAsync(0);
        view.AssertHealthy();
    }

    [Theory]
    [InlineData("By location", "redemption")]
    [InlineData("By channel", "redemption")]
    [InlineData("From view to completed booking", "view")]
    [InlineData("Redemptions over time", "redemption")]
    public async Task A_mark_of_a_chart_leads_there_by_keyboard_and_so_does_its_table(string title, string kind)
    {
        // The funnel begins with views, which the demo world has only while it runs.
        var seen = new { views = new[] { new { coupon_id = 1 } } };
        Assert.Equal(202, (await app.Host.PostAsync("/api/v1/insights/views", seen)).Status);
        await UntilCountedAsync();
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/analytics?period=90");
        var body = view.Page.Locator($".chart__body[aria-label^='{title}']");
        await Expect(body.Locator("a.chart__mark").First).ToBeAttachedAsync();
        await view.ReachAsync(body);
        await view.PressAsync("ArrowRight");
        await Expect(body.Locator("a.chart__mark:focus")).ToBeAttachedAsync();
        var name = await view.FocusedAsync();
        var count = name[(name.LastIndexOf(' ') + 1)..];
        await view.PressAsync("Enter");
        await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync($"{count} {kind}");
        var rows = view.Page.Url;

        await view.Page.GoBackAsync();
        var chart = view.Page.Locator("figure.chart").Filter(new() { HasText = title });
        await view.UseAsync(chart.Locator("summary"));
        await view.UseAsync(chart.Locator("td a").Filter(new() { HasText = count }).First);
        await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync(count);
        Assert.Equal(new Uri(rows).AbsolutePath, new Uri(view.Page.Url).AbsolutePath);
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_partners_figures_lead_to_its_calls_and_commands()
    {
        var made = await app.Host.PostAsync(
            "/api/v1/connectors",
            new
            {
                name = "Counted partner",
                kind = "partner_rest",
                address = "https://partner.example.com/counted",
                // What is due now is not late before the test is over.
                sla_seconds = 3_600,
                is_active = false,
            }
        );
        Assert.True(made.Status == 201, made.Body);
        var id = made.Json.GetProperty("id").GetGuid();
        await app.Host.Database.ExecuteAsync(
            """
            insert into connectors.attempt (connector_id, from_position, to_position, key, at, milliseconds, status, outcome, calls)
            values ($1, 1, 40, 'a', clock_timestamp() - interval '10 minutes', 120, 200, 'ok', 40),
                ($1, 41, 41, 'b', clock_timestamp() - interval '9 minutes', 80, 500, 'http_500', 1),
                ($1, 41, 41, 'c', clock_timestamp() - interval '8 minutes', 900, null, 'timeout', 1),
                ($1, 42, 42, 'd', clock_timestamp() - interval '2 hours', 90, 200, 'ok', 1)
            """,
            id
        );
        await app.Host.Database.ExecuteAsync(
            """
            with b as (
                insert into connectors.batch (kind, subject, ids, ends_at, is_early)
                values ('disable', 'coupon', '{1}', clock_timestamp(), false) returning id
            )
            insert into connectors.command (connector_id, batch_id, kind, size, chunk, due_at)
            select $1, b.id, 'disable', 1, 1, clock_timestamp() + due
            from b, unnest(array['-2 hours', '-1 second', '3 hours']::interval[]) as due
            """,
            id
        );
        await using var view = await app.OpenAsync();
        foreach (
            var (figure, rows) in ((string, string)[])
                [
                    ("95.2% (42)", "42 calls, 2 failed"),
                    ("2 failed", "2 calls, 2 failed"),
                    ("1 late", "1 command, coupons in it: 1"),
                    ("2", "2 commands, coupons in them: 2"),
                ]
        )
        {
            await view.GoAsync("/expiry");
            var row = view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Counted partner" });
            await view.UseAsync(row.GetByRole(AriaRole.Link, new() { Name = figure, Exact = true }));
            await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync(rows);
            await Expect(view.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Counted partner");
        }

        await view.AssertFitAtAllWidthsAsync("the commands of a partner");
        await view.UseAsync(view.Page.GetByRole(AriaRole.Link, new() { Name = "Calls", Exact = true }));
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync("43 calls, 2 failed");
        await view.ChooseAsync(view.Page.GetByLabel("Result", new() { Exact = true }), "ok");
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync("41 calls, 0 failed");
        await view.ChooseAsync(view.Page.GetByLabel("Result", new() { Exact = true }), "failed");
        await Expect(view.Page.Locator("tbody tr")).ToHaveCountAsync(2);
        await view.AssertFitAtAllWidthsAsync("the calls of a partner");
        await view.UseAsync(view.Button("Remove Result"));
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync("43 calls, 2 failed");
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task The_figures_of_the_expiry_console_lead_to_as_many_rows(int width)
    {
        // Nothing moves while figures and rows are compared.
        Assert.Equal(200, (await app.Host.PostAsync("/api/v1/expiry/pause")).Status);
        try
        {
            await AddExpiryWorkAsync();
            await using var view = await app.OpenAsync(width);
            foreach (
                var (figure, rows) in ((string, Func<string, string>)[])
                    [
                        ("Backlog", static n => $"{n} of them due and not told"),
                        ("Planned ahead", static n => $"with {n} units"),
                        ("In the last hour", static n => $"{n} unit"),
                        ("In time", static _ => ", late: "),
                        ("Failure rate", static _ => "failed: "),
                        ("Lag", static _ => "units"),
                    ]
            )
            {
                await view.GoAsync("/expiry");
                var link = view.Page.Locator("a.figure, a.figure__main").Filter(new() { HasText = figure });
                var value = await link.Locator(".figure__value").InnerTextAsync();
                Assert.NotEqual("0", value);
                await view.UseAsync(link);
                await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync(rows(value));
                await Expect(view.Page.Locator(".chip").First).ToBeVisibleAsync();
                await Expect(view.Page.Locator(".totals + .card tbody tr").First).ToBeVisibleAsync();
                Assert.Empty(await view.AxeAsync());
            }

            // What came late, and what failed, have rows of their own.
            await view.GoAsync("/expiry");
            var late = view.Page.Locator(".figure > a.quiet-link").Filter(new() { HasText = "late, slowest" });
            var count = (await late.InnerTextAsync()).Split(' ')[0];
            await view.UseAsync(late);
            await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync($"{count} units, ");
            await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync($"late: {count},");
            await view.UseAsync(view.Button("Remove In time"));
            await Expect(view.Page.Locator(".totals strong")).Not.ToContainTextAsync($"{count} units, ");
            await view.UseAsync(view.Page.GetByRole(AriaRole.Link, new() { Name = "Minutes", Exact = true }));
            await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync("failed: ");

            // A minute of the chart, by its table.
            await view.GoAsync("/expiry");
            var chart = view.Page.Locator("figure.chart").Filter(new() { HasText = "Units per minute" });
            await view.UseAsync(chart.Locator("summary"));
            var units = chart.Locator("td a").Filter(new() { HasText = "7,001" }).First;
            await view.UseAsync(units);
            await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync("units: 7,001");
            await view.AssertFitAtAllWidthsAsync("a minute of the expiry pipeline");
            view.AssertHealthy();
        }
        finally
        {
            await app.Host.PostAsync("/api/v1/expiry/resume");
        }
    }

    [Fact]
    public async Task The_sums_of_an_attribution_and_the_costs_of_a_campaign_lead_to_their_rows()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns/attribution?by=campaign&period=90");
        var sum = view.Page.Locator("tfoot a").First;
        var count = await sum.InnerTextAsync();
        await view.UseAsync(sum);
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync(count + " redemptions");

        await view.GoAsync("/campaigns/autumn-favourites");
        await view.UseAsync(view.Dialog.Locator("a.figure").Filter(new() { HasText = "Marketing cost" }));
        await view.UntilAtAsync("**/campaigns/autumn-favourites#costs");
        await Expect(view.Page.Locator("div:focus")).ToContainTextAsync("Marketing cost");
        view.AssertHealthy();
    }

    /// <summary>A job that is behind, one that is to come, ends told in time and late, and minutes with a failure.</summary>
    private async Task AddExpiryWorkAsync()
    {
        await app.Host.Database.ExecuteAsync(
            """
            with hour as (
                select date_trunc('hour', clock_timestamp(), 'UTC') + at as at, planned
                from (values (interval '-30 hours', 60), (interval '40 hours', 1700)) as wanted (at, planned)
            ), bucket as (
                insert into expiration.bucket select at, at + interval '1 hour', planned, 'hand', clock_timestamp() from hour
                on conflict do nothing
            )
            insert into expiration.job (bucket, from_at, from_id, until_at, until_id, done_at, done_id, planned, units, created_at)
            select at, at + interval '1 second', -1, at + interval '1 hour', -1, at + interval '1 second', -1, planned, 0,
                clock_timestamp()
            from hour on conflict do nothing
            """
        );
        await app.Host.Database.ExecuteAsync(
            """
            insert into expiration.batch (id, coupon_id, from_state, version, runs, first_id, last_id, units, ends_from, ends_until,
                cause, created_at)
            select gen_random_uuid(), 1, 'issued', 1, '{}', -1, -1, units, clock_timestamp() - ago - late,
                clock_timestamp() - ago - late, 'end_reached', clock_timestamp() - ago
            from (values (1234, interval '20 minutes', interval '2 seconds'), (56, interval '5 hours', interval '3 minutes'))
                as told (units, ago, late)
            """
        );
        await app.Host.Database.ExecuteAsync(
            """
            insert into expiration.minute (at, node, units, steps, failures, late_ms)
            select date_trunc('minute', clock_timestamp() - interval '10 minutes'), 'node-of-test', 7001, 9, 1, 2500
            on conflict do nothing
            """
        );
    }

    [Fact]
    public async Task What_a_campaign_has_spent_and_holds_leads_to_its_rows_from_list_and_calendar()
    {
        var campaign = await app.Host.PostAsync(
            "/api/v1/campaigns",
            new
            {
                id = "metered",
                name = "Metered",
                start_date = "2026-01-01",
                end_date = "2030-01-01",
                budget = new { amount = 100_000, currency = "USD" },
            }
        );
        Assert.True(campaign.Status == 201, campaign.Body);
        await Shop.CouponAsync(app, "METERED", new { campaign_id = "metered" });
        await Shop.RedeemAsync(app, "METERED", "metered-1");
        var customer = await app.Host.PostAsync("/api/v1/customers", new { external_id = "c-metered" });
        var held = await app.Host.PostAsync(
            "/api/v1/reservations",
            new
            {
                code = "METERED",
                customer_id = customer.Json.GetProperty("id").GetString(),
                order = new { reference = "metered-2", amount = new { amount = 4_000, currency = "USD" } },
            }
        );
        Assert.True(held.Status == 201, held.Body);
        // The next day of its run that is no other test's.
        foreach (var place in (string[])["/campaigns", "/campaigns/calendar?day=2029-12-30", "/campaigns/metered"])
        {
            await using var view = await app.OpenAsync(byKeyboard: place == "/campaigns");
            await view.GoAsync(place);
            var card = view.Page.Locator(".list-card, .dialog").Filter(new() { HasText = "Metered" }).Last;
            await view.UseAsync(card.GetByRole(AriaRole.Link, new() { Name = "$4.00 held", Exact = true }));
            await Expect(view.Page.Locator(".totals")).ToContainTextAsync("1 attempt");
            await Expect(view.Page.Locator(".totals")).ToContainTextAsync("Discounts $4");
            await view.GoAsync(place);
            await view.UseAsync(card.GetByRole(AriaRole.Link, new() { Name = "$8.00 of $1,000.00", Exact = true }));
            await Expect(view.Page.Locator(".totals")).ToContainTextAsync("1 redemption");
            await view.GoAsync(place);
            if (place != "/campaigns/metered")
            {
                // The rest of the card opens the campaign.
                await card.ClickAsync(
                    new()
                    {
                        Position = new() { X = 5, Y = 5 },
                    }
                );
                await view.UntilAtAsync("**/campaigns/metered");
            }

            view.AssertHealthy();
        }
    }

    [Fact]
    public async Task An_attempt_that_was_refused_says_why()
    {
        await using var view = await app.OpenAsync(390);
        await view.GoAsync("/redemptions/attempts?result=refused");
        await view.UseAsync(view.Page.Locator(".list-card").First);
        await Expect(view.Dialog).ToContainTextAsync("does not apply");
        Assert.Empty(await view.AxeAsync());
        view.AssertHealthy();
    }

    /// <summary>Until the figures have counted all that other tests did.</summary>
    private Task UntilCountedAsync() =>
        Patience.UntilAsync(() => Settled.IsCountedAsync(app.Host.Database), "the figures to count all that happened");
}
