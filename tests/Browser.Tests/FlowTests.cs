using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

[Collection(AppCollection.Name)]
public sealed class FlowTests(App app)
{
    [Fact]
    public async Task A_key_signs_in_and_signing_out_ends_it()
    {
        await using var view = await app.OpenAsync(signedIn: false);
        await view.GoAsync("/coupons");
        await view.Page.GetByRole(AriaRole.Radio, new() { Name = "API key" }).CheckAsync();
        await view.Page.Locator("input[name=key]").FillAsync("tsk_wrong");
        await view.Button("Sign in").ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await view.Page.Locator("input[name=key]").FillAsync(app.Host.Key);
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await view.Page.Locator(".sidebar__foot button").ClickAsync();
        await view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Sign out" }).ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Heading, new() { Name = "Sign in to Tessera" })).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_coupon_is_created_by_keyboard_redeemed_seen_and_rolled_back()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons");
        await view.PressAsync("c");
        await Expect(view.Page.Locator("input[name=code]")).ToBeFocusedAsync();
        await view.Page.Keyboard.TypeAsync("flow10");
        await FillByKeyboardAsync(view, "internal_name", "By keyboard alone");
        await FillByKeyboardAsync(view, "description.en", "Ten per cent off.");
        await view.Page.Locator("input[name=internal_name]").PressAsync("Enter");
        await Expect(view.Page.GetByText("FLOW10 is created")).ToBeVisibleAsync();
        await Expect(view.Dialog).ToContainTextAsync("10% off");

