using System.Globalization;
using Microsoft.Playwright;
using Tessera.Server.Access;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>Changes of the state of many units, from a list and from their coupon (BLK-05).</summary>
[Collection(PagesCollection.Name)]
public sealed class UnitBulkTests(App app)
{
    [Fact]
    public async Task Redemptions_of_a_list_are_recorded_once_another_person_agreed_and_the_job_undoes_them()
    {
        var (coupon, codes) = await UnitsAsync("LISTED", 2);
        await app.Host.Database.ExecuteAsync(
            "update coupons.instance set state = 'paid', version = 2 where coupon_id = $1",
            coupon
        );
        var at = TimeProvider
            .System.GetUtcNow()
            .AddSeconds(-5)
            .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        var lines = codes.Append("NOT-THERE").Select((code, n) => $"{code},{at},SLIP-{n},2000,200,EUR");
        await using var view = await app.OpenAsync();
        await view.GoAsync("/coupons/bulk");
        await view.UseAsync(view.Button("Change units from a list"));
        await view.WriteAsync(
            view.Dialog.GetByLabel("Codes, one a line"),
            "code,redeemed_at,order_reference,order_minor,discount_minor,currency\n" + string.Join('\n', lines) + '\n'
        );
        await view.AssertFitForAllAsync("the choice of a change of units");
        await view.UseAsync(view.Button("See the effect"));
        await Expect(view.Dialog.GetByRole(AriaRole.Row, new() { Name = $"{codes[0]} State Paid Redeemed" }))
            .ToBeVisibleAsync();
        await Expect(view.Dialog).ToContainTextAsync("1 · not there, or not any more");
        await Expect(view.Button("Ask for approval")).ToBeDisabledAsync();
        await view.WriteAsync(view.Dialog.GetByLabel("Reason"), "The merchant sent the slips.");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Ask for approval"));
        var request = view.Dialog.GetByRole(AriaRole.Link, new() { Name = "Go to the request" });
        var address = await request.GetAttributeAsync("href");
        Assert.Empty(await view.AxeAsync());
        await ApproveAsync(address!.Split('/')[^1]);

        await view.GoAsync("/operations");
        var job = view.Page.GetByRole(AriaRole.Article).First;
        await Expect(job).ToContainTextAsync("Recording redemptions");
        await Expect(job).ToContainTextAsync("2 changed");
        await Expect(job).ToContainTextAsync("1 refused");
        var errors = await view.Page.RunAndWaitForDownloadAsync(() =>
            view.UseAsync(job.GetByRole(AriaRole.Link).First)
        );
        using (var reader = new StreamReader(await errors.CreateReadStreamAsync()))
        {
            Assert.Contains("4,,not_found,", await reader.ReadToEndAsync(), StringComparison.Ordinal);
        }

        await view.UndoAsync(job);
        await Expect(job).ToContainTextAsync("Undoing a change");
        await Expect(job).ToContainTextAsync("Succeeded");
        await view.GoAsync($"/coupons/{coupon}/units");
        await Expect(view.Dialog.GetByRole(AriaRole.Cell, new() { Name = "Paid", Exact = true })).ToHaveCountAsync(2);
        view.AssertHealthy();
    }

    [Theory]
    [InlineData(1440)]
    [InlineData(390)]
    public async Task Units_chosen_in_their_coupon_are_cancelled_together_and_their_job_undoes_that(int width)
    {
        var (coupon, codes) = await UnitsAsync("CHOSEN" + width, 3);
        await using var view = await app.OpenAsync(width);
        await view.GoAsync($"/coupons/{coupon}/units");
        await view.TickAsync(view.Dialog.GetByLabel("Choose " + codes[0]));
        await view.TickAsync(view.Dialog.GetByLabel("Choose " + codes[2]));
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Button("Change 2 units…"));
        await view.ChooseAsync(view.Dialog.GetByLabel("New state"), "cancelled");
        Assert.Equal(0, await view.OverflowAsync());
        await view.UseAsync(view.Button("See the effect"));
        await Expect(view.Dialog).ToContainTextAsync("This can be undone as a whole for 30 days");
        await view.WriteAsync(view.Dialog.GetByLabel("Reason"), "They were printed twice.");
        Assert.Empty(await view.AxeAsync());
        Assert.Equal(0, await view.OverflowAsync());
        await view.UseAsync(view.Button("Change 2"));
        await Expect(view.Dialog).ToContainTextAsync("2 changed");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Close" }).First);
        await Expect(view.Dialog.GetByRole(AriaRole.Cell, new() { Name = "Cancelled", Exact = true }))
            .ToHaveCountAsync(2);
        await Expect(view.Dialog.GetByRole(AriaRole.Cell, new() { Name = "Issued", Exact = true })).ToHaveCountAsync(1);

        await view.GoAsync("/operations");
        var job = view.Page.GetByRole(AriaRole.Article).First;
        await Expect(job).ToContainTextAsync("Cancellation of units");
        await Expect(view.Page.GetByRole(AriaRole.Link, new() { Name = "CHOSEN" + width }).First).ToBeVisibleAsync();
        await view.UndoAsync(job);
        await Expect(job).ToContainTextAsync("Undoing a change");
        await Expect(job).ToContainTextAsync("Succeeded");
        await view.GoAsync($"/coupons/{coupon}/units");
        await Expect(view.Dialog.GetByRole(AriaRole.Cell, new() { Name = "Issued", Exact = true })).ToHaveCountAsync(3);
        view.AssertHealthy();
    }

    private async Task<(long Coupon, string[] Codes)> UnitsAsync(string code, int count)
    {
        var coupon = await Shop.CouponAsync(app, code, new { code_kind = "unique", max_uses_per_user = 5 });
        var customer = await app.Host.PostAsync("/api/v1/customers", new { external_id = "holder-" + code });
        var holder = customer.Json.GetProperty("id").GetString();
        var issued = await app.Host.PostAsync(
            $"/api/v1/admin/coupons/{coupon}/instances",
            new { customer_ids = Enumerable.Repeat(holder, count) }
        );
        Assert.True(issued.Status == 201, issued.Body);
        return (
            coupon,
            [.. issued.Json.GetProperty("data").EnumerateArray().Select(static u => u.GetProperty("code").GetString()!)]
        );
    }

    private async Task ApproveAsync(string id)
    {
        var approval = (await app.Host.GetAsync("/api/v1/approvals/" + id)).Json;
        using var other = app.Host.ClientOf(await app.Host.KeyAsync([.. Permissions.All]));
        var reply = await app.Host.PostAsync(
            $"/api/v1/approvals/{id}/approve",
            new { effect_hash = approval.GetProperty("effect_hash").GetString() },
            null,
            other
        );
        Assert.True(reply.Status == 200, reply.Body);
    }
}
