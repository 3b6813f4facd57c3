using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Tessera.Server.Access;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>
/// Every dialog there is fits windows of every width, and axe finds nothing in it in any theme: those that one click opens are
/// opened here, the others where their story is told.
/// </summary>
[Collection(PagesCollection.Name)]
public sealed partial class DialogWalkTests(App app)
{
    /// <summary>What dialogs are made of, and is no dialog by itself.</summary>
    private static readonly string[] Frames = ["FormDialog", "AskDialog", "EditDialog"];

    /// <summary>A dialog: where it is written, its title, where it is, and what opens it there.</summary>
    private sealed record Opening(string Dialog, string Title, string Path, params string[] Openers)
    {
        /// <summary>It belongs to a row that only windows of one kind have.</summary>
        public bool? IsNarrow { get; init; }
    }

    private static readonly Opening[] Openings =
    [
        new("app/Shell.Shell", "Menu", "/campaigns", "Menu") { IsNarrow = true },
        new("approvals/Emergencies.StartDialog", "emergency", "/approvals?emergencies=1", "Enter an emergency"),
        new("bulk/BulkDialog.BulkDialog", "Edit", "/coupons?search=AUTUMN15", "All matching", "Edit"),
        new("bulk/BulkDialog.Preview", "Delete", "/coupons?search=AUTUMN15", "All matching", "Delete"),
        new("bulk/ExportDialog.ExportDialog", "Export", "/coupons?search=AUTUMN15", "All matching", "Export"),
        new("bulk/UnitBulkDialog.UnitBulkDialog", "Change many units", "/coupons/bulk", "Change units from a list"),
        new("campaigns/CampaignDrawer.CampaignDrawer", "Autumn", "/campaigns/autumn-favourites"),
        new("campaigns/CampaignDrawer.ConfirmDialog", "Activate", "/campaigns/autumn-favourites", "Activate coupons"),
        new("campaigns/CampaignForm.CampaignFormPage", "Campaigns", "/campaigns/no-such-campaign/edit"),
        new("campaigns/CampaignForm.CampaignForm", "Create campaign", "/campaigns/new"),
        new("campaigns/CloneDialog.CloneDialog", "Clone", "/campaigns/autumn-favourites", "Clone"),
        new("coupons/CouponActions.DeleteDialog", "Delete", "/coupons/1", "More for AUTUMN15", "Delete"),
        new("coupons/CouponDrawer.CouponDrawer", "AUTUMN15", "/coupons/1"),
        new("coupons/CouponFormDialog.CouponFormDialog", "Create coupon", "/coupons/new"),
        new("coupons/CouponFormPage.CouponFormPage", "Edit coupon", "/coupons/999999/edit"),
        new("coupons/SavedViews.NameDialog", "Save this view", "/coupons?status=active", "Views", "Save this view…"),
        new("redemptions/AttemptDrawer.AttemptDrawer", "Attempt", "/redemptions/attempts/refused/{refusal}"),
        new("redemptions/RedemptionDrawer.RedemptionDrawer", "Redemption", "/redemptions/{redemption}"),
        new(
            "redemptions/RedemptionDrawer.RollBackDialog",
            "Roll this redemption back?",
            "/redemptions/{redemption}",
            "Roll back"
        ),
        new("settings/ApiKeys.CreateDialog", "Create key", "/settings/keys", "Create key"),
        new("settings/ApiKeys.RevokeDialog", "Revoke", "/settings/keys", "Revoke Walked and revoked"),
        new("settings/ConnectorForm.ConnectorForm", "Add connector", "/settings/connectors", "Add connector"),
        new("settings/LegalHolds.HoldForm", "Place a hold", "/settings/retention", "Place a hold"),
        new("settings/LegalHolds.EndDialog", "Walked-hold", "/settings/retention", "End: Walked-hold"),
        new("settings/People.InviteDialog", "Invite", "/settings/people", "Invite"),
        new(
            "settings/PersonActions.ChangeDialog",
            "Deactivate",
            "/settings/people",
            "More: Walter Walked",
            "Deactivate"
        ),
        new("settings/Regions.RegionForm", "Add region", "/settings/regions", "Add region"),
        new("settings/Regions.RemoveDialog", "Portugal", "/settings/regions", "Delete: PT"),
        new("settings/Retention.PeriodForm", "Sessions", "/settings/retention", "Edit: Sessions that are over"),
        new("settings/Roles.RoleDialog", "role", "/settings/roles", "Put a role together"),
        new("settings/WebhookForm.WebhookForm", "Add webhook", "/settings/webhooks", "Add webhook"),
        new("settings/WebhookDrawer.WebhookDrawer", "Walked hook", "/settings/webhooks", "Deliveries: Walked hook"),
        new(
            "templates/SaveTemplateDialog.SaveTemplateDialog",
            "template",
            "/coupons/1",
            "More for AUTUMN15",
            "Save as template"
        ),
        new("templates/TemplatesDialog.TemplatesDialog", "Templates", "/coupons", "Templates"),
        new("ui/Absent.Absent", "Coupon", "/coupons/999999"),
        new("ui/AlertNote.NoteDialog", "Used unusually often", "/monitoring", "Take note: AUTUMN15"),
        new("approvals/ApprovalsPage.DecideDialog", "Approve", "/approvals/{approval}", "Approve"),
        new("approvals/Emergencies.ReviewDialog", "Review", "/approvals?emergencies=1", "Review"),
        new("coupons/UnitDrawer.UnitDrawer", "", "/coupons/{coupon}/units/{unit}"),
        new("coupons/UnitDrawer.RevokeDialog", "", "/coupons/{coupon}/units/{unit}", "Revoke"),
    ];

