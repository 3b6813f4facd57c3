using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Roles, webhooks, connectors and the switch of the demo world.</summary>
[Collection(AppCollection.Name)]
public sealed class SettingsTests(App app)
{
    [Fact]
    public async Task A_role_is_recombined_from_a_ready_made_one()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/settings/roles");
        await view.UseAsync(view.Button("Recombine: Marketing operations"));
        await view.WriteAsync(view.Dialog.GetByLabel("Name"), "Night marketing");
        await view.TickAsync(view.Dialog.GetByLabel("bulk", new() { Exact = true }), false);
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("Night marketing is saved")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Edit: Night marketing"));
        await Expect(view.Dialog.GetByLabel("bulk", new() { Exact = true })).Not.ToBeCheckedAsync();

        // Somebody else changes it meanwhile.
        await view.WriteAsync(view.Dialog.GetByLabel("Name"), "Late marketing");
        const string path = "/api/v1/roles/night_marketing";
        var stored = (await app.Host.GetAsync(path)).Json;
        var other = await app.Host.SendAsync(
            HttpMethod.Put,
            path,
            new
            {
                id = "night_marketing",
                name = "Early marketing",
                realm = "staff",
                permissions = stored.GetProperty("permissions"),
            },
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );
        Assert.True(other.Status == 200, other.Body);
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByRole(AriaRole.Alertdialog)).ToContainTextAsync("Early marketing");
        await view.UseAsync(view.Button("Save mine over it"));
        await Expect(view.Page.GetByText("Late marketing is saved")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_connector_is_made_tested_and_changed()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/settings/connectors");
        await view.UseAsync(view.Button("Add connector"));
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Dialog.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();
        await view.WriteAsync(view.Dialog.GetByLabel("Name", new() { Exact = true }), "Corner shops");
        await view.WriteAsync(view.Dialog.GetByLabel("Address"), "https://partner.example.com/coupons");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("Corner shops is saved")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Test call: Corner shops"));
        await Expect(view.Dialog).ToContainTextAsync("Corner shops answered", new() { Timeout = 20_000 });
        await view.AssertDialogFitAsync("settings/Connectors.Connectors", "Corner shops answered");
        view.AssertHealthy();
    }

    [Fact]
    public async Task Two_people_at_one_connector_see_both_versions_side_by_side()
    {
        const string path = "/api/v1/connectors";
        var made = await app.Host.PostAsync(
            path,
            new
            {
                name = "Two at once",
                kind = "partner_rest",
                address = "https://partner.example.com/two",
                is_active = false,
            }
        );
        Assert.True(made.Status == 201, made.Body);
        await using var view = await app.OpenAsync();
        await view.GoAsync("/settings/connectors");
        await view.UseAsync(view.Button("More: Two at once"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Edit" }));
        await view.WriteAsync(view.Dialog.GetByLabel("Whom to call"), "My desk");
        await view.UseAsync(view.Button("1 unsaved change"));
        await Expect(view.Page.GetByText("Whom to call: none → My desk")).ToBeVisibleAsync();
        var other = await app.Host.SendAsync(
            HttpMethod.Patch,
            path + "/" + made.Json.GetProperty("id").GetString(),
            new { contact = "Their desk" },
            headers: new Dictionary<string, string> { ["If-Match"] = made.Header("ETag")! }
        );
        Assert.True(other.Status == 200, other.Body);
        await view.UseAsync(view.Button("Save"));
        var conflict = view.Page.GetByRole(AriaRole.Alertdialog);
        await Expect(conflict).ToContainTextAsync("My desk");
        await Expect(conflict).ToContainTextAsync("Their desk");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Save mine over it"));
        await Expect(view.Page.GetByText("Two at once is saved")).ToBeVisibleAsync();
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
        await view.UseAsync(view.Button("Deliveries: Data warehouse"));
        await Expect(view.Dialog).ToContainTextAsync("What was sent");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Edit"));
        await view.WriteAsync(view.Dialog.GetByLabel("Events", new() { Exact = true }), "coupon.*");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("Data warehouse is saved")).ToBeVisibleAsync();
        await Expect(view.Page.Locator("tr", new() { HasText = "Data warehouse" })).ToContainTextAsync("coupon.*");
        await view.UseAsync(view.Button("Deactivate"));
        await Expect(view.Page.GetByText("Data warehouse is inactive")).ToBeVisibleAsync();
        await view.PressAsync("u");
        await Expect(view.Page.GetByText("Data warehouse is active")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Make a signing secret"));
        await Expect(view.Dialog.Locator("code")).ToContainTextAsync("whsec_");
        await view.AssertDialogFitAsync("settings/SecretDialog.SecretDialog", "Data warehouse");
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_demo_world_is_let_run_and_rests_again()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns");
        await view.UseAsync(view.Button("Let the demo world run"));
        await Expect(view.Page.GetByText("people are shopping")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Let the demo world rest"));
        await Expect(view.Page.GetByText("at rest")).ToBeVisibleAsync();
        view.AssertHealthy();
    }
}
