using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Tessera.Server.Platform.Tls;

/// <summary>
/// TLS of the API's port (ACC-06): 1.2 and 1.3, with a certificate from files that are looked at again every few seconds, so
/// that it is renewed without a restart. Files that cannot be read leave what is in force as it is. With authorities for
/// callers the port speaks mutual TLS: who shows no certificate of theirs does not get as far as a request.
/// </summary>
public sealed class ServerTls
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    private readonly TlsFiles _files;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private SslServerAuthenticationOptions _present;
    private DateTime _readOf;
    private long _lookedAt;

    /// <summary>Reads the files.</summary>
    /// <exception cref="SettingException">They are not what they should be.</exception>
    public ServerTls(TlsFiles files, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(clock);
        (_files, _clock) = (files, clock);
        try
        {
            (_readOf, _lookedAt) = (WrittenAt(), clock.GetTimestamp());
            _present = Load();
        }
        catch (Exception error) when (IsUnreadable(error))
        {
            throw new SettingException(
                "TESSERA_TLS_CERTIFICATE_FILE",
                "and its companions are no certificate with its key"
            );
        }
    }

    /// <summary>What each connection is asked to prove, and is proved.</summary>
    public TlsHandshakeCallbackOptions Options() => new() { OnConnection = _ => ValueTask.FromResult(Present()) };

    private SslServerAuthenticationOptions Present()
    {
        lock (_lock)
        {
            if (_clock.GetElapsedTime(_lookedAt) < LookEvery)
            {
                return _present;
            }

            _lookedAt = _clock.GetTimestamp();
            try
            {
                if (WrittenAt() is var written && written != _readOf)
                {
                    _present = Load();
                    _readOf = written;
                }
            }
            catch (Exception error) when (IsUnreadable(error))
            {
                // Half a renewal: the certificate is there and its key not yet. The next look finds both.
                return _present;
            }

            return _present;
        }
    }

    private SslServerAuthenticationOptions Load()
    {
        using var read = X509Certificate2.CreateFromPemFile(_files.Certificate, _files.Key);
        var between = new X509Certificate2Collection();
        between.ImportFromPemFile(_files.Certificate);
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(
                X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pfx), null),
                between,
                offline: true
            ),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
        if (_files.ClientAuthorities is { } file)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            if (authorities.Count == 0)
            {
                throw new CryptographicException("No authority.");
            }

            options.ClientCertificateRequired = true;
            options.RemoteCertificateValidationCallback = (_, shown, _, _) => IsOf(authorities, shown);
        }

        return options;
    }

    /// <summary>Whether a caller's certificate is for callers, in its time, and of one of our authorities and no other.</summary>
    private static bool IsOf(X509Certificate2Collection authorities, X509Certificate? shown)
    {
        if (shown is not X509Certificate2 certificate)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        return chain.Build(certificate);
    }

    private DateTime WrittenAt()
    {
        string[] files = [_files.Certificate, _files.Key, _files.ClientAuthorities ?? _files.Key];
        return files.Max(File.GetLastWriteTimeUtc);
    }

    private static bool IsUnreadable(Exception error) =>
        error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException;
}
