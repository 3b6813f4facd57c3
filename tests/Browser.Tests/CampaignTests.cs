using Microsoft.Playwright;
using Tessera.Server.Tests.Insights;
using Tessera.Server.Tests.Support;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Campaigns in time, side by side, and what they cost and brought (CMP-03, CMP-04, CMP-09).</summary>
[Collection(AppCollection.Name)]
public sealed class CampaignTests(App app)
{
    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task A_clone_is_taken_back_as_a_unit(int width)
    {
        var id = $"cloned-{width}";
        var made = await app.Host.PostAsync(
            "/api/v1/campaigns",
            new
            {
                id,
                name = "To be cloned " + width,
                start_date = "2031-01-01",
                end_date = "2031-02-01",
            }
        );
        Assert.True(made.Status == 201, made.Body);
        await Shop.CouponAsync(app, "CLONEOF" + width, new { campaign_id = id });
        await using var view = await app.OpenAsync(width);
        await view.GoAsync("/campaigns/" + id);
        await view.UseAsync(view.Button("Clone"));
        await view.WriteAsync(view.Dialog.GetByLabel("Name of the new campaign"), "Copy " + width);
        await view.WriteAsync(view.Dialog.GetByLabel("It begins on"), "2032-01-01");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Clone", Exact = true }));
        var toast = view.Page.Locator(".toast").Filter(new() { HasText = "The campaign is cloned, with 1 coupon" });
        await Expect(toast).ToBeVisibleAsync();
        await Expect(view.Dialog).ToContainTextAsync("Copy " + width);
        await view.UseAsync(toast.GetByRole(AriaRole.Button, new() { Name = "Undo", Exact = true }));
        await view.UntilAtAsync("**/operations");
        var cards = view.Page.Locator("article");
        await Expect(cards.First).ToContainTextAsync("Undoing a change");
        await Expect(cards.First).ToContainTextAsync("2 of 2");
        await Expect(cards.First).ToContainTextAsync("2 changed");
        await Expect(cards.Nth(1)).ToContainTextAsync("Clone of a campaign");
        await Expect(cards.Nth(1)).ToContainTextAsync("undone");
        Assert.Empty(await view.AxeAsync());
        await view.GoAsync("/campaigns?search=Copy");
        await Expect(view.Page.Locator(".list-card").Filter(new() { HasText = "Copy " + width })).ToHaveCountAsync(0);
        Assert.Equal(
            1,
            await app.Host.Database.ScalarAsync<long>(
                "select count(*) from campaigns.campaign where name = $1 and deleted_at is not null",
                "Copy " + width
            )
        );
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_calendar_is_walked_by_keyboard_and_leads_to_a_campaign()
    {
        await MakeAsync("calendar-one", "2027-02-03", "2027-02-12");
        await MakeAsync("calendar-two", "2027-02-10", "2027-02-20");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns/calendar?day=2027-02-08");
        await Expect(view.Page.GetByRole(AriaRole.Heading, new() { Name = "February 2027" })).ToBeVisibleAsync();
        var day = view.Page.Locator("[role=gridcell][tabindex='0']");
        await view.ReachAsync(day);
        await view.PressAsync("ArrowRight");
        await view.PressAsync("ArrowRight");
        await view.UntilAtAsync("**day=2027-02-10*");
        var below = view.Page.GetByRole(AriaRole.Region, new() { Name = "On 10 Feb 2027" });
        await Expect(below.GetByRole(AriaRole.Link, new() { Name = "calendar-one" })).ToBeVisibleAsync();
        await Expect(below.GetByRole(AriaRole.Link, new() { Name = "calendar-two" })).ToBeVisibleAsync();
        await view.PressAsync("PageDown");
        await Expect(view.Page.GetByRole(AriaRole.Heading, new() { Name = "March 2027" })).ToBeVisibleAsync();
        await Expect(day).ToBeFocusedAsync();
        await view.PressAsync("PageUp");
        await Expect(below).ToBeVisibleAsync();
        await Expect(day).ToBeFocusedAsync();
        await view.PressAsync("Enter");
        await Expect(below.GetByRole(AriaRole.Link).First).ToBeFocusedAsync();
        await view.PressAsync("Enter");
        await Expect(view.Dialog).ToBeVisibleAsync();
        await view.GoAsync("/campaigns/calendar?view=quarter&day=2027-02-08");
        await Expect(view.Page.GetByRole(AriaRole.Link, new() { Name = "calendar-two" })).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_cost_is_entered_and_the_campaign_stands_beside_others_with_its_return()
    {
        await MakeAsync("costly", "2026-01-01", "2030-01-01", budget: 500_000);
        await Shop.CouponAsync(app, "COSTLY", new { campaign_id = "costly", currency = "EUR" });
        await Shop.RedeemAsync(app, "COSTLY", "costly-1", "EUR");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns/costly");
        await view.WriteAsync(view.Dialog.GetByLabel("Amount (EUR)"), "0");
        await view.UseAsync(view.Button("Enter cost"));
        await Expect(view.Dialog.GetByText("Enter an amount above nothing")).ToBeVisibleAsync();
        await view.WriteAsync(view.Dialog.GetByLabel("Amount (EUR)"), "36");
        await view.PressAsync("Enter");
        await Expect(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Take back the cost" })).ToBeVisibleAsync();
        await Expect(view.Dialog.GetByRole(AriaRole.Heading, new() { Name = "Budget over time" })).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());

        // The page is not told when something has been counted that happened before it was opened.
        await Patience.UntilAsync(() => Settled.IsCountedAsync(app.Host.Database), "the figures to count the use");
        await view.GoAsync("/campaigns/compare");
        await view.TickAsync(view.Page.GetByLabel("Show costly in the chart"));
        await Expect(view.Page.GetByRole(AriaRole.Heading, new() { Name = "Redemptions of the chosen campaigns" }))
            .ToBeVisibleAsync();
        var row = view.Page.Locator(".compare tr", new() { HasText = "costly" });
        // 72 euros came in for 36.
        await Expect(row).ToContainTextAsync("100%", new() { Timeout = 30_000 });
        await view.UseAsync(row.GetByRole(AriaRole.Link, new() { Name = "€72" }));
        await view.UntilAtAsync("**/app/redemptions?**campaign_id=costly**");
        await Expect(view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "costly-1" }))
            .ToContainTextAsync("€72");
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_event_is_marked_in_the_chart_of_a_coupon()
    {
        var id = await Shop.CouponAsync(app, "MARKED");
        await Shop.RedeemAsync(app, "MARKED", "marked-1");
        await using var view = await app.OpenAsync();
        await view.GoAsync($"/coupons/{id}/analytics");
        await view.WriteAsync(view.Dialog.GetByLabel("What happened"), "Story with the baker");
        await view.PressAsync("Enter");
        await Expect(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Remove Story with the baker" }))
            .ToBeVisibleAsync();
        await Expect(view.Dialog.GetByRole(AriaRole.Heading, new() { Name = "Seasons" })).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        view.AssertHealthy();
    }

    [Fact]
    public async Task Two_people_at_one_campaign_see_both_versions_and_nothing_typed_is_lost()
    {
        await MakeAsync("two-at-once", "2027-05-01", "2027-05-09");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns/two-at-once");
        await Expect(view.Dialog.GetByRole(AriaRole.Link, new() { Name = "Edit" })).ToBeVisibleAsync();
        await view.PressAsync("e");
        await view.WriteAsync(view.Dialog.GetByLabel("Name"), "Mine");
        await view.UseAsync(view.Button("1 unsaved change"));
        await Expect(view.Page.GetByText("Name: two-at-once → Mine")).ToBeVisibleAsync();
        await view.PressAsync("Escape");
        await Expect(view.Page.GetByText("Name: two-at-once → Mine")).ToBeHiddenAsync();
        await view.PressAsync("Escape");
        await view.AssertDialogFitAsync("ui/Unsaved.useUnsaved", "Leave without saving?");
        await view.UseAsync(view.Button("Keep editing"));

        const string path = "/api/v1/campaigns/two-at-once";
        var stored = await app.Host.GetAsync(path);
        var other = await app.Host.SendAsync(
            HttpMethod.Put,
            path,
            new
            {
                name = "Theirs",
                start_date = "2027-05-01",
                end_date = "2027-05-09",
            },
            headers: new Dictionary<string, string> { ["If-Match"] = stored.Header("ETag")! }
        );
        Assert.True(other.Status == 200, other.Body);
        var lost = 0;
        await view.Page.RouteAsync(
            "**" + path,
            route =>
                route.Request.Method == "PUT" && Interlocked.Increment(ref lost) == 1
                    ? route.AbortAsync()
                    : route.ContinueAsync()
        );
        await view.PressAsync("Control+Enter");
        await Expect(view.Dialog.GetByText("The server cannot be reached")).ToBeVisibleAsync();
        await Expect(view.Dialog.GetByLabel("Name")).ToHaveValueAsync("Mine");
        await view.UseAsync(view.Button("Save"));
        var conflict = view.Page.GetByRole(AriaRole.Alertdialog);
        await Expect(conflict).ToContainTextAsync("Mine");
        await Expect(conflict).ToContainTextAsync("Theirs");
        await view.AssertDialogFitAsync("ui/SideBySide.SideBySide", "changed");
        await view.UseAsync(view.Button("Save mine over it"));
        await Expect(view.Page.GetByText("Mine is saved")).ToBeVisibleAsync();
        await view.PressAsync("u");
        await Expect(view.Page.GetByText("Theirs is as before")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_campaign_cuts_discounts_to_its_budget_and_takes_a_segment_into_its_audience()
    {
        await MakeAsync("cutting", "2026-01-01", "2030-01-01", budget: 500_000);
        var customer = await app.Host.PostAsync("/api/v1/customers", new { external_id = "friend-1" });
        var segment = await app.Host.PostAsync("/api/v1/segments", new { name = "Friends of the house" });
        await app.Host.PostAsync(
            $"/api/v1/segments/{segment.Json.GetProperty("id").GetString()}/members",
            new { customer_ids = (string?[])[customer.Json.GetProperty("id").GetString()] }
        );
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns/cutting/edit");
        await view.ChooseAsync(view.Dialog.GetByLabel("Discounts above the rest of the budget"), "clip");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("cutting is saved")).ToBeVisibleAsync();
        await Expect(view.Dialog.GetByText("are cut to what is left")).ToBeVisibleAsync();
        var choice = view.Dialog.GetByLabel("Segment", new() { Exact = true });
        await view.ChooseAsync(choice, "Friends of the house");
        await Expect(view.Dialog.GetByText("Customers in it now: 1")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Add to the audience"));
        await Expect(view.Page.GetByText("1 customer more in the audience")).ToBeVisibleAsync();

        // Who is in either of them; whoever is taken out comes back by the same message.
        var friend = customer.Json.GetProperty("id").GetString()!;
        var shown = view.Dialog.GetByRole(AriaRole.Link, new() { Name = "friend-1" });
        await Expect(shown).ToHaveCountAsync(1);
        await view.UseAsync(view.Dialog.GetByText("Customers in it now: 1"));
        await Expect(shown).ToHaveCountAsync(2);
        await view.AssertFitAtAllWidthsAsync("the audience of a campaign");
        await view.UseAsync(view.Button("Remove friend-1"));
        await Expect(view.Dialog.GetByText("There are no customers in the audience yet.")).ToBeVisibleAsync();
        // Of what was saved before it may still be told.
        var told = view.Page.Locator(".toast").Filter(new() { HasText = "Taken out of the audience" });
        await view.UseAsync(told.GetByRole(AriaRole.Button, new() { Name = "Undo", Exact = true }));
        await Expect(view.Button("Remove friend-1")).ToBeVisibleAsync();
        await view.UseAsync(shown.First);
        var field = view.Page.GetByLabel("Customer", new() { Exact = true });
        await Expect(field).ToHaveValueAsync(friend);

        // A customer is looked for by number as well; one that nobody has is told at the field.
        await view.WriteAsync(field, "friend-2");
        await view.UseAsync(view.Button("Search"));
        await Expect(view.Page.GetByText("There is no customer with this number.")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Clear"));
        await Expect(field).ToHaveValueAsync("");
        await view.WriteAsync(field, "friend-1");
        await view.UseAsync(view.Button("Search"));
        await Expect(field).ToHaveValueAsync(friend);

        // What is edited next leaves it as it is.
        await view.GoAsync("/campaigns/cutting/edit");
        await view.WriteAsync(view.Dialog.GetByLabel("Description"), "It cuts.");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Dialog.GetByText("It cuts.")).ToBeVisibleAsync();
        var stored = await app.Host.GetAsync("/api/v1/campaigns/cutting");
        Assert.Equal("clip", stored.Json.GetProperty("budget_on_overflow").GetString());
        view.AssertHealthy();
    }

    [Fact]
    public async Task Categories_are_edited_as_lines_and_two_people_at_them_see_both_versions()
    {
        const string path = "/api/v1/categories";
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns/categories");
        var lines = view.Page.GetByRole(AriaRole.Textbox, new() { Name = "Categories" });
        await lines.FillAsync("boots > shoes\nsocks");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("Line 2 does not say what lies in what")).ToBeVisibleAsync();
        await lines.FillAsync("\nboots > shoes\nshoes > boots");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("Line 2: This category would lie above itself.")).ToBeVisibleAsync();

        var other = await app.Host.SendAsync(
            HttpMethod.Put,
            path,
            """{"categories":[{"name":"boots","parent":"leather"}]}""",
            headers: new Dictionary<string, string> { ["If-Match"] = (await app.Host.GetAsync(path)).Header("ETag")! }
        );
        Assert.True(other.Status == 200, other.Body);
        await lines.FillAsync("boots > shoes");
        await view.UseAsync(view.Button("Save"));
        var conflict = view.Page.GetByRole(AriaRole.Alertdialog);
        await Expect(conflict).ToContainTextAsync("leather");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Save mine over it"));
        await Expect(view.Page.GetByText("The categories are saved")).ToBeVisibleAsync();
        await Expect(lines).ToHaveValueAsync("boots > shoes");
        var stored = await app.Host.GetAsync(path);
        Assert.Equal("shoes", stored.Json.GetProperty("categories")[0].GetProperty("parent").GetString());
        view.AssertHealthy();
    }

    private async Task MakeAsync(string id, string from, string until, long? budget = null)
    {
        var reply = await app.Host.PostAsync(
            "/api/v1/campaigns",
            new
            {
                id,
                name = id,
                start_date = from,
                end_date = until,
                budget = budget is { } amount ? new { amount, currency = "EUR" } : null,
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
    }
}
