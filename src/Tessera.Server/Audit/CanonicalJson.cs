using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Tessera.Server.Audit;

/// <summary>
/// Canonical JSON (RFC 8785) of the values we keep: text, integers, flags, null, lists, objects. It works on the bytes:
/// members are put in order and spaces left out; only text with an escape in it is written anew.
/// </summary>
internal static class CanonicalJson
{
    /// <summary>So many members are put in order without an allocation.</summary>
    private const int FewMembers = 32;

    private static readonly SearchValues<char> Escaped = SearchValues.Create([
        '"',
        '\\',
        .. Enumerable.Range(0, ' ').Select(static c => (char)c),
    ]);

    private enum Kind
    {
        Plain,
        Text,
        Nested,
    }

    /// <summary>The bytes of a value.</summary>
    public static ReadOnlyMemory<byte> Bytes(JsonElement value)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        Write(Encoding.UTF8.GetBytes(value.GetRawText()), buffer);
        return buffer.WrittenMemory;
    }

    /// <summary>Writes a value with its members in order.</summary>
    /// <param name="json">Well-formed UTF-8.</param>
    /// <param name="to">Written to.</param>
    public static void Write(ReadOnlyMemory<byte> json, ArrayBufferWriter<byte> to)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        WriteValue(ref reader, json, to);
    }

    /// <summary>Writes text, in quotes. RFC 8785, 3.2.2.2: two-character escapes where there are some, else lower-case \u00xx.</summary>
    public static void WriteText(ReadOnlySpan<char> text, ArrayBufferWriter<byte> to)
    {
        Add(to, (byte)'"');
        while (text.Length > 0)
        {
            var clean = text.IndexOfAny(Escaped);
            Encoding.UTF8.GetBytes(clean < 0 ? text : text[..clean], to);
            if (clean < 0)
            {
                break;
            }

            WriteEscape(text[clean], to);
            text = text[(clean + 1)..];
        }

        Add(to, (byte)'"');
    }

    private static void WriteEscape(char c, ArrayBufferWriter<byte> to)
    {
        const string hex = "0123456789abcdef";
        var two = c switch
        {
            '"' or '\\' => c,
            '\b' => 'b',
            '\f' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            _ => default,
        };
        to.Write(two == default ? [.. "\\u00"u8, (byte)hex[c >> 4], (byte)hex[c & 15]] : [(byte)'\\', (byte)two]);
    }

    /// <summary>Writes the value the reader stands on; it is left on its last token.</summary>
    private static void WriteValue(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json, ArrayBufferWriter<byte> to)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                WriteObject(ref reader, json, to);
                break;
            case JsonTokenType.StartArray:
                Add(to, (byte)'[');
                for (var isFirst = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; isFirst = false)
                {
                    if (!isFirst)
                    {
                        Add(to, (byte)',');
                    }

                    WriteValue(ref reader, json, to);
                }

                Add(to, (byte)']');
                break;
            case JsonTokenType.String when reader.ValueIsEscaped:
                WriteText(reader.GetString(), to);
                break;
            case JsonTokenType.String:
                Quote(reader.ValueSpan, to);
                break;
            default:
                to.Write(reader.ValueSpan);
                break;
        }
    }

    private static void WriteObject(ref Utf8JsonReader reader, ReadOnlyMemory<byte> json, ArrayBufferWriter<byte> to)
    {
        Span<Member> few = stackalloc Member[FewMembers];
        List<Member>? many = null;
        var count = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (name, length) = ((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
            var isPlain = !reader.ValueIsEscaped && Ascii.IsValid(reader.ValueSpan);
            reader.Read();
            var value = (int)reader.TokenStartIndex;
            var kind = reader.TokenType switch
            {
                JsonTokenType.StartObject or JsonTokenType.StartArray => Kind.Nested,
                JsonTokenType.String when reader.ValueIsEscaped => Kind.Text,
                _ => Kind.Plain,
            };
            reader.Skip();
            var member = new Member(name, length, isPlain, value, (int)reader.BytesConsumed, kind);
            if (count == FewMembers)
            {
                many ??= [.. few];
                many.Add(member);
                continue;
            }

            // The few there are come nearly in order.
            var place = count++;
            for (; place > 0 && Compare(member, few[place - 1], json.Span) < 0; place--)
            {
                few[place] = few[place - 1];
            }

            few[place] = member;
        }

        many?.Sort((one, other) => Compare(one, other, json.Span));
        var members = many is null ? few[..count] : System.Runtime.InteropServices.CollectionsMarshal.AsSpan(many);
        Add(to, (byte)'{');
        for (var i = 0; i < members.Length; i++)
        {
            if (i > 0)
            {
                Add(to, (byte)',');
            }

            WriteMember(members[i], json, to);
        }

        Add(to, (byte)'}');
    }

    private static void WriteMember(Member member, ReadOnlyMemory<byte> json, ArrayBufferWriter<byte> to)
    {
        if (member.IsPlain)
        {
            Quote(json.Span.Slice(member.Name, member.Length), to);
        }
        else
        {
            WriteText(NameOf(member, json.Span), to);
        }

        Add(to, (byte)':');
        var value = json[member.Value..member.End];
        if (member.Kind == Kind.Plain)
        {
            to.Write(value.Span);
        }
        else
        {
            Write(value, to);
        }
    }

    /// <summary>RFC 8785, 3.2.3: by UTF-16 code units, which for ASCII is by bytes.</summary>
    private static int Compare(Member one, Member other, ReadOnlySpan<byte> json) =>
        one.IsPlain && other.IsPlain
            ? json.Slice(one.Name, one.Length).SequenceCompareTo(json.Slice(other.Name, other.Length))
            : string.CompareOrdinal(NameOf(one, json), NameOf(other, json));

    private static string NameOf(Member member, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json.Slice(member.Name - 1, member.Length + 2));
        reader.Read();
        return reader.GetString()!;
    }

    private static void Quote(ReadOnlySpan<byte> text, ArrayBufferWriter<byte> to)
    {
        var span = to.GetSpan(text.Length + 2);
        span[0] = (byte)'"';
        text.CopyTo(span[1..]);
        span[text.Length + 1] = (byte)'"';
        to.Advance(text.Length + 2);
    }

    private static void Add(ArrayBufferWriter<byte> to, byte value)
    {
        to.GetSpan(1)[0] = value;
        to.Advance(1);
    }

    /// <summary>Where a member lies: its name without quotes, its value to its end.</summary>
    private readonly record struct Member(int Name, int Length, bool IsPlain, int Value, int End, Kind Kind);
}
