using System.Collections.Concurrent;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>What holds for every form: a lost connection loses nothing that was typed, and however often one submits, it is sent once.</summary>
[Collection(AppCollection.Name)]
public sealed class FormWalkTests(App app)
{
    /// <summary>A form: where it is, what opens it, what is typed, what is ticked, and the button that submits it.</summary>
    private sealed record Form(string Path, string[] Openers, (string Label, string Text)[] Fields, string Submit)
    {
        /// <summary>A box that has to be ticked.</summary>
        public string? Box { get; init; }

        /// <summary>Whether the change is refused in the end, so that nothing is left of it.</summary>
        public bool IsRefused { get; init; }
    }

    private static readonly Form[] Forms =
    [
        new(
            "/settings/webhooks",
            ["Add webhook"],
            [("Name", "Walked"), ("Address", "https://example.com/w")],
            "Create"
        ),
        new(
            "/settings/connectors",
            ["Add connector"],
            [("Name", "Walked partner"), ("Address", "https://example.com/c")],
            "Save"
        ),
        new("/settings/keys", ["Create key"], [("Name", "Walked key")], "Create") { Box = "coupons.read" },
        new("/settings/people", ["Invite"], [("Name", "Walked"), ("E-mail", "walked@example.com")], "Invite")
        {
            Box = "Reviewer",
        },
        new("/campaigns/new", [], [("Name", "Walked campaign")], "Create"),
        new("/coupons/analytics", [], [("What happened", "Walked by")], "Add event"),
        new(
            "/campaigns/autumn-favourites",
            [],
            [("Amount (EUR)", "12"), ("What for (optional)", "Walked")],
            "Enter cost"
        ),
        Refused(
            "/coupons/new",
            [],
            [("Code", "WALKED"), ("Internal name", "Walked"), ("Description, English", "By")],
            "Create"
        ),
        Refused("/coupons/1/edit", [], [("Internal name", "Walked coupon")], "Save"),
        Refused("/coupons?status=active", ["Views", "Save this view…"], [("Name of the view", "Walked view")], "Save"),
        Refused(
            "/coupons?search=AUTUMN15",
            ["More for AUTUMN15", "Save as template"],
            [("Name of the template", "Walked")],
            "Save"
        ),
        Refused("/campaigns/autumn-favourites/edit", [], [("Name", "Walked anew")], "Save"),
        Refused("/campaigns/autumn-favourites", ["Clone"], [("Name of the new campaign", "Walked copy")], "Clone"),
        Refused("/campaigns/categories", [], [("Categories", "walked > shoes")], "Save"),
        Refused("/settings/roles", ["Put a role together"], [("Name", "Walked role")], "Save") with
        {
            Box = "read",
        },
        Refused("/settings/regions", ["Add region"], [("Region", "FR")], "Create"),
        Refused("/settings/retention", ["Edit: Sessions that are over"], [("Kept for", "77")], "Save"),
        Refused(
            "/settings/retention",
            ["Place a hold"],
            [("Matter", "Walked-1"), ("Customer", "0190f3a0-0000-7000-8000-000000000001")],
            "Create"
        ),
        Refused(
            "/approvals?emergencies",
            ["Enter an emergency"],
            [("Why; 10 characters at least", "Walked through every form")],
            "Enter an emergency"
        ),
        Refused("/monitoring", ["Take note: AUTUMN15"], [("Note (optional)", "Walked past")], "Take note"),
    ];

    private static Form Refused(string path, string[] openers, (string, string)[] fields, string submit) =>
        new(path, openers, fields, submit) { IsRefused = true };

    [Fact]
    public async Task What_is_typed_survives_a_lost_connection_and_is_sent_once_however_often_one_submits()
    {
        await app.Host.Database.ExecuteAsync(
            """
            insert into insights.alert (id, coupon_id, kind, measured, usual, raised_at, seen_at)
            select gen_random_uuid(), id, 'use_surge', 90, 3, clock_timestamp(), clock_timestamp() + interval '1 hour'
            from coupons.coupon where code = 'AUTUMN15'
            """
        );
        await using var view = await app.OpenAsync(byKeyboard: false);
        foreach (var form in (Form[])[.. Forms, await OfRedemptionAsync(), .. await OfManyAsync()])
        {
            await view.GoAsync(form.Path);
            foreach (var opener in form.Openers)
            {
                await view.Button(opener).Or(MenuItem(view, opener)).First.ClickAsync();
            }

            foreach (var (label, text) in form.Fields)
            {
                await LabelledAsync(view, label).FillAsync(text);
            }

            if (form.Box is { } box)
            {
                await view.Dialog.GetByLabel(box, new() { Exact = true }).First.CheckAsync();
            }

            await LoseAsync(view, form);
            await SubmitTwiceAsync(view, form);
        }

        view.AssertHealthy();
        await app.Host.Database.ExecuteAsync("delete from insights.alert where kind = 'use_surge' and measured = 90");
    }

