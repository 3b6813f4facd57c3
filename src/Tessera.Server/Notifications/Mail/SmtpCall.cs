using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Tessera.Server.Notifications.Mail;

/// <summary>What became of handing over a letter.</summary>
internal enum Handing
{
    /// <summary>The server has it, and is answerable for it from then on.</summary>
    Accepted,

    /// <summary>The server will never take it for this recipient.</summary>
    Refused,

    /// <summary>Not now; nothing says that a later try is in vain.</summary>
    Deferred,
}

/// <summary>The outcome, and why.</summary>
/// <param name="Handing">What became of it.</param>
/// <param name="Cause">A closed word; null when it was accepted.</param>
/// <param name="Status">Reply code and enhanced code (RFC 3463) of the server; its words may name the recipient and are dropped.</param>
internal sealed record SmtpAnswer(Handing Handing, string? Cause = null, string? Status = null);

/// <summary>
/// Hands one letter to a mail server (RFC 5321, 3207, 4954). Our own, as SmtpClient of the base library is not meant for new
/// work: it knows no TLS from the start, has no time limit when it is awaited, and trusts the same authorities everywhere.
/// </summary>
internal static class SmtpCall
{
    private const int MaximumLine = 2048;
    private const int MaximumLines = 100;
    private const int Good = 2;
    private const int Permanent = 5;

    /// <summary>For all of it, the slowest server included; the lease of a message outlasts it.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    /// <summary>Hands it over.</summary>
    /// <param name="smtp">To whom, and how.</param>
    /// <param name="to">The recipient, as <see cref="Letter.Usable"/> made it.</param>
    /// <param name="mail">Of <see cref="Letter.Write"/>.</param>
    /// <param name="cancel">Stops it; whether the server has taken it is then unknown.</param>
    public static async Task<SmtpAnswer> SendAsync(
        SmtpOptions smtp,
        string to,
        ReadOnlyMemory<byte> mail,
        CancellationToken cancel
    )
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(Timeout);
        try
        {
            return await TalkAsync(smtp, to, mail, deadline.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new SmtpAnswer(Handing.Deferred, "timeout");
        }
        catch (AuthenticationException)
        {
            return new SmtpAnswer(Handing.Deferred, "tls");
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            return new SmtpAnswer(Handing.Deferred, "unreachable");
        }
    }

    private static async Task<SmtpAnswer> TalkAsync(
        SmtpOptions smtp,
        string to,
        ReadOnlyMemory<byte> mail,
        CancellationToken cancel
    )
    {
        using var client = new TcpClient();
        await client.ConnectAsync(smtp.Host, smtp.Port, cancel);
        await using var plain = client.GetStream();
        if (smtp.IsTlsFromStart)
        {
            await using var secure = await SecureAsync(smtp, plain, cancel);
            return await new Dialogue(secure).GreetAndSendAsync(smtp, to, mail, cancel);
        }

        return await StartTlsAsync(smtp, plain, to, mail, cancel);
    }

    private static async Task<SmtpAnswer> StartTlsAsync(
        SmtpOptions smtp,
        NetworkStream plain,
        string to,
        ReadOnlyMemory<byte> mail,
        CancellationToken cancel
    )
    {
        if (!smtp.NeedsTls)
        {
            return await new Dialogue(plain).GreetAndSendAsync(smtp, to, mail, cancel);
        }

        var open = new Dialogue(plain);
        if (await open.GreetAsync(smtp, cancel) is { } refused)
        {
            return refused;
        }

        if (!open.Offers("STARTTLS") || (await open.AskAsync("STARTTLS", cancel)).Class != Good)
        {
            return new SmtpAnswer(Handing.Deferred, "tls");
        }

        // What came behind the answer was said in the open, by whomever.
        if (open.HasMore)
        {
            return new SmtpAnswer(Handing.Deferred, "protocol");
        }

        await using var secure = await SecureAsync(smtp, plain, cancel);
        return await new Dialogue(secure).HelloAndSendAsync(smtp, to, mail, cancel);
    }

    private static async Task<SslStream> SecureAsync(SmtpOptions smtp, Stream plain, CancellationToken cancel)
    {
        var secure = new SslStream(plain);
        try
        {
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = smtp.Host,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            };
            if (smtp.Authorities is { } authorities)
            {
                options.CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    RevocationMode = X509RevocationMode.NoCheck,
                };
                options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
            }

