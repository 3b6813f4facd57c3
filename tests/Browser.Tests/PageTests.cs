using Xunit;

namespace Tessera.Browser.Tests;

[Collection(PagesCollection.Name)]
public sealed class PageTests(App app)
{
    private static readonly string[] Paths =
    [
        "/coupons",
        "/coupons?search=nothing-like-this",
        "/coupons/1",
        "/coupons/1/usage",
        "/coupons/1/edit",
        "/coupons/new",
        "/coupons/999999",
        "/coupons/dashboard",
        "/coupons/analytics?coupons=1,2",
        "/coupons/bulk",
        "/campaigns",
        "/campaigns/autumn-favourites",
        "/campaigns/new",
        "/campaigns/calendar",
        "/campaigns/calendar?view=quarter",
        "/campaigns/compare?campaigns=autumn-favourites",
        "/campaigns/attribution?by=coupon",
        "/campaigns/categories",
        "/redemptions?status=redeemed&weekday=3&without=location",
        "/redemptions/attempts?result=refused&once=true",
        "/redemptions/views",
        "/balances",
        "/operations",
        "/monitoring",
        "/coupons/1/timeline",
        "/coupons/1/analytics",
        "/audit",
        "/approvals",
        "/expiry",
        "/expiry?due=behind#jobs",
        "/expiry/told?cause=end_reached&in_time=true",
        "/expiry/told?show=minutes",
        "/notifications",
        "/notifications?state=failed&late=true",
        "/settings/keys",
        "/settings/people",
        "/settings/roles",
        "/settings/webhooks",
        "/settings/connectors",
        "/settings/account",
        "/settings/regions",
        "/settings/retention",
        "/no-such-page",
    ];

    public static TheoryData<string, int> Views
    {
        get
        {
            var views = new TheoryData<string, int>();
            foreach (var path in Paths)
            {
                views.Add(path, 1440);
                views.Add(path, 390);
            }

            return views;
        }
    }

    [Theory]
    [MemberData(nameof(Views))]
    public async Task A_page_fits_its_window_and_axe_finds_nothing_in_any_theme(string path, int width)
    {
        await using var view = await app.OpenAsync(width);
        await view.GoAsync(path);
        Assert.Equal(0, await view.OverflowAsync());
        await view.AssertFitForAllAsync($"{path} at {width} px");
        if (width < 600)
        {
            // Colours are those of the wider phone.
            await view.DressAsync("light");
            await view.Page.SetViewportSizeAsync(320, 844);
            await view.SettleAsync();
            Assert.Equal(0, await view.OverflowAsync());
            Assert.Empty(await view.AxeAsync());
        }

        view.AssertHealthy();
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task The_sign_in_page_is_as_good(int width)
    {
        await using var view = await app.OpenAsync(width, signedIn: false);
        await view.GoAsync("/coupons");
        Assert.Equal(0, await view.OverflowAsync());
        Assert.Empty(await view.AxeAsync());
        view.AssertHealthy();
    }

    [Fact]
    public async Task German_is_complete_and_chosen_in_the_menu()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons");
        await view.UseAsync(view.Button("Account and appearance").Or(view.Page.Locator(".sidebar__foot button")).First);
        await view.UseAsync(
            view.Page.GetByRole(Microsoft.Playwright.AriaRole.Menuitemradio, new() { Name = "Deutsch" })
        );
        await Microsoft.Playwright.Assertions.Expect(view.Page.Locator("h1")).ToHaveTextAsync("Gutscheine");
        Assert.Equal("de", await view.Page.EvaluateAsync<string>("() => document.documentElement.lang"));
        view.AssertHealthy();
    }
}
