using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// The key under which an answer is kept (conventions 13 to 15, draft-ietf-httpapi-idempotency-key-header-06), already
/// bound to client, operation and request.
/// </summary>
/// <param name="KeyHash">128 bits of SHA-256 over realm, client, operation and key: nobody else's key can equal it.</param>
/// <param name="RequestHash">128 bits of SHA-256 over method, path and body as received.</param>
public readonly record struct IdempotencyKey(Guid KeyHash, Guid RequestHash)
{
    /// <summary>How long an answer is kept unless longer is set, in days; published with the header (convention 17).</summary>
    public const int KeptDays = 7;

    private const string Header = "Idempotency-Key";
    private const int MaximumLength = 255;

    /// <summary>Whether the request names a key at all.</summary>
    public static bool IsGiven(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.Request.Headers.ContainsKey(Header);
    }

    /// <summary>Reads the header of a request that has to have one.</summary>
    /// <param name="context">The request.</param>
    /// <param name="clientId">Who asks.</param>
    /// <param name="body">As received.</param>
    public static (IdempotencyKey Key, Refusal? Refusal) Read(
        HttpContext context,
        Guid clientId,
        ReadOnlySpan<byte> body
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        var given = context.Request.Headers[Header];
        if (given.Count == 0)
        {
            return (default, Missing);
        }

        if (given.Count > 1 || Bare(given[0]!) is not { } key)
        {
            return (default, Malformed);
        }

        var request = context.Request;
        var path = request.Path.Value ?? "/";
        // The operation, not the address: the same key for another resource is another request, which is refused.
        var operation = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? path;
        return (Of(clientId, operation, request.Method, path, key, body), null);
    }

    /// <summary>The key of a request.</summary>
    public static IdempotencyKey Of(
        Guid clientId,
        string operation,
        string method,
        string path,
        string key,
        ReadOnlySpan<byte> body
    )
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        using var scope = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> client = stackalloc byte[16];
        clientId.TryWriteBytes(client, bigEndian: true, out _);
        scope.AppendData(client);
        Append(scope, method);
        Append(scope, operation);
        Append(scope, key);
        scope.GetHashAndReset(hash);
        var keyHash = new Guid(hash[..16], bigEndian: true);

        Append(scope, method);
        Append(scope, path);
        scope.AppendData(body);
        scope.GetHashAndReset(hash);
        return new IdempotencyKey(keyHash, new Guid(hash[..16], bigEndian: true));
    }

    private static readonly Refusal Missing = new(
        "idempotency_key_missing",
        "This operation needs an Idempotency-Key header, so that a repeat has no second effect.",
        RefusalKind.Invalid
    );

    private static readonly Refusal Malformed = new(
        "idempotency_key_malformed",
        "The Idempotency-Key header has to be one string of 1 to 255 visible ASCII characters.",
        RefusalKind.Invalid
    );

    private static void Append(IncrementalHash hash, string text)
    {
        Span<byte> bytes = stackalloc byte[512];
        var count = Encoding.UTF8.GetByteCount(text);
        if (count < bytes.Length)
        {
            Encoding.UTF8.GetBytes(text, bytes);
            bytes[count] = 0;
            hash.AppendData(bytes[..(count + 1)]);
        }
        else
        {
            hash.AppendData(Encoding.UTF8.GetBytes(text + '\0'));
        }
    }

    /// <summary>The key itself: of the structured-field string, or bare.</summary>
    private static string? Bare(string header)
    {
        var text = header.Trim(' ');
        if (text.Length >= 2 && text[0] == '"' && text[^1] == '"')
        {
            text = text[1..^1];
            if (text.Contains('"', StringComparison.Ordinal) || text.Contains('\\', StringComparison.Ordinal))
            {
                text = Unescape(text) ?? "";
            }
        }

        return text.Length is > 0 and <= MaximumLength && text.All(static c => c is > ' ' and < '\x7f') ? text : null;
    }

    /// <summary>RFC 8941, 3.3.3: only quotes and backslashes are escaped.</summary>
    private static string? Unescape(string text)
    {
        var bare = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"' || (text[i] == '\\' && (++i == text.Length || text[i] is not ('"' or '\\'))))
            {
                return null;
            }

            bare.Append(text[i]);
        }

        return bare.ToString();
    }
}
