using System.Text;
using Tessera.Server.Access.People;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Codes of authenticators and recovery codes (convention 54).</summary>
[Collection(PostgresCollection.Name)]
public sealed class SecondFactorTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync() =>
        _host = await TestHost.StartAsync(await postgres.DatabaseAsync(), staffSecondFactor: true);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    /// <summary>RFC 6238, appendix B, cut to six digits.</summary>
    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void The_codes_are_those_of_the_standard(long seconds, string code)
    {
        var step = Totp.StepOf(DateTimeOffset.FromUnixTimeSeconds(seconds));
        Assert.Equal(code, Totp.CodeOf("12345678901234567890"u8, step));
    }

    [Fact]
    public void A_secret_is_shown_in_base_32() =>
        Assert.Equal("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", Totp.Show(Encoding.ASCII.GetBytes("12345678901234567890")));

    [Fact]
    public async Task Staff_can_do_nothing_but_set_a_second_factor_up_until_they_have_one()
    {
        using var browser = await Person.StaffAsync(_host, "fresh@example.com", ReadyRoles.Administrator);
        var session = await browser.GetAsync("/api/v1/session");
        Assert.Equal("missing", session.Json.GetProperty("second_factor").GetString());
        Assert.Empty(session.Json.GetProperty("permissions").EnumerateArray());
        Assert.Equal(403, (await browser.GetAsync("/api/v1/merchants")).Status);
        await SetUpAsync(browser);
        Assert.Equal(200, (await browser.GetAsync("/api/v1/merchants")).Status);
    }

    [Fact]
    public async Task A_code_is_needed_and_each_is_good_once()
    {
        using var browser = await Person.StaffAsync(_host, "codes@example.com", "finance");
        var (secret, _) = await SetUpAsync(browser);
        using var other = new Browser(_host.Address);
        Assert.Equal("second_factor_required", (await SignInAsync(other, null)).Code);
        Assert.Equal("sign_in_failed", (await SignInAsync(other, "000000")).Code);
        Assert.Equal("sign_in_failed", (await SignInAsync(other, "not a code")).Code);

        // The one it was confirmed with was used, and those before it are too old.
        var now = await NowAsync();
        Assert.Equal("sign_in_failed", (await SignInAsync(other, Totp.CodeOf(secret, now - 5))).Code);
        await _host.Database.ExecuteAsync("update people.person set totp_step = 0");
        await _host.Database.ExecuteAsync("delete from people.attempt");
        var step = await NowAsync();
        var code = Totp.CodeOf(secret, step);
        var both = await Task.WhenAll(SignInAsync(other, code), SignInAsync(browser, code));
        Assert.Equal([200, 401], both.Select(r => r.Status).Order());

        Task<Reply> SignInAsync(Browser one, string? given) =>
            one.SignInAsync("staff", "codes@example.com", Person.Password, given);
    }

    [Fact]
    public async Task Guesses_of_codes_are_counted_though_the_password_is_right()
    {
        using var browser = await Person.StaffAsync(_host, "guessed@example.com", "finance");
        var (secret, _) = await SetUpAsync(browser);
        await _host.Database.ExecuteAsync("update people.person set totp_step = 0");
        for (var i = 0; i < 6; i++)
        {
            // Asking without a code takes nothing of the count back.
            await browser.SignInAsync("staff", "guessed@example.com", Person.Password);
            await browser.SignInAsync("staff", "guessed@example.com", Person.Password, "000000");
        }

        var step = await NowAsync();
        var right = Totp.CodeOf(secret, step);
        Assert.Equal(401, (await browser.SignInAsync("staff", "guessed@example.com", Person.Password, right)).Status);
    }

    [Fact]
    public async Task A_recovery_code_signs_in_once_however_it_is_typed()
    {
        using var browser = await Person.StaffAsync(_host, "lost@example.com", "finance");
        var (_, codes) = await SetUpAsync(browser);
        Assert.Equal(SecondFactor.Codes, codes.Distinct().Count());
        var typed = codes[3].Replace("-", " ", StringComparison.Ordinal).ToLowerInvariant();
        Assert.Equal(200, (await browser.SignInAsync("staff", "lost@example.com", Person.Password, typed)).Status);
        Assert.Equal(401, (await browser.SignInAsync("staff", "lost@example.com", Person.Password, codes[3])).Status);
        Assert.Equal(204, (await browser.PostAsync("/api/v1/account/totp/remove", new { code = codes[4] })).Status);
        Assert.Equal(
            "missing",
            (await browser.GetAsync("/api/v1/session")).Json.GetProperty("second_factor").GetString()
        );
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from people.recovery_code"));
    }

    [Fact]
    public async Task New_recovery_codes_need_the_authenticator_and_end_the_old_ones()
    {
        using var browser = await Person.StaffAsync(_host, "renew@example.com", "finance");
        Assert.Equal((false, 0), await FactorsAsync());
        var (secret, codes) = await SetUpAsync(browser);
        Assert.Equal((true, SecondFactor.Codes), await FactorsAsync());
        Assert.Equal([("code", "wrong_code")], (await RenewAsync(codes[0])).Errors);
        await _host.Database.ExecuteAsync("update people.person set totp_step = 0");
        var step = await NowAsync();
        var renewed = await RenewAsync(Totp.CodeOf(secret, step));
        var fresh = renewed.Json.GetProperty("recovery_codes")[0].GetString()!;
        Assert.Equal(401, (await browser.SignInAsync("staff", "renew@example.com", Person.Password, codes[1])).Status);
        Assert.Equal(200, (await browser.SignInAsync("staff", "renew@example.com", Person.Password, fresh)).Status);
        Assert.Equal((true, SecondFactor.Codes - 1), await FactorsAsync());

        Task<Reply> RenewAsync(string code) => browser.PostAsync("/api/v1/account/totp/recovery-codes", new { code });
        async Task<(bool, int)> FactorsAsync()
        {
            var json = (await browser.GetAsync("/api/v1/account/second-factor")).Json;
            return (json.GetProperty("authenticator").GetBoolean(), json.GetProperty("recovery_codes_left").GetInt32());
        }
    }

    [Fact]
    public async Task Neither_the_secret_nor_a_recovery_code_can_be_read_from_the_database()
    {
        using var browser = await Person.StaffAsync(_host, "sealed@example.com", "finance");
        var (secret, codes) = await SetUpAsync(browser);
        var stored = await _host.Database.ScalarAsync<byte[]>(
            "select totp from people.person where email = 'sealed@example.com'"
        );
        Assert.Equal(-1, stored.AsSpan().IndexOf(secret));
        Assert.DoesNotContain(
            Convert.ToBase64String(secret),
            Encoding.Latin1.GetString(stored),
            StringComparison.Ordinal
        );
        var hashes = await _host.Database.ColumnAsync<byte[]>("select hash from people.recovery_code");
        var plain = Encoding.UTF8.GetBytes(codes[0].Replace("-", "", StringComparison.Ordinal));
        Assert.All(hashes, hash => Assert.False(hash.AsSpan().SequenceEqual(plain)));
    }

    [Fact]
    public async Task A_new_password_needs_the_present_one_and_ends_the_other_sessions()
    {
        using var browser = await Person.StaffAsync(_host, "change@example.com", "finance");
        using var other = new Browser(_host.Address);
        await other.SignInAsync("staff", "change@example.com", Person.Password);
        var list = await browser.GetAsync("/api/v1/account/sessions");
        Assert.Equal(
            [true, false],
            list.Json.GetProperty("data")
                .EnumerateArray()
                .Select(s => s.GetProperty("is_this").GetBoolean())
                .OrderDescending()
        );
        var wrong = await browser.PostAsync(
            "/api/v1/account/password",
            new { current = "x", password = "another long pass phrase" }
        );
        Assert.Equal([("current", "wrong_password")], wrong.Errors);
        var weak = await browser.PostAsync(
            "/api/v1/account/password",
            new { current = Person.Password, password = "short" }
        );
        Assert.Equal([("password", "too_short")], weak.Errors);
        var done = await browser.PostAsync(
            "/api/v1/account/password",
            new { current = Person.Password, password = "another long pass phrase" }
        );
        Assert.Equal(204, done.Status);
        Assert.Equal(200, (await browser.GetAsync("/api/v1/session")).Status);
        Assert.Equal(401, (await other.GetAsync("/api/v1/session")).Status);
    }

    private async Task<(byte[] Secret, List<string> Codes)> SetUpAsync(Browser browser)
    {
        var prepared = await browser.PostAsync("/api/v1/account/totp");
        Assert.True(prepared.Status == 200, prepared.Body);
        var shown = prepared.Json.GetProperty("secret").GetString()!;
        var secret = Decode(shown);
        Assert.Equal(shown, Totp.Show(secret));
        var wrong = await browser.PostAsync("/api/v1/account/totp/confirm", new { code = "12345" });
        Assert.Equal([("code", "wrong_code")], wrong.Errors);
        var step = await NowAsync();
        var code = Totp.CodeOf(secret, step);
        var done = await browser.PostAsync("/api/v1/account/totp/confirm", new { code });
        Assert.True(done.Status == 200, done.Body);
        return (secret, [.. done.Json.GetProperty("recovery_codes").EnumerateArray().Select(c => c.GetString()!)]);
    }

    private async Task<long> NowAsync() =>
        await _host.Database.ScalarAsync<long>("select floor(extract(epoch from clock_timestamp()) / 30)::bigint");

    private static byte[] Decode(string text)
    {
        var bits = string.Concat(
            text.Select(static c =>
                Convert
                    .ToString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal), 2)
                    .PadLeft(5, '0')
            )
        );
        return [.. bits.Chunk(8).Where(static b => b.Length == 8).Select(static b => Convert.ToByte(new string(b), 2))];
    }
}
