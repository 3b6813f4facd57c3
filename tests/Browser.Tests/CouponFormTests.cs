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
        await sentence.GetByLabel("Percent off").FillAsync("20");
        await sentence.GetByLabel("At most").FillAsync("30");
        await sentence.GetByLabel("Minimum order value").FillAsync("60");
        await Expect(view.Page.Locator("input[name=discount_value]")).ToHaveValueAsync("20");
        await Expect(view.Page.Locator("input[name=max_discount_amount]")).ToHaveValueAsync("30");
        var examples = view.Dialog.Locator(".examples li");
        // 20 % of 300 is 60, of which 30 are given; 50 is below the minimum, and how far is said.
        await Expect(examples.Nth(3)).ToContainTextAsync("saves $30.00");
        await Expect(examples.Nth(1)).ToContainTextAsync("Spend 10.00 USD more");
        await view.Page.Locator("input[name=discount_value]").FillAsync("10");
        await Expect(sentence.GetByLabel("Percent off")).ToHaveValueAsync("10");
        await Expect(examples.Nth(2)).ToContainTextAsync("saves $12.00");
        await view.Dialog.GetByLabel("An order of your own (USD)").FillAsync("200");
        await Expect(examples.Nth(4)).ToContainTextAsync("saves $20.00");
        Assert.Empty(await view.AxeAsync());
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_view_is_saved_for_a_role_and_found_in_the_menu()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?status=expired");
        await view.Button("Views").ClickAsync();
        await view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Save this view…" }).ClickAsync();
        await view.Dialog.GetByLabel("Name of the view").FillAsync("All that ended");
        await view.Dialog.GetByLabel("Share with a role").SelectOptionAsync("marketing_operations");
        await view.PressAsync("Tab");
        await view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(view.Page.GetByText("View “All that ended” is saved")).ToBeVisibleAsync();
        await view.GoAsync("/coupons");
        await view.Button("Views").ClickAsync();
        await view
            .Page.GetByRole(AriaRole.Menuitem)
            .Filter(new() { HasText = "shared with marketing operations" })
            .First.ClickAsync();
        await view.Page.WaitForURLAsync("**/coupons?status=expired");
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_redemption_says_in_words_why_it_came_out_so()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/1/usage");
        await view.Button("Why order-1001 came out so").ClickAsync();
        await Expect(view.Dialog.Locator(".words")).ToContainTextAsync("took €5.85 off");
        Assert.Empty(await view.AxeAsync());
        await view.Dialog.Locator("tr", new() { HasText = "order-1001" }).GetByRole(AriaRole.Link).ClickAsync();
        await view.Page.WaitForURLAsync("**/redemptions/**");
        await Expect(view.Dialog.Locator(".words")).ToContainTextAsync("came to €33.15");
        view.AssertHealthy();
    }
}
