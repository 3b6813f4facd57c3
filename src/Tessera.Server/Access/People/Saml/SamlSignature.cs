using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Xml;

namespace Tessera.Server.Access.People.Saml;

/// <summary>
/// Checks the signature over an assertion (XML Signature, as far as SAML 2.0 core 5.4 allows it) and gives back the bytes
/// that were signed, so that nothing else is ever read. Algorithms are a closed list, the key is a configured one, and what
/// the signature says about its key is not read (convention 60).
/// </summary>
internal static class SamlSignature
{
    private const string Enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

    private static readonly Dictionary<string, HashAlgorithmName> Digests = new(StringComparer.Ordinal)
    {
        ["http://www.w3.org/2001/04/xmlenc#sha256"] = HashAlgorithmName.SHA256,
        ["http://www.w3.org/2001/04/xmldsig-more#sha384"] = HashAlgorithmName.SHA384,
        ["http://www.w3.org/2001/04/xmlenc#sha512"] = HashAlgorithmName.SHA512,
    };

    private static readonly Dictionary<string, (bool IsRsa, HashAlgorithmName Hash)> Methods = new(
        StringComparer.Ordinal
    )
    {
        ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"] = (true, HashAlgorithmName.SHA256),
        ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"] = (true, HashAlgorithmName.SHA384),
        ["http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"] = (true, HashAlgorithmName.SHA512),
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"] = (false, HashAlgorithmName.SHA256),
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"] = (false, HashAlgorithmName.SHA384),
        ["http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512"] = (false, HashAlgorithmName.SHA512),
    };

    /// <summary>The signed form of an assertion without its signature.</summary>
    /// <param name="assertion">The element that will be used.</param>
    /// <param name="signature">Its child.</param>
    /// <param name="certificates">Of the keys that may have signed.</param>
    /// <returns>Canonical XML; null when the signature is not good, or not of the one form that is taken.</returns>
    /// <exception cref="FormatException">A value is no Base64.</exception>
    public static byte[]? Verify(XmlElement assertion, XmlElement signature, IEnumerable<X509Certificate2> certificates)
    {
        if (
            SamlXml.ChildrenOf(signature) is not [var info, var value, .. var rest]
            || !IsSigned(info, "SignedInfo")
            || !IsSigned(value, "SignatureValue")
            || !(rest is [] || (rest is [var key] && IsSigned(key, "KeyInfo")))
            || SamlXml.ChildrenOf(info) is not [var canonical, var method, var reference]
            || !IsSigned(method, "SignatureMethod")
            || !Methods.TryGetValue(method.GetAttribute("Algorithm"), out var algorithm)
            || PrefixesOf(canonical, "CanonicalizationMethod") is not { } prefixes
            || Digest(assertion, signature, reference) is not { } bytes
        )
        {
            return null;
        }

        var signed = Canonical(info, without: null, prefixes);
        var given = Convert.FromBase64String(value.InnerText);
        return certificates.Any(c => IsBy(c, algorithm.IsRsa, algorithm.Hash, signed, given)) ? bytes : null;
    }

    /// <summary>The bytes of the assertion, if the reference is to it and its digest is theirs.</summary>
    private static byte[]? Digest(XmlElement assertion, XmlElement signature, XmlElement reference)
    {
        if (
            !IsSigned(reference, "Reference")
            || reference.GetAttribute("URI") != "#" + assertion.GetAttribute("ID")
            || reference.HasAttribute("Type")
            || SamlXml.ChildrenOf(reference) is not [var transforms, var method, var value]
            || !IsSigned(transforms, "Transforms")
            || !IsSigned(method, "DigestMethod")
            || !IsSigned(value, "DigestValue")
            || !Digests.TryGetValue(method.GetAttribute("Algorithm"), out var hash)
            || SamlXml.ChildrenOf(transforms) is not [var enveloped, var canonical]
            || !IsSigned(enveloped, "Transform")
            || enveloped.GetAttribute("Algorithm") != Enveloped
            || enveloped.HasChildNodes
            || PrefixesOf(canonical, "Transform") is not { } prefixes
        )
        {
            return null;
        }

        var bytes = Canonical(assertion, without: signature, prefixes);
        return CryptographicOperations.FixedTimeEquals(
            CryptographicOperations.HashData(hash, bytes),
            Convert.FromBase64String(value.InnerText)
        )
            ? bytes
            : null;
    }

    /// <summary>The prefixes that exclusive canonicalisation is to keep, if an element names that and nothing else.</summary>
    private static string? PrefixesOf(XmlElement element, string name)
    {
        if (!IsSigned(element, name) || element.GetAttribute("Algorithm") != SamlXml.ExclusiveC14N)
        {
            return null;
        }

        return SamlXml.ChildrenOf(element) switch
        {
            [] => "",
            [var kept] when SamlXml.Is(kept, SamlXml.ExclusiveC14N, "InclusiveNamespaces") => kept.GetAttribute(
                "PrefixList"
            ),
            _ => null,
        };
    }

    /// <summary>Exclusive canonical XML of an element as it stands, with the namespaces around it, without one child.</summary>
    private static byte[] Canonical(XmlElement element, XmlElement? without, string prefixes)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        var copy = (XmlElement)document.AppendChild(document.ImportNode(element, deep: true))!;
        if (without is not null)
        {
            var place = element.ChildNodes.Cast<XmlNode>().TakeWhile(n => n != without).Count();
            copy.RemoveChild(copy.ChildNodes[place]!);
        }

        for (
            var around = element.ParentNode as XmlElement;
            around is not null;
            around = around.ParentNode as XmlElement
        )
        {
            foreach (var declared in around.Attributes.Cast<XmlAttribute>().Where(IsNamespace))
            {
                if (!copy.HasAttribute(declared.Name))
                {
                    copy.SetAttributeNode((XmlAttribute)document.ImportNode(declared, deep: true));
                }
            }
        }

        var transform = new XmlDsigExcC14NTransform(includeComments: false, prefixes);
        transform.LoadInput(document);
        using var output = (MemoryStream)transform.GetOutput(typeof(Stream));
        return output.ToArray();
    }

    private static bool IsNamespace(XmlAttribute attribute) =>
        attribute.NamespaceURI == "http://www.w3.org/2000/xmlns/";

    private static bool IsSigned(XmlElement element, string name) => SamlXml.Is(element, SamlXml.Signature, name);

    private static bool IsBy(
        X509Certificate2 certificate,
        bool isRsa,
        HashAlgorithmName hash,
        byte[] signed,
        byte[] given
    )
    {
        using var rsa = isRsa ? certificate.GetRSAPublicKey() : null;
        using var curve = isRsa ? null : certificate.GetECDsaPublicKey();
        return rsa?.VerifyData(signed, given, hash, RSASignaturePadding.Pkcs1)
            ?? curve?.VerifyData(signed, given, hash)
            ?? false;
    }
}
