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
        await view.UseAsync(view.Button("Add a passkey"));
        await view.AssertDialogFitAsync("settings/Passkeys.NameDialog", "Add a passkey");
        await view.WriteAsync(view.Page.GetByLabel("Name of the passkey"), "This browser");
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Cell, new() { Name = "This browser", Exact = true }))
            .ToBeVisibleAsync();
        await view.AssertFitForAllAsync("the passkeys");
        await view.UseAsync(view.Page.Locator(".sidebar__foot button"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Sign out" }));
        await view.UseAsync(view.Button("Sign in with a passkey"));
        await Expect(view.Page.GetByRole(AriaRole.Cell, new() { Name = "This browser", Exact = true }))
            .ToBeVisibleAsync();

        await view.UseAsync(view.Button("Remove This browser"));
        await view.AssertDialogFitAsync("settings/Passkeys.RemoveDialog", "This browser");
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Remove" }));
        await Expect(view.Page.GetByText("No passkeys yet")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task An_authenticator_is_set_up_and_gives_recovery_codes()
    {
        await using var view = await SignedInAsync("totp@example.com");
        await view.UseAsync(view.Button("Set up").First);
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Set up" }));
        var link = view.Dialog.GetByRole(AriaRole.Link);
        Assert.StartsWith("otpauth://totp/", await link.GetAttributeAsync("href"), StringComparison.Ordinal);
        await view.WriteAsync(view.Page.GetByLabel("Code of the app"), "000000");
        await view.UseAsync(view.Button("Confirm"));
        await Expect(view.Dialog.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await view.AssertDialogFitAsync("settings/Account.CodeDialog", "Authenticator");

        var secret = Decode(await view.Dialog.Locator("code").InnerTextAsync());
        var seconds = await app.Host.Database.ScalarAsync<double>("select extract(epoch from now())::double precision");
        var step = Totp.StepOf(DateTimeOffset.FromUnixTimeSeconds((long)seconds));
        await view.WriteAsync(view.Page.GetByLabel("Code of the app"), Totp.CodeOf(secret, step));
        await view.PressAsync("Enter");
        await Expect(view.Dialog.Locator("ol li")).ToHaveCountAsync(SecondFactor.Codes);
        await view.AssertDialogFitAsync("settings/Account.CodesDialog", "Recovery codes");
        await view.UseAsync(view.Button("Close").Last);
        await Expect(view.Page.GetByText("10 recovery codes are left")).ToBeVisibleAsync();

        await view.UseAsync(view.Page.Locator(".sidebar__foot button"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitemradio, new() { Name = "Deutsch" }));
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
        await view.TickAsync(view.Page.GetByRole(AriaRole.Radio, new() { Name = "Invitation" }));
        await view.WriteAsync(
            view.Page.GetByLabel("Invitation", new() { Exact = true }).Last,
            invited.Json.GetProperty("invitation_token").GetString()!
        );
        await view.WriteAsync(view.Page.GetByLabel("New password"), "short");
        await view.UseAsync(view.Button("Set password"));
        await Expect(view.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await view.AssertFitAtAllWidthsAsync("the acceptance of an invitation");
        await view.WriteAsync(view.Page.GetByLabel("New password"), Person.Password);
        await view.PressAsync("Enter");
        await Expect(view.Page.GetByRole(AriaRole.Status)).ToBeVisibleAsync();
        await view.WriteAsync(view.Page.GetByLabel("E-mail", new() { Exact = true }), "invited@example.com");
        await view.WriteAsync(view.Page.GetByLabel("Password", new() { Exact = true }), Person.Password);
        await view.PressAsync("Enter");
        await Expect(view.Page.Locator(".sidebar__foot button")).ToHaveTextAsync("Ingrid Invited");
        view.AssertHealthy();
    }

    [Theory]
    [InlineData("cancelled", "was cancelled", "wurde abgebrochen")]
    [InlineData("failed", "Nobody was signed in", "nicht gelungen")]
    [InlineData("unavailable", "cannot be reached", "nicht erreichbar")]
    [InlineData("<img src=x>", null, null)]
    public async Task Who_comes_back_from_an_identity_provider_in_vain_is_told_once(
        string outcome,
        string? english,
        string? german
    )
    {
        foreach (var (language, words) in ((string, string?)[])[("en", english), ("de", german)])
        {
            await using var view = await app.OpenAsync(signedIn: false);
            await view.Context.AddInitScriptAsync(
                $"localStorage.setItem('tessera.prefs', JSON.stringify({{locale: '{language}'}}))"
            );
            await view.Page.GotoAsync("/app/?sign_in=" + Uri.EscapeDataString(outcome));
            await view.Page.Locator("h1").WaitForAsync();
            var told = view.Page.GetByRole(AriaRole.Alert);
            if (words is null)
            {
                await Expect(told).ToHaveCountAsync(0);
                continue;
            }

            await Expect(told).ToContainTextAsync(words);
            Assert.Empty(await view.AxeAsync());
            Assert.DoesNotContain("sign_in", view.Page.Url, StringComparison.Ordinal);
            await view.Page.ReloadAsync();
            await view.Page.Locator("h1").WaitForAsync();
            await Expect(told).ToHaveCountAsync(0);
            view.AssertHealthy();
        }
    }

    [Fact]
    public async Task A_lost_second_factor_is_reset_and_the_person_signed_out()
    {
        var person = await Person.MakeAsync(app.Host.Database, "staff", "lost@example.com", ["finance"]);
        await app.Host.Database.ExecuteAsync(
            "update people.person set name = 'Lena Lost', totp_confirmed = true, totp = '\\x00' where id = $1",
            person
        );
        await app.Host.Database.ExecuteAsync(
            """
            insert into people.session (id, person_id, hash, idle, expires_at)
            values (gen_random_uuid(), $1, '\x01', interval '1 hour', clock_timestamp() + interval '1 hour')
            """,
            person
        );
        await using var view = await app.OpenAsync();
        await view.GoAsync("/settings/people");
        await view.UseAsync(view.Button("More: Lena Lost"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Reset second factor" }));
        await Expect(view.Dialog).ToContainTextAsync("every session ends");
        Assert.Empty(await view.AxeAsync());
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Reset second factor" }));
        await Expect(view.Page.GetByText("The second factor of Lena Lost is reset")).ToBeVisibleAsync();
        Assert.Equal(
            "false 0 1",
            await app.Host.Database.ScalarAsync<string>(
                """
                select (totp_confirmed or totp is not null) || ' '
                    || (select count(*) from people.session s where s.person_id = p.id and s.ended_at is null) || ' '
                    || (select count(*) from platform.event e where e.aggregateid = p.id::text
                        and e.type = 'person.second_factor_reset')
                from people.person p where id = $1
                """,
                person
            )
        );

        var row = view.Page.GetByRole(AriaRole.Row).Filter(new() { HasText = "Lena Lost" });
        await Expect(row.GetByRole(AriaRole.Cell, new() { Name = "no", Exact = true })).ToBeVisibleAsync();
        await view.UseAsync(view.Button("More: Lena Lost"));
        await view.UseAsync(view.Page.GetByRole(AriaRole.Menuitem, new() { Name = "Deactivate" }));
        await view.UseAsync(view.Dialog.GetByRole(AriaRole.Button, new() { Name = "Deactivate" }));
        await Expect(view.Page.GetByText("Lena Lost is deactivated")).ToBeVisibleAsync();
        view.AssertHealthy();
    }

    [Fact]
    public async Task What_somebody_likes_follows_them_to_another_browser()
    {
        await using (var view = await SignedInAsync("likes@example.com"))
        {
            await view.Page.GotoAsync(Address + "/coupons");
            await view.SettleAsync();
            await view.Page.RunAndWaitForResponseAsync(
                () => view.UseAsync(view.Page.GetByRole(AriaRole.Button, new() { Name = "Code", Exact = true })),
                static answer =>
                    answer.Url.EndsWith("/account/preferences", StringComparison.Ordinal)
                    && answer is { Request.Method: "PUT", Status: 200 }
            );
            view.AssertHealthy();
        }

        await using var other = await SignedInAsync("likes@example.com", isKnown: true);
        await other.Page.GotoAsync(Address + "/coupons");
        await Expect(other.Page.Locator("[role=columnheader][aria-sort=ascending]")).ToContainTextAsync("Code");
        other.AssertHealthy();

        // A key has no account: there the browser itself remembers.
        await using var key = await app.OpenAsync();
        await key.GoAsync("/coupons");
        await Expect(key.Page.Locator("[role=columnheader][aria-sort=ascending]")).ToHaveCountAsync(0);
        key.AssertHealthy();
    }

    private async Task<View> SignedInAsync(string email, bool isKnown = false)
    {
        if (!isKnown)
        {
            await Person.MakeAsync(app.Host.Database, "staff", email, ["finance"]);
        }

        var view = await app.OpenAsync(signedIn: false);
        await view.Page.GotoAsync(Address + "/settings/account");
        await view.WriteAsync(view.Page.GetByLabel("E-mail", new() { Exact = true }), email);
        await view.WriteAsync(view.Page.GetByLabel("Password", new() { Exact = true }), Person.Password);
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
