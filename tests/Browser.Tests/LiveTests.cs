using Microsoft.Playwright;
using Tessera.Server.Tests.Support;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>What others do is seen without asking again (UI-10, ALR-01).</summary>
[Collection(AppCollection.Name)]
public sealed class LiveTests(App app)
{
    [Fact]
    public async Task A_use_counts_up_in_an_open_list_and_the_last_one_is_told()
    {
        var id = await Shop.CouponAsync(app, "LIVEONE", new { max_uses_total = 2 });
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons?search=LIVEONE");
        await Expect(view.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        var row = view.Page.Locator("[role=row][data-index='0']");
        await Expect(row).ToContainTextAsync("0 / 2");
        // Whoever asks gets no answer now: what is seen was told.
        var isSeen = new TaskCompletionSource();
        await view.Page.RouteAsync(
            "**/api/v1/admin/coupons**",
            async route =>
            {
                await Patience.ForAsync(isSeen.Task, "a use to be seen");
                await route.ContinueAsync();
            }
        );
        await Shop.RedeemAsync(app, "LIVEONE", "live-1");
        await Expect(row).ToContainTextAsync("1 / 2");
        isSeen.SetResult();
        await Shop.RedeemAsync(app, "LIVEONE", "live-2");
        await Expect(row).ToContainTextAsync("2 / 2");
        await Expect(row.Locator("[data-status]")).ToHaveAttributeAsync("data-status", "limit_reached");
        // A message that is pointed at stays.
        await view.Page.GetByText("LIVEONE has reached its limit").HoverAsync();
        Assert.Empty(await view.AxeAsync());
        await view.PressAsync("u");
        await view.UntilAtAsync($"**/app/coupons/{id}");
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(390)]
    [InlineData(1440)]
    public async Task A_message_leaves_the_buttons_of_a_dialog_free(int width)
    {
        var code = "LIVEFREE" + width;
        var units = await Shop.CouponAsync(app, code + "U", new { code_kind = "unique" });
        var issued = await app.Host.PostAsync($"/api/v1/admin/coupons/{units}/instances", new { count = 1 });
        Assert.True(issued.Status == 201, issued.Body);
        var unit = issued.Json.GetProperty("data")[0].GetProperty("id").ToString();
        await Shop.CouponAsync(app, code, new { max_uses_total = 1 });
        await using var view = await app.OpenAsync(width, byKeyboard: false);
        // A drawer: its foot is at the end of the window, where messages are too.
        await view.GoAsync($"/coupons/{units}/units/{unit}");
        await Expect(view.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        await Shop.RedeemAsync(app, code, "free-" + width);
        var message = view.Page.Locator(".toast").Filter(new() { HasText = code + " has reached its limit" });
        await Expect(message).ToBeVisibleAsync();
        // With the focus in it, it stays.
        await message.GetByRole(AriaRole.Button).Last.FocusAsync();
        var revoke = view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Revoke" });
        await Expect(revoke).ToBeVisibleAsync();
        const string isFree = """
            button => {
                const box = button.getBoundingClientRect();
                const hit = (x, y) => button.contains(document.elementFromPoint(x, y));
                return hit(box.left + 3, box.top + 3) && hit(box.right - 3, box.bottom - 3)
                    && hit(box.left + box.width / 2, box.top + box.height / 2);
            }
            """;
        await view.Page.WaitForFunctionAsync(isFree, await revoke.ElementHandleAsync());
        await Expect(message).ToBeVisibleAsync();
        await revoke.ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Alertdialog)).ToBeVisibleAsync();
        await Expect(message).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_use_that_is_told_while_the_list_is_asked_for_is_not_hidden_by_the_answer()
    {
        await Shop.CouponAsync(app, "LIVELATE", new { max_uses_total = 5 });
        await using var view = await app.OpenAsync();
        var (isAsked, isTold) = (new TaskCompletionSource(), new TaskCompletionSource());
        var asked = 0;
        // The answer is of before the use, and comes after the use was told.
        await view.Page.RouteAsync(
            "**/api/v1/admin/coupons?*search=LIVELATE*",
            async route =>
            {
                if (Interlocked.Increment(ref asked) > 1)
                {
                    await route.ContinueAsync();
                    return;
                }

                var answer = await route.FetchAsync();
                isAsked.SetResult();
                await Patience.ForAsync(isTold.Task, "a use to be told");
                await route.FulfillAsync(new() { Response = answer });
            }
        );
        view.Page.WebSocket += (_, socket) =>
            socket.FrameReceived += (_, frame) =>
            {
                if (
                    frame.Text is { } text
                    && ((string[])["LIVELATE", "coupon_used"]).All(w => text.Contains(w, StringComparison.Ordinal))
                )
                {
                    isTold.TrySetResult();
                }
            };
        await view.Page.GotoAsync("/app/coupons?search=LIVELATE");
        await Expect(view.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        await Patience.ForAsync(isAsked.Task, "the list to be asked for");
        await Shop.RedeemAsync(app, "LIVELATE", "live-late");
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("1 / 5");
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_break_shows_within_five_seconds_and_what_was_missed_is_there_after_it()
    {
        await Shop.CouponAsync(app, "LIVETWO", new { max_uses_total = 5 });
        await using var view = await app.OpenAsync();
        var isDown = false;
        var line = new Lock();
        await view.Page.Clock.InstallAsync();
        await view.Page.RouteWebSocketAsync(
            "**/ws/coupons**",
            socket =>
            {
                if (isDown)
                {
                    _ = socket.CloseAsync();
                    return;
                }

                var server = socket.ConnectToServer();
                // A line that breaks says nothing: what comes is swallowed.
                server.OnMessage(frame =>
                {
                    lock (line)
                    {
                        if (!isDown)
                        {
                            socket.Send(frame.Text!);
                        }
                    }
                });
            }
        );
        await view.GoAsync("/coupons?search=LIVETWO");
        var badge = view.Page.Locator(".staleness");
        await Expect(badge).ToHaveTextAsync("Live");
        // By its own clock, which stands still but for these five seconds, however long the machine takes for them. It can be
        // stopped only at a time to come, and to leap there is a break too: the line is cut when the page is live again.
        var now = await view.Page.EvaluateAsync<double>("() => Date.now()");
        await view.Page.Clock.PauseAtAsync(DateTimeOffset.FromUnixTimeMilliseconds((long)now + 60_000).UtcDateTime);
        await Patience.UntilAsync(
            async () =>
            {
                await view.Page.Clock.RunForAsync(20);
                return await badge.InnerTextAsync() == "Live";
            },
            "the page to be live by a clock that stands still"
        );
        lock (line)
        {
            isDown = true;
        }

        await view.Page.Clock.RunForAsync(5_000);
        await Expect(badge).ToContainTextAsync("Not live since");
        await Shop.RedeemAsync(app, "LIVETWO", "live-3");
        isDown = false;
        await view.Page.Clock.ResumeAsync();
        await Expect(badge).ToHaveTextAsync("Live", new() { Timeout = 60_000 });
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("1 / 5");
    }

    [Fact]
    public async Task Where_no_socket_gets_through_the_same_comes_as_events()
    {
        await Shop.CouponAsync(app, "LIVETHREE", new { max_uses_total = 5 });
        await using var view = await app.OpenAsync();
        await view.Page.RouteWebSocketAsync("**/ws/coupons**", static socket => _ = socket.CloseAsync());
        await view.GoAsync("/coupons?search=LIVETHREE");
        await Expect(view.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        await Shop.RedeemAsync(app, "LIVETHREE", "live-events");
        await Expect(view.Page.Locator("[role=row][data-index='0']")).ToContainTextAsync("1 / 5");
    }

    [Fact]
    public async Task A_session_that_ends_elsewhere_asks_to_sign_in_again_over_the_page()
    {
        await using var view = await app.OpenAsync(signedIn: false);
        await view.Page.GotoAsync("/app/coupons");
        await view.TickAsync(view.Page.GetByRole(AriaRole.Radio, new() { Name = "API key" }));
        await view.WriteAsync(view.Page.Locator("input[name=key]"), app.Host.Key);
        await view.PressAsync("Enter");
        await Expect(view.Page.Locator(".staleness")).ToHaveTextAsync("Live");
        await app.Host.Database.ExecuteAsync(
            """
            update people.session set ended_at = clock_timestamp()
            where id = (select id from people.session where api_key_id is not null order by started_at desc limit 1)
            """
        );
        await Expect(view.Dialog.Locator("input[name=key]").Or(view.Dialog.GetByText("API key")).First)
            .ToBeVisibleAsync();
    }
}