    [Fact]
    public async Task Each_that_one_click_opens_fits_every_window_and_axe_finds_nothing_in_any_theme()
    {
        var places = await FurnishAsync();
        await using var view = await app.OpenAsync(byKeyboard: false);
        foreach (var one in Openings)
        {
            await view.Page.SetViewportSizeAsync(one.IsNarrow == true ? 390 : 1440, 900);
            var path = places.Aggregate(
                one.Path,
                static (path, place) => path.Replace(place.Key, place.Value, StringComparison.Ordinal)
            );
            await view.GoAsync(path);
            foreach (var opener in one.Openers)
            {
                // In the drawer of a list, which has the same behind it.
                var button = view
                    .Page.Locator("body, .dialog")
                    .Last.GetByRole(AriaRole.Button, new() { Name = opener, Exact = true });
                var entry = view.Page.GetByRole(AriaRole.Menuitem, new() { Name = opener, Exact = true });
                await button.Or(entry).First.ClickAsync();
            }

            await view.AssertDialogFitAsync(one.Dialog, one.Title, one.IsNarrow);
        }

        await view.GoAsync("/campaigns");
        await view.PressAsync("?");
        await view.AssertDialogFitAsync("palette/Palette.ShortcutSheet", "Keyboard shortcuts");
        await view.PressAsync("Escape");
        await Expect(view.Page.Locator(".dialog")).ToHaveCountAsync(0);
        await view.PressAsync("Control+k");
        await view.AssertDialogFitAsync("palette/PaletteBox.PaletteBox", "Search or do");
        view.AssertHealthy();
    }

    [Fact]
    public void None_is_forgotten()
    {
        var walked = Directory
            .EnumerateFiles(Path.Combine(App.Root, "tests", "Browser.Tests"), "*.cs")
            .SelectMany(file => Named().Matches(File.ReadAllText(file)))
            .Select(static name => name.Groups["name"].Value)
            .ToHashSet(StringComparer.Ordinal);
        var written = Directory
            .EnumerateFiles(Path.Combine(App.Root, "web", "src"), "*.tsx", SearchOption.AllDirectories)
            .Where(static file => !Frames.Contains(Path.GetFileNameWithoutExtension(file)))
            .SelectMany(DialogsOf)
            .ToHashSet(StringComparer.Ordinal);
        Assert.True(written.Count > 40, $"{written.Count}");
        Assert.Equal([], written.Except(walked).Order());
        Assert.Equal([], walked.Except(written).Order());
    }

