using System.Globalization;
using System.Text;

namespace Tessera.Server.Notifications.Mail;

/// <summary>A header would hold a line break or another control character.</summary>
public sealed class UnsafeHeaderException(string header) : Exception($"The header {header} has control characters.");

/// <summary>A message on its way to one person, as text and as HTML.</summary>
/// <param name="Id">The same however often it is sent, so that a repeat is recognised.</param>
/// <param name="To">The recipient.</param>
/// <param name="Language">Of its words.</param>
/// <param name="Subject">One line.</param>
/// <param name="Text">For those who read text.</param>
/// <param name="Html">For the others; escaped already.</param>
public sealed record Letter(Guid Id, string To, string Language, string Subject, string Text, string Html)
{
    private const int LineLength = 76;

    /// <summary>Bytes of a word of a header, so that it is at most 75 characters long (RFC 2047).</summary>
    private const int WordBytes = 39;

    private const int LongestAddress = 254;
    private const int LongestLocalPart = 64;

    /// <summary>
    /// An address as SMTP takes it: plain ASCII before the @, the domain in its ASCII form. Quoted local parts, comments and
    /// everything that could end a command are refused.
    /// </summary>
    /// <returns>Null for one that cannot be used.</returns>
    public static string? Usable(string? address)
    {
        var at = address?.LastIndexOf('@') ?? -1;
        if (at is < 1 or > LongestLocalPart)
        {
            return null;
        }

        var local = address![..at];
        if (
            !local.All(static c =>
                char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-/=?^_`{|}~.".Contains(c, StringComparison.Ordinal)
            )
        )
        {
            return null;
        }

        try
        {
            var domain = new IdnMapping { UseStd3AsciiRules = true }.GetAscii(address[(at + 1)..]);
            var usable = $"{local}@{domain}";
            return usable.Length <= LongestAddress && Uri.CheckHostName(domain) == UriHostNameType.Dns ? usable : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The letter as it is sent, ASCII with CRLF. No line begins with a dot, so none has to be doubled.</summary>
    /// <param name="smtp">Whom it is from.</param>
    /// <param name="now">Its date.</param>
    /// <exception cref="UnsafeHeaderException">A header has control characters.</exception>
    public byte[] Write(SmtpOptions smtp, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(smtp);
        var boundary = "=_" + Id.ToString("N");
        var mail = new StringBuilder();
        Header(
            mail,
            "Date",
            now.ToUniversalTime().ToString("ddd, dd MMM yyyy HH':'mm':'ss '+0000'", CultureInfo.InvariantCulture)
        );
        Header(mail, "From", smtp.FromName.Length > 0 ? $"{Words("From", smtp.FromName)} <{smtp.From}>" : smtp.From);
        Header(mail, "To", To);
        Header(mail, "Message-ID", $"<{Id:N}@{smtp.From[(smtp.From.IndexOf('@', StringComparison.Ordinal) + 1)..]}>");
        Header(mail, "Subject", Words("Subject", Subject));
        Header(mail, "Auto-Submitted", "auto-generated");
        Header(mail, "Content-Language", Language);
        Header(mail, "MIME-Version", "1.0");
        Header(mail, "Content-Type", $"multipart/alternative; boundary=\"{boundary}\"");
        Part(mail, boundary, "text/plain", Text);
        Part(mail, boundary, "text/html", Html);
        mail.Append("\r\n--").Append(boundary).Append("--\r\n");
        return Encoding.ASCII.GetBytes(mail.ToString());
    }

    private static void Header(StringBuilder mail, string name, string value)
    {
        // A fold is ours; whatever else could end the line is somebody's who wants another header (convention 62).
        if (value.Replace("\r\n ", "", StringComparison.Ordinal).Any(char.IsControl))
        {
            throw new UnsafeHeaderException(name);
        }

        mail.Append(name).Append(": ").Append(value).Append("\r\n");
    }

    /// <summary>Words of a header, in encoded form (RFC 2047) folded between them.</summary>
    private static string Words(string header, string text)
    {
        if (text.Any(char.IsControl))
        {
            throw new UnsafeHeaderException(header);
        }

        var words = new List<string>();
        var word = new StringBuilder();
        var size = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (size + rune.Utf8SequenceLength > WordBytes)
            {
                words.Add(word.ToString());
                word.Clear();
                size = 0;
            }

            word.Append(rune.ToString());
            size += rune.Utf8SequenceLength;
        }

        words.Add(word.ToString());
        return string.Join(
            "\r\n ",
            words.Select(static w => $"=?UTF-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(w))}?=")
        );
    }

    private static void Part(StringBuilder mail, string boundary, string type, string content)
    {
        mail.Append("\r\n--").Append(boundary).Append("\r\n");
        Header(mail, "Content-Type", type + "; charset=utf-8");
        Header(mail, "Content-Transfer-Encoding", "base64");
        mail.Append("\r\n");
        foreach (var line in Convert.ToBase64String(Encoding.UTF8.GetBytes(content)).Chunk(LineLength))
        {
            mail.Append(line).Append("\r\n");
        }
    }
}
