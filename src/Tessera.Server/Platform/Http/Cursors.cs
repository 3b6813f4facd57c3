using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// Page cursors (convention 19): the sort values of the last row, authenticated with a key of the deployment and bound
/// to path, filters, sort and tenant, so that a cursor cannot be carried over to rows its bearer may not see.
/// </summary>
public sealed class Cursors(Database database)
{
    private const int TagLength = 16;
    private const int MaximumLength = 2000;

    private static readonly Refusal Invalid = new(
        "invalid_cursor",
        "This cursor was not made for this list, filter and sort. Start again without it.",
        RefusalKind.Invalid
    );

    private byte[]? _key;

    /// <summary>Reads <c>limit</c>, <c>sort</c> and <c>cursor</c>; what is wrong with them is added to the query.</summary>
    /// <param name="query">The request; filters have to be read from it as well.</param>
    /// <param name="sorts">Names a caller may sort by; a leading <c>-</c> turns the order around.</param>
    /// <param name="standard">The order unless one is asked for.</param>
    /// <param name="tenant">Whose rows the caller sees; null for all.</param>
    /// <param name="cancel">Cancels.</param>
    public async ValueTask<PageRequest> ReadAsync(
        Query query,
        IReadOnlyCollection<string> sorts,
        string standard,
        Guid? tenant,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(sorts);
        var sort = query.Word("sort", [.. sorts, .. sorts.Select(static s => "-" + s)]) ?? standard;
        return await ReadAsync(query, sort, tenant, 2, cancel);
    }

    /// <summary>Reads <c>limit</c> and <c>cursor</c> of a list whose order the caller has read itself.</summary>
    /// <param name="query">The request.</param>
    /// <param name="sort">The order, as text.</param>
    /// <param name="tenant">Whose rows the caller sees; null for all.</param>
    /// <param name="keys">How many values place a row.</param>
    /// <param name="cancel">Cancels.</param>
    public async ValueTask<PageRequest> ReadAsync(
        Query query,
        string sort,
        Guid? tenant,
        int keys,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(sort);
        var limit = query.Integer("limit", 1, PageRequest.MaximumLimit) ?? PageRequest.StandardLimit;
        var cursor = query.Text("cursor", MaximumLength);
        var key = _key ??= await KeyAsync(cancel);
        var scope = ScopeOf(query, sort, tenant);
        var after = cursor is null ? null : Open(key, scope, cursor);
        if (cursor is not null && after?.Count != keys)
        {
            after = null;
            query.Refuse(Invalid);
        }

        return new PageRequest(
            (int)limit,
            sort.TrimStart('-'),
            sort.StartsWith('-'),
            after,
            values => Seal(key, scope, values)
        );
    }

    /// <summary>Makes a cursor.</summary>
    internal static string Seal(byte[] key, string scope, IReadOnlyList<string?> values)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(values);
        var sealedBytes = new byte[TagLength + body.Length];
        Tag(key, scope, body).CopyTo(sealedBytes);
        body.CopyTo(sealedBytes, TagLength);
        return Base64Url.EncodeToString(sealedBytes);
    }

    /// <summary>Reads a cursor.</summary>
    /// <returns>Null if it was not made with this key for this scope.</returns>
    internal static IReadOnlyList<string?>? Open(byte[] key, string scope, string cursor)
    {
        var bytes = new byte[cursor.Length];
        if (
            Base64Url.DecodeFromChars(cursor, bytes, out _, out var length) != OperationStatus.Done
            || length <= TagLength
            || !CryptographicOperations.FixedTimeEquals(
                bytes.AsSpan(0, TagLength),
                Tag(key, scope, bytes.AsSpan(TagLength, length - TagLength))
            )
            // Base64 has several spellings of the same bytes; only ours is taken.
            || Base64Url.EncodeToString(bytes.AsSpan(0, length)) != cursor
        )
        {
            return null;
        }

        return JsonSerializer.Deserialize<string?[]>(bytes.AsSpan(TagLength, length - TagLength));
    }

    private static ReadOnlySpan<byte> Tag(byte[] key, string scope, ReadOnlySpan<byte> body)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hmac.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(scope)));
        hmac.AppendData(body);
        return hmac.GetHashAndReset().AsSpan(0, TagLength);
    }

    private static string ScopeOf(Query query, string sort, Guid? tenant)
    {
        var scope = new StringBuilder();
        scope.Append(query.Request.Path.Value).Append('\0').Append(sort).Append('\0').Append(tenant);
        var filters = query
            .Request.Query.Where(static p => p.Key.ToLowerInvariant() is not ("limit" or "sort" or "cursor"))
            .OrderBy(static p => p.Key, StringComparer.OrdinalIgnoreCase);
        foreach (var (name, values) in filters)
        {
            scope.Append('\0').Append(name.ToLowerInvariant()).Append('\0').Append(values.ToString());
        }

        return scope.ToString();
    }

    private async Task<byte[]> KeyAsync(CancellationToken cancel)
    {
        // Whoever comes first makes the key; the second statement sees it whoever that was.
        await using (
            var make = database.Source.CreateCommand(
                "insert into platform.secret (name, value) values ('page_cursor', $1) on conflict do nothing"
            )
        )
        {
            make.Parameters.Add(UnitOfWork.Parameter(RandomNumberGenerator.GetBytes(32)));
            await make.ExecuteNonQueryAsync(cancel);
        }

        await using var read = database.Source.CreateCommand(
            "select value from platform.secret where name = 'page_cursor'"
        );
        return (byte[])(await read.ExecuteScalarAsync(cancel))!;
    }
}