    /// <summary>The dialogs of a file: its folder and name, and the function that makes each.</summary>
    private static IEnumerable<string> DialogsOf(string file)
    {
        var place = Path.GetFileName(Path.GetDirectoryName(file)) + "/" + Path.GetFileNameWithoutExtension(file) + ".";
        var function = "";
        foreach (var line in File.ReadLines(file))
        {
            function = Function().Match(line) is { Success: true } begun ? begun.Groups["name"].Value : function;
            if (Opened().IsMatch(line))
            {
                yield return place + function;
            }
        }
    }

    [GeneratedRegex(@"^(export )?function (?<name>\w+)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Function();

    [GeneratedRegex(@"<(Dialog|FormDialog|AskDialog|EditDialog)([ <]|$)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Opened();

    /// <summary>A dialog as a test names it.</summary>
    [GeneratedRegex("\"(?<name>[a-z]+/[A-Z][A-Za-z]+\\.[A-Za-z]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Named();

    /// <summary>Makes what the dialogs are about.</summary>
    /// <returns>Where it is: what stands for it in the paths, and its id.</returns>
    private async Task<Dictionary<string, string>> FurnishAsync()
    {
        await app.Host.Database.ExecuteAsync(
            """
            insert into insights.alert (id, coupon_id, kind, measured, usual, raised_at, seen_at)
            select gen_random_uuid(), id, 'use_surge', 91, 3, clock_timestamp(), clock_timestamp() + interval '1 hour'
            from coupons.coupon where code = 'AUTUMN15'
            """
        );
        using var other = app.Host.ClientOf(await app.Host.KeyAsync([.. Permissions.All]));
        await MakeAsync(
            "/api/v1/api-keys",
            new { name = "Walked and revoked", permissions = (string[])["coupons.read"] }
        );
        await MakeAsync("/api/v1/legal-holds", new { matter = "Walked-hold", customer_id = Guid.CreateVersion7() });
        await MakeAsync("/api/v1/regions", new { id = "PT", coupons = new { notice_days = 30 } });
        await MakeAsync("/api/v1/webhooks", new { name = "Walked hook", url = "https://events.example.com/walked" });
        await MakeAsync(
            "/api/v1/people",
            new
            {
                realm = "staff",
                email = "walter@example.com",
                name = "Walter Walked",
                roles = (string[])["finance"],
            }
        );
        var emergency = await MakeAsync(
            "/api/v1/emergencies",
            new { reason = "Walked in by night.", minutes = 15 },
            other
        );
        var ended = await app.Host.PostAsync($"/api/v1/emergencies/{emergency}/end", client: other);
        Assert.True(ended.Status == 200, ended.Body);
        var customer = Guid.CreateVersion7();
        await app.Host.Database.ExecuteAsync("insert into access.customer (id) values ($1)", customer);
        var approval = await MakeAsync(
            "/api/v1/approvals",
            new
            {
                kind = "balance_deposit",
                input = new { customer_id = customer, amount = new { amount = 500, currency = "EUR" } },
                reason = "The customer sent it by post.",
            },
            other
        );
        var coupon = await Shop.CouponAsync(app, "WALKEDUNITS", new { code_kind = "unique" });
        var units = await app.Host.PostAsync($"/api/v1/admin/coupons/{coupon}/instances", new { count = 1 });
        return new()
        {
            ["{approval}"] = approval,
            ["{coupon}"] = $"{coupon}",
            ["{unit}"] = units.Json.GetProperty("data")[0].GetProperty("id").ToString(),
            ["{redemption}"] = await FirstAsync("/api/v1/redemptions?status=redeemed&limit=1"),
            ["{refusal}"] = await FirstAsync("/api/v1/attempts?result=refused&limit=1"),
        };
    }

    private async Task<string> MakeAsync(string path, object wanted, HttpClient? client = null)
    {
        var reply = await app.Host.PostAsync(path, wanted, client: client);
        Assert.True(reply.Status == 201, $"{path}: {reply.Body}");
        return reply.Json.TryGetProperty("id", out var id) ? id.ToString() : "";
    }

    private async Task<string> FirstAsync(string path) =>
        (await app.Host.GetAsync(path)).Json.GetProperty("data")[0].GetProperty("id").GetString()!;
}
