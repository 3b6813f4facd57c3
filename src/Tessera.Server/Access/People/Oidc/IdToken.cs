using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Tessera.Server.Access.People.Oidc;

/// <summary>
/// Checks an ID token (RFC 7519, OpenID Connect Core 3.1.3.7) with the base library alone: a closed list of algorithms,
/// keys only from the provider's own set, and every claim that says for whom, by whom and when (convention 58). What a
/// token says about where its key is found is not read.
/// </summary>
public static class IdToken
{
    private const int Longest = 16 * 1024;

    private static readonly TimeSpan Leeway = TimeSpan.FromSeconds(60);

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>The subject of a token, if all is well.</summary>
    /// <param name="token">As received from the token endpoint.</param>
    /// <param name="keys">The provider's key set (RFC 7517).</param>
    /// <param name="options">Whom to expect.</param>
    /// <param name="nonce">As it was sent to the provider.</param>
    /// <param name="now">The present time.</param>
    /// <returns>The subject, or in one word what is wrong.</returns>
    public static (string? Subject, string? Fault) Check(
        string? token,
        JsonElement keys,
        OidcOptions options,
        string nonce,
        DateTimeOffset now
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        if (token is not { Length: > 0 and <= Longest } || token.Split('.') is not [var head, var body, var seal])
        {
            return (null, "form");
        }

        if (Decode(head) is not { } headBytes || Decode(body) is not { } bodyBytes || Decode(seal) is not { } signature)
        {
            return (null, "form");
        }

        try
        {
            using var header = JsonDocument.Parse(headBytes, Strict);
            using var claims = JsonDocument.Parse(bodyBytes, Strict);
            if (
                header.RootElement.ValueKind != JsonValueKind.Object
                || claims.RootElement.ValueKind != JsonValueKind.Object
            )
            {
                return (null, "form");
            }

            var signed = Encoding.ASCII.GetBytes(head + "." + body);
            return SignatureFault(header.RootElement, keys, signed, signature) is { } fault
                ? (null, fault)
                : Claims(claims.RootElement, options, nonce, now);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or CryptographicException)
        {
            // Text that is no text, a key that is none: a token that cannot be checked is refused.
            return (null, "form");
        }
    }

    private static string? SignatureFault(JsonElement header, JsonElement keys, byte[] signed, byte[] signature)
    {
        var algorithm = Text(header, "alg");
        var type = Text(header, "typ");
        if (algorithm is not ("RS256" or "PS256" or "ES256"))
        {
            return "algorithm";
        }

        if ((type is not null && !type.Equals("JWT", StringComparison.OrdinalIgnoreCase)) || Has(header, "crit"))
        {
            return "type";
        }

        var kid = Text(header, "kid");
        var fitting = keys.GetProperty("keys").EnumerateArray().Where(k => Fits(k, algorithm)).ToArray();
        var named = kid is null ? fitting : [.. fitting.Where(k => Text(k, "kid") == kid)];
        if (named.Length != 1)
        {
            return "key";
        }

        return Verify(named[0], algorithm, signed, signature) ? null : "signature";
    }

    private static bool Fits(JsonElement key, string algorithm) =>
        Text(key, "kty") == (algorithm == "ES256" ? "EC" : "RSA")
        && Text(key, "use") is null or "sig"
        && (Text(key, "alg") is not { } own || own == algorithm);

    private static bool Verify(JsonElement key, string algorithm, byte[] signed, byte[] signature)
    {
        if (algorithm == "ES256")
        {
            if (Text(key, "crv") != "P-256")
            {
                return false;
            }

            var point = new ECPoint { X = Bytes(key, "x"), Y = Bytes(key, "y") };
            using var curve = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = point });
            return curve.VerifyData(signed, signature, HashAlgorithmName.SHA256);
        }

        using var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") });
        var padding = algorithm == "PS256" ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        return rsa.KeySize >= 2048 && rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, padding);
    }

    private static (string? Subject, string? Fault) Claims(
        JsonElement claims,
        OidcOptions options,
        string nonce,
        DateTimeOffset now
    )
    {
        if (Text(claims, "iss") != options.Issuer)
        {
            return (null, "issuer");
        }

        if (!IsForUs(claims, options.ClientId))
        {
            return (null, "audience");
        }

        if (
            Instant(claims, "exp") is not { } end
            || end + Leeway <= now
            || Instant(claims, "iat") is not { } made
            || made - Leeway > now
            || (Has(claims, "nbf") && !(Instant(claims, "nbf") - Leeway <= now))
        )
        {
            return (null, "time");
        }

        if (
            Text(claims, "nonce") is not { } given
            || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(nonce))
        )
        {
            return (null, "nonce");
        }

        return Text(claims, "sub") is { Length: > 0 and <= 255 } subject ? (subject, null) : (null, "subject");
    }

    private static bool IsForUs(JsonElement claims, string client)
    {
        if (!claims.TryGetProperty("aud", out var audience))
        {
            return false;
        }

        // A token for several has to say that we are the one who asked for it.
        var party = Text(claims, "azp");
        if (audience.ValueKind == JsonValueKind.String)
        {
            return audience.GetString() == client && (party is null || party == client);
        }

        return audience.ValueKind == JsonValueKind.Array
            && audience.EnumerateArray().Any(a => a.ValueKind == JsonValueKind.String && a.GetString() == client)
            && (party == client || (party is null && audience.GetArrayLength() == 1));
    }

    private static bool Has(JsonElement json, string name) => json.TryGetProperty(name, out _);

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static DateTimeOffset? Instant(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetDouble(out var seconds)
        && seconds is > 0 and < 253_000_000_000
            ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
            : null;

    private static byte[]? Bytes(JsonElement key, string name) => Text(key, name) is { } text ? Decode(text) : null;

    private static byte[]? Decode(string text) => Base64Url.IsValid(text) ? Base64Url.DecodeFromChars(text) : null;
}
