using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Each number leads to the rows it is made of, and these are as many (MET-24).</summary>
[Collection(AppCollection.Name)]
public sealed class DrilldownTests(App app)
{
    [Fact]
    public async Task A_figure_leads_to_as_many_rows_as_it_says()
    {
        await UntilCountedAsync();
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/dashboard?period=90");
        var figure = view.Page.Locator("a.figure").Filter(new() { HasText = "Redemptions" }).Last;
        var count = await figure.Locator(".figure__value").InnerTextAsync();
        await view.UseAsync(figure);
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync(count + " redemptions");
        Assert.Empty(await view.AxeAsync());

        // What was carried over is said, stays while one looks further, and is taken away one by one.
        await view.GoAsync("/coupons/dashboard?period=90");
        await view.UseAsync(view.Page.Locator("a.figure").Filter(new() { HasText = "Revenue" }));
        await Expect(view.Page.Locator(".chip")).ToHaveCountAsync(2);
        await view.UseAsync(view.Button("Remove Status"));
        await Expect(view.Page.Locator(".chip")).ToHaveCountAsync(1);
        Assert.Contains("currency=", view.Page.Url, StringComparison.Ordinal);
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_list_of_coupons_leads_to_the_uses_of_each()
    {
        await UntilCountedAsync();
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=AUTUMN15");
        var row = view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "AUTUMN15" });
        var uses = row.Locator("a.quiet-link").First;
        var count = (await uses.InnerTextAsync()).Split('/')[0].Trim();
        await view.UseAsync(uses);
        await Expect(view.Page.Locator(".totals strong")).ToHaveTextAsync(count + " redemptions");
        view.AssertHealthy();
    }

    [Theory]
    [InlineData("By location", "redemption")]
    [InlineData("By channel", "redemption")]
    [InlineData("From view to completed booking", "attempt")]
    [InlineData("Redemptions over time", "redemption")]
    public async Task A_mark_of_a_chart_leads_there_by_keyboard_and_so_does_its_table(string title, string kind)
    {
        await UntilCountedAsync();
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/analytics?period=90");
        var body = view.Page.Locator($".chart__body[aria-label^='{title}']");
        await Expect(body.Locator("a.chart__mark").First).ToBeAttachedAsync();
        await view.ReachAsync(body);
        await view.PressAsync("ArrowRight");
        await Expect(body.Locator("a.chart__mark:focus")).ToBeAttachedAsync();
        var name = await view.FocusedAsync();
        var count = name[(name.LastIndexOf(' ') + 1)..];
        await view.PressAsync("Enter");
        await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync($"{count} {kind}");
        var rows = view.Page.Url;

        await view.Page.GoBackAsync();
        var chart = view.Page.Locator("figure.chart").Filter(new() { HasText = title });
        await view.UseAsync(chart.Locator("summary"));
        await view.UseAsync(chart.Locator("td a").Filter(new() { HasText = count }).First);
        await Expect(view.Page.Locator(".totals strong")).ToContainTextAsync(count);
        Assert.Equal(new Uri(rows).AbsolutePath, new Uri(view.Page.Url).AbsolutePath);
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_attempt_that_was_refused_says_why()
    {
        await using var view = await app.OpenAsync(390);
        await view.GoAsync("/redemptions/attempts?result=refused");
        await view.UseAsync(view.Page.Locator(".list-card").First);
        await Expect(view.Dialog).ToContainTextAsync("does not apply");
        Assert.Empty(await view.AxeAsync());
        view.AssertHealthy();
    }

    /// <summary>Until the figures have counted all that other tests did.</summary>
    private async Task UntilCountedAsync()
    {
        const string behind = """
            select (select count(*) from platform.event) <> (select count(*) from audit.entry)
                or (select seq from insights.progress) <> (select coalesce(max(seq), 0) from audit.entry)
                or (select refusal_id from insights.progress) < any (select id from redemptions.refusal)
            """;
        for (var tries = 0; tries < 400; tries++)
        {
            if (!await app.Host.Database.ScalarAsync<bool>(behind))
            {
                return;
            }

            await Task.Delay(100);
        }

        throw new TimeoutException("The figures have not counted all that happened.");
    }
}