        await Shop.RedeemAsync(app, "FLOW10", "order-flow");
        await view.GoAsync("/redemptions?order_reference=order-flow");
        var row = view.Page.Locator("[role=row][data-index='0']");
        await Expect(row).ToContainTextAsync("Redeemed");
        await row.FocusAsync();
        await view.PressAsync("Enter");
        await view.Button("Roll back").ClickAsync();
        await view.Page.GetByLabel("Reason").FillAsync("The customer sent it back");
        await view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Roll back" }).ClickAsync();
        await Expect(view.Page.GetByText("is rolled back")).ToBeVisibleAsync();
        await Expect(view.Page.Locator(".dialog__head .badge")).ToHaveTextAsync("Rolled back");
        view.AssertHealthy();
    }

    [Fact]
    public async Task What_is_wrong_with_a_form_is_said_at_its_fields_and_nothing_typed_is_lost()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/new");
        await view.Page.Locator("input[name=code]").FillAsync("a!");
        await view.Page.Locator("input[name=internal_name]").FillAsync("ab");
        await view.Page.Locator("input[name=max_uses_per_user]").FillAsync("11");
        await view.Page.Locator("input[name=discount_value]").FillAsync("101");
        await view.Page.Locator("input[name=valid_from]").FillAsync("2020-01-01");
        await view.Button("Create").ClickAsync();
        foreach (
            var message in (string[])
                [
                    "Code must be at least 3 characters",
                    "Internal name must be at least 3 characters",
                    "Cannot exceed 10 uses per user",
                    "Percentage discount cannot exceed 100%",
                    "Start date cannot be in the past",
                ]
        )
        {
            await Expect(view.Dialog.GetByText(message)).ToBeVisibleAsync();
        }

        await view.Page.Locator("input[name=code]").FillAsync("AUTUMN15");
        await Expect(view.Dialog.GetByText("Coupon code already exists")).ToBeVisibleAsync();
        Assert.Equal("ab", await view.Page.Locator("input[name=internal_name]").InputValueAsync());
        await view.PressAsync("Escape");
        await Expect(view.Page.GetByText("Leave without saving?")).ToBeVisibleAsync();
        await view.Button("Keep editing").ClickAsync();
        Assert.Equal("AUTUMN15", await view.Page.Locator("input[name=code]").InputValueAsync());
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_double_click_sends_one_request_and_a_lost_connection_loses_no_input()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/new");
        await FillAsync(view, "DOUBLE1");
        var sent = 0;
        await view.Page.RouteAsync(
            "**/api/v1/admin/coupons",
            async route =>
            {
                if (route.Request.Method == "POST" && Interlocked.Increment(ref sent) == 1)
                {
                    await route.AbortAsync();
                }
                else
                {
                    await route.ContinueAsync();
                }
            }
        );
        await view.Button("Create").ClickAsync();
        await Expect(view.Dialog.GetByText("The server cannot be reached")).ToBeVisibleAsync();
        Assert.Equal("DOUBLE1", await view.Page.Locator("input[name=code]").InputValueAsync());
        await view.Button("Create").DblClickAsync();
        await Expect(view.Page.GetByText("DOUBLE1 is created")).ToBeVisibleAsync();
        Assert.Equal(2, sent);
    }

    [Fact]
    public async Task Two_people_at_one_coupon_see_both_versions_side_by_side()
    {
        var id = await CreateAsync("CONFLICT1", "Before");
        await using var view = await app.OpenAsync();
        await view.GoAsync($"/coupons/{id}/edit");
        await view.Page.Locator("input[name=internal_name]").FillAsync("Mine");
        var other = (await app.Host.GetAsync($"/api/v1/admin/coupons/{id}")).Body.Replace(
            "\"Before\"",
            "\"Theirs\"",
            StringComparison.Ordinal
        );
        await ReplaceAsync(id, other);
        await view.Button("Save").ClickAsync();
        var conflict = view.Page.GetByRole(AriaRole.Alertdialog);
        await Expect(conflict).ToContainTextAsync("Mine");
        await Expect(conflict).ToContainTextAsync("Theirs");
        await view.Button("Save mine over it").ClickAsync();
        await Expect(view.Page.GetByText("CONFLICT1 is saved")).ToBeVisibleAsync();
        var now = (await app.Host.GetAsync($"/api/v1/admin/coupons/{id}")).Json;
        Assert.Equal("Mine", now.GetProperty("internal_name").GetString());
        view.AssertHealthy();
    }

    [Fact]
    public async Task Switching_many_says_first_what_it_would_do_and_can_be_undone()
    {
        await CreateAsync("BULKA", "Bulk pair");
        await CreateAsync("BULKB", "Bulk pair");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=Bulk%20pair");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(2);
        await view.Page.GetByLabel("Select all loaded rows").CheckAsync();
        await view.Button("Deactivate").ClickAsync();
        await Expect(view.Dialog).ToContainTextAsync("Would change");
        await view.Button("Deactivate 2").ClickAsync();
        await Expect(view.Dialog).ToContainTextAsync("2 changed");
        await Expect(view.Page.Locator("[data-status=inactive]")).ToHaveCountAsync(2);
        await view.Button("Undo").ClickAsync();
        await view
            .Page.GetByRole(AriaRole.Alertdialog)
            .GetByRole(AriaRole.Button, new() { Name = "Undo" })
            .ClickAsync();
        await Expect(view.Page.Locator("[data-status=active]")).ToHaveCountAsync(2);
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_view_is_in_the_address_and_the_list_is_walked_by_keyboard()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons");
        await view.PressAsync("/");
        await view.Page.Keyboard.TypeAsync("SUMMER20");
        await view.Page.WaitForURLAsync("**/coupons?search=SUMMER20");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(1);
        await view.Page.Locator("[role=row][data-index='0']").FocusAsync();
        await view.PressAsync("Enter");
        await Expect(view.Dialog).ToContainTextAsync("SUMMER20");
        await view.PressAsync("Escape");
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await view.Page.GotoAsync("/app/coupons?status=expired,inactive&sort=code_asc");
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("PAUSED10");
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_palette_finds_a_pasted_code_and_opens_its_story()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns");
        await view.PressAsync("Control+k");
        await Expect(view.Page.Locator(".palette__input")).ToBeFocusedAsync();
        await view.Page.Keyboard.InsertTextAsync("autumn15");
        await Expect(view.Page.GetByRole(AriaRole.Option).First).ToContainTextAsync("AUTUMN15");
        await view.PressAsync("Enter");
        await view.Page.WaitForURLAsync("**/app/coupons/1");
        await Expect(view.Dialog).ToContainTextAsync("AUTUMN15");
        await view.PressAsync("Escape");
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await view.PressAsync("?");
        await Expect(view.Dialog).ToContainTextAsync("Keyboard shortcuts");
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task Hostile_names_are_shown_as_they_are_and_break_no_layout(int width)
    {
        var code = "HOSTILE" + width;
        await CreateAsync(code, "<img src=x onerror=alert(1)> \u202eesrever " + new string('W', 60));
        await using var view = await app.OpenAsync(width);
        foreach (var path in (string[])["/coupons?search=" + code, "/coupons"])
        {
            await view.GoAsync(path);
            Assert.Equal(0, await view.OverflowAsync());
            await Expect(view.Page.GetByText("<img src=x").First).ToBeVisibleAsync();
        }

        await view.Page.GetByText(code).First.ClickAsync();
        await Expect(view.Dialog).ToContainTextAsync("<img src=x onerror=alert(1)>");
        Assert.Equal(0, await view.OverflowAsync());
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_import_shows_its_errors_before_and_its_rows_after()
    {
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/bulk");
        var file = new FilePayload
        {
            Name = "coupons.csv",
            MimeType = "text/csv",
            Buffer = System.Text.Encoding.UTF8.GetBytes(
                "code,discount_type,discount_value,valid_from\nWEBIMP1,percentage,10,2100-01-01\nWEBIMP2,percentage,500,2100-01-01\n"
            ),
        };
        await view.Page.Locator("input[type=file]").SetInputFilesAsync(file);
        await Expect(view.Page.GetByText("Percentage discount cannot exceed 100%")).ToBeVisibleAsync();
        await view.Button("Import 1 row").ClickAsync();
        await Expect(view.Page.GetByText("Succeeded")).ToBeVisibleAsync();
        await view.GoAsync("/coupons?search=WEBIMP");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(1);
        view.AssertHealthy();
    }

    private static async Task FillAsync(View view, string code)
    {
        await view.Page.Locator("input[name=code]").FillAsync(code);
        await view.Page.Locator("input[name=internal_name]").FillAsync("Made in a test");
        await view.Page.Locator("textarea[name='description.en']").FillAsync("Ten per cent off.");
    }

    /// <summary>Goes from field to field with the Tab key.</summary>
    private static async Task FillByKeyboardAsync(View view, string field, string text)
    {
        for (var step = 0; step < 12; step++)
        {
            await view.PressAsync("Tab");
            if (await view.Page.EvaluateAsync<string?>("() => document.activeElement.name ?? null") == field)
            {
                await view.Page.Keyboard.TypeAsync(text);
                return;
            }
        }

        Assert.Fail($"The Tab key does not lead to {field}.");
    }

    private Task<long> CreateAsync(string code, string name) =>
        Shop.CouponAsync(app, code, new { internal_name = name });

    private async Task ReplaceAsync(long id, string stored)
    {
        var all = System.Text.Json.Nodes.JsonNode.Parse(stored)!.AsObject();
        string[] kept =
        [
            "code",
            "internal_name",
            "description",
            "discount_type",
            "discount_value",
            "valid_from",
            "is_active",
        ];
        var wanted = kept.ToDictionary(static k => k, k => all[k]?.DeepClone());
        var reply = await app.Host.SendAsync(
            HttpMethod.Put,
            $"/api/v1/admin/coupons/{id}",
            System.Text.Json.JsonSerializer.Serialize(wanted),
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );
        Assert.True(reply.Status == 200, reply.Body);
    }
}
