using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>What the address keeps: nothing that is pressed or written is lost while it follows.</summary>
[Collection(AppCollection.Name)]
public sealed partial class AddressTests(App app)
{
    /// <summary>How many times slower the page is than the machine, so that it is behind the hands.</summary>
    private const int Slowness = 6;

    [Theory]
    [InlineData("/coupons", "Type of discount", "discountType")]
    [InlineData("/approvals", "Status", "state")]
    [InlineData("/operations", "Status", "status")]
    [InlineData("/notifications", "Status", "state")]
    public async Task Two_quick_presses_at_a_list_choose_the_second_entry(string path, string name, string parameter)
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync(path);
        var list = view.Page.Locator("main").GetByLabel(name, new() { Exact = true }).And(view.Page.Locator("select"));
        await view.ReachAsync(list);
        var wanted = await list.EvaluateAsync<string>("list => list.options[list.selectedIndex + 2].value");
        await SlowAsync(view);
        await view.PressAsync("ArrowDown");
        await view.PressAsync("ArrowDown");
        await Expect(view.Page)
            .ToHaveURLAsync(new Regex($"[?&]{parameter}={wanted}(?:&|$)", RegexOptions.None, Patience));
        await Expect(list).ToHaveValueAsync(wanted);
        view.AssertHealthy();
    }

    [Fact]
    public async Task Boxes_that_are_ticked_quickly_are_all_taken()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons");
        await view.UseAsync(view.Page.Locator(".filters").GetByRole(AriaRole.Button, new() { Name = "Status" }));
        var boxes = view.Page.GetByRole(AriaRole.Group, new() { Name = "Status" }).GetByRole(AriaRole.Checkbox);
        await view.ReachAsync(boxes.First);
        await SlowAsync(view);
        await view.PressAsync("Space");
        await view.PressAsync("Tab");
        await view.PressAsync("Space");
        await view.PressAsync("Tab");
        await view.PressAsync("Space");
        await view.PressAsync("Space");
        await Expect(view.Page).ToHaveURLAsync(TwoStatuses());
        await Expect(boxes.Nth(0)).ToBeCheckedAsync();
        await Expect(boxes.Nth(1)).ToBeCheckedAsync();
        await Expect(boxes.Nth(2)).Not.ToBeCheckedAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_number_is_taken_by_Enter_and_can_be_gone_on_with()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons");
        await view.UseAsync(view.Button("More filters"));
        var least = view.Page.GetByRole(AriaRole.Spinbutton, new() { Name = "Uses from" });
        await view.ReachAsync(least);
        await SlowAsync(view);
        await view.Page.Keyboard.TypeAsync("1");
        await view.PressAsync("Enter");
        await view.PressAsync("ArrowUp");
        await view.PressAsync("ArrowUp");
        await view.PressAsync("Enter");
        await Expect(view.Page).ToHaveURLAsync(LeastUses());
        await Expect(least).ToHaveValueAsync("3");
        await Expect(least).ToBeFocusedAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_pause_between_two_words_of_a_search_takes_nothing_away()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons");
        var search = view.Page.GetByLabel("Code, name, description, source");
        await view.ReachAsync(search);
        await SlowAsync(view);
        await view.Page.Keyboard.TypeAsync("autumn ");
        await Expect(view.Page).ToHaveURLAsync(OneWord());
        await view.Page.Keyboard.TypeAsync("fav");
        await Expect(view.Page).ToHaveURLAsync(TwoWords());
        await Expect(search).ToHaveValueAsync("autumn fav");
        view.AssertHealthy();
    }

    /// <summary>From here on the page takes longer for everything than those who use it.</summary>
    private static async Task SlowAsync(View view)
    {
        var tools = await view.Page.Context.NewCDPSessionAsync(view.Page);
        await tools.SendAsync("Emulation.setCPUThrottlingRate", new Dictionary<string, object> { ["rate"] = Slowness });
    }

    private static TimeSpan Patience => TimeSpan.FromSeconds(1);

    [GeneratedRegex("[?&]status=[a-z_]+%2C[a-z_]+(?:&|$)", RegexOptions.None, 1_000)]
    private static partial Regex TwoStatuses();

    [GeneratedRegex("[?&]usageRange.min=3(?:&|$)", RegexOptions.None, 1_000)]
    private static partial Regex LeastUses();

    [GeneratedRegex("[?&]search=autumn(?:&|$)", RegexOptions.None, 1_000)]
    private static partial Regex OneWord();

    [GeneratedRegex("[?&]search=autumn\\+fav(?:&|$)", RegexOptions.None, 1_000)]
    private static partial Regex TwoWords();
}
