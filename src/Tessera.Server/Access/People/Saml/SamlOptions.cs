using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Tessera.Server.Access.People.Oidc;

namespace Tessera.Server.Access.People.Saml;

/// <summary>The SAML 2.0 identity provider of a deployment (convention 60).</summary>
/// <param name="Issuer">The provider's entity id, exactly as it names itself.</param>
/// <param name="SignInUrl">Where browsers are sent, by the redirect binding; https, or http on this machine.</param>
/// <param name="Certificates">Of the keys the provider signs with; several while it changes them.</param>
/// <param name="Realm">Of the people who sign in by it.</param>
/// <param name="PublicUrl">Of this deployment, without a path.</param>
public sealed record SamlOptions(
    string Issuer,
    string SignInUrl,
    IReadOnlyList<X509Certificate2> Certificates,
    string Realm,
    string PublicUrl
)
{
    /// <summary>Below which the routes are.</summary>
    public const string Path = "/api/v1/sign-in/saml";

    private const int FewestRsaBits = 2048;

    /// <summary>How we name ourselves; also where our metadata is.</summary>
    public string EntityId => PublicUrl + Path + "/metadata";

    /// <summary>Where the provider has the browser post its answer.</summary>
    public string CallbackUrl => PublicUrl + Path + "/callback";

    /// <summary>Reads the settings <c>TESSERA_SAML_…</c>; null when there is no provider.</summary>
    /// <param name="get">Value of a name.</param>
    /// <param name="publicUrl">The public address, if one is set.</param>
    /// <exception cref="SettingException">One is wrong, or missing.</exception>
    internal static SamlOptions? Read(Func<string, string?> get, string? publicUrl)
    {
        if (get("TESSERA_SAML_ISSUER") is not { } issuer)
        {
            return null;
        }

        string Needed(string name, string? value) =>
            value ?? throw new SettingException(name, "has to be set together with TESSERA_SAML_ISSUER");
        var signIn = Needed("TESSERA_SAML_SIGN_IN_URL", get("TESSERA_SAML_SIGN_IN_URL"));
        var realm = get("TESSERA_SAML_REALM") ?? Realms.Staff;
        return new SamlOptions(
            issuer,
            OidcOptions.IsSafe(signIn)
                ? signIn
                : throw new SettingException("TESSERA_SAML_SIGN_IN_URL", "has to be an https address"),
            CertificatesOf(Needed("TESSERA_SAML_CERTIFICATE", get("TESSERA_SAML_CERTIFICATE"))),
            Realms.All.Contains(realm)
                ? realm
                : throw new SettingException("TESSERA_SAML_REALM", "has to be staff, merchant or customer"),
            Needed("TESSERA_PUBLIC_URL", publicUrl)
        );
    }

    private static IReadOnlyList<X509Certificate2> CertificatesOf(string pem)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            certificates.Clear();
        }

        return certificates.Count > 0 && certificates.All(IsStrong)
            ? [.. certificates]
            : throw new SettingException(
                "TESSERA_SAML_CERTIFICATE",
                $"has to be certificates in PEM, of RSA keys of at least {FewestRsaBits} bits or of ECDSA keys"
            );
    }

    private static bool IsStrong(X509Certificate2 certificate)
    {
        using var rsa = certificate.GetRSAPublicKey();
        using var curve = certificate.GetECDsaPublicKey();
        return rsa?.KeySize >= FewestRsaBits || curve?.KeySize >= 256;
    }
}
