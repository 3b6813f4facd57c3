using System.Globalization;
using System.Text;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

[Collection(PagesCollection.Name)]
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
        await view.ReachAsync(view.Button("All matching"));
        await view.PressAsync("Enter");
        await view.ReachAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Edit" }));
        await view.PressAsync("Enter");
        await view.ReachAsync(view.Dialog.GetByLabel("Set: Uses in all"));
        await view.PressAsync("Space");
        await view.WriteAsync(view.Dialog.GetByLabel("New value: Uses in all"), "77");
        Assert.Empty(await view.AxeAsync());
        await view.ReachAsync(view.Button("See the effect"));
        await view.PressAsync("Enter");
        await Expect(view.Dialog.GetByRole(AriaRole.Row, new() { Name = "MANYA Uses in all – 77" })).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.ReachAsync(view.Button("Change 2"));
        await view.PressAsync("Enter");
        await Expect(view.Dialog).ToContainTextAsync("2 changed");
        Assert.Empty(await view.AxeAsync());

        await view.GoAsync("/operations");
        var job = view.Page.GetByRole(AriaRole.Article).First;
        await Expect(job).ToContainTextAsync("Edit of coupons");
        await view.UseAsync(job.GetByRole(AriaRole.Button, new() { Name = "Undo" }));
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(
            view.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Undo" })
        );
        await Expect(job).ToContainTextAsync("Undoing a change");
        await Expect(view.Page.GetByRole(AriaRole.Article).Nth(1)).ToContainTextAsync("undone");
        await Expect(job).ToContainTextAsync("Succeeded");
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
        await view.UseAsync(view.Button("All matching"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Delete" }));
        var delete = view.Button("Delete 1");
        await Expect(delete).ToBeDisabledAsync();
        Assert.Empty(await view.AxeAsync());
        Assert.Equal(0, await view.OverflowAsync());
        await view.WriteAsync(view.Dialog.GetByLabel("Type 1 to confirm"), "1");
        await view.UseAsync(delete);
        await Expect(view.Dialog).ToContainTextAsync("1 changed");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Undo" }));
        await view.AssertDialogFitAsync("ui/OperationCard.UndoButton", "Undo", narrow: true);
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Cancel" }));
        await view.UndoAsync(view.Dialog.GetByRole(AriaRole.Article));
        await view.GoAsync("/operations");
        await AssertUndoneAsync(view, "1 changed");
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_list_is_exported_and_fetched()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?status=active");
        await view.UseAsync(view.Button("All matching"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Export" }));
        await view.TickAsync(view.Dialog.GetByLabel("CSV"));
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Export" }));
        var link = view.Dialog.GetByRole(AriaRole.Link, new() { Name = "Download" });
        var file = await view.Page.RunAndWaitForDownloadAsync(() => view.UseAsync(link));
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
            view.UseAsync(view.Button("Download the errors (CSV)"))
        );
        Assert.Equal("coupons.csv-errors.csv", errors.SuggestedFilename);
        await view.TickAsync(view.Page.GetByLabel("are updated"));
        await Expect(view.Page.GetByText("Known before → Renamed")).ToBeVisibleAsync();
        await view.AssertFitAtAllWidthsAsync("the options of an import");

        await ChooseAsync(
            view,
            Header
                + "FIXONE,percentage,10,2100-01-01,First\nFIXKNOWN,percentage,10,2100-01-01,Renamed\nFIXBAD,percentage,50,2100-01-01,Good\n"
        );
        await view.UseAsync(view.Button("Import 3 rows"));
        var job = view.Page.GetByRole(AriaRole.Article);
        await Expect(job).ToContainTextAsync("2 created");
        await Expect(job).ToContainTextAsync("1 updated");
        Assert.Empty(await view.AxeAsync());
        await view.UndoAsync(job);
        await view.GoAsync("/operations");
        await AssertUndoneAsync(view, "3 changed");
        await view.GoAsync("/coupons?search=FIX");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(1);
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("Known before");
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_hundred_thousand_rows_are_imported_the_refused_ones_mended_in_their_file_and_all_is_undone()
    {
        const int rows = 100_000;
        var file = new StringBuilder(Header);
        for (var i = 0; i < rows; i++)
        {
            file.Append(
                CultureInfo.InvariantCulture,
                $"LOAD{i},percentage,{(i % 1_000 == 0 ? 500 : 10)},2100-01-01,Load\n"
            );
        }

        await using var view = await app.OpenAsync();
        view.Page.SetDefaultTimeout(120_000);
        await view.GoAsync("/coupons/bulk");
        await ChooseAsync(view, file.ToString());
        await view.UseAsync(view.Button("Import 99,900 rows"));
        var job = view.Page.GetByRole(AriaRole.Article);
        await Expect(job).ToContainTextAsync("99,900 created", LongWait);
        var download = await view.Page.RunAndWaitForDownloadAsync(() =>
            view.UseAsync(job.GetByRole(AriaRole.Link, new() { Name = "Refused rows (CSV)" }))
        );
        using var reader = new StreamReader(await download.CreateReadStreamAsync());
        var refused = await reader.ReadToEndAsync();
        Assert.Equal(102, refused.Split("\r\n").Length);

        // The very file, its only fault mended.
        await ChooseAsync(view, refused.Replace(",500,", ",50,", StringComparison.Ordinal));
        await view.UseAsync(view.Button("Import 100 rows"));
        await Expect(job).ToContainTextAsync("100 created", LongWait);
        Assert.Equal(rows, await LoadedAsync());

        await view.GoAsync("/operations");
        foreach (var place in (int[])[0, 2])
        {
            // The undoing of one is listed above the other.
            await view.UndoAsync(view.Page.GetByRole(AriaRole.Article).Nth(place));
            await AssertUndoneAsync(view, place == 0 ? "· 100 changed" : "99,900 changed");
        }

        Assert.Equal(0, await LoadedAsync());
        view.AssertHealthy();
    }

    private static readonly LocatorAssertionsToContainTextOptions LongWait = new() { Timeout = 180_000 };

    /// <summary>The newest job is an undoing, is over, and has changed that many.</summary>
    private static async Task AssertUndoneAsync(View view, string outcome)
    {
        var newest = view.Page.GetByRole(AriaRole.Article).First;
        await Expect(newest).ToContainTextAsync("Undoing a change");
        await Expect(newest).ToContainTextAsync(outcome, LongWait);
        await Expect(newest).ToContainTextAsync("Succeeded");
    }

    private Task<long> LoadedAsync() =>
        app.Host.Database.ScalarAsync<long>(
            "select count(*) from coupons.coupon where code like 'LOAD%' and deleted_at is null"
        );

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
