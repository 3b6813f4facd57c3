using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Tessera.Server.Access.People.Saml;

/// <summary>Who somebody is, as the identity provider says.</summary>
/// <param name="Subject">As the provider names the person.</param>
/// <param name="Id">Of the assertion, which is good once.</param>
/// <param name="Until">When it is good no more in any case.</param>
internal sealed record SamlProof(string Subject, string Id, DateTimeOffset Until);

/// <summary>
/// Checks the answer of an identity provider (SAML 2.0 profiles 4.1.4): the response by position, the signature over its
/// one assertion, and then only what was signed: by whom, for whom, to where, on which question, from when until when.
/// </summary>
internal static class SamlAssertion
{
    private const string Success = "urn:oasis:names:tc:SAML:2.0:status:Success";
    private const string Bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
    private const string Transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    /// <summary>What an answer proves.</summary>
    /// <param name="encoded">As the browser posted it.</param>
    /// <param name="options">By whom and for whom it has to be.</param>
    /// <param name="question">Id of the request it has to answer.</param>
    /// <param name="now">The present time.</param>
    /// <returns>The proof, or in one word what is wrong.</returns>
    public static (SamlProof? Proof, string? Fault) Check(
        string encoded,
        SamlOptions options,
        string question,
        DateTimeOffset now
    )
    {
        try
        {
            if (encoded.Length > SamlXml.Longest)
            {
                return (null, "form");
            }

            var response = SamlXml.Parse(Convert.FromBase64String(encoded)).DocumentElement!;
            var (assertion, fault) = Response(response, options, question);
            if (assertion is null)
            {
                return (null, fault);
            }

            if (
                SamlXml.ChildrenOf(assertion) is not [_, var signature, ..]
                || !SamlXml.Is(signature, SamlXml.Signature, "Signature")
                || SamlSignature.Verify(assertion, signature, options.Certificates) is not { } bytes
            )
            {
                return (null, "signature");
            }

            return Assertion(SamlXml.ParseVerified(bytes), options, question, now);
        }
        catch (Exception error) when (error is XmlException or FormatException or CryptographicException)
        {
            // What cannot be read is refused like everything else that is not as it should be.
            return (null, "form");
        }
    }

    /// <summary>The assertion of a response, by position. Nothing here is signed, and nothing here proves anything.</summary>
    private static (XmlElement? Assertion, string? Fault) Response(
        XmlElement root,
        SamlOptions options,
        string question
    )
    {
        if (!SamlXml.Is(root, SamlXml.Protocol, "Response") || root.GetAttribute("Version") != "2.0")
        {
            return (null, "form");
        }

        if (root.GetAttribute("Destination") != options.CallbackUrl)
        {
            return (null, "destination");
        }

        if (root.GetAttribute("InResponseTo") != question)
        {
            return (null, "question");
        }

        var children = SamlXml.ChildrenOf(root);
        if (children is [var issuer, ..] && SamlXml.Is(issuer, SamlXml.Assertion, "Issuer"))
        {
            if (issuer.InnerText != options.Issuer)
            {
                return (null, "issuer");
            }

            children = children[1..];
        }

        if (
            children is not [var status, var assertion]
            || !SamlXml.Is(status, SamlXml.Protocol, "Status")
            || !SamlXml.Is(assertion, SamlXml.Assertion, "Assertion")
        )
        {
            return (null, "form");
        }

        return
            SamlXml.ChildrenOf(status) is [var code, ..]
            && SamlXml.Is(code, SamlXml.Protocol, "StatusCode")
            && code.GetAttribute("Value") == Success
            ? (assertion, null)
            : (null, "refused");
    }

