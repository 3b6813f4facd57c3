using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Server.Platform.Tls;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform;

/// <summary>TLS of the API's port (ACC-06): proved by files, renewed without a restart, mutual where authorities are named.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ServerTlsTests(PostgresFixture postgres) : IDisposable
{
    private readonly DataFolder _folder = new();

    [Fact]
    public async Task A_port_proves_itself_asks_callers_for_a_certificate_and_renews_its_own()
    {
        using var authority = Authority("Ours");
        using var stranger = Authority("Theirs");
        var first = WriteServer("first");
        File.WriteAllText(PathOf("ca.pem"), authority.ExportCertificatePem());
        var database = await postgres.DatabaseAsync();
        var settings = new Settings
        {
            ConnectionString = database.ConnectionString,
            Port = 0,
            WebDirectory = "no-web-app-here",
            Tls = new TlsFiles(PathOf("server.pem"), PathOf("server.key"), PathOf("ca.pem")),
        };
        await using var app = TesseraHost.Build(
            settings,
            builder => builder.Logging.SetMinimumLevel(LogLevel.Critical)
        );
        await app.StartAsync();
        var address = app
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.Single();
        Assert.StartsWith("https://", address, StringComparison.Ordinal);

        using var own = Caller(authority, isForCallers: true);
        Assert.Contains("max-age=", await AskAsync(address, first, own), StringComparison.Ordinal);

        using var foreign = Caller(stranger, isForCallers: true);
        using var another = Caller(authority, isForCallers: false);
        foreach (var refused in (X509Certificate2?[])[null, foreign, another])
        {
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => AskAsync(address, first, refused));
        }

        // Half a renewal changes nothing, the whole of it counts.
        File.WriteAllText(PathOf("server.key"), "not a key");
        File.SetLastWriteTimeUtc(PathOf("server.key"), File.GetLastWriteTimeUtc(PathOf("server.pem")).AddMinutes(1));
        var tls = new Ticking();
        Assert.Throws<SettingException>(() => new ServerTls(settings.Tls, tls));
        WriteServer("other");
        var renewing = new ServerTls(settings.Tls, tls);
        var before = await PresentAsync(renewing);
        File.WriteAllText(PathOf("server.key"), "not a key");
        File.SetLastWriteTimeUtc(PathOf("server.key"), File.GetLastWriteTimeUtc(PathOf("server.pem")).AddMinutes(2));
        tls.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(before, await PresentAsync(renewing));
        var second = WriteServer("second");
        File.SetLastWriteTimeUtc(PathOf("server.pem"), File.GetLastWriteTimeUtc(PathOf("server.pem")).AddMinutes(3));
        tls.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(second, await PresentAsync(renewing));
        await app.StopAsync();
    }

    [Fact]
    public void Files_that_are_missing_are_named()
    {
        File.WriteAllText(PathOf("there.pem"), "x");
        var alone = Assert.Throws<SettingException>(() =>
            Settings.Read(name => name == "TESSERA_TLS_CERTIFICATE_FILE" ? PathOf("there.pem") : null)
        );
        Assert.Contains("TESSERA_TLS_KEY", alone.Message, StringComparison.Ordinal);
        var missing = Assert.Throws<SettingException>(() =>
            Settings.Read(name => name == "TESSERA_TLS_CLIENT_CA_FILE" ? PathOf("not-there.pem") : null)
        );
        Assert.Contains("TESSERA_TLS_CLIENT_CA", missing.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private string PathOf(string name) => Path.Combine(_folder.Path, name);

    private static async Task<string> PresentAsync(ServerTls tls)
    {
        var options = await tls.Options().OnConnection(null!);
        return options.ServerCertificateContext!.TargetCertificate.Thumbprint;
    }

    /// <summary>Asks a port that shows the certificate of a thumbprint, with a certificate or none.</summary>
    /// <returns>The rule of transport security in its answer.</returns>
    private static async Task<string> AskAsync(string address, string thumbprint, X509Certificate2? certificate)
    {
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, server, _, _) =>
                    ((X509Certificate2)server!).Thumbprint == thumbprint,
                ClientCertificates = certificate is null ? [] : [certificate],
            },
        };
        using var client = new HttpClient(handler);
        using var response = await client.GetAsync(new Uri(new Uri(address), "/livez"));
        Assert.True(response.IsSuccessStatusCode);
        return response.Headers.GetValues("Strict-Transport-Security").Single();
    }

    private string WriteServer(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(Start, Start.AddDays(2));
        File.WriteAllText(PathOf("server.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(PathOf("server.key"), key.ExportPkcs8PrivateKeyPem());
        return certificate.Thumbprint;
    }

    private static X509Certificate2 Authority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(Start, Start.AddDays(2));
    }

    private static X509Certificate2 Caller(X509Certificate2 authority, bool isForCallers)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=caller", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension(
                [new Oid(isForCallers ? "1.3.6.1.5.5.7.3.2" : "1.3.6.1.5.5.7.3.1")],
                critical: true
            )
        );
        using var issued = request.Create(authority, Start, Start.AddDays(1), RandomNumberGenerator.GetBytes(8));
        using var whole = issued.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pfx), null);
    }

    private static DateTimeOffset Start => TimeProvider.System.GetUtcNow().AddHours(-1);

    /// <summary>A clock that moves by hand.</summary>
    private sealed class Ticking : TimeProvider
    {
        private long _now;

        public override long GetTimestamp() => _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan by) => _now += by.Ticks;
    }
}
