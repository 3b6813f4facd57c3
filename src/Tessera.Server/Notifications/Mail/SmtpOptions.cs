using System.Net.Mail;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Tessera.Server.Notifications.Mail;

/// <summary>The mail server of a deployment, and whom its letters are from.</summary>
/// <param name="Host">Its name, which its certificate has to bear.</param>
/// <param name="Port">Where it listens.</param>
/// <param name="IsTlsFromStart">TLS before the first word (smtps); else by STARTTLS.</param>
/// <param name="NeedsTls">Whether nothing is said without TLS; only a server on this machine may do without.</param>
/// <param name="From">The address letters are from.</param>
/// <param name="FromName">Its name, for people.</param>
/// <param name="User">To sign in as; null for no sign-in.</param>
/// <param name="Password">Of the user.</param>
/// <param name="Authorities">Certificates to trust instead of those of the system; null for the system's.</param>
public sealed record SmtpOptions(
    string Host,
    int Port,
    bool IsTlsFromStart,
    bool NeedsTls,
    string From,
    string FromName = "",
    string? User = null,
    string? Password = null,
    X509Certificate2Collection? Authorities = null
)
{
    private const string UrlName = "TESSERA_SMTP_URL";
    private const string FromSetting = "TESSERA_SMTP_FROM";
    private const string AuthoritiesName = "TESSERA_SMTP_CA";

    /// <summary>Reads the settings.</summary>
    /// <returns>Null where there is no mail server.</returns>
    /// <exception cref="SettingException">One is wrong, or missing beside the other.</exception>
    public static SmtpOptions? Read(Func<string, string?> get)
    {
        ArgumentNullException.ThrowIfNull(get);
        if (get(UrlName) is not { } text)
        {
            return get(FromSetting) is null
                ? null
                : throw new SettingException(UrlName, $"is needed beside {FromSetting}");
        }

        if (
            !Uri.TryCreate(text, UriKind.Absolute, out var url)
            || url.Scheme is not ("smtp" or "smtps")
            || url.Host.Length == 0
            || url.PathAndQuery.Length > 1
            || url.Fragment.Length > 0
        )
        {
            throw new SettingException(UrlName, "has to be a URL such as smtp://user:password@mail.example.com:587");
        }

        var from = get(FromSetting) ?? throw new SettingException(FromSetting, $"is needed beside {UrlName}");
        if (!MailAddress.TryCreate(from, out var sender) || Letter.Usable(sender.Address) is not { } address)
        {
            throw new SettingException(FromSetting, "has to be an address such as Shop <coupons@example.com>");
        }

        var isTlsFromStart = url.Scheme == "smtps";
        var standard = isTlsFromStart ? 465 : 587;
        var user = url.UserInfo.Split(':', 2);
        return new SmtpOptions(
            url.IdnHost.Trim('[', ']'),
            url.Port > 0 ? url.Port : standard,
            isTlsFromStart,
            !url.IsLoopback,
            address,
            sender.DisplayName,
            user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : null,
            user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null,
            AuthoritiesOf(get(AuthoritiesName))
        );
    }

    private static X509Certificate2Collection? AuthoritiesOf(string? pem)
    {
        if (pem is null)
        {
            return null;
        }

        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            authorities.Clear();
        }

        return authorities.Count > 0
            ? authorities
            : throw new SettingException(AuthoritiesName, "has to be certificates in PEM");
    }
}
