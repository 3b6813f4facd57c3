using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;

namespace Tessera.Server.Tests.Support;

/// <summary>
/// Writes answers of a SAML 2.0 identity provider with the framework's own signer, which is not what checks them, so that
/// tests can bend each part.
/// </summary>
public sealed class SamlProvider : IDisposable
{
    public const string Issuer = "https://id.example/metadata";
    public const string PublicUrl = "https://tessera.example";
    public const string Question = "_question";
    private const string Dsig = "http://www.w3.org/2000/09/xmldsig#";
    private const string Protocol = "urn:oasis:names:tc:SAML:2.0:protocol";
    private const string Assertion = "urn:oasis:names:tc:SAML:2.0:assertion";

    private readonly RSA _key = RSA.Create(2048);

    public SamlProvider() => Certificate = CertificateOf(_key);

    public X509Certificate2 Certificate { get; }

    /// <summary>An answer whose text was changed before its assertion was signed.</summary>
    public XmlDocument Answer(
        DateTimeOffset now,
        Func<string, string>? change = null,
        Action<SignedXml>? sign = null,
        AsymmetricAlgorithm? key = null
    )
    {
        static string At(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", null);
        var callback = PublicUrl + "/api/v1/sign-in/saml/callback";
        var text = $"""
            <samlp:Response xmlns:samlp="{Protocol}" ID="_response" Version="2.0" IssueInstant="{At(now)}"
                Destination="{callback}" InResponseTo="{Question}">
              <saml:Issuer xmlns:saml="{Assertion}">{Issuer}</saml:Issuer>
              <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
              <saml:Assertion xmlns:saml="{Assertion}" ID="_assertion" Version="2.0" IssueInstant="{At(now)}">
                <saml:Issuer>{Issuer}</saml:Issuer>
                <saml:Subject>
                  <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice</saml:NameID>
                  <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
                    <saml:SubjectConfirmationData NotOnOrAfter="{At(now.AddMinutes(5))}" Recipient="{callback}"
                        InResponseTo="{Question}"/>
                  </saml:SubjectConfirmation>
                </saml:Subject>
                <saml:Conditions NotBefore="{At(now)}" NotOnOrAfter="{At(now.AddMinutes(5))}">
                  <saml:AudienceRestriction><saml:Audience>{PublicUrl}/api/v1/sign-in/saml/metadata</saml:Audience></saml:AudienceRestriction>
                </saml:Conditions>
                <saml:AuthnStatement AuthnInstant="{At(now)}" SessionIndex="_session">
                  <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>
                </saml:AuthnStatement>
              </saml:Assertion>
            </samlp:Response>
            """;
        var document = new XmlDocument { PreserveWhitespace = true };
        document.LoadXml(change?.Invoke(text) ?? text);
        var assertion = Assertions(document)[0];
        var issuer = assertion.ChildNodes.OfType<XmlElement>().First();
        assertion.InsertAfter(document.ImportNode(Sign(assertion, sign, key ?? _key), true), issuer);
        return document;
    }

    /// <summary>The signature of this provider over an element.</summary>
    public XmlElement Sign(XmlElement element, Action<SignedXml>? sign = null, AsymmetricAlgorithm? key = null)
    {
        var signer = new SignedXml(element) { SigningKey = key ?? _key };
        signer.SignedInfo!.CanonicalizationMethod = SignedXml.XmlDsigExcC14NTransformUrl;
        signer.SignedInfo.SignatureMethod = SignedXml.XmlDsigRSASHA256Url;
        var reference = new Reference("#" + element.GetAttribute("ID")) { DigestMethod = SignedXml.XmlDsigSHA256Url };
        reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
        reference.AddTransform(new XmlDsigExcC14NTransform());
        signer.AddReference(reference);
        sign?.Invoke(signer);
        signer.ComputeSignature();
        return signer.GetXml();
    }

    public static List<XmlElement> Assertions(XmlDocument document) =>
        [.. document.GetElementsByTagName("Assertion", Assertion).OfType<XmlElement>()];

    public static XmlElement Signature(XmlNode parent) =>
        (
            (parent as XmlElement)?.GetElementsByTagName("Signature", Dsig)
            ?? ((XmlDocument)parent).GetElementsByTagName("Signature", Dsig)
        )
            .OfType<XmlElement>()
            .First();

    /// <summary>A certificate of a key, signed by itself.</summary>
    public static X509Certificate2 CertificateOf(RSA key)
    {
        var request = new CertificateRequest("CN=id.example", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
    }

    public void Dispose()
    {
        _key.Dispose();
        Certificate.Dispose();
    }
}
