using Xunit;

namespace Tessera.Browser.Tests;

/// <summary>Names with markup, written from right to left, or as long as they may be: they stay text, and break no layout.</summary>
[Collection(PagesCollection.Name)]
public sealed class HostileNameTests(App app)
{
    private static readonly string[] Names =
    [
        "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>",
        "\u202Eمرحبا بكم في المتجر\u202C (rabatt) \u05E9\u05DC\u05D5\u05DD",
        new('W', 100),
    ];

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    [InlineData(320)]
    public async Task They_stay_text_on_every_page_that_shows_them(int width)
    {
        var campaign = "";
        for (var i = 0; i < Names.Length; i++)
        {
            var code = $"HOSTILE{width}-{i}";
            await Shop.CouponAsync(app, code, new { internal_name = Names[i], campaign_source = "hostile" + width });
            await Shop.RedeemAsync(app, code, Names[i].Length > 60 ? $"{code}-{new string('W', 60)}" : code + Names[i]);
            campaign = $"hostile-{width}-{i}";
            await MakeAsync(
                "/api/v1/campaigns",
                new
                {
                    id = campaign,
                    name = Names[i],
                    start_date = "2099-03-01",
                }
            );
            await MakeAsync(
                "/api/v1/templates",
                new { name = width + Names[i][..Math.Min(95, Names[i].Length)], fields = new { max_uses_total = 5 } }
            );
            await MakeAsync(
                "/api/v1/connectors",
                new
                {
                    name = Names[i],
                    kind = "partner_rest",
                    address = "https://partner.example.com",
                    is_active = false,
                }
            );
            await MakeAsync("/api/v1/webhooks", new { name = Names[i], url = "https://events.example.com/hostile" });
        }

        await using var view = await app.OpenAsync(width);
        foreach (
            var path in (string[])
                [
                    $"/coupons?campaign=hostile{width}",
                    "/campaigns",
                    "/campaigns/" + campaign,
                    "/redemptions",
                    "/expiry",
                    "/settings/connectors",
                    "/settings/webhooks",
                    "/coupons/bulk",
                ]
        )
        {
            await view.GoAsync(path);
            Assert.True(await view.OverflowAsync() == 0, $"{path} at {width} px is wider than the window.");
            Assert.NotEqual("broken", await view.Page.TitleAsync());
            Assert.Equal(0, await view.Page.Locator("main img[src=x], main script").CountAsync());
        }

        await view.GoAsync($"/coupons?campaign=hostile{width}");
        Assert.Empty(await view.AxeAsync());
        await view.Button("All matching").ClickAsync();
        await view.Page.GetByRole(Microsoft.Playwright.AriaRole.Menuitem, new() { Name = "Edit" }).ClickAsync();
        await Microsoft.Playwright.Assertions.Expect(view.Dialog).ToBeVisibleAsync();
        Assert.Equal(0, await view.OverflowAsync());
        view.AssertHealthy();
    }

    private async Task MakeAsync(string path, object wanted)
    {
        var reply = await app.Host.PostAsync(path, wanted);
        Assert.True(reply.Status == 201, reply.Body);
    }
}
