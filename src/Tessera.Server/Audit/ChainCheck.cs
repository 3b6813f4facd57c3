using System.Buffers;
using Npgsql;

namespace Tessera.Server.Audit;

/// <summary>What is wrong with an entry of the chain.</summary>
internal enum ChainFault
{
    /// <summary>The entry is not there.</summary>
    EntryMissing,

    /// <summary>The entry is there, its event is not.</summary>
    EventMissing,

    /// <summary>The event, or the link, is another than the one that was sealed.</summary>
    Changed,
}

/// <summary>Recomputes links of the chain, entry by entry, from a link on.</summary>
/// <param name="seq">The last entry that is known to be as it was; 0 for none.</param>
/// <param name="link">Its link; 32 zero bytes for none.</param>
internal sealed class ChainCheck(long seq, byte[] link) : IDisposable
{
    /// <summary>What <see cref="Next"/> reads, of <c>audit.entry a</c> and its event <c>e</c>, in the order of the chain.</summary>
    public const string Columns = "a.seq, a.hash, " + CanonicalEvent.Columns;

    private readonly Chain _chain = new(link);
    private readonly ArrayBufferWriter<byte> _document = new(4096);

    /// <summary>The last entry that was looked at.</summary>
    public long Seq { get; private set; } = seq;

    /// <summary>Its link, as recomputed.</summary>
    public ReadOnlySpan<byte> Link => _chain.Link;

    /// <summary>Recomputes the next entry.</summary>
    /// <returns>What is wrong with the entry after the last; null where nothing is.</returns>
    public ChainFault? Next(NpgsqlDataReader row)
    {
        Seq++;
        if (row.GetInt64(0) != Seq)
        {
            return ChainFault.EntryMissing;
        }

        if (row.IsDBNull(2))
        {
            return ChainFault.EventMissing;
        }

        CanonicalEvent.Write(row, 2, _document);
        return _chain.Add(_document.WrittenSpan).AsSpan().SequenceEqual(row.GetFieldValue<byte[]>(1))
            ? null
            : ChainFault.Changed;
    }

    /// <inheritdoc/>
    public void Dispose() => _chain.Dispose();
}
