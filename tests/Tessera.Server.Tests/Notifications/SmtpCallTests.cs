using System.Net;
using System.Net.Sockets;
using Tessera.Server.Notifications.Mail;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Notifications;

/// <summary>Handing a letter to a mail server, over real sockets.</summary>
public sealed class SmtpCallTests
{
    private static readonly Letter Sample = new(
        Guid.Parse("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e"),
        "ada@example.org",
        "de",
        string.Concat(Enumerable.Repeat("Grüße 🎁 ", 12)),
        "Straße\n.\n.. und mehr",
        "<p>Straße</p>"
    );

    [Fact]
    public async Task A_letter_arrives_as_it_was_written_and_bears_its_own_id()
    {
        await using var server = MailServer.Start();
        Assert.Equal((Handing.Accepted, null, "250 2.0.0"), Parts(await SendAsync(server.Options)));
        var mail = Assert.Single(server.Taken);
        Assert.Equal("ada@example.org", mail.To);
        Assert.Equal(Sample.Subject, mail.Subject);
        Assert.Equal((Sample.Text, Sample.Html), (mail.Text, mail.Html));
        Assert.Equal("<01970f3e8a007c3e9d526f1b2a3c4d5e@shop.example>", mail.Header("Message-ID"));
        Assert.Equal("=?UTF-8?B?S8O2aGxlciAmIENv?= <coupons@shop.example>", mail.Header("From"));
        Assert.All(
            mail.Content.Split("\r\n"),
            static line => Assert.True(line.Length <= 998 && line.All(char.IsAscii))
        );
    }

    [Fact]
    public async Task Over_tls_it_signs_in_and_says_nothing_before()
    {
        await using var server = MailServer.Start(hasTls: true);
        Assert.Equal(Handing.Accepted, (await SendAsync(server.Secure)).Handing);
        var mail = Assert.Single(server.Taken);
        Assert.Equal((true, "ship"), (mail.IsSecure, mail.User));
        Assert.Equal(["EHLO shop.example", "STARTTLS"], server.Open);

        // Not the password: tried again, as somebody may set it right.
        var wrong = await SendAsync(server.Secure with { Password = "guess" });
        Assert.Equal((Handing.Deferred, "sign_in", "535 5.7.8"), Parts(wrong));
    }

    [Fact]
    public async Task Without_tls_that_can_be_trusted_nothing_is_said()
    {
        await using var server = MailServer.Start(hasTls: true);
        await using var other = MailServer.Start(hasTls: true);
        var strange = await SendAsync(server.Secure with { Authorities = other.Secure.Authorities });
        Assert.Equal((Handing.Deferred, "tls", null), Parts(strange));
        Assert.Equal("tls", (await SendAsync(server.Secure with { Host = "127.0.0.1" })).Cause);
        server.OffersTls = false;
        Assert.Equal((Handing.Deferred, "tls", null), Parts(await SendAsync(server.Secure)));
        Assert.Empty(server.Taken);
        Assert.DoesNotContain(server.Open, static line => line.StartsWith("AUTH", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Open, static line => line.Contains('@', StringComparison.Ordinal));
    }

    [Fact]
    public async Task Words_said_in_the_open_behind_starttls_are_not_believed()
    {
        await using var server = MailServer.Start(hasTls: true);
        server.Answer = static line => line == "STARTTLS" ? "220 go\r\n250 I am somebody else" : null;
        Assert.Equal((Handing.Deferred, "protocol", null), Parts(await SendAsync(server.Secure)));
    }

    [Theory]
    [InlineData("RCPT", "550 5.1.1 <ada@example.org> unknown", "Refused recipient 550 5.1.1")]
    [InlineData("RCPT", "450 4.2.0 later", "Deferred recipient 450 4.2.0")]
    [InlineData(".", "554 spam", "Refused content 554")]
    [InlineData(".", "451-4.3.0 one\r\n451 4.3.0 two", "Deferred content 451 4.3.0")]
    [InlineData("MAIL", "550 5.7.1 not from you", "Deferred sender 550 5.7.1")]
    [InlineData("CONNECT", "554 5.3.2 closed", "Deferred server 554 5.3.2")]
    [InlineData("RCPT", "550 9.9.9 ada@example.org", "Refused recipient 550")]
    [InlineData("EHLO", "hello there", "Deferred unreachable ")]
    [InlineData("RCPT", "999 what", "Deferred unreachable ")]
    [InlineData("RCPT", "", "Deferred unreachable ")]
    public async Task What_the_server_says_decides_whether_it_is_tried_again(string at, string said, string outcome)
    {
        await using var server = MailServer.Start();
        server.Answer = line => line.StartsWith(at, StringComparison.Ordinal) ? said : null;
        var (handing, cause, status) = Parts(await SendAsync(server.Options));
        Assert.Equal(outcome, $"{handing} {cause} {status}");
        Assert.Empty(server.Taken);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_tried_again()
    {
        // The port is taken and nobody listens, so that nobody else comes to listen there meanwhile.
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        var gone = new SmtpOptions("127.0.0.1", port, false, false, "coupons@shop.example", "Shop");
        Assert.Equal((Handing.Deferred, "unreachable", null), Parts(await SendAsync(gone)));
    }

    [Theory]
    [InlineData("ada@example.org", "ada@example.org")]
    [InlineData("a.b+c@münchen.example", "a.b+c@xn--mnchen-3ya.example")]
    [InlineData("ada@example.org>\r\nRCPT TO:<eve@example.org", null)]
    [InlineData("ada@example.org\nDATA", null)]
    [InlineData("<ada>@example.org", null)]
    [InlineData("\"ada\"@example.org", null)]
    [InlineData("ädä@example.org", null)]
    [InlineData("ada@", null)]
    [InlineData("ada@[127.0.0.1]", null)]
    [InlineData("@example.org", null)]
    [InlineData(null, null)]
    public void An_address_is_used_only_if_it_can_end_no_command(string? address, string? usable) =>
        Assert.Equal(usable, Letter.Usable(address));

    [Theory]
    [InlineData("Shop\r\nBcc: eve@example.org")]
    [InlineData("Shop\nBcc: eve@example.org")]
    [InlineData("Shop\0")]
    public void A_header_with_a_line_break_is_refused(string words)
    {
        var smtp = new SmtpOptions("mail.example", 587, false, true, "coupons@shop.example", "Shop");
        Assert.Throws<UnsafeHeaderException>(() => (Sample with { Subject = words }).Write(smtp, default));
        Assert.Throws<UnsafeHeaderException>(() => Sample.Write(smtp with { FromName = words }, default));
        Assert.Throws<UnsafeHeaderException>(() => (Sample with { To = words }).Write(smtp, default));
    }

    private static Task<SmtpAnswer> SendAsync(SmtpOptions smtp) =>
        SmtpCall.SendAsync(smtp, Sample.To, Sample.Write(smtp, TimeProvider.System.GetUtcNow()), default);

    private static (Handing Handing, string? Cause, string? Status) Parts(SmtpAnswer answer) =>
        (answer.Handing, answer.Cause, answer.Status);
}
