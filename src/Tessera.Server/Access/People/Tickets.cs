using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Tessera.Server.Access.People;

/// <summary>Random tickets of 256 bits: sessions and invitations. Only their SHA-256 is stored.</summary>
internal static class Tickets
{
    private const int Bytes = 32;
    private const int Length = 43;

    /// <summary>A new one, in characters that need no escaping anywhere.</summary>
    public static string Make() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>What is stored of a ticket; null for text that cannot be one.</summary>
    public static byte[]? HashOf(string? ticket) =>
        ticket is { Length: Length } && Base64Url.IsValid(ticket)
            ? SHA256.HashData(Encoding.ASCII.GetBytes(ticket))
            : null;

    /// <summary>
    /// The token a page has to send along with the cookie of a session (convention 56). Made from the ticket, which no
    /// other site can read, and no way back to it.
    /// </summary>
    public static string CsrfOf(string ticket) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.ASCII.GetBytes(ticket), "csrf"u8));
}
