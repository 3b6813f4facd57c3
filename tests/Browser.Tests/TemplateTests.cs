using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

[Collection(AppCollection.Name)]
public sealed class TemplateTests(App app)
{
    [Fact]
    public async Task A_coupon_becomes_a_template_and_a_template_fills_the_form()
    {
        await Shop.CouponAsync(app, "TEMPLATED", new { internal_name = "Made for others", max_uses_total = 321 });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=TEMPLATED");
        await view.Button("More for TEMPLATED").ClickAsync();
        await view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Save as template" }).ClickAsync();
        await view.Dialog.GetByLabel("Name of the template").FillAsync("Three hundred");
        Assert.Empty(await view.AxeAsync());
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByText("Template Three hundred is saved")).ToBeVisibleAsync();

        await view.Button("Templates").ClickAsync();
        await Expect(view.Dialog.GetByText("Three hundred")).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.Button("New coupon from Three hundred").ClickAsync();
        await Expect(view.Page.Locator("input[name=max_uses_total]")).ToHaveValueAsync("321");
        await Expect(view.Page.Locator("input[name=code]")).ToHaveValueAsync("");
        await view.Page.Locator("input[name=code]").FillAsync("FROMTEMPLATE");
        await view.Button("Create").ClickAsync();
        await Expect(view.Page.GetByText("FROMTEMPLATE is created")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_campaign_is_cloned_with_its_coupons()
    {
        var campaign = await app.Host.PostAsync(
            "/api/v1/campaigns",
            new
            {
                id = "clone-me",
                name = "Clone me",
                start_date = "2099-03-01",
            }
        );
        Assert.True(campaign.Status == 201, campaign.Body);
        await Shop.CouponAsync(
            app,
            "CLONED",
            new
            {
                internal_name = "To be cloned",
                campaign_id = "clone-me",
                valid_from = "2099-03-01",
            }
        );
        await using var view = await app.OpenAsync(width: 390);
        await view.GoAsync("/campaigns/clone-me");
        await view.Button("Clone").ClickAsync();
        await view.Dialog.GetByLabel("It begins on").FillAsync("2099-09-01");
        Assert.Empty(await view.AxeAsync());
        await view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Clone" }).ClickAsync();
        await Expect(view.Page.GetByText("The campaign is cloned, with 1 coupon")).ToBeVisibleAsync();
        await Expect(view.Dialog).ToContainTextAsync("Clone me (copy)");
        await Expect(view.Dialog.Locator("a.code-chip")).ToContainTextAsync("CLONED-");
        view.AssertHealthy();

        // Other tests look at what is switched off.
        await app.Host.Database.ExecuteAsync(
            "update coupons.coupon set deleted_at = clock_timestamp() where code like 'CLONED-%'"
        );
    }
}
