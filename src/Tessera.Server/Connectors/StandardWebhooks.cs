using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Tessera.Server.Connectors;

/// <summary>Signatures by Standard Webhooks 1.0.0 (conventions 23 and 27): HMAC-SHA-256 over id, timestamp and body.</summary>
internal static class StandardWebhooks
{
    public const string Prefix = "whsec_";
    public const string IdHeader = "webhook-id";
    public const string TimestampHeader = "webhook-timestamp";
    public const string SignatureHeader = "webhook-signature";

    private const string Version = "v1,";

    private static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(5);

    /// <summary>The signature header: one signature for each secret, the present one first.</summary>
    public static string Sign(IReadOnlyList<string> secrets, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var signatures = new string[secrets.Count];
        for (var i = 0; i < signatures.Length; i++)
        {
            signatures[i] = Version + Convert.ToBase64String(Mac(secrets[i], id, timestamp, body));
        }

        return string.Join(' ', signatures);
    }

    /// <summary>Whether a call is signed with one of the secrets, and its time is within five minutes of ours.</summary>
    public static bool IsSigned(
        IReadOnlyList<string> secrets,
        string? id,
        string? timestamp,
        string? signatures,
        ReadOnlySpan<byte> body,
        DateTimeOffset now
    )
    {
        if (
            id is not { Length: > 0 and <= 255 }
            || signatures is not { Length: > 0 and <= 4096 }
            || !long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || Math.Abs(now.ToUnixTimeSeconds() - seconds) > Tolerance.TotalSeconds
        )
        {
            return false;
        }

        var isSigned = false;
        foreach (var secret in secrets)
        {
            var expected = Encoding.ASCII.GetBytes(Version + Convert.ToBase64String(Mac(secret, id, seconds, body)));
            foreach (var given in signatures.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                isSigned |= CryptographicOperations.FixedTimeEquals(expected, Encoding.UTF8.GetBytes(given));
            }
        }

        return isSigned;
    }

    private static byte[] Mac(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var key = Convert.FromBase64String(secret.AsSpan(Prefix.Length).ToString());
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(Encoding.UTF8.GetBytes(id + "." + timestamp.ToString(CultureInfo.InvariantCulture) + "."));
        hmac.AppendData(body);
        return hmac.GetHashAndReset();
    }
}