    [Fact]
    public async Task Signing_in_keeps_what_was_typed_and_asks_once_too()
    {
        await using var view = await app.OpenAsync(signedIn: false, byKeyboard: false);
        await view.GoAsync("/coupons");
        var form = Refused(
            "/coupons",
            [],
            [("E-mail", "walked@example.com"), ("Password", "a long walk in the rain")],
            "Sign in"
        );
        foreach (var (label, text) in form.Fields)
        {
            await LabelledAsync(view, label).FillAsync(text);
        }

        await LoseAsync(view, form);
        await SubmitTwiceAsync(view, form);
        view.AssertHealthy();
    }

    private async Task<Form> OfRedemptionAsync()
    {
        var latest = await app.Host.GetAsync("/api/v1/redemptions?limit=1&status=redeemed");
        var id = latest.Json.GetProperty("data")[0].GetProperty("id").GetString();
        return Refused("/redemptions/" + id, ["Roll back"], [("Reason", "Walked back")], "Roll back");
    }

    /// <summary>Changes of many coupons and of many units: what is typed comes after their effect was shown.</summary>
    private async Task<Form[]> OfManyAsync()
    {
        await Shop.CouponAsync(app, "WALKMANY");
        var units = await Shop.CouponAsync(app, "WALKUNITS", new { code_kind = "unique" });
        var issued = await app.Host.PostAsync($"/api/v1/admin/coupons/{units}/instances", new { count = 2 });
        Assert.True(issued.Status == 201, issued.Body);
        return
        [
            Refused(
                "/coupons?search=WALKMANY",
                ["All matching", "Delete"],
                [("Type 1 to confirm that 1 coupon is deleted", "1")],
                "Delete 1"
            ),
            Refused(
                $"/coupons/{units}/units",
                ["Change all units…"],
                [("Order or slip", "SLIP-WALKED"), ("Order amount", "20")],
                "See the effect"
            ),
        ];
    }

    private static ILocator MenuItem(View view, string name) =>
        view.Page.GetByRole(AriaRole.Menuitem, new() { Name = name, Exact = true });

    private static async Task LoseAsync(View view, Form form)
    {
        await view.Page.RouteAsync("**/api/v1/**", AbortWritesAsync);
        await SubmitOf(view, form).ClickAsync();
        await Expect(view.Page.GetByText("The server cannot be reached").First).ToBeVisibleAsync();
        foreach (var (label, text) in form.Fields)
        {
            await Expect(LabelledAsync(view, label)).ToHaveValueAsync(text);
        }

        await view.Page.UnrouteAsync("**/api/v1/**", AbortWritesAsync);
    }

    private static async Task SubmitTwiceAsync(View view, Form form)
    {
        var sent = new ConcurrentQueue<string>();
        var release = new TaskCompletionSource();
        async Task HoldAsync(IRoute route)
        {
            if (!IsWrite(route))
            {
                await route.ContinueAsync();
                return;
            }

            sent.Enqueue(new Uri(route.Request.Url).AbsolutePath);
            await release.Task;
            await (form.IsRefused ? route.FulfillAsync(Refusal) : route.ContinueAsync());
        }

        await view.Page.RouteAsync("**/api/v1/**", HoldAsync);
        await SubmitOf(view, form).ClickAsync();
        await SubmitOf(view, form).ClickAsync(new() { Force = true });
        var first = LabelledAsync(view, form.Fields[0].Label);
        if (await first.EvaluateAsync<bool>("field => field.tagName === 'INPUT'"))
        {
            await first.PressAsync("Enter");
        }

        release.SetResult();
        if (form.IsRefused)
        {
            await Expect(view.Page.GetByText(Reason).First).ToBeVisibleAsync();
            await Expect(first).ToHaveValueAsync(form.Fields[0].Text);
        }
        else
        {
            // Done: the form is gone, or empty again.
            await view.Page.WaitForFunctionAsync(
                "text => ![...document.querySelectorAll('input')].some(one => one.value === text)",
                form.Fields[0].Text
            );
            await view.SettleAsync();
        }

        Assert.True(sent.Count == 1, $"{form.Path} sent {string.Join(", ", sent)}");
        await view.Page.UnrouteAsync("**/api/v1/**", HoldAsync);
    }

    private const string Reason = "Not today, says the test.";

    private static readonly RouteFulfillOptions Refusal = new()
    {
        Status = 409,
        ContentType = "application/problem+json",
        Body = $$"""{"type":"about:blank","title":"Conflict","status":409,"code":"not_today","detail":"{{Reason}}"}""",
    };

    /// <summary>Whether it is sent by submitting; examples are priced by themselves, a moment after one has typed.</summary>
    private static bool IsWrite(IRoute route) =>
        route.Request.Method is not ("GET" or "HEAD")
        && !route.Request.Url.EndsWith("/quotes/preview", StringComparison.Ordinal);

    private static Task AbortWritesAsync(IRoute route) => IsWrite(route) ? route.AbortAsync() : route.ContinueAsync();

    private static ILocator Scope(View view) => view.Page.Locator(".dialog, main").Last;

    private static ILocator LabelledAsync(View view, string label) =>
        Scope(view).GetByLabel(label, new() { Exact = true }).And(view.Page.Locator("input, textarea, select")).First;

    private static ILocator SubmitOf(View view, Form form) =>
        Scope(view).GetByRole(AriaRole.Button, new() { Name = form.Submit }).Last;
}
