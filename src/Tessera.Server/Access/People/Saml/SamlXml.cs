using System.Xml;
using System.Xml.Linq;

namespace Tessera.Server.Access.People.Saml;

/// <summary>Names of SAML 2.0, and XML read as strictly as can be (convention 60).</summary>
internal static class SamlXml
{
    /// <summary>The deepest nesting: what comes after recurses.</summary>
    private const int Deepest = 32;

    private const int MostNodes = 5_000;

    /// <summary>Most characters of a document.</summary>
    public const int Longest = 256 * 1024;

    public static readonly XNamespace Protocol = "urn:oasis:names:tc:SAML:2.0:protocol";

    public static readonly XNamespace Assertion = "urn:oasis:names:tc:SAML:2.0:assertion";

    public static readonly XNamespace Metadata = "urn:oasis:names:tc:SAML:2.0:metadata";

    public static readonly XNamespace Signature = "http://www.w3.org/2000/09/xmldsig#";

    public const string ExclusiveC14N = "http://www.w3.org/2001/10/xml-exc-c14n#";

    public const string PostBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

    /// <summary>
    /// Parses a document that has nothing but elements, attributes and text: no DTD, no comments, no instructions. It holds
    /// one assertion and one signature, and no two elements have one id, so nothing can be taken for something else.
    /// </summary>
    /// <exception cref="XmlException">It is anything else.</exception>
    public static XmlDocument Parse(byte[] bytes)
    {
        Inspect(bytes);
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        using var reader = ReaderOf(bytes);
        document.Load(reader);
        return document;
    }

    /// <summary>Parses what was verified.</summary>
    /// <exception cref="XmlException">It is no XML.</exception>
    public static XElement ParseVerified(byte[] bytes)
    {
        using var reader = ReaderOf(bytes);
        return XElement.Load(reader, LoadOptions.PreserveWhitespace);
    }

    /// <summary>The children that are elements, in their order.</summary>
    public static XmlElement[] ChildrenOf(XmlElement element) => [.. element.ChildNodes.OfType<XmlElement>()];

    /// <summary>Whether an element has this name.</summary>
    public static bool Is(XmlElement element, XNamespace space, string name) =>
        element.LocalName == name && element.NamespaceURI == space.NamespaceName;

    private static void Inspect(byte[] bytes)
    {
        using var reader = ReaderOf(bytes);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        var (nodes, assertions, signatures) = (0, 0, 0);
        while (reader.Read())
        {
            var isPlain =
                reader.NodeType
                is XmlNodeType.Element
                    or XmlNodeType.EndElement
                    or XmlNodeType.Text
                    or XmlNodeType.Whitespace
                    or XmlNodeType.SignificantWhitespace
                    or XmlNodeType.XmlDeclaration;
            if (!isPlain || reader.Depth > Deepest || ++nodes > MostNodes)
            {
                throw new XmlException("This is not the XML of an answer.");
            }

            if (reader.NodeType != XmlNodeType.Element)
            {
                continue;
            }

            assertions += reader.LocalName is "Assertion" or "EncryptedAssertion" ? 1 : 0;
            signatures += reader.LocalName is "Signature" ? 1 : 0;
            while (reader.MoveToNextAttribute())
            {
                if (reader.LocalName.Equals("id", StringComparison.OrdinalIgnoreCase) && !ids.Add(reader.Value))
                {
                    throw new XmlException("Two elements have one id.");
                }
            }
        }

        if ((assertions, signatures) != (1, 1))
        {
            throw new XmlException("There has to be one assertion and one signature.");
        }
    }

    private static XmlReader ReaderOf(byte[] bytes) =>
        XmlReader.Create(
            new MemoryStream(bytes, writable: false),
            new XmlReaderSettings
            {
                DtdProcessing = DtdProcessing.Prohibit,
                XmlResolver = null,
                MaxCharactersInDocument = Longest,
                MaxCharactersFromEntities = 1,
                CloseInput = true,
            }
        );
}
