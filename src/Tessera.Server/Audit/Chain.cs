using System.Security.Cryptography;

namespace Tessera.Server.Audit;

/// <summary>The hash chain (convention 46), from a link on. Not for two threads.</summary>
/// <param name="link">The link before the first that is added; 32 zero bytes for the first of all.</param>
internal sealed class Chain(byte[] link) : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>The last link.</summary>
    public byte[] Link { get; private set; } = link;

    /// <summary>Adds a document: the next link is SHA-256 over the one before and the document.</summary>
    /// <returns>The next link.</returns>
    public byte[] Add(ReadOnlySpan<byte> document)
    {
        _hash.AppendData(Link);
        _hash.AppendData(document);
        return Link = _hash.GetHashAndReset();
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
