namespace Tessera.Server.Platform.Tls;

/// <summary>Where the API's port finds what it proves itself by (ACC-06).</summary>
/// <param name="Certificate">PEM file: the certificate, and those between it and its authority.</param>
/// <param name="Key">PEM file of its private key.</param>
/// <param name="ClientAuthorities">
/// PEM file of the authorities whose certificates callers have to show, for mutual TLS; null: callers show none.
/// </param>
public sealed record TlsFiles(string Certificate, string Key, string? ClientAuthorities)
{
    private const string CertificateName = "TESSERA_TLS_CERTIFICATE_FILE";
    private const string KeyName = "TESSERA_TLS_KEY_FILE";
    private const string AuthoritiesName = "TESSERA_TLS_CLIENT_CA_FILE";

    /// <summary>
    /// Reads the settings. They name files and are not read into memory as secrets are: a certificate is renewed while the
    /// node runs.
    /// </summary>
    /// <returns>Null where there are none.</returns>
    /// <exception cref="SettingException">One is missing, or names no file.</exception>
    public static TlsFiles? Read(Func<string, string?> environment)
    {
        ArgumentNullException.ThrowIfNull(environment);
        string? FileOf(string name) =>
            environment(name[..^"_FILE".Length]) is { Length: > 0 }
                ? throw new SettingException(
                    name,
                    "is what names it: it is taken from a file only, to be renewed there"
                )
            : environment(name) is not { Length: > 0 } path ? null
            : File.Exists(path) ? path
            : throw new SettingException(name, "names a file that does not exist");

        var (certificate, key) = (FileOf(CertificateName), FileOf(KeyName));
        var authorities = FileOf(AuthoritiesName);
        if (certificate is null && key is null && authorities is null)
        {
            return null;
        }

        if (certificate is null || key is null)
        {
            var missing = certificate is null ? CertificateName : KeyName;
            throw new SettingException(missing, "has to be set together with the other files of TLS");
        }

        return new TlsFiles(certificate, key, authorities);
    }
}
