using System.Text;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

[Collection(AppCollection.Name)]
public sealed class BulkTests(App app)
{
    private const string Header = "code,discount_type,discount_value,valid_from,internal_name\n";

    [Fact]
    public async Task All_that_match_are_edited_by_keyboard_after_their_effect_was_shown_and_the_job_undoes_it()
    {
        await Shop.CouponAsync(app, "MANYA", new { internal_name = "Many at once" });
        await Shop.CouponAsync(app, "MANYB", new { internal_name = "Many at once" });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=Many%20at%20once");
        await view.Button("All matching").FocusAsync();
        await view.PressAsync("Enter");
        await view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Edit" }).FocusAsync();
        await view.PressAsync("Enter");
        await view.Dialog.GetByLabel("Set: Uses in all").FocusAsync();
        await view.PressAsync("Space");
        await view.Dialog.GetByLabel("New value: Uses in all").FillAsync("77");
        Assert.Empty(await view.AxeAsync());
        await view.Button("See the effect").FocusAsync();
        await view.PressAsync("Enter");
        await Expect(view.Dialog.GetByRole(AriaRole.Row, new() { Name = "MANYA Uses in all – 77" })).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.Button("Change 2").FocusAsync();
        await view.PressAsync("Enter");
        await Expect(view.Dialog).ToContainTextAsync("2 changed");
        Assert.Empty(await view.AxeAsync());

        await view.GoAsync("/operations");
        var job = view.Page.GetByRole(AriaRole.Article).First;
        await Expect(job).ToContainTextAsync("Edit of coupons");
        await job.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        Assert.Empty(await view.AxeAsync());
        await view
            .Page.GetByRole(AriaRole.Alertdialog)
            .GetByRole(AriaRole.Button, new() { Name = "Undo" })
            .ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Article).Nth(1)).ToContainTextAsync("undone");
        await Expect(view.Page.GetByRole(AriaRole.Article).First).ToContainTextAsync("Succeeded");
        var coupon = await app.Host.GetAsync("/api/v1/admin/coupons?search=MANYA");
        Assert.Equal(
            System.Text.Json.JsonValueKind.Null,
            coupon.Json.GetProperty("data")[0].GetProperty("max_uses_total").ValueKind
        );
        view.AssertHealthy();
    }

    [Fact]
    public async Task Deleting_many_on_a_phone_wants_their_number_typed()
    {
        await Shop.CouponAsync(app, "PHONEA", new { internal_name = "Gone by phone" });
        await using var view = await app.OpenAsync(width: 390);
        await view.GoAsync("/coupons?search=Gone%20by%20phone");
        await view.Button("All matching").ClickAsync();
        await view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Delete" }).ClickAsync();
        var delete = view.Button("Delete 1");
        await Expect(delete).ToBeDisabledAsync();
        Assert.Empty(await view.AxeAsync());
        Assert.Equal(0, await view.OverflowAsync());
        await view.Dialog.GetByLabel("Type 1 to confirm").FillAsync("1");
        await delete.ClickAsync();
        await Expect(view.Dialog).ToContainTextAsync("1 changed");
        await view.Button("Undo").ClickAsync();
        await view
            .Page.GetByRole(AriaRole.Alertdialog)
            .Last.GetByRole(AriaRole.Button, new() { Name = "Undo" })
            .ClickAsync();
        await view.GoAsync("/operations");
        await Expect(view.Page.GetByRole(AriaRole.Article).First).ToContainTextAsync("1 changed");
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_list_is_exported_and_fetched()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?status=active");
        await view.Button("All matching").ClickAsync();
        await view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Export" }).ClickAsync();
        await view.Dialog.GetByLabel("CSV").CheckAsync();
        Assert.Empty(await view.AxeAsync());
        await view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Export" }).ClickAsync();
        var link = view.Dialog.GetByRole(AriaRole.Link, new() { Name = "Download" });
        var file = await view.Page.RunAndWaitForDownloadAsync(() => link.ClickAsync());
        Assert.Equal("coupons.csv", file.SuggestedFilename);
        using var reader = new StreamReader(await file.CreateReadStreamAsync());
        var lines = (await reader.ReadToEndAsync()).Split("\r\n");
        Assert.StartsWith("id,code,internal_name", lines[0], StringComparison.Ordinal);
        Assert.All(lines[1..^1], static line => Assert.Contains(",active,", line, StringComparison.Ordinal));
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_file_with_errors_is_looked_at_fixed_imported_and_undone()
    {
        await Shop.CouponAsync(app, "FIXKNOWN", new { internal_name = "Known before" });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/bulk");
        await ChooseAsync(
            view,
            Header
                + "FIXONE,percentage,10,2100-01-01,First\nFIXKNOWN,percentage,10,2100-01-01,Renamed\nFIXBAD,percentage,500,2100-01-01,Bad\n"
        );
        await Expect(view.Page.GetByText("Percentage discount cannot exceed 100%")).ToBeVisibleAsync();
        await Expect(view.Page.GetByText("Coupon code already exists")).ToBeVisibleAsync();
        var errors = await view.Page.RunAndWaitForDownloadAsync(() =>
            view.Button("Download the errors (CSV)").ClickAsync()
        );
        Assert.Equal("coupons.csv-errors.csv", errors.SuggestedFilename);
        await view.Page.GetByLabel("are updated").CheckAsync();
        await Expect(view.Page.GetByText("Known before → Renamed")).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());

        await ChooseAsync(
            view,
            Header
                + "FIXONE,percentage,10,2100-01-01,First\nFIXKNOWN,percentage,10,2100-01-01,Renamed\nFIXBAD,percentage,50,2100-01-01,Good\n"
        );
        await view.Button("Import 3 rows").ClickAsync();
        var job = view.Page.GetByRole(AriaRole.Article);
        await Expect(job).ToContainTextAsync("2 created");
        await Expect(job).ToContainTextAsync("1 updated");
        Assert.Empty(await view.AxeAsync());
        await job.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await view
            .Page.GetByRole(AriaRole.Alertdialog)
            .GetByRole(AriaRole.Button, new() { Name = "Undo" })
            .ClickAsync();
        await view.GoAsync("/operations");
        await Expect(view.Page.GetByRole(AriaRole.Article).First).ToContainTextAsync("3 changed");
        await view.GoAsync("/coupons?search=FIX");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(1);
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("Known before");
        view.AssertHealthy();
    }

    private static Task ChooseAsync(View view, string text) =>
        view
            .Page.Locator("input[type=file]")
            .SetInputFilesAsync(
                new FilePayload
                {
                    Name = "coupons.csv",
                    MimeType = "text/csv",
                    Buffer = Encoding.UTF8.GetBytes(text),
                }
            );
}
