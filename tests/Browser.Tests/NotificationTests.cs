using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>What customers are told, on the page for those who run it (NTF-07).</summary>
[Collection(AppCollection.Name)]
public sealed class NotificationTests(App app)
{
    private static readonly string[] States = ["Queued", "Sent", "Bounced", "Failed", "Not sent"];

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    [InlineData(320)]
    public async Task Messages_are_found_by_status_and_what_was_given_up_is_sent_again(int width)
    {
        await MakeAsync();
        await using var view = await app.OpenAsync(width);
        await view.GoAsync("/notifications");
        var rows = view.Page.Locator("tbody tr");
        foreach (var state in States)
        {
            await Expect(rows.GetByText(state, new() { Exact = true }).First).ToBeVisibleAsync();
        }

        Assert.Equal(0, await view.OverflowAsync());
        await view.AssertFitForAllAsync($"/notifications at {width} px");

        await view.ChooseAsync(view.Page.GetByLabel("Status"), "failed");
        await view.UntilAtAsync("**?state=failed");
        await view.TickAsync(view.Page.GetByLabel("Only late ones"));
        await view.UntilAtAsync("**?state=failed&late=true");
        await Expect(rows).ToHaveCountAsync(1);
        await Expect(rows).ToContainTextAsync("The sender is refused");
        await Expect(rows).ToContainTextAsync("Late");
        await view.UseAsync(rows.GetByRole(AriaRole.Button, new() { Name = "Send again" }));
        await Expect(view.Page.GetByText("It is sent again.")).ToBeVisibleAsync();
        await Expect(view.Page.GetByText("No such message")).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        Assert.Equal(
            2,
            await app.Host.Database.ScalarAsync<long>(
                "select count(*) from notifications.message where state = 'queued'"
            )
        );

        await view.Page.RouteAsync(
            "**/api/v1/admin/notifications**",
            route => route.FulfillAsync(new() { Status = 503 })
        );
        await view.ChooseAsync(view.Page.GetByLabel("Status"), "sent");
        var again = view.Button("Try again");
        await Expect(again).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.Page.UnrouteAllAsync();
        await view.UseAsync(again);
        await Expect(rows.Or(view.Page.GetByText("No such message")).First).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_page_speaks_german()
    {
        await MakeAsync();
        await using var view = await app.OpenAsync();
        await view.GoAsync("/notifications");
        await view.UseAsync(view.Page.Locator(".sidebar__foot button").First);
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitemradio, new() { Name = "Deutsch" }));
        await Expect(view.Page.Locator("h1")).ToHaveTextAsync("Nachrichten");
        await view.PressAsync("Escape");
        await Expect(view.Page.GetByRole(AriaRole.Menu)).ToHaveCountAsync(0);
        await Expect(view.Page.Locator("tbody").GetByText("Der Absender wird abgelehnt")).ToBeVisibleAsync();
        await Expect(view.Page.Locator("tbody").GetByText("Keine Adresse bekannt")).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        view.AssertHealthy();
    }

    /// <summary>One message in each state, and no others.</summary>
    private Task MakeAsync() =>
        app.Host.Database.ExecuteAsync(
            """
            with gone as (delete from notifications.message)
            insert into notifications.message (id, kind, customer_id, coupon_id, units, ends, ends_at, due_at, region, event_seq,
                state, cause, smtp_status, attempts, next_attempt_at, sent_at, settled_at, created_at)
            select gen_random_uuid(), 'coupon_expiry', gen_random_uuid(), (select min(id) from coupons.coupon), '{}', '{}',
                k.now + interval '6 days', k.now + s.due * interval '1 hour', 'AT', (select max(seq) from audit.entry), s.state, s.cause,
                s.status, s.attempts, k.now + interval '1 day', case when s.state = 'sent' then k.now end,
                case when s.state <> 'queued' then k.now end, k.now - interval '1 hour'
            from (select clock_timestamp() as now) k, (values
                ('queued', 'unreachable', null, 3, 5), ('sent', null, '250 2.0.0', 1, 5), ('bounced', 'recipient', '550 5.1.1', 1, 5),
                ('failed', 'sender', '550 5.7.1', 10, -5), ('suppressed', 'no_address', null, 0, 5)) s (state, cause, status, attempts, due)
            """
        );
}
