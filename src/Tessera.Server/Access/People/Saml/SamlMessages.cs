using System.IO.Compression;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.WebUtilities;

namespace Tessera.Server.Access.People.Saml;

/// <summary>What we say to an identity provider: who we are, and who is to sign in.</summary>
internal static class SamlMessages
{
    /// <summary>Where a browser takes the question to, by the redirect binding (SAML 2.0 bindings 3.4).</summary>
    /// <param name="options">Of the provider.</param>
    /// <param name="id">Of the question.</param>
    /// <param name="state">Comes back with the answer.</param>
    /// <param name="now">When it is asked.</param>
    public static string Question(SamlOptions options, string id, string state, DateTimeOffset now)
    {
        var request = new XElement(
            SamlXml.Protocol + "AuthnRequest",
            new XAttribute(XNamespace.Xmlns + "samlp", SamlXml.Protocol),
            new XAttribute(XNamespace.Xmlns + "saml", SamlXml.Assertion),
            new XAttribute("ID", id),
            new XAttribute("Version", "2.0"),
            new XAttribute("IssueInstant", now.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", null)),
            new XAttribute("Destination", options.SignInUrl),
            new XAttribute("ProtocolBinding", SamlXml.PostBinding),
            new XAttribute("AssertionConsumerServiceURL", options.CallbackUrl),
            new XElement(SamlXml.Assertion + "Issuer", options.EntityId),
            new XElement(SamlXml.Protocol + "NameIDPolicy", new XAttribute("AllowCreate", "true"))
        );
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, CompressionLevel.Optimal))
        {
            deflate.Write(Encoding.UTF8.GetBytes(request.ToString(SaveOptions.DisableFormatting)));
        }

        return QueryHelpers.AddQueryString(
            options.SignInUrl,
            new Dictionary<string, string?>
            {
                ["SAMLRequest"] = Convert.ToBase64String(packed.ToArray()),
                ["RelayState"] = state,
            }
        );
    }

    /// <summary>Our metadata (SAML 2.0 metadata 2.4.4).</summary>
    public static string Metadata(SamlOptions options) =>
        new XElement(
            SamlXml.Metadata + "EntityDescriptor",
            new XAttribute("entityID", options.EntityId),
            new XElement(
                SamlXml.Metadata + "SPSSODescriptor",
                new XAttribute("AuthnRequestsSigned", "false"),
                new XAttribute("WantAssertionsSigned", "true"),
                new XAttribute("protocolSupportEnumeration", SamlXml.Protocol),
                new XElement(
                    SamlXml.Metadata + "AssertionConsumerService",
                    new XAttribute("Binding", SamlXml.PostBinding),
                    new XAttribute("Location", options.CallbackUrl),
                    new XAttribute("index", "0"),
                    new XAttribute("isDefault", "true")
                )
            )
        ).ToString();
}
