using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Rules of regions, periods of retention with legal holds, and emergencies.</summary>
[Collection(AppCollection.Name)]
public sealed class KeepingTests(App app)
{
    [Fact]
    public async Task Two_people_at_the_rules_of_a_region_see_both_versions_and_what_is_deleted_comes_back()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/settings/regions");
        await view.UseAsync(view.Button("Add region"));
        await view.WriteAsync(view.Dialog.GetByLabel("Region", new() { Exact = true }), "Atlantis");
        await view.UseAsync(view.Button("Create"));
        await Expect(view.Dialog).ToContainTextAsync("a country such as AT");
        await view.WriteAsync(view.Dialog.GetByLabel("Region", new() { Exact = true }), "AT");
        await view.WriteAsync(view.Dialog.GetByLabel("Valid for at least"), "30");
        await view.WriteAsync(view.Dialog.GetByLabel("Days ahead"), "14");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Create"));
        await Expect(view.Page.GetByText("Austria is saved")).ToBeVisibleAsync();
        await Expect(view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Austria" }))
            .ToContainTextAsync("14 days ahead");

        // Somebody else is faster.
        await view.UseAsync(view.Button("Edit: AT"));
        await view.WriteAsync(view.Dialog.GetByLabel("Customers are told before"), "7");
        await Expect(view.Button("1 unsaved change")).ToBeVisibleAsync();
        var other = await app.Host.SendAsync(
            HttpMethod.Patch,
            "/api/v1/regions/AT",
            new { coupons = new { notice_days = 21 } },
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );
        Assert.True(other.Status == 200, other.Body);
        await view.UseAsync(view.Button("Save"));
        var conflict = view.Page.GetByRole(AriaRole.Alertdialog);
        await Expect(conflict).ToContainTextAsync("21");
        await view.UseAsync(view.Button("Save mine over it"));
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await Expect(view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Austria" }))
            .ToContainTextAsync("7 days");
        await view.UseAsync(view.Button("Delete: AT"));
        await view.UseAsync(view.Button("Delete"));
        await Expect(view.Page.GetByText("No region has rules of its own")).ToBeVisibleAsync();
        await view.PressAsync("u");
        await Expect(view.Button("Edit: AT")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_audit_page_says_whether_the_log_is_as_it_was_sealed()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/audit");
        await Expect(view.Page.GetByText("nothing was changed")).ToBeVisibleAsync(new() { Timeout = 60_000 });
        await Expect(view.Page.Locator("datalist#event-types option[value='coupon.created']")).ToHaveCountAsync(1);
        try
        {
            await app.Host.Database.ExecuteAsync(
                "update audit.chain_walk set fault = 'changed', fault_seq = 3, fault_at = clock_timestamp()"
            );
            await view.Page.ReloadAsync();
            await Expect(view.Page.GetByRole(AriaRole.Alert))
                .ToContainTextAsync("The chain is broken at #3: it is not what was sealed");
            await view.AssertFitAtAllWidthsAsync("the fault of a chain");
        }
        finally
        {
            await app.Host.Database.ExecuteAsync(
                "update audit.chain_walk set fault = null, fault_seq = null, fault_at = null"
            );
        }

        view.AssertHealthy();
    }

    [Fact]
    public async Task A_period_is_changed_and_a_hold_is_placed_and_ended()
    {
        await using var view = await app.OpenAsync();
        await app.Host.PostAsync("/api/v1/customers", new { external_id = "HELD-7" });
        await view.GoAsync("/settings/retention");
        const string kind = "Attempts that were refused";
        await view.UseAsync(view.Button("Edit: " + kind));
        await view.WriteAsync(view.Dialog.GetByLabel("Kept for"), "3");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Dialog.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();
        await view.WriteAsync(view.Dialog.GetByLabel("Kept for"), "400");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("The period is saved: " + kind)).ToBeVisibleAsync();
        await Expect(view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = kind })).ToContainTextAsync("400 days");
        await view.UseAsync(view.Button("Place a hold"));
        await view.WriteAsync(view.Dialog.GetByLabel("Matter"), "2026-C-114");
        await view.WriteAsync(view.Dialog.GetByLabel("Customer"), "HELD-8");
        await view.UseAsync(view.Button("Create"));
        await Expect(view.Dialog.GetByText("There is no customer with this number.")).ToBeVisibleAsync();
        await view.WriteAsync(view.Dialog.GetByLabel("Customer"), "HELD-7");
        await view.UseAsync(view.Button("Create"));
        await Expect(view.Page.GetByText("The hold 2026-C-114 stands")).ToBeVisibleAsync();
        await Expect(view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "2026-C-114" }))
            .ToContainTextAsync("HELD-7");
        await view.UseAsync(view.Button("End: 2026-C-114"));
        await view.UseAsync(view.Button("End"));
        await Expect(view.Page.GetByText("The hold 2026-C-114 is over")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_emergency_is_seen_on_every_page_until_it_ends()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/approvals?emergencies=1");
        await view.UseAsync(view.Button("Enter an emergency"));
        await view.WriteAsync(view.Dialog.GetByLabel("Why"), "Tills redeem twice tonight.");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Enter an emergency" }));
        await Expect(view.Page.GetByText("The emergency has begun")).ToBeVisibleAsync();
        await view.GoAsync("/campaigns");
        await Expect(view.Page.GetByText("Tills redeem twice tonight.")).ToBeVisibleAsync();
        await view.UseAsync(view.Page.GetByRole(AriaRole.Link, new() { Name = "Emergency: no approval is needed by" }));
        await view.UseAsync(view.Button("End"));
        await Expect(view.Page.GetByText("to be reviewed")).ToBeVisibleAsync();
        await Expect(view.Page.GetByText("Emergency: no approval is needed by")).Not.ToBeVisibleAsync();
        view.AssertHealthy();
    }
}
