using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Customers' money: put in, asked out, paid out or put back.</summary>
[Collection(AppCollection.Name)]
public sealed class BalanceTests(App app)
{
    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task Money_is_put_in_asked_out_and_paid_by_two_people(int width)
    {
        var made = await app.Host.PostAsync("/api/v1/customers", new { external_id = "purse-" + width });
        var customer = made.Json.GetProperty("id").GetString()!;
        await using var view = await app.OpenAsync(width);
        await view.GoAsync("/balances");
        await view.WriteAsync(view.Page.GetByLabel("Customer"), "nobody");
        await view.UseAsync(view.Button("Search"));
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await view.WriteAsync(view.Page.GetByLabel("Customer"), customer);
        await view.UseAsync(view.Button("Search"));
        await Expect(view.Page.GetByText("Nothing was ever put here")).ToBeVisibleAsync();

        await view.UseAsync(view.Button("Deposit"));
        await view.WriteAsync(view.Dialog.GetByLabel("Amount"), "50.005");
        await view.WriteAsync(view.Dialog.GetByLabel("Why"), "short");
        await view.UseAsync(view.Button("Ask"));
        await Expect(view.Dialog.GetByText("An amount above zero")).ToBeVisibleAsync();
        await view.WriteAsync(view.Dialog.GetByLabel("Amount"), "50,00");
        await view.UseAsync(view.Button("Ask"));
        await Expect(view.Dialog.GetByLabel("Why")).ToHaveAttributeAsync("aria-invalid", "true");
        await view.AssertDialogFitAsync("balances/MoneyDialog.MoneyDialog", "Ask for a deposit");
        await AskAsync(view, "Goodwill after a long wait.");
        await Shop.ApproveAsync(app, await PendingAsync(customer));
        await view.GoAsync($"/balances?customer_id={customer}");
        await Expect(view.Page.GetByText("available €50.00, held €0.00")).ToBeVisibleAsync();

        await view.UseAsync(view.Button("Withdraw"));
        await view.WriteAsync(view.Dialog.GetByLabel("Amount"), "20");
        await view.WriteAsync(view.Dialog.GetByLabel("Where to"), "ba 1");
        await view.WriteAsync(view.Dialog.GetByLabel("Why"), "The customer wrote to us.");
        await view.UseAsync(view.Button("Ask"));
        await Expect(view.Dialog.GetByLabel("Where to")).ToHaveAttributeAsync("aria-invalid", "true");
        await view.WriteAsync(view.Dialog.GetByLabel("Where to"), "ba_1Pq7");
        Assert.Empty(await view.AxeAsync());
        Assert.Equal(0, await view.OverflowAsync());
        await AskAsync(view, "The customer wrote to us.");
        await Expect(view.Page.GetByText("available €30.00, held €20.00")).ToBeVisibleAsync();
        var row = view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "ba_1Pq7" });
        await Expect(row).ToContainTextAsync("Requested");
        await Expect(row.GetByRole(AriaRole.Link, new() { Name = "Request" })).ToBeVisibleAsync();
        await Shop.ApproveAsync(app, await PendingAsync(customer));

        await view.GoAsync("/balances?state=approved");
        await view.UseAsync(view.Button("Paid: ba_1Pq7"));
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Paid" }));
        await Expect(view.Page.GetByText("Give the reference of the payment")).ToBeVisibleAsync();
        await view.WriteAsync(view.Dialog.GetByLabel("Reference of the payment"), "po_1Pq8");
        await view.AssertDialogFitAsync("balances/PayoutDialogs.PaidDialog", "Was it paid out?");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Paid" }));
        await Expect(view.Page.GetByText("€20.00 is paid out")).ToBeVisibleAsync();
        await view.GoAsync($"/balances?customer_id={customer}");
        await Expect(row).ToContainTextAsync("po_1Pq8");
        await view.AssertFitForAllAsync($"/balances at {width} px");
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_payment_that_failed_puts_the_money_back()
    {
        var made = await app.Host.PostAsync("/api/v1/customers", new { external_id = "purse-back" });
        var customer = made.Json.GetProperty("id").GetString()!;
        var amount = new { amount = 4_000, currency = "JPY" };
        await RequestAsync("balance_deposit", new { customer_id = customer, amount });
        await RequestAsync(
            "balance_withdrawal",
            new
            {
                customer_id = customer,
                amount,
                destination = "ba_back",
            }
        );
        await using var view = await app.OpenAsync();
        await view.GoAsync($"/balances?customer_id={customer}");
        await Expect(view.Page.GetByText("available ¥0, held ¥0")).ToBeVisibleAsync();
        await view.UseAsync(view.Button("Failed: ba_back"));
        await view.AssertDialogFitAsync("balances/PayoutDialogs.FailedDialog", "Could it not be paid out?");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Failed" }));
        await Expect(view.Page.GetByText("available ¥4,000, held ¥0")).ToBeVisibleAsync();
        await Expect(view.Page.GetByRole(AriaRole.Cell, new() { Name = "Back from a failed payment" }))
            .ToBeVisibleAsync();
        view.AssertHealthy();
    }

    private static async Task AskAsync(View view, string reason)
    {
        await view.WriteAsync(view.Dialog.GetByLabel("Why"), reason);
        await view.UseAsync(view.Button("Ask"));
        await Expect(view.Dialog).ToHaveCountAsync(0);
        await Expect(view.Page.GetByText("it waits for another person")).ToBeVisibleAsync();
    }

    private async Task<string> PendingAsync(string customer) =>
        (await app.Host.GetAsync("/api/v1/approvals?state=pending&limit=100"))
            .Json.GetProperty("data")
            .EnumerateArray()
            .Single(a => a.GetProperty("input").TryGetProperty("customer_id", out var id) && id.GetString() == customer)
            .GetProperty("id")
            .GetString()!;

    private async Task RequestAsync(string kind, object input)
    {
        var reply = await app.Host.PostAsync(
            "/api/v1/approvals",
            new
            {
                kind,
                input,
                reason = "Made in a test.",
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
        await Shop.ApproveAsync(app, reply.Json.GetProperty("id").GetString()!);
    }
}
