using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Tessera.Core;

/// <summary>
/// A sentence for people that keeps the values in it by name: <c>$"At most {MaxLines:maximum} lines."</c> has one called
/// <c>maximum</c>. Whoever says it in another language needs them; a value without a name does not compile.
/// </summary>
[InterpolatedStringHandler]
public sealed class Sentence
{
    private readonly StringBuilder _text;
    private Dictionary<string, object>? _values;

    /// <summary>Begins a sentence; called by the compiler.</summary>
    /// <param name="literalLength">Characters between the values.</param>
    /// <param name="formattedCount">How many values there are.</param>
    public Sentence(int literalLength, int formattedCount) => _text = new(literalLength + (8 * formattedCount));

    /// <summary>The sentence as it is said in English.</summary>
    public string Text => _text.ToString();

    /// <summary>The values by their names: numbers, texts and lists of texts; null when there are none.</summary>
    public IReadOnlyDictionary<string, object>? Values => _values;

    /// <summary>A sentence without values.</summary>
    public static implicit operator Sentence(string text) => FromString(text);

    /// <summary>A sentence without values.</summary>
    public static Sentence FromString(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sentence = new Sentence(text.Length, 0);
        sentence.AppendLiteral(text);
        return sentence;
    }

    /// <summary>What stands between the values.</summary>
    public void AppendLiteral(string value) => _text.Append(value);

    /// <summary>A number; the format is its name.</summary>
    public void AppendFormatted(long value, string format)
    {
        _text.Append(CultureInfo.InvariantCulture, $"{value}");
        Keep(format, value);
    }

    /// <summary>A text; the format is its name.</summary>
    public void AppendFormatted(string value, string format)
    {
        _text.Append(value);
        Keep(format, value);
    }

    /// <summary>Several texts, with commas between them; the format is their name.</summary>
    public void AppendFormatted(IEnumerable<string> value, string format)
    {
        string[] values = [.. value];
        _text.AppendJoin(", ", values);
        Keep(format, values);
    }

    private void Keep(string name, object value) => (_values ??= new(StringComparer.Ordinal))[name] = value;
}