            await secure.AuthenticateAsClientAsync(options, cancel);
            return secure;
        }
        catch
        {
            await secure.DisposeAsync();
            throw;
        }
    }

    private sealed record Reply(int Code, IReadOnlyList<string> Lines)
    {
        public int Class => Code / 100;

        /// <summary>Reply code and enhanced code.</summary>
        public string Status
        {
            get
            {
                var word = Lines[^1].Split(' ', 2)[0];
                var parts = word.Split('.');
                var isEnhanced =
                    parts is ["2" or "4" or "5", { Length: >= 1 and <= 3 }, { Length: >= 1 and <= 3 }]
                    && parts.All(static p => p.All(char.IsAsciiDigit));
                return isEnhanced ? $"{Code} {word}" : Code.ToString(System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        public SmtpAnswer Not(string cause, bool mayBeFinal = false) =>
            new(mayBeFinal && Class == Permanent ? Handing.Refused : Handing.Deferred, cause, Status);
    }

    private sealed class Dialogue(Stream stream)
    {
        private readonly byte[] _read = new byte[MaximumLine];
        private int _at;
        private int _end;
        private IReadOnlyList<string> _offered = [];

        public bool HasMore => _at < _end;

        public bool Offers(string extension) =>
            _offered.Any(o => o.Split(' ')[0].Equals(extension, StringComparison.OrdinalIgnoreCase));

        public async Task<SmtpAnswer> GreetAndSendAsync(
            SmtpOptions smtp,
            string to,
            ReadOnlyMemory<byte> mail,
            CancellationToken cancel
        ) => await GreetAsync(smtp, cancel) ?? await SendAsync(smtp, to, mail, cancel);

        public async Task<SmtpAnswer> HelloAndSendAsync(
            SmtpOptions smtp,
            string to,
            ReadOnlyMemory<byte> mail,
            CancellationToken cancel
        ) => await HelloAsync(smtp, cancel) ?? await SendAsync(smtp, to, mail, cancel);

        public async Task<SmtpAnswer?> GreetAsync(SmtpOptions smtp, CancellationToken cancel)
        {
            var greeting = await ReplyAsync(cancel);
            return greeting.Class == Good ? await HelloAsync(smtp, cancel) : greeting.Not("server");
        }

        public async Task<Reply> AskAsync(string command, CancellationToken cancel)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), cancel);
            return await ReplyAsync(cancel);
        }

        private async Task<SmtpAnswer?> HelloAsync(SmtpOptions smtp, CancellationToken cancel)
        {
            var name = smtp.From[(smtp.From.IndexOf('@', StringComparison.Ordinal) + 1)..];
            var hello = await AskAsync("EHLO " + name, cancel);
            _offered = [.. hello.Lines.Skip(1)];
            return hello.Class == Good ? null : hello.Not("server");
        }

        private async Task<SmtpAnswer> SendAsync(
            SmtpOptions smtp,
            string to,
            ReadOnlyMemory<byte> mail,
            CancellationToken cancel
        )
        {
            if (smtp.User is not null && await SignInAsync(smtp, cancel) is { } notUs)
            {
                return notUs;
            }

            // What is refused before there is a recipient is about us and not about anybody, so it is tried again.
            var sender = await AskAsync($"MAIL FROM:<{smtp.From}>", cancel);
            if (sender.Class != Good)
            {
                return sender.Not("sender");
            }

            var recipient = await AskAsync($"RCPT TO:<{to}>", cancel);
            if (recipient.Class != Good)
            {
                return recipient.Not("recipient", mayBeFinal: true);
            }

            var ready = await AskAsync("DATA", cancel);
            if (ready.Class != 3)
            {
                return ready.Not("content", mayBeFinal: true);
            }

            await stream.WriteAsync(mail, cancel);
            var taken = await AskAsync(".", cancel);
            if (taken.Class != Good)
            {
                return taken.Not("content", mayBeFinal: true);
            }

            await QuitAsync(cancel);
            return new SmtpAnswer(Handing.Accepted, Status: taken.Status);
        }

        private async Task<SmtpAnswer?> SignInAsync(SmtpOptions smtp, CancellationToken cancel)
        {
            static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
            var ways =
                _offered.FirstOrDefault(static o => o.StartsWith("AUTH ", StringComparison.OrdinalIgnoreCase)) ?? "";
            Reply answer;
            if (ways.Contains("PLAIN", StringComparison.OrdinalIgnoreCase))
            {
                answer = await AskAsync("AUTH PLAIN " + Base64($"\0{smtp.User}\0{smtp.Password}"), cancel);
            }
            else if (ways.Contains("LOGIN", StringComparison.OrdinalIgnoreCase))
            {
                answer = await AskAsync("AUTH LOGIN", cancel);
                foreach (var part in (string[])[smtp.User!, smtp.Password ?? ""])
                {
                    answer = answer.Class == 3 ? await AskAsync(Base64(part), cancel) : answer;
                }
            }
            else
            {
                return new SmtpAnswer(Handing.Deferred, "sign_in");
            }

            return answer.Class == Good ? null : answer.Not("sign_in");
        }

        /// <summary>It has the letter; how it takes leave changes nothing.</summary>
        private async Task QuitAsync(CancellationToken cancel)
        {
            try
            {
                await AskAsync("QUIT", cancel);
            }
            catch (Exception error) when (error is IOException or OperationCanceledException)
            {
                return;
            }
        }

        private async Task<Reply> ReplyAsync(CancellationToken cancel)
        {
            var lines = new List<string>();
            while (lines.Count < MaximumLines)
            {
                var line = await LineAsync(cancel);
                if (
                    line.Length < 3
                    || line[0] is < '2' or > '5'
                    || !line.AsSpan(0, 3).ContainsOnlyDigits()
                    || (line.Length > 3 && line[3] is not (' ' or '-'))
                )
                {
                    throw new IOException("This is not SMTP.");
                }

                lines.Add(line.Length > 4 ? line[4..] : "");
                if (line.Length == 3 || line[3] == ' ')
                {
                    return new Reply(
                        int.Parse(line.AsSpan(0, 3), System.Globalization.CultureInfo.InvariantCulture),
                        lines
                    );
                }
            }

            throw new IOException("The answer does not end.");
        }

        private async Task<string> LineAsync(CancellationToken cancel)
        {
            var line = new StringBuilder();
            while (line.Length < MaximumLine)
            {
                if (_at == _end)
                {
                    _end = await stream.ReadAsync(_read, cancel);
                    _at = 0;
                    if (_end == 0)
                    {
                        throw new IOException("The server hung up.");
                    }
                }

                var c = (char)_read[_at++];
                if (c == '\n')
                {
                    return line.ToString().TrimEnd('\r');
                }

                line.Append(c);
            }

            throw new IOException("A line does not end.");
        }
    }

    private static bool ContainsOnlyDigits(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
            {
                return false;
            }
        }

        return true;
    }
}
