using Microsoft.Playwright;
using Tessera.Server.Access;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Who sees which page, and what a second person decides on.</summary>
[Collection(AppCollection.Name)]
public sealed class AccessTests(App app)
{
    [Fact]
    public async Task A_page_is_for_those_who_may_see_it_and_everybody_begins_at_one_that_is()
    {
        await using var view = await app.OpenAsync(signedIn: false);
        var answer = await view.Context.APIRequest.PostAsync(
            "/api/v1/session",
            new APIRequestContextOptions
            {
                DataObject = new Dictionary<string, string>
                {
                    ["api_key"] = await app.Host.KeyAsync([Permissions.AuditRead]),
                },
            }
        );
        Assert.True(answer.Ok, await answer.TextAsync());
        await view.GoAsync("/");
        await view.UntilAtAsync("**/app/audit");
        await Expect(view.Page.GetByRole(AriaRole.Navigation, new() { Name = "Main" }).GetByRole(AriaRole.Link))
            .ToHaveTextAsync(["Audit log"]);
        foreach (
            var path in (string[])["/coupons", "/campaigns/calendar", "/approvals", "/redemptions/attempts", "/expiry"]
        )
        {
            await view.GoAsync(path);
            await Expect(view.Page.GetByRole(AriaRole.Heading, new() { Level = 1 }))
                .ToHaveTextAsync("You do not have the permission this needs.");
        }

        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Page.GetByRole(AriaRole.Link, new() { Name = "To the first page" }));
        await view.UntilAtAsync("**/app/audit");
        view.AssertHealthy();
    }

    [Fact]
    public async Task A_withdrawal_that_waits_says_in_words_what_it_would_do_and_is_approved()
    {
        var customer = Guid.CreateVersion7();
        await app.Host.Database.ExecuteAsync("insert into access.customer (id) values ($1)", customer);
        using var asking = app.Host.ClientOf(await app.Host.KeyAsync([.. Permissions.All]));
        var amount = new { amount = 1_200, currency = "EUR" };
        var reason = "The customer asked for it on the phone.";
        var deposit = await app.Host.PostAsync(
            "/api/v1/approvals",
            new
            {
                kind = "balance_deposit",
                input = new { customer_id = customer, amount },
                reason,
            },
            client: asking
        );
        Assert.True(deposit.Status == 201, deposit.Body);
        var approved = await app.Host.PostAsync(
            $"/api/v1/approvals/{deposit.Json.GetProperty("id").GetString()}/approve",
            new { effect_hash = deposit.Json.GetProperty("effect_hash").GetString() }
        );
        Assert.True(approved.Status == 200, approved.Body);
        var asked = await app.Host.PostAsync(
            "/api/v1/approvals",
            new
            {
                kind = "balance_withdrawal",
                input = new
                {
                    customer_id = customer,
                    amount,
                    destination = "ba_77",
                },
                reason,
            },
            client: asking
        );
        Assert.True(asked.Status == 201, asked.Body);

        await using var view = await app.OpenAsync();
        await view.GoAsync($"/approvals/{asked.Json.GetProperty("id").GetString()}");
        var words = $"Takes €12.00 off the balance of customer {customer}, to be paid out to ba_77.";
        var card = view.Page.GetByRole(AriaRole.Article);
        await Expect(card.GetByRole(AriaRole.Heading, new() { Level = 2 })).ToHaveTextAsync("Withdrawal");
        await Expect(card).ToContainTextAsync(words);
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(card.GetByRole(AriaRole.Button, new() { Name = "Approve" }));
        var dialog = view.Page.GetByRole(AriaRole.Alertdialog);
        await Expect(dialog).ToContainTextAsync(words);
        await view.UseAsync(dialog.GetByRole(AriaRole.Button, new() { Name = "Approve" }));
        await Expect(view.Page.GetByText("Approved and carried out")).ToBeVisibleAsync();
        await Expect(card).ToContainTextAsync("Carried out");
        var withdrawal = await app.Host.GetAsync("/api/v1/withdrawals?customer_id=" + customer);
        Assert.Equal("approved", withdrawal.Json.GetProperty("data")[0].GetProperty("state").GetString());
        view.AssertHealthy();
    }
}
