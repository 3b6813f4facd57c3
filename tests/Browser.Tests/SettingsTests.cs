using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Roles, webhooks, connectors and the switch of the demo world.</summary>
[Collection(AppCollection.Name)]
public sealed class SettingsTests(App app)
{
    [Theory]
    [InlineData("/settings/roles", 1440)]
    [InlineData("/settings/roles", 320)]
    [InlineData("/settings/connectors", 320)]
    [InlineData("/expiry", 320)]
    [InlineData("/coupons/new", 320)]
    [InlineData("/coupons/dashboard", 320)]
    public async Task A_page_fits_and_axe_finds_nothing_in_any_theme(string path, int width)
    {
        await using var view = await app.OpenAsync(width);
        await view.GoAsync(path);
        Assert.Equal(0, await view.OverflowAsync());
        foreach (var theme in (string[])["light", "dark", "contrast"])
        {
            await view.DressAsync(theme);
            var found = await view.AxeAsync();
            Assert.True(found.Count == 0, $"{path} at {width} px, {theme}: {string.Join("\n", found)}");
        }
    }

    [Fact]
    public async Task A_role_is_recombined_from_a_ready_made_one()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/settings/roles");
        await view.Button("Recombine: Marketing operations").ClickAsync();
        await view.Dialog.GetByLabel("Name").FillAsync("Night marketing");
        await view.Dialog.GetByLabel("bulk", new() { Exact = true }).UncheckAsync();
        Assert.Empty(await view.AxeAsync());
        await view.Button("Save").ClickAsync();
        await Expect(view.Page.GetByText("Night marketing is saved")).ToBeVisibleAsync();
        await view.Button("Edit: Night marketing").ClickAsync();
        await Expect(view.Dialog.GetByLabel("bulk", new() { Exact = true })).Not.ToBeCheckedAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_connector_is_made_tested_and_changed()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/settings/connectors");
        await view.Button("Add connector").ClickAsync();
        await view.Button("Save").ClickAsync();
        await Expect(view.Dialog.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();
        await view.Dialog.GetByLabel("Name", new() { Exact = true }).FillAsync("Corner shops");
        await view.Dialog.GetByLabel("Address").FillAsync("https://partner.example.com/coupons");
        Assert.Empty(await view.AxeAsync());
        await view.Button("Save").ClickAsync();
        await Expect(view.Page.GetByText("Corner shops is saved")).ToBeVisibleAsync();
        await view.Button("Test call: Corner shops").ClickAsync();
        await Expect(view.Dialog).ToContainTextAsync("Corner shops answered", new() { Timeout = 20_000 });
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_webhook_shows_its_deliveries_and_gets_a_secret()
    {
        await using var view = await app.OpenAsync();
        var made = await app.Host.PostAsync(
            "/api/v1/webhooks",
            new { name = "Data warehouse", url = "https://events.example.com/tessera" }
        );
        Assert.True(made.Status == 201, made.Body);
        await view.GoAsync("/settings/webhooks");
        await view.Button("Deliveries: Data warehouse").ClickAsync();
        await Expect(view.Dialog).ToContainTextAsync("What was sent");
        Assert.Empty(await view.AxeAsync());
        await view.Button("Make a signing secret").ClickAsync();
        await Expect(view.Dialog.Locator("code")).ToContainTextAsync("whsec_");
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_demo_world_is_let_run_and_rests_again()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns");
        await view.Button("Let the demo world run").ClickAsync();
        await Expect(view.Page.GetByText("people are shopping")).ToBeVisibleAsync();
        await view.Button("Let the demo world rest").ClickAsync();
        await Expect(view.Page.GetByText("at rest")).ToBeVisibleAsync();
        view.AssertHealthy();
    }
}