    private static (SamlProof? Proof, string? Fault) Assertion(
        XElement assertion,
        SamlOptions options,
        string question,
        DateTimeOffset now
    )
    {
        if (
            assertion.Name != SamlXml.Assertion + "Assertion"
            || assertion.Attribute("Version")?.Value != "2.0"
            || assertion.Attribute("ID")?.Value is not { Length: > 0 and <= 255 } id
            || assertion.Elements().ToArray() is not [var issuer, var subject, var conditions, .. var statements]
            || subject.Name != SamlXml.Assertion + "Subject"
            || conditions.Name != SamlXml.Assertion + "Conditions"
            || !statements.Any(static s => s.Name == SamlXml.Assertion + "AuthnStatement")
        )
        {
            return (null, "form");
        }

        if (issuer.Name != SamlXml.Assertion + "Issuer" || Leaf(issuer) != options.Issuer)
        {
            return (null, "issuer");
        }

        if (ConditionsFault(conditions, options, now) is { } fault)
        {
            return (null, fault);
        }

        var names = subject.Elements(SamlXml.Assertion + "NameID").ToArray();
        if (
            names is not [var name]
            || name.Attribute("Format")?.Value == Transient
            || Leaf(name) is not { Length: > 0 and <= 255 } who
        )
        {
            return (null, "subject");
        }

        var (until, unconfirmed) = Confirmation(subject, options, question, now);
        var ended = statements.Select(static s => Instant(s, "SessionNotOnOrAfter")).Any(end => end + Leeway <= now);
        return unconfirmed is not null ? (null, unconfirmed)
            : ended ? (null, "time")
            : (new SamlProof(who, id, until + Leeway), null);
    }

    private static string? ConditionsFault(XElement conditions, SamlOptions options, DateTimeOffset now)
    {
        if (
            Instant(conditions, "NotBefore") - Leeway > now
            || (Instant(conditions, "NotOnOrAfter") is { } end && end + Leeway <= now)
        )
        {
            return "time";
        }

        var audiences = 0;
        foreach (var condition in conditions.Elements())
        {
            if (condition.Name == SamlXml.Assertion + "AudienceRestriction")
            {
                audiences++;
                if (!condition.Elements(SamlXml.Assertion + "Audience").Any(a => Leaf(a) == options.EntityId))
                {
                    return "audience";
                }
            }
            else if (condition.Name != SamlXml.Assertion + "OneTimeUse")
            {
                // A condition that is not understood is not met (SAML 2.0 core 2.5.1.1).
                return "condition";
            }
        }

        return audiences > 0 ? null : "audience";
    }

    /// <summary>When the confirmation ends that whoever brings the assertion is its subject, or why there is none.</summary>
    private static (DateTimeOffset Until, string? Fault) Confirmation(
        XElement subject,
        SamlOptions options,
        string question,
        DateTimeOffset now
    )
    {
        var fault = "confirmation";
        foreach (var confirmation in subject.Elements(SamlXml.Assertion + "SubjectConfirmation"))
        {
            if (
                confirmation.Attribute("Method")?.Value != Bearer
                || confirmation.Elements().ToArray() is not [var data]
                || data.Name != SamlXml.Assertion + "SubjectConfirmationData"
            )
            {
                continue;
            }

            if (data.Attribute("Recipient")?.Value != options.CallbackUrl)
            {
                fault = "recipient";
            }
            else if (data.Attribute("InResponseTo")?.Value != question)
            {
                fault = "question";
            }
            else if (
                data.Attribute("NotBefore") is not null
                || Instant(data, "NotOnOrAfter") is not { } until
                || until + Leeway <= now
            )
            {
                fault = "time";
            }
            else
            {
                return (until, null);
            }
        }

        return (default, fault);
    }

    /// <summary>The text of an element that has nothing else in it.</summary>
    private static string? Leaf(XElement element) => element.HasElements ? null : element.Value;

    /// <summary>A time, which SAML writes in UTC only; null when it is not there.</summary>
    /// <exception cref="FormatException">It is no such time.</exception>
    private static DateTimeOffset? Instant(XElement element, string name) =>
        element.Attribute(name)?.Value is not { } text ? null
        : text.EndsWith('Z') ? DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal)
        : throw new FormatException("This time is not in UTC.");
}
