using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using Npgsql;

namespace Tessera.Server.Audit;

/// <summary>
/// The document of an event that is hashed: its columns and payload as canonical JSON (RFC 8785). The SQL function
/// <c>audit.document</c> writes the same bytes, so that anyone can check the chain without this program.
/// </summary>
internal static class CanonicalEvent
{
    /// <summary>The columns <see cref="Write"/> reads, from alias <c>e</c>, in its order.</summary>
    public const string Columns =
        "e.actor, e.aggregateid, e.aggregatetype, e.correlation_id, e.created_at, e.id, e.payload::text, e.sequence, e.type";

    private const int LongestWord = 64;

    /// <summary>Writes the document of a row.</summary>
    /// <param name="row">Placed on the row.</param>
    /// <param name="first">Place of the first of <see cref="Columns"/>.</param>
    /// <param name="to">Emptied first.</param>
    public static void Write(NpgsqlDataReader row, int first, ArrayBufferWriter<byte> to)
    {
        to.ResetWrittenCount();
        to.Write("{\"actor\":"u8);
        CanonicalJson.WriteText(row.GetString(first), to);
        to.Write(",\"aggregateid\":"u8);
        CanonicalJson.WriteText(row.GetString(first + 1), to);
        to.Write(",\"aggregatetype\":"u8);
        CanonicalJson.WriteText(row.GetString(first + 2), to);
        to.Write(",\"correlation_id\":"u8);
        if (row.IsDBNull(first + 3))
        {
            to.Write("null"u8);
        }
        else
        {
            CanonicalJson.WriteText(row.GetString(first + 3), to);
        }

        to.Write(",\"created_at\":\""u8);
        var at = row.GetDateTime(first + 4);
        at.TryFormat(
            to.GetSpan(LongestWord),
            out var written,
            "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'",
            CultureInfo.InvariantCulture
        );
        to.Advance(written);
        to.Write("\",\"id\":\""u8);
        row.GetGuid(first + 5).TryFormat(to.GetSpan(LongestWord), out written);
        to.Advance(written);
        to.Write("\",\"payload\":"u8);
        CanonicalJson.Write(row.GetFieldValue<byte[]>(first + 6), to);
        to.Write(",\"sequence\":"u8);
        Utf8Formatter.TryFormat(row.GetInt64(first + 7), to.GetSpan(LongestWord), out written);
        to.Advance(written);
        to.Write(",\"type\":"u8);
        CanonicalJson.WriteText(row.GetString(first + 8), to);
        to.Write("}"u8);
    }
}
