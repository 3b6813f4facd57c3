using Microsoft.Playwright;
using Tessera.Server.Tests.Support;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>What the log says is said in words of the reader: kinds, states and causes too.</summary>
[Collection(AppCollection.Name)]
public sealed class LogWordsTests(App app)
{
    [Fact]
    public async Task Closed_words_of_the_log_are_said_in_the_language_of_the_reader()
    {
        var coupon = await Shop.CouponAsync(app, "LOGWORDS");
        await UntilSealedAsync(coupon);
        await using var view = await app.OpenAsync();
        await view.GoAsync($"/audit?subject=coupon:{coupon}");
        var made = view.Page.Locator("main li.event").Filter(new() { HasText = "Coupon created" });
        await view.UseAsync(made.Locator("details > summary").First);
        await Expect(Value(made, "Codes")).ToHaveTextAsync("one code for all");
        await Expect(Value(made, "Active")).ToHaveTextAsync("yes");
        await view.UseAsync(view.Page.Locator(".sidebar__foot button").First);
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitemradio, new() { Name = "Deutsch" }));
        await Expect(view.Page.Locator("h1")).ToHaveTextAsync("Protokoll");
        var gemacht = view.Page.Locator("main li.event").Filter(new() { HasText = "Gutschein angelegt" });
        await Expect(Value(gemacht, "Codes")).ToHaveTextAsync("ein Code für alle");
        view.AssertHealthy();
    }

    /// <summary>Until the log shows that the coupon was made.</summary>
    private Task UntilSealedAsync(long coupon) =>
        Patience.UntilAsync(
            async () =>
            {
                var found = await app.Host.GetAsync($"/api/v1/audit/entries?subject=coupon:{coupon}");
                return found.Json.GetProperty("data").GetArrayLength() > 0;
            },
            "the log to show what happened"
        );

    private static ILocator Value(ILocator entry, string name) =>
        entry.Locator($".facts__pair:has(dt:text-is('{name}')) dd");
}
