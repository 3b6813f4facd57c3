using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>The form that prices as one types, views shared with a role, and receipts in words.</summary>
[Collection(AppCollection.Name)]
public sealed class CouponFormTests(App app)
{
    [Fact]
    public async Task The_sentence_and_the_fields_are_one_and_examples_are_priced_while_typing()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/new");
        var sentence = view.Dialog.Locator(".rule-sentence");
        await view.WriteAsync(sentence.GetByLabel("Percent off"), "20");
        await view.WriteAsync(sentence.GetByLabel("At most"), "30");
        await view.WriteAsync(sentence.GetByLabel("Minimum order value"), "60");
        await Expect(view.Page.Locator("input[name=discount_value]")).ToHaveValueAsync("20");
        await Expect(view.Page.Locator("input[name=max_discount_amount]")).ToHaveValueAsync("30");
        var examples = view.Dialog.Locator(".examples li");
        // 20 % of 300 is 60, of which 30 are given; 50 is below the minimum, and how far is said.
        await Expect(examples.Nth(3)).ToContainTextAsync("saves $30.00");
        await Expect(examples.Nth(1)).ToContainTextAsync("Spend 10.00 USD more");
        await view.WriteAsync(view.Page.Locator("input[name=discount_value]"), "10");
        await Expect(sentence.GetByLabel("Percent off")).ToHaveValueAsync("10");
        await Expect(examples.Nth(2)).ToContainTextAsync("saves $12.00");
        await view.WriteAsync(view.Dialog.GetByLabel("An order of your own (USD)"), "200");
        await Expect(examples.Nth(4)).ToContainTextAsync("saves $20.00");
        Assert.Empty(await view.AxeAsync());
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_coupon_is_made_exclusive_with_a_place_of_its_own()
    {
        var id = await Shop.CouponAsync(app, "LONELY", new { stacking_groups = (string[])["spring"] });
        await using var view = await app.OpenAsync();
        await view.GoAsync($"/coupons/{id}/edit");
        await view.UseAsync(view.Dialog.Locator("summary", new() { HasText = "Beside other coupons" }));
        await Expect(view.Dialog.GetByLabel("Combines within these groups")).ToHaveValueAsync("spring");
        await view.ChooseAsync(view.Dialog.GetByLabel("Beside others on one cart"), "exclusive");
        await Expect(view.Dialog.GetByLabel("Combines within these groups")).ToBeHiddenAsync();
        var place = view.Dialog.GetByLabel("Place", new() { Exact = true });
        await view.WriteAsync(place, "0");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Dialog.GetByText("The place is a whole number from 1 to 1,000,000")).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.WriteAsync(place, "5");
        await view.UseAsync(view.Button("Save"));
        await Expect(view.Page.GetByText("LONELY is saved")).ToBeVisibleAsync();
        var stored = (await app.Host.GetAsync($"/api/v1/admin/coupons/{id}")).Json;
        Assert.Equal("exclusive", stored.GetProperty("stacking").GetString());
        Assert.Equal(5, stored.GetProperty("apply_order").GetInt32());
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_view_is_saved_for_a_role_and_found_in_the_menu()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?status=expired");
        await view.UseAsync(view.Button("Views"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Save this view…" }));
        await view.WriteAsync(view.Dialog.GetByLabel("Name of the view"), "All that ended");
        await view.ChooseAsync(view.Dialog.GetByLabel("Share with a role"), "marketing_operations");
        await view.PressAsync("Tab");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Save" }));
        await Expect(view.Page.GetByText("View “All that ended” is saved")).ToBeVisibleAsync();
        await view.GoAsync("/coupons");
        await view.UseAsync(view.Button("Views"));
        await view.UseAsync(
            view.Page.GetByRole(AriaRole.Menuitem).Filter(new() { HasText = "shared with marketing operations" }).First
        );
        await view.UntilAtAsync("**/coupons?status=expired");
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_redemption_says_in_words_why_it_came_out_so()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/1/usage");
        await view.UseAsync(view.Button("Why order-1001 came out so"));
        await Expect(view.Dialog.Locator(".words")).ToContainTextAsync("takes 5.85 EUR off the order");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Dialog.Locator("tr", new() { HasText = "order-1001" }).GetByRole(AriaRole.Link));
        await view.UntilAtAsync("**/redemptions/**");
        await Expect(view.Dialog.Locator(".words")).ToContainTextAsync("come to 33.15 EUR");
        view.AssertHealthy();
    }
}
