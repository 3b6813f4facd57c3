using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access.People;

/// <summary>Addresses by which people sign in; one spelling of each.</summary>
internal static class EmailAddress
{
    /// <summary>The most characters (RFC 5321).</summary>
    public const int Longest = 254;

    /// <summary>The spelling that is stored and looked up.</summary>
    public static string Normal(string email) => email.Trim().ToLowerInvariant();

    /// <summary>Whether it can be an address: one at sign, something on both sides, no spaces.</summary>
    public static bool IsWellFormed(string email)
    {
        var at = email.IndexOf('@', StringComparison.Ordinal);
        return at > 0
            && at == email.LastIndexOf('@')
            && at < email.Length - 1
            && !email.Any(static c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '<' or '>' or ',' or ';');
    }

    /// <summary>Reads the address of a person.</summary>
    public static string? Read(Fields fields, string name, bool required = true)
    {
        if (fields.Text(name, Longest, required) is not { } text)
        {
            return null;
        }

        if (IsWellFormed(Normal(text)))
        {
            return Normal(text);
        }

        fields.Add(name, "not_an_address", "This has to be an e-mail address.");
        return null;
    }
}
