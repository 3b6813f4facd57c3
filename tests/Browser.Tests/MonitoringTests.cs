using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Tessera.Server.Insights.Alerts;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>All coupons with their live status, and what is out of the ordinary (OPS-01, ALR-01).</summary>
[Collection(AppCollection.Name)]
public sealed class MonitoringTests(App app)
{
    [Fact]
    public async Task Counts_switch_the_rows_filters_find_them_and_uses_are_seen_live()
    {
        var id = await Shop.CouponAsync(app, "WATCHED", new { max_uses_total = 3, external_id = "offer-watched" });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/monitoring");
        await Expect(view.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        var expired = view.Page.Locator(".figure--switch").Filter(new() { HasText = "Expired" });
        await view.UseAsync(expired);
        await Expect(expired).ToHaveAttributeAsync("aria-pressed", "true");
        await Expect(view.Page.Locator("[role=row] [data-status=expired]").First).ToBeVisibleAsync();
        await Expect(view.Page.Locator("[role=row] [data-status]:not([data-status=expired])")).ToHaveCountAsync(0);
        // As many rows as were counted, below that of their names. Both are live, so they are read at one moment.
        await view.Page.WaitForFunctionAsync(
            """
            () => Number(document.querySelector('[role=table]').ariaRowCount)
                === 1 + Number(document.querySelector('.figure--switch[aria-pressed=true] .figure__value').textContent || NaN)
            """
        );
        await view.UseAsync(expired);

        await view.WriteAsync(view.Page.GetByLabel("Offer", new() { Exact = true }), "offer-watched");
        await view.PressAsync("Enter");
        await view.UntilAtAsync("**/monitoring?*offer=offer-watched*");
        var row = view.Page.Locator("[role=row][data-index='0']");
        await Expect(row).ToContainTextAsync("WATCHED");
        await Expect(row).ToContainTextAsync("0 / 3");
        await Shop.RedeemAsync(app, "WATCHED", "watched-1");
        await Expect(row).ToContainTextAsync("1 / 3");

        // A customer is found by the number the deployment knows it by.
        await view.UseAsync(view.Button("Clear"));
        await view.WriteAsync(view.Page.GetByLabel("Customer", new() { Exact = true }), "nobody-knows");
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByText("There is no customer with this number.")).ToBeVisibleAsync();
        await view.WriteAsync(view.Page.GetByLabel("Customer", new() { Exact = true }), "c-watched-1");
        await view.PressAsync("Enter");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(1);
        await Expect(row).ToContainTextAsync("WATCHED");
        Assert.Empty(await view.AxeAsync());
        await view.ReachAsync(row);
        await view.PressAsync("Enter");
        await view.UntilAtAsync($"**/app/coupons/{id}");
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_alert_is_told_shown_and_taken_note_of()
    {
        var id = await Shop.CouponAsync(app, "RUSHED");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/monitoring");
        await Expect(view.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        await app.Host.Database.ExecuteAsync(
            """
            insert into insights.refusal_day (coupon_id, day, reason, refusals)
            values ($1, (now() at time zone 'UTC')::date, 'below_minimum', 900)
            """,
            id
        );
        await app.Host.Services.GetRequiredService<UnusualWatch>().RunOnceAsync(default);
        await Expect(view.Page.GetByText("RUSHED: unusually many attempts")).ToBeVisibleAsync();
        var alert = view.Page.Locator(".monitor__feed li").Filter(new() { HasText = "RUSHED" });
        await Expect(alert).ToContainTextAsync("900 today");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(alert.GetByRole(AriaRole.Button));
        await view.WriteAsync(view.Dialog.GetByLabel("Note (optional)"), "The price on the shelf is wrong.");
        // Whoever else looks sees it without asking.
        await using var other = await app.OpenAsync();
        await other.GoAsync("/monitoring");
        await Expect(other.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Take note" }));
        await Expect(alert).ToContainTextAsync("Noted by");
        var seen = other.Page.Locator(".monitor__feed li").Filter(new() { HasText = "RUSHED" });
        await Expect(seen).ToContainTextAsync("The price on the shelf is wrong.");

        // Of what one is told is chosen here.
        await view.UseAsync(view.Button("Messages"));
        await view.TickAsync(view.Page.GetByLabel("is used", new() { Exact = true }));
        await Shop.RedeemAsync(app, "RUSHED", "rushed-1");
        await Expect(view.Page.GetByText("RUSHED was used")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_deleted_coupon_is_brought_back_where_it_is_told()
    {
        await Shop.CouponAsync(app, "REGRETTED");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=REGRETTED");
        await view.UseAsync(view.Button("More for REGRETTED"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Delete" }));
        await view.UseAsync(
            view.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Delete" })
        );
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(0);
        await Expect(view.Button("Undo")).ToBeVisibleAsync();
        await view.PressAsync("u");
        await Expect(view.Page.GetByText("REGRETTED is back")).ToBeVisibleAsync();
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("REGRETTED");
        view.AssertHealthy();
    }
}
