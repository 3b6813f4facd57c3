using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Tessera.Server.Notifications.Mail;

namespace Tessera.Server.Tests.Support;

/// <summary>A letter as a mail server got it.</summary>
/// <param name="To">Of the envelope.</param>
/// <param name="Content">Headers and body, as they came.</param>
/// <param name="IsSecure">Whether it came over TLS.</param>
/// <param name="User">Who signed in.</param>
public sealed record Mail(string To, string Content, bool IsSecure, string? User)
{
    /// <summary>A header, folds undone.</summary>
    public string Header(string name) =>
        Content
            .Split("\r\n\r\n", 2)[0]
            .Replace("\r\n ", " ", StringComparison.Ordinal)
            .Split("\r\n")
            .Single(line => line.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];

    /// <summary>The subject, encoded words read.</summary>
    public string Subject => string.Concat(Header("Subject").Split(' ').Select(Word));

    /// <summary>The part for those who read text.</summary>
    public string Text => Part("text/plain");

    /// <summary>The part for the others.</summary>
    public string Html => Part("text/html");

    private static string Word(string word) => Encoding.UTF8.GetString(Convert.FromBase64String(word.Split('?')[3]));

    private string Part(string type)
    {
        var boundary = Header("Content-Type").Split('"')[1];
        var part = Content
            .Split("--" + boundary)
            .Single(p => p.Contains(type, StringComparison.Ordinal) && p.Contains("base64"));
        return Encoding.UTF8.GetString(Convert.FromBase64String(part.Split("\r\n\r\n", 2)[1]));
    }
}

/// <summary>A real SMTP server on a loopback port, which does what a test says.</summary>
public sealed class MailServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private readonly X509Certificate2? _certificate;
    private readonly Task _listening;

    private MailServer(X509Certificate2? certificate)
    {
        _certificate = certificate;
        _listener.Start();
        _listening = ListenAsync();
    }

    public ConcurrentQueue<Mail> Taken { get; } = new();

    /// <summary>Every line it was sent in the open.</summary>
    public ConcurrentQueue<string> Open { get; } = new();

    /// <summary>What is said to a command instead of yes; null for yes, empty to hang up.</summary>
    public Func<string, string?> Answer { get; set; } = static _ => null;

    /// <summary>Waited for before a letter is confirmed, once it is here.</summary>
    public Func<Mail, Task> Confirming { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Whether STARTTLS is offered, where there is a certificate.</summary>
    public bool OffersTls { get; set; } = true;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How the service reaches it, in the open.</summary>
    public SmtpOptions Options => new("127.0.0.1", Port, false, false, "coupons@shop.example", "Köhler & Co");

    /// <summary>How the service reaches it by TLS.</summary>
    public SmtpOptions Secure =>
        Options with
        {
            Host = "localhost",
            NeedsTls = true,
            User = "ship",
            Password = "s3cret",
            Authorities = [_certificate!],
        };

    public static MailServer Start(bool hasTls = false) => new(hasTls ? Certificate() : null);

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        _listener.Stop();
        await _listening;
        _over.Dispose();
        _certificate?.Dispose();
    }

    private async Task ListenAsync()
    {
        var sessions = new List<Task>();
        try
        {
            while (true)
            {
                sessions.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_over.Token)));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(sessions);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        Stream stream = client.GetStream();
        try
        {
            string? user = null;
            string? to = null;
            var isSecure = false;
            await SayAsync(stream, Answer("CONNECT") ?? "220 test");
            while (await LineAsync(stream, isSecure) is { } line)
            {
                var said = Answer(line);
                if (said is "")
                {
                    return;
                }

                if (said is not null)
                {
                    await SayAsync(stream, said);
                }
                else if (line.StartsWith("EHLO", StringComparison.Ordinal))
                {
                    var tls = _certificate is not null && OffersTls && !isSecure ? "250-STARTTLS\r\n" : "";
                    await SayAsync(stream, $"250-test\r\n{tls}250-AUTH LOGIN PLAIN\r\n250 SIZE 1000000");
                }
                else if (line == "STARTTLS")
                {
                    await SayAsync(stream, "220 go");
                    var secure = new SslStream(stream);
                    await secure.AuthenticateAsServerAsync(
                        new SslServerAuthenticationOptions { ServerCertificate = _certificate },
                        _over.Token
                    );
                    (stream, isSecure) = (secure, true);
                }
                else if (line.StartsWith("AUTH PLAIN ", StringComparison.Ordinal))
                {
                    var parts = Encoding.UTF8.GetString(Convert.FromBase64String(line[11..])).Split('\0');
                    user = parts is ["", "ship", "s3cret"] ? parts[1] : null;
                    await SayAsync(stream, user is null ? "535 5.7.8 no" : "235 2.7.0 yes");
                }
                else if (line.StartsWith("RCPT TO:<", StringComparison.Ordinal))
                {
                    to = line[9..^1];
                    await SayAsync(stream, "250 2.1.5 ok");
                }
                else if (line == "DATA")
                {
                    await SayAsync(stream, "354 go on");
                    var content = new StringBuilder();
                    while (await LineAsync(stream, true) is { } part && part != ".")
                    {
                        content.Append(part).Append("\r\n");
                    }

                    var mail = new Mail(to!, content.ToString(), isSecure, user);
                    await Confirming(mail).WaitAsync(_over.Token);
                    if (Answer(".") is not { } refused)
                    {
                        Taken.Enqueue(mail);
                        await SayAsync(stream, "250 2.0.0 queued");
                    }
                    else if (refused.Length > 0)
                    {
                        await SayAsync(stream, refused);
                    }
                    else
                    {
                        // It has it, and nobody learns of that.
                        Taken.Enqueue(mail);
                        return;
                    }
                }
                else
                {
                    await SayAsync(stream, line == "QUIT" ? "221 bye" : "250 2.1.0 ok");
                }
            }
        }
        catch (Exception error)
            when (error
                    is IOException
                        or OperationCanceledException
                        or ObjectDisposedException
                        or System.Security.Authentication.AuthenticationException
            )
        {
            return;
        }
        finally
        {
            await stream.DisposeAsync();
        }
    }

    private Task SayAsync(Stream stream, string words) =>
        stream.WriteAsync(Encoding.ASCII.GetBytes(words + "\r\n"), _over.Token).AsTask();

    private async Task<string?> LineAsync(Stream stream, bool isHidden)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one, _over.Token) == 1)
        {
            if (one[0] != '\n')
            {
                line.Append((char)one[0]);
                continue;
            }

            var text = line.ToString().TrimEnd('\r');
            if (!isHidden)
            {
                Open.Enqueue(text);
            }

            return text;
        }

        return null;
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        var start = TimeProvider.System.GetUtcNow().AddHours(-1);
        using var made = request.CreateSelfSigned(start, start.AddDays(2));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
    }
}
