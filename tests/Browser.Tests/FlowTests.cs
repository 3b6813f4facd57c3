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
        await view.TickAsync(view.Page.GetByRole(AriaRole.Radio, new() { Name = "API key" }));
        await view.WriteAsync(view.Page.Locator("input[name=key]"), "tsk_wrong");
        await view.UseAsync(view.Button("Sign in"));
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await view.WriteAsync(view.Page.Locator("input[name=key]"), app.Host.Key);
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await view.UseAsync(view.Page.Locator(".sidebar__foot button"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Sign out" }));
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
        await view.ReachAsync(view.Page.Locator("input[name=internal_name]"));
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByText("FLOW10 is created")).ToBeVisibleAsync();
        await Expect(view.Dialog).ToContainTextAsync("10% off");

        await Shop.RedeemAsync(app, "FLOW10", "order-flow");
        await Shop.RedeemAsync(app, "FLOW10", "order-later");
        await view.GoAsync("/redemptions?order_reference=order-flow");
        var row = view.Page.Locator("[role=row][data-index='0']");
        await Expect(row).ToContainTextAsync("order-flow");
        await Expect(row).ToContainTextAsync("Redeemed");
        await view.ReachAsync(row);
        await view.PressAsync("Enter");
        await view.UseAsync(view.Button("Roll back"));
        await view.WriteAsync(view.Page.GetByLabel("Reason"), "The customer sent it back");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Roll back" }));
        await Expect(view.Page.GetByText("is rolled back")).ToBeVisibleAsync();
        await Expect(view.Page.Locator(".dialog__head .badge")).ToHaveTextAsync("Rolled back");
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_wrong_with_a_form_is_said_at_its_fields_and_nothing_typed_is_lost(bool byKeyboard)
    {
        await using var view = await app.OpenAsync(byKeyboard: byKeyboard);
        await view.GoAsync("/coupons/new");
        await view.WriteAsync(view.Page.Locator("input[name=code]"), "a!");
        await view.WriteAsync(view.Page.Locator("input[name=internal_name]"), "ab");
        await view.WriteAsync(view.Page.Locator("input[name=max_uses_per_user]"), "11");
        await view.WriteAsync(view.Page.Locator("input[name=discount_value]"), "101");
        await view.WriteAsync(view.Page.Locator("input[name=valid_from]"), "2020-01-01");
        await view.UseAsync(view.Button("Create"));
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

        await view.WriteAsync(view.Page.Locator("input[name=code]"), "AUTUMN15");
        await Expect(view.Dialog.GetByText("Coupon code already exists")).ToBeVisibleAsync();
        Assert.Equal("ab", await view.Page.Locator("input[name=internal_name]").InputValueAsync());
        await view.PressAsync("Escape");
        await Expect(view.Page.GetByText("Leave without saving?")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Keep editing"));
        Assert.Equal("AUTUMN15", await view.Page.Locator("input[name=code]").InputValueAsync());
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_double_click_sends_one_request_and_a_lost_connection_loses_no_input(bool byKeyboard)
    {
        await using var view = await app.OpenAsync(byKeyboard: byKeyboard);
        await view.GoAsync("/coupons/new");
        var code = byKeyboard ? "DOUBLE1" : "DOUBLE2";
        await FillAsync(view, code);
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
        await view.UseAsync(view.Button("Create"));
        await Expect(view.Dialog.GetByText("The server cannot be reached")).ToBeVisibleAsync();
        Assert.Equal(code, await view.Page.Locator("input[name=code]").InputValueAsync());
        if (byKeyboard)
        {
            await view.ReachAsync(view.Button("Create"));
            await Task.WhenAll(view.PressAsync("Enter"), view.PressAsync("Enter"));
        }
        else
        {
            await view.Button("Create").DblClickAsync();
        }

        await Expect(view.Page.GetByText(code + " is created")).ToBeVisibleAsync();
        Assert.Equal(2, sent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Two_people_at_one_coupon_see_both_versions_side_by_side(bool byKeyboard)
    {
        var code = byKeyboard ? "CONFLICT1" : "CONFLICT2";
        var id = await CreateAsync(code, "Before");
        await using var view = await app.OpenAsync(byKeyboard: byKeyboard);
        await view.GoAsync($"/coupons/{id}/edit");
        await view.WriteAsync(view.Page.Locator("input[name=internal_name]"), "Mine");
        var other = (await app.Host.GetAsync($"/api/v1/admin/coupons/{id}")).Body.Replace(
            "\"Before\"",
            "\"Theirs\"",
            StringComparison.Ordinal
        );
        await ReplaceAsync(id, other);
        await view.UseAsync(view.Button("Save"));
        var conflict = view.Page.GetByRole(AriaRole.Alertdialog);
        await Expect(conflict).ToContainTextAsync("Mine");
        await Expect(conflict).ToContainTextAsync("Theirs");
        await view.UseAsync(view.Button("Save mine over it"));
        await Expect(view.Page.GetByText(code + " is saved")).ToBeVisibleAsync();
        Assert.Equal("Mine", await NameAsync(id));

        // What was saved can be taken back where it is told.
        await (byKeyboard ? view.PressAsync("u") : view.Button("Undo").ClickAsync());
        await Expect(view.Page.GetByText(code + " is as before")).ToBeVisibleAsync();
        Assert.Equal("Theirs", await NameAsync(id));
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Switching_many_says_first_what_it_would_do_and_can_be_undone(bool byKeyboard)
    {
        var name = byKeyboard ? "Bulk pair" : "Pair of bulk";
        await CreateAsync(byKeyboard ? "BULKA" : "BULKC", name);
        await CreateAsync(byKeyboard ? "BULKB" : "BULKD", name);
        await using var view = await app.OpenAsync(byKeyboard: byKeyboard);
        await view.GoAsync("/coupons?search=" + Uri.EscapeDataString(name));
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(2);
        await view.TickAsync(view.Page.GetByLabel("Select all loaded rows"));
        await view.UseAsync(view.Button("Deactivate"));
        await Expect(view.Dialog).ToContainTextAsync("Would change");
        await view.UseAsync(view.Button("Deactivate 2"));
        await Expect(view.Dialog).ToContainTextAsync("2 changed");
        await Expect(view.Page.Locator("[data-status=inactive]")).ToHaveCountAsync(2);
        await view.UndoAsync(view.Dialog.GetByRole(AriaRole.Article));
        await Expect(view.Page.Locator("[data-status=active]")).ToHaveCountAsync(2);
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_view_is_in_the_address_and_the_list_is_walked_by_keyboard()
    {
        // The first by code of those that are switched off: neither the first of all nor the latest.
        await Shop.CouponAsync(app, "AAPAUSED", new { is_active = false });
        await Shop.CouponAsync(app, "AAACTIVE");
        await Shop.CouponAsync(app, "ZZPAUSED", new { is_active = false });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons");
        await view.PressAsync("/");
        await view.Page.Keyboard.TypeAsync("SUMMER20");
        await view.UntilAtAsync("**/coupons?search=SUMMER20");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(1);
        await view.ReachAsync(view.Page.Locator("[role=row][data-index='0']"));
        await view.PressAsync("Enter");
        await Expect(view.Dialog).ToContainTextAsync("SUMMER20");
        await view.PressAsync("Escape");
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await view.Page.GotoAsync("/app/coupons?status=expired,inactive&sort=code_asc");
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("AAPAUSED");
        view.AssertHealthy();
    }

    [Fact]
    public async Task The_palette_finds_a_pasted_code_and_opens_its_story()
    {
        await Shop.CouponAsync(app, "TEMPLEBAR", new { });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/campaigns");
        await view.PressAsync("Control+k");
        await Expect(view.Page.Locator(".palette__input")).ToBeFocusedAsync();
        await view.Page.Keyboard.InsertTextAsync("autumn15");
        await Expect(view.Page.Locator("[role=option][data-active-item]")).ToContainTextAsync("AUTUMN15");
        await view.PressAsync("Enter");
        await view.UntilAtAsync("**/app/coupons/1");
        await Expect(view.Dialog).ToContainTextAsync("AUTUMN15");
        await view.PressAsync("Escape");
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await view.PressAsync("?");
        await Expect(view.Dialog).ToContainTextAsync("Keyboard shortcuts");
        await Expect(view.Dialog).ToContainTextAsync("Create coupon");
        await view.PressAsync("Escape");
        await Expect(view.Dialog).ToHaveCountAsync(0);

        // What the page offers is done by its letter, and stands in the box under its name.
        await view.PressAsync("t");
        await Expect(view.Dialog).ToContainTextAsync("Templates");
        await view.PressAsync("Escape");
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await view.PressAsync("Control+k");
        await Expect(view.Page.Locator(".palette__input")).ToBeFocusedAsync();
        await view.Page.Keyboard.InsertTextAsync("templ");
        // What is found later does not move what is marked.
        await Expect(view.Dialog.GetByRole(AriaRole.Option).Filter(new() { HasText = "TEMPLEBAR" })).ToBeVisibleAsync();
        await Expect(view.Page.Locator("[role=option][data-active-item]")).ToContainTextAsync("Templates");
        await view.PressAsync("Enter");
        await Expect(view.Dialog.GetByRole(AriaRole.Heading, new() { Name = "Templates", Exact = true }))
            .ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_pasted_code_of_one_unit_leads_to_everything_that_happened_to_it()
    {
        var id = await Shop.CouponAsync(app, "STORYOF", new { code_kind = "unique" });
        var issued = await app.Host.PostAsync($"/api/v1/admin/coupons/{id}/instances", new { count = 1 });
        Assert.True(issued.Status == 201, issued.Body);
        var code = issued.Json.GetProperty("data")[0].GetProperty("code").GetString()!;
        await Shop.RedeemAsync(app, code, "order-story");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/audit");
        await view.PressAsync("Control+k");
        await Expect(view.Dialog.Locator(".palette__input")).ToBeFocusedAsync();
        await view.Page.Keyboard.InsertTextAsync(code.ToLowerInvariant());
        await Expect(view.Page.Locator("[role=option][data-active-item]")).ToContainTextAsync(code);
        await view.PressAsync("Enter");
        await view.UntilAtAsync($"**/app/coupons/{id}/units/*");
        await Expect(view.Dialog.Locator(".dialog__head .badge")).ToHaveTextAsync("Redeemed");
        await Expect(view.Dialog.GetByText("Unit changed state")).ToBeVisibleAsync();
        await Expect(view.Dialog.GetByText("Units issued")).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Link, new() { Name = $"one unit of coupon #{id}" }));
        await Expect(view.Dialog.GetByRole(AriaRole.Cell, new() { Name = "Redeemed" })).ToBeVisibleAsync();
        await view.Page.GoBackAsync();
        await view.UseAsync(view.Dialog.Locator("a[href*='/app/redemptions/']").First);
        await Expect(view.Dialog.GetByText("order-story").First).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task Hostile_names_are_shown_as_they_are_and_break_no_layout(int width)
    {
        var code = "HOSTILE" + width;
        await CreateAsync(code, "<img src=x onerror=alert(1)> \u202eesrever " + new string('W', 60));
        await using var view = await app.OpenAsync(width, byKeyboard: false);
        foreach (var path in (string[])["/coupons?search=" + code, "/coupons"])
        {
            await view.GoAsync(path);
            Assert.Equal(0, await view.OverflowAsync());
            await Expect(view.Page.GetByText("<img src=x").First).ToBeVisibleAsync();
        }

        await view.UseAsync(view.Page.GetByText(code).First);
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

        // Each count shows the rows it counts.
        var counted = view.Page.Locator(".import-diff tbody tr");
        await Expect(counted).ToHaveCountAsync(2);
        foreach (
            var (name, rows, code) in ((string, int, string)[])[("New", 1, "WEBIMP1"), ("With errors", 1, "WEBIMP2")]
        )
        {
            var figure = view.Page.Locator(".figure--switch").Filter(new() { HasText = name });
            await Expect(figure.Locator(".figure__value")).ToHaveTextAsync($"{rows}");
            await view.UseAsync(figure);
            await Expect(figure).ToHaveAttributeAsync("aria-pressed", "true");
            await Expect(counted).ToHaveCountAsync(rows);
            await Expect(counted.First).ToContainTextAsync(code);
        }

        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Import 1 row"));
        await Expect(view.Page.GetByText("Succeeded")).ToBeVisibleAsync();
        await view.GoAsync("/coupons?search=WEBIMP");
        await Expect(view.Page.Locator("[role=row][data-index]")).ToHaveCountAsync(1);
        view.AssertHealthy();
    }

    private static async Task FillAsync(View view, string code)
    {
        await view.WriteAsync(view.Page.Locator("input[name=code]"), code);
        await view.WriteAsync(view.Page.Locator("input[name=internal_name]"), "Made in a test");
        await view.WriteAsync(view.Page.Locator("textarea[name='description.en']"), "Ten per cent off.");
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

    private async Task<string?> NameAsync(long id) =>
        (await app.Host.GetAsync($"/api/v1/admin/coupons/{id}")).Json.GetProperty("internal_name").GetString();

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
