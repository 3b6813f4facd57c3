using System.Security.Cryptography;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;
using Tessera.Server.Access.People.Saml;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access.People;

/// <summary>Answers of an identity provider that are signed, and are not to be believed (convention 60).</summary>
public sealed class SamlAssertionTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly SamlProvider _provider = new();

    public void Dispose() => _provider.Dispose();

    [Fact]
    public void A_good_answer_proves_who_it_is()
    {
        var (proof, fault) = Check(_provider.Answer(Now));
        Assert.Null(fault);
        Assert.Equal(("alice", "_assertion", Now.AddMinutes(6)), (proof!.Subject, proof.Id, proof.Until));
        // Kept prefixes, a longer hash, and the key of the certificate that replaces the present one.
        Assert.Null(Check(_provider.Answer(Now, sign: Longer)).Fault);
        using var next = new SamlProvider();
        Assert.Null(
            Check(next.Answer(Now), Options with { Certificates = [_provider.Certificate, next.Certificate] }).Fault
        );
        Assert.Equal("signature", Check(next.Answer(Now)).Fault);

        static void Longer(SignedXml signer)
        {
            signer.SignedInfo!.SignatureMethod = SignedXml.XmlDsigRSASHA512Url;
            var reference = (Reference)signer.SignedInfo.References[0]!;
            reference.DigestMethod = SignedXml.XmlDsigSHA512Url;
            reference.TransformChain = new TransformChain();
            reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
            reference.AddTransform(new XmlDsigExcC14NTransform("samlp saml"));
        }
    }

    [Theory]
    [InlineData("recipient", "Recipient=\"https://tessera.example", "Recipient=\"https://evil.example")]
    [InlineData("destination", "Destination=\"https://tessera.example", "Destination=\"https://evil.example")]
    [InlineData("audience", "Audience>https://tessera.example", "Audience>https://evil.example")]
    [InlineData(
        "audience",
        "<saml:AudienceRestriction>",
        "<saml:OneTimeUse>",
        "</saml:AudienceRestriction>",
        "</saml:OneTimeUse>"
    )]
    [InlineData("question", "InResponseTo=\"_question\"/>", "InResponseTo=\"_other\"/>")]
    [InlineData("question", "InResponseTo=\"_question\"/>", "/>")]
    [InlineData("question", "InResponseTo=\"_question\">", "InResponseTo=\"_other\">")]
    [InlineData("issuer", "\">https://id.example/metadata<", "\">https://evil.example<")]
    [InlineData("issuer", "<saml:Issuer>https://id.example", "<saml:Issuer>https://evil.example")]
    [InlineData("refused", "status:Success", "status:Requester")]
    [InlineData("time", "Recipient=", "NotBefore=\"2026-03-01T11:00:00Z\" Recipient=")]
    [InlineData(
        "form",
        "SubjectConfirmationData NotOnOrAfter=\"2026-03-01T12:05:00.000Z\"",
        "SubjectConfirmationData NotOnOrAfter=\"2026-03-01T13:05:00+01:00\""
    )]
    [InlineData("time", "SubjectConfirmationData NotOnOrAfter=\"2026-03-01T12:05:00.000Z\"", "SubjectConfirmationData")]
    [InlineData("time", "SessionIndex=", "SessionNotOnOrAfter=\"2026-03-01T11:00:00Z\" SessionIndex=")]
    [InlineData("confirmation", "cm:bearer", "cm:holder-of-key")]
    [InlineData("condition", "<saml:AudienceRestriction>", "<saml:Condition/><saml:AudienceRestriction>")]
    [InlineData("subject", "nameid-format:persistent", "nameid-format:transient")]
    [InlineData("subject", ">alice<", "><")]
    [InlineData("subject", ">alice<", ">al<b>ice</b><")]
    [InlineData("form", ">alice<", ">ali<!-- a comment -->ce<")]
    [InlineData("form", ">alice<", ">ali<?pi?>ce<")]
    [InlineData("form", ">alice<", "><![CDATA[alice]]><")]
    [InlineData("form", "Version=\"2.0\" IssueInstant", "Version=\"1.1\" IssueInstant")]
    [InlineData(
        "form",
        "<saml:AuthnStatement",
        "<saml:AuthzDecisionStatement",
        "/saml:AuthnStatement",
        "/saml:AuthzDecisionStatement"
    )]
    [InlineData("form", "<saml:Conditions", "<saml:Advice><saml:Assertion/></saml:Advice><saml:Conditions")]
    [InlineData("form", "<samlp:Status>", "<samlp:Extensions/><samlp:Status>")]
    public void A_signed_answer_for_another_is_refused(
        string fault,
        string part,
        string instead,
        string end = "",
        string endInstead = ""
    )
    {
        var answer = _provider.Answer(
            Now,
            text =>
            {
                Assert.Contains(part, text, StringComparison.Ordinal);
                var changed = ReplaceFirst(text, part, instead);
                return endInstead.Length == 0 ? changed : ReplaceFirst(changed, end, endInstead);
            }
        );
        Assert.Equal((null, fault), Check(answer));
    }

    [Fact]
    public void An_answer_is_good_for_its_time_and_a_minute_either_way()
    {
        var answer = _provider.Answer(Now);
        foreach (var (seconds, fault) in ((int, string?)[])[(-61, "time"), (-59, null), (359, null), (361, "time")])
        {
            Assert.Equal(fault, Check(answer, now: Now.AddSeconds(seconds)).Fault);
        }
    }

    [Theory]
    [InlineData("xsw1"), InlineData("xsw2"), InlineData("xsw3"), InlineData("xsw4")]
    [InlineData("xsw5"), InlineData("xsw6"), InlineData("xsw7"), InlineData("xsw8")]
    public void A_wrapped_signature_is_refused(string kind)
    {
        var document = _provider.Answer(Now);
        var response = document.DocumentElement!;
        var original = SamlProvider.Assertions(document)[0];
        var signature = SamlProvider.Signature(original);
        var evil = (XmlElement)original.CloneNode(deep: true);
        evil.RemoveChild(SamlProvider.Signature(evil));
        evil.SetAttribute("ID", "_evil");
        evil.GetElementsByTagName("NameID", evil.NamespaceURI)[0]!.InnerText = "administrator";
        switch (kind)
        {
            case "xsw1":
            case "xsw2":
                // The whole answer is signed; a copy of it is wrapped around, inside or beside the signature.
                var inner = (XmlElement)response.CloneNode(deep: true);
                inner.RemoveChild(inner.ChildNodes.OfType<XmlElement>().Last());
                inner.AppendChild(original);
                original.RemoveChild(signature);
                var whole = document.ImportNode(_provider.Sign(inner), true);
                response.SetAttribute("ID", "_evil_response");
                response.InsertAfter(whole, response.ChildNodes.OfType<XmlElement>().First());
                _ = kind == "xsw1" ? whole.AppendChild(inner) : response.InsertAfter(inner, whole);
                response.AppendChild(evil);
                break;
            case "xsw3":
                response.InsertBefore(evil, original);
                break;
            case "xsw4":
                response.ReplaceChild(evil, original);
                evil.AppendChild(original);
                break;
            case "xsw5":
                response.ReplaceChild(evil, original);
                evil.InsertAfter(signature, evil.ChildNodes.OfType<XmlElement>().First());
                response.AppendChild(original);
                break;
            case "xsw6":
                response.ReplaceChild(evil, original);
                evil.InsertAfter(signature, evil.ChildNodes.OfType<XmlElement>().First());
                signature.AppendChild(original);
                break;
            case "xsw7":
                response
                    .InsertBefore(document.CreateElement("samlp", "Extensions", response.NamespaceURI), original)!
                    .AppendChild(evil);
                break;
            default:
                response.ReplaceChild(evil, original);
                evil.InsertAfter(signature, evil.ChildNodes.OfType<XmlElement>().First());
                signature.AppendChild(document.CreateElement("Object", signature.NamespaceURI))!.AppendChild(original);
                break;
        }

        Assert.Null(Check(document).Proof);
    }

    [Fact]
    public void The_original_hidden_under_another_name_lends_its_signature_to_nobody()
    {
        // One assertion and one signature by count; what was signed sits in an element that nobody counts.
        var document = _provider.Answer(Now);
        var assertion = SamlProvider.Assertions(document)[0];
        assertion.GetElementsByTagName("NameID", assertion.NamespaceURI)[0]!.InnerText = "administrator";
        Assert.Equal((null, "signature"), Check(document));

        var other = _provider.Answer(Now);
        var evil = SamlProvider.Assertions(other)[0];
        evil.SetAttribute("ID", "_evil");
        Assert.Equal((null, "signature"), Check(other));
    }

    [Fact]
    public void A_signature_of_any_other_form_is_refused()
    {
        using var stranger = RSA.Create(2048);
        using var hmac = new HMACSHA256(_provider.Certificate.RawData);
        (string Name, XmlDocument Answer)[] answers =
        [
            ("another key, with its certificate", _provider.Answer(Now, sign: s => Lend(s, stranger), key: stranger)),
            (
                "SHA-1",
                _provider.Answer(Now, sign: static s => s.SignedInfo!.SignatureMethod = SignedXml.XmlDsigRSASHA1Url)
            ),
            ("SHA-1 digest", _provider.Answer(Now, sign: static s => First(s).DigestMethod = SignedXml.XmlDsigSHA1Url)),
            ("all of the document", _provider.Answer(Now, sign: static s => First(s).Uri = "")),
            ("two references", _provider.Answer(Now, sign: static s => s.AddReference(Twice()))),
            (
                "inclusive",
                _provider.Answer(
                    Now,
                    sign: static s => s.SignedInfo!.CanonicalizationMethod = SignedXml.XmlDsigC14NTransformUrl
                )
            ),
            (
                "with comments",
                _provider.Answer(
                    Now,
                    sign: static s =>
                        s.SignedInfo!.CanonicalizationMethod = SignedXml.XmlDsigExcC14NWithCommentsTransformUrl
                )
            ),
            (
                "another transform",
                _provider.Answer(Now, sign: static s => First(s).AddTransform(new XmlDsigC14NTransform()))
            ),
            ("one transform", _provider.Answer(Now, sign: static s => Only(First(s)))),
        ];
        foreach (var (name, answer) in answers)
        {
            var (proof, fault) = Check(answer);
            Assert.True((proof, fault) == (null, "signature"), $"{name}: {fault}");
        }

        var stripped = _provider.Answer(Now);
        SamlProvider.Assertions(stripped)[0].RemoveChild(SamlProvider.Signature(stripped));
        Assert.Equal((null, "form"), Check(stripped));
        var empty = _provider.Answer(Now);
        SamlProvider.Signature(empty).RemoveAll();
        Assert.Equal((null, "signature"), Check(empty));
        var moved = _provider.Answer(Now);
        moved.DocumentElement!.AppendChild(SamlProvider.Signature(moved));
        Assert.Null(Check(moved).Proof);

        var same = _provider.Answer(Now);
        same.DocumentElement!.SetAttribute("ID", "_assertion");
        Assert.Equal((null, "form"), Check(same));
        foreach (
            var prefixes in (string[])
                ["#default", "xs xsi", " \t", "xmlns", "xml", "saml:saml", "<", new string('a', 9000)]
        )
        {
            var kept = _provider.Answer(Now);
            var canonical = (XmlElement)kept.GetElementsByTagName("CanonicalizationMethod")[0]!;
            var list = kept.CreateElement("InclusiveNamespaces", SignedXml.XmlDsigExcC14NTransformUrl);
            list.SetAttribute("PrefixList", prefixes);
            canonical.AppendChild(list);
            Assert.Equal((null, "signature"), Check(kept));
        }

        var mac = _provider.Answer(Now);
        var method = (XmlElement)mac.GetElementsByTagName("SignatureMethod")[0]!;
        method.SetAttribute("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256");
        Assert.Equal((null, "signature"), Check(mac));

        static Reference First(SignedXml signer) => (Reference)signer.SignedInfo!.References[0]!;
        static Reference Twice()
        {
            var reference = new Reference("#_assertion") { DigestMethod = SignedXml.XmlDsigSHA256Url };
            reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
            reference.AddTransform(new XmlDsigExcC14NTransform());
            return reference;
        }
        static void Only(Reference reference)
        {
            reference.TransformChain = new TransformChain();
            reference.AddTransform(new XmlDsigEnvelopedSignatureTransform());
        }
        static void Lend(SignedXml signer, RSA key)
        {
            signer.KeyInfo = new KeyInfo();
            signer.KeyInfo.AddClause(new KeyInfoX509Data(SamlProvider.CertificateOf(key)));
        }
    }

    [Fact]
    public void What_is_no_plain_xml_is_refused_in_no_time()
    {
        var good = _provider.Answer(Now).OuterXml;
        string[] documents =
        [
            "<!DOCTYPE r [<!ENTITY a \"alice\">]>" + good,
            "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">" + good,
            "<!DOCTYPE l [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><l>&b;</l>",
            string.Concat(Enumerable.Repeat("<a>", 20_000)) + string.Concat(Enumerable.Repeat("</a>", 20_000)),
            "<a>" + string.Concat(Enumerable.Repeat("<b/>", 60_000)) + "</a>",
            "<a " + string.Concat(Enumerable.Range(0, 20_000).Select(static i => $"a{i}=\"\" ")) + "/>",
            good[..^20],
            good + good,
            "",
            "\0",
            "{}",
        ];
        foreach (var document in documents)
        {
            Assert.Equal((null, "form"), Check(Encoding.UTF8.GetBytes(document)));
        }

        Assert.Equal((null, "form"), SamlAssertion.Check("§", Options, SamlProvider.Question, Now));
        Assert.Equal(
            (null, "form"),
            SamlAssertion.Check(new string('A', 300_000), Options, SamlProvider.Question, Now)
        );
    }

    private SamlOptions Options =>
        new(SamlProvider.Issuer, "https://id.example/", [_provider.Certificate], "staff", SamlProvider.PublicUrl);

    private (SamlProof? Proof, string? Fault) Check(
        XmlDocument answer,
        SamlOptions? options = null,
        DateTimeOffset? now = null
    ) => Check(Encoding.UTF8.GetBytes(answer.OuterXml), options, now);

    private (SamlProof? Proof, string? Fault) Check(
        byte[] answer,
        SamlOptions? options = null,
        DateTimeOffset? now = null
    ) => SamlAssertion.Check(Convert.ToBase64String(answer), options ?? Options, SamlProvider.Question, now ?? Now);

    private static string ReplaceFirst(string text, string part, string instead)
    {
        var place = text.IndexOf(part, StringComparison.Ordinal);
        Assert.True(place >= 0, part);
        return text[..place] + instead + text[(place + part.Length)..];
    }
}
