using Microsoft.Playwright;
using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Tessera.Browser.Tests;

/// <summary>One's own account: passkeys of an authenticator that the browser plays, codes of an app, recovery codes.</summary>
[Collection(AppCollection.Name)]
public sealed class AccountTests(App app)
{
    /// <summary>Passkeys are bound to a name, so not the number the other tests go to.</summary>
    private string Address => $"http://localhost:{app.Host.Address.Port}/app";

    [Fact]
    public async Task A_passkey_is_added_signs_in_by_itself_and_is_removed()
    {
        await using var view = await SignedInAsync("passkey@example.com");
        await PlayAuthenticatorAsync(view);
        await view.Button("Add a passkey").ClickAsync();
        await view.Page.GetByLabel("Name of the passkey").FillAsync("This browser");
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Cell, new() { Name = "This browser", Exact = true }))
            .ToBeVisibleAsync();
        foreach (var theme in (string[])["light", "dark", "contrast"])
        {
            await view.DressAsync(theme);
            Assert.Empty(await view.AxeAsync());
        }

        await view.Page.Locator(".sidebar__foot button").ClickAsync();
        await view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Sign out" }).ClickAsync();
        await view.Button("Sign in with a passkey").ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Cell, new() { Name = "This browser", Exact = true }))
            .ToBeVisibleAsync();

        await view.Button("Remove This browser").ClickAsync();
        await view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();
        await Expect(view.Page.GetByText("No passkeys yet")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_authenticator_is_set_up_and_gives_recovery_codes()
    {
        await using var view = await SignedInAsync("totp@example.com");
        await view.Button("Set up").First.ClickAsync();
        await view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Set up" }).ClickAsync();
        var link = view.Dialog.GetByRole(AriaRole.Link);
        Assert.StartsWith("otpauth://totp/", await link.GetAttributeAsync("href"), StringComparison.Ordinal);
        await view.Page.GetByLabel("Code of the app").FillAsync("000000");
        await view.Button("Confirm").ClickAsync();
        await Expect(view.Dialog.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());

        var secret = Decode(await view.Dialog.Locator("code").InnerTextAsync());
        var seconds = await app.Host.Database.ScalarAsync<double>("select extract(epoch from now())::double precision");
        var step = Totp.StepOf(DateTimeOffset.FromUnixTimeSeconds((long)seconds));
        await view.Page.GetByLabel("Code of the app").FillAsync(Totp.CodeOf(secret, step));
        await view.PressAsync("Enter");
        await Expect(view.Dialog.Locator("ol li")).ToHaveCountAsync(SecondFactor.Codes);
        await view.Button("Close").Last.ClickAsync();
        await Expect(view.Page.GetByText("10 recovery codes are left")).ToBeVisibleAsync();

        await view.Page.Locator(".sidebar__foot button").ClickAsync();
        await view.Page.GetByRole(AriaRole.Menuitemradio, new() { Name = "Deutsch" }).ClickAsync();
        await Expect(view.Page.GetByText("10 Wiederherstellungscodes sind übrig")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_invited_person_sets_a_password_and_signs_in_with_it()
    {
        var invited = await app.Host.PostAsync(
            "/api/v1/people",
            new
            {
                realm = "staff",
                email = "invited@example.com",
                name = "Ingrid Invited",
                roles = (string[])["finance"],
            }
        );
        await using var view = await app.OpenAsync(signedIn: false);
        await view.GoAsync("/settings/account");
        await view.Page.GetByRole(AriaRole.Radio, new() { Name = "Invitation" }).CheckAsync();
        await view
            .Page.GetByLabel("Invitation", new() { Exact = true })
            .Last.FillAsync(invited.Json.GetProperty("invitation_token").GetString()!);
        await view.Page.GetByLabel("New password").FillAsync("short");
        await view.Button("Set password").ClickAsync();
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        Assert.Empty(await view.AxeAsync());
        await view.Page.GetByLabel("New password").FillAsync(Person.Password);
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Status)).ToBeVisibleAsync();
        await view.Page.GetByLabel("E-mail", new() { Exact = true }).FillAsync("invited@example.com");
        await view.Page.GetByLabel("Password", new() { Exact = true }).FillAsync(Person.Password);
        await view.PressAsync("Enter");
        await Expect(view.Page.Locator(".sidebar__foot button")).ToHaveTextAsync("Ingrid Invited");
        view.AssertHealthy();
    }

    private async Task<View> SignedInAsync(string email)
    {
        await Person.MakeAsync(app.Host.Database, "staff", email, ["finance"]);
        var view = await app.OpenAsync(signedIn: false);
        await view.Page.GotoAsync(Address + "/settings/account");
        await view.Page.GetByLabel("E-mail", new() { Exact = true }).FillAsync(email);
        await view.Page.GetByLabel("Password", new() { Exact = true }).FillAsync(Person.Password);
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Heading, new() { Name = "Passkeys", Exact = true }))
            .ToBeVisibleAsync();
        await view.SettleAsync();
        return view;
    }

    private static async Task PlayAuthenticatorAsync(View view)
    {
        var session = await view.Context.NewCDPSessionAsync(view.Page);
        await session.SendAsync("WebAuthn.enable");
        await session.SendAsync(
            "WebAuthn.addVirtualAuthenticator",
            new Dictionary<string, object>
            {
                ["options"] = new Dictionary<string, object>
                {
                    ["protocol"] = "ctap2",
                    ["transport"] = "internal",
                    ["hasResidentKey"] = true,
                    ["hasUserVerification"] = true,
                    ["isUserVerified"] = true,
                    ["automaticPresenceSimulation"] = true,
                },
            }
        );
    }

    private static byte[] Decode(string secret)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        var bits = string.Concat(
            secret.Select(c => Convert.ToString(alphabet.IndexOf(c, StringComparison.Ordinal), 2).PadLeft(5, '0'))
        );
        return [.. Enumerable.Range(0, bits.Length / 8).Select(i => Convert.ToByte(bits.Substring(i * 8, 8), 2))];
    }
}
