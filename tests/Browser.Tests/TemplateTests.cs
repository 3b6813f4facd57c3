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
        await view.UseAsync(view.Button("More for TEMPLATED"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Save as template" }));
        await view.WriteAsync(view.Dialog.GetByLabel("Name of the template"), "Three hundred");
        Assert.Empty(await view.AxeAsync());
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByText("Template Three hundred is saved")).ToBeVisibleAsync();

        await view.UseAsync(view.Button("Templates"));
        await Expect(view.Dialog.GetByText("Three hundred")).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("New coupon from Three hundred"));
        await Expect(view.Page.Locator("input[name=max_uses_total]")).ToHaveValueAsync("321");
        await Expect(view.Page.Locator("input[name=code]")).ToHaveValueAsync("");
        await view.WriteAsync(view.Page.Locator("input[name=code]"), "FROMTEMPLATE");
        await view.UseAsync(view.Button("Create"));
        await Expect(view.Page.GetByText("FROMTEMPLATE is created")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_template_is_applied_to_selected_coupons()
    {
        var made = await app.Host.PostAsync(
            "/api/v1/templates",
            new { name = "Newsletter of May", fields = new { max_uses_total = 55, campaign_source = "may-letter" } }
        );
        Assert.True(made.Status == 201, made.Body);
        await Shop.CouponAsync(app, "APPLYONE", new { internal_name = "Gets a template" });
        await Shop.CouponAsync(app, "APPLYTWO", new { internal_name = "Gets a template" });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=Gets%20a%20template");
        await view.UseAsync(view.Button("All matching"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Edit" }));
        await view.ChooseAsync(view.Dialog.GetByLabel("From a template"), "Newsletter of May");
        await Expect(view.Dialog.GetByLabel("New value: Uses in all")).ToHaveValueAsync("55");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("See the effect"));
        await view.UseAsync(view.Button("Change 2"));
        await Expect(view.Dialog).ToContainTextAsync("2 changed");
        var coupons = (await app.Host.GetAsync("/api/v1/admin/coupons?search=Gets%20a%20template")).Json;
        Assert.All(
            coupons.GetProperty("data").EnumerateArray(),
            static coupon => Assert.Equal("may-letter", coupon.GetProperty("campaign_source").GetString())
        );
        await view.GoAsync("/coupons");
        await view.UseAsync(view.Button("Templates"));
        await view.UseAsync(view.Button("Delete template Newsletter of May"));
        await Expect(view.Dialog.GetByText("Newsletter of May")).ToHaveCountAsync(0);
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
        await view.UseAsync(view.Button("Clone"));
        await view.WriteAsync(view.Dialog.GetByLabel("It begins on"), "2099-09-01");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Clone" }));
        await Expect(view.Page.GetByText("The campaign is cloned, with 1 coupon")).ToBeVisibleAsync();
        await Expect(view.Dialog).ToContainTextAsync("Clone me (copy)");
        await Expect(view.Dialog.Locator("a.code-chip")).ToContainTextAsync("CLONED-");
        view.AssertHealthy();
    }
}
