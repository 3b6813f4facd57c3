using Microsoft.Playwright;
using Tessera.Server.Connectors;
using Tessera.Server.Tests.Support;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>What a partner could not be told, settled by people (EXP-15).</summary>
[Collection(AppCollection.Name)]
public sealed class ManualQueueTests(App app)
{
    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task A_task_is_assigned_and_settled_by_keyboard_with_one_request_and_nothing_typed_is_lost(int width)
    {
        var name = $"Partner out of reach {width}";
        await MakeTaskAsync(name);
        await using var view = await app.OpenAsync(width);
        await view.GoAsync("/expiry");
        var row = view
            .Page.GetByRole(AriaRole.Row)
            .Filter(new() { HasText = "Ring the desk" })
            .Filter(new() { HasText = name });
        await view.ReachAsync(row.GetByRole(AriaRole.Checkbox));
        await view.PressAsync("Space");
        Assert.Empty(await view.AxeAsync());
        Assert.Equal(0, await view.OverflowAsync());
        await view.ReachAsync(view.Button("Assign"));
        await view.PressAsync("Enter");
        await Expect(view.Dialog.GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await view.Page.Keyboard.TypeAsync("Night desk");
        await view.AssertDialogFitAsync("expiry/ManualQueue.ActDialog", "Assign");
        await view.PressAsync("Tab");
        await view.PressAsync("Tab");
        await view.PressAsync("Enter");
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await Expect(row).ToContainTextAsync("Night desk");
        await Expect(row.GetByRole(AriaRole.Checkbox)).Not.ToBeCheckedAsync();

        // The connection is gone for the first try: what was typed stays, and two clicks send one request more.
        var sent = 0;
        await view.Page.RouteAsync(
            "**/api/v1/connector-tasks/**",
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
        await view.TickAsync(row.GetByRole(AriaRole.Checkbox));
        await view.UseAsync(view.Button("Mark done"));
        await view.WriteAsync(view.Dialog.GetByRole(AriaRole.Textbox), "Blocked on the phone by Ms Berger.");
        var done = view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Mark done" });
        await view.UseAsync(done);
        await Expect(view.Dialog.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Expect(view.Dialog.GetByRole(AriaRole.Textbox)).ToHaveValueAsync("Blocked on the phone by Ms Berger.");
        await done.DblClickAsync();
        await Expect(row).ToHaveCountAsync(0);
        Assert.Equal(2, sent);
        await view.ChooseAsync(view.Page.GetByLabel("State of tasks"), "done");
        await Expect(row).ToContainTextAsync("Ms Berger");
        view.AssertHealthy();
    }

    /// <summary>A partner at an address that nothing answers, and something it should have been told.</summary>
    private async Task MakeTaskAsync(string name)
    {
        var made = await app.Host.PostAsync(
            "/api/v1/connectors",
            new
            {
                name,
                kind = "partner_rest",
                address = "https://nobody.tessera-tests.invalid",
                manual_after_seconds = 1,
                instructions = "Ring the desk",
            }
        );
        Assert.True(made.Status == 201, made.Body);
        await using (var work = await app.Host.Database.Database.BeginAsync(default))
        {
            var now = await work.ClockAsync(default);
            var told = await CommandStream.AppendAsync(
                work,
                [new CommandBatch(CommandKind.Disable, null, null, CommandBatch.Coupon, [1], now)],
                default
            );
            Assert.True(told > 0);
            await work.CommitAsync(default);
        }

        var id = made.Json.GetProperty("id").GetGuid();
        await Patience.UntilAsync(
            () =>
                app.Host.Database.ScalarAsync<bool>(
                    "select exists (select from connectors.task where connector_id = $1)",
                    id
                ),
            "somebody to be asked to do it by hand"
        );
        // No other test is to be told by it.
        await app.Host.Database.ExecuteAsync("update connectors.connector set is_active = false where id = $1", id);
    }
}
