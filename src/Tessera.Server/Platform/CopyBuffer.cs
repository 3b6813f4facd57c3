using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Tessera.Server.Platform;

/// <summary>
/// Rows in the binary form of <c>COPY</c>, made whole in memory and then sent at once: a row costs no allocation and no
/// call to the driver, and what cannot be encoded fails before anything was sent. Used again for batch after batch.
/// </summary>
public sealed class CopyBuffer
{
    private const int PieceSize = 64 * 1024;
    private const int TextArray = 25;
    private const int IntegerArray = 23;
    private const int SmallintArray = 21;
    private const int NumericBase = 10_000;
    private const int NumericDigits = 4;

    private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>The signature, no flags, no extension.</summary>
    private static ReadOnlySpan<byte> Header =>
        [
            (byte)'P',
            (byte)'G',
            (byte)'C',
            (byte)'O',
            (byte)'P',
            (byte)'Y',
            (byte)'\n',
            0xff,
            (byte)'\r',
            (byte)'\n',
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ];

    private readonly ArrayBufferWriter<byte> _bytes = new(PieceSize);

    /// <summary>Empties it and begins again.</summary>
    public void Begin()
    {
        _bytes.ResetWrittenCount();
        _bytes.Write(Header);
    }

    /// <summary>Begins a row of so many columns; each is written next, in the order of the statement.</summary>
    public void Row(int columns) => Short(columns);

    /// <summary>No value.</summary>
    public void Null() => Integer(-1);

    /// <summary>text; null for no value.</summary>
    public void Add(string? value)
    {
        if (value is null)
        {
            Null();
            return;
        }

        var size = Encoding.UTF8.GetByteCount(value);
        Integer(size);
        Encoding.UTF8.GetBytes(value, _bytes.GetSpan(size));
        _bytes.Advance(size);
    }

    /// <summary>bigint; null for no value.</summary>
    public void Add(long? value)
    {
        if (value is not { } number)
        {
            Null();
            return;
        }

        Integer(sizeof(long));
        BinaryPrimitives.WriteInt64BigEndian(_bytes.GetSpan(sizeof(long)), number);
        _bytes.Advance(sizeof(long));
    }

    /// <summary>integer; null for no value.</summary>
    public void Add(int? value)
    {
        if (value is not { } number)
        {
            Null();
            return;
        }

        Integer(sizeof(int));
        Integer(number);
    }

    /// <summary>boolean.</summary>
    public void Add(bool value)
    {
        Integer(1);
        Byte(value ? (byte)1 : (byte)0);
    }

    /// <summary>uuid; null for no value.</summary>
    public void Add(Guid? value)
    {
        const int size = 16;
        if (value is not { } id)
        {
            Null();
            return;
        }

        Integer(size);
        id.TryWriteBytes(_bytes.GetSpan(size), bigEndian: true, out _);
        _bytes.Advance(size);
    }

    /// <summary>bytea.</summary>
    public void Add(ReadOnlySpan<byte> value)
    {
        Integer(value.Length);
        _bytes.Write(value);
    }

    /// <summary>timestamptz, to the microsecond; the greatest value is infinity.</summary>
    public void Add(DateTimeOffset value) =>
        Add(
            value == DateTimeOffset.MaxValue
                ? long.MaxValue
                : (value.UtcTicks - Epoch.Ticks) / TimeSpan.TicksPerMicrosecond
        );

    /// <summary>jsonb, from UTF-8 text.</summary>
    public void AddJson(ReadOnlySpan<byte> json)
    {
        Integer(json.Length + 1);
        Byte(1);
        _bytes.Write(json);
    }

    /// <summary>numeric; null for no value.</summary>
    public void Add(decimal? value)
    {
        if (value is not { } number)
        {
            Null();
            return;
        }

        Span<short> digits = stackalloc short[16];
        var whole = decimal.Truncate(Math.Abs(number));
        var rest = Math.Abs(number) - whole;
        var first = 8;
        for (var left = whole; left > 0; left = (left - (left % NumericBase)) / NumericBase)
        {
            digits[--first] = (short)(left % NumericBase);
        }

        var weight = 8 - first - 1;
        var last = 8;
        for (var i = 0; i < number.Scale; i += NumericDigits)
        {
            rest *= NumericBase;
            digits[last++] = (short)rest;
            rest -= decimal.Truncate(rest);
        }

        Integer(sizeof(short) * (4 + last - first));
        Short(last - first);
        Short(weight);
        Short(number < 0 ? 0x4000 : 0);
        Short(number.Scale);
        foreach (var digit in digits[first..last])
        {
            Short(digit);
        }
    }

    /// <summary>text[]; null for no value.</summary>
    public void Add(IReadOnlyList<string>? values) =>
        AddList(values, TextArray, static (buffer, value) => buffer.Add(value));

    /// <summary>integer[]; null for no value.</summary>
    public void Add(IReadOnlyList<int>? values) =>
        AddList(values, IntegerArray, static (buffer, value) => buffer.Add(value));

    /// <summary>smallint[], not empty.</summary>
    public void Add(ReadOnlySpan<short> values)
    {
        Integer((5 + values.Length) * sizeof(int) + values.Length * sizeof(short));
        Integer(1);
        Integer(0);
        Integer(SmallintArray);
        Integer(values.Length);
        Integer(1);
        foreach (var value in values)
        {
            Integer(sizeof(short));
            Short(value);
        }
    }

    /// <summary>Sends the rows.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="table">With its columns in brackets.</param>
    /// <param name="cancel">Cancels between pieces.</param>
    /// <exception cref="Npgsql.PostgresException">A row was not taken. The transaction is to be rolled back.</exception>
    public async Task SendAsync(UnitOfWork work, string table, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        Short(-1);
        await using var copy = await work.Connection.BeginRawBinaryCopyAsync(
            $"copy {table} from stdin (format binary)",
            cancel
        );
        for (var rest = _bytes.WrittenMemory; rest.Length > 0; )
        {
            var piece = rest[..Math.Min(PieceSize, rest.Length)];
            await copy.WriteAsync(piece, cancel);
            rest = rest[piece.Length..];
        }
    }

    private void AddList<T>(IReadOnlyList<T>? values, int element, Action<CopyBuffer, T> add)
    {
        if (values is null)
        {
            Null();
            return;
        }

        // How long the value is, is known when it is written.
        var start = _bytes.WrittenCount;
        Integer(0);
        Integer(values.Count == 0 ? 0 : 1);
        Integer(0);
        Integer(element);
        if (values.Count > 0)
        {
            Integer(values.Count);
            Integer(1);
        }

        foreach (var value in values)
        {
            add(this, value);
        }

        var size = _bytes.WrittenCount - start - sizeof(int);
        BinaryPrimitives.WriteInt32BigEndian(
            System.Runtime.InteropServices.MemoryMarshal.AsMemory(_bytes.WrittenMemory).Span[start..],
            size
        );
    }

    private void Integer(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.GetSpan(sizeof(int)), value);
        _bytes.Advance(sizeof(int));
    }

    private void Byte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
    }

    private void Short(int value)
    {
        BinaryPrimitives.WriteInt16BigEndian(_bytes.GetSpan(sizeof(short)), (short)value);
        _bytes.Advance(sizeof(short));
    }
}
