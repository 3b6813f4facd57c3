using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>What a person was called, as an erasure looks for it in words.</summary>
internal sealed class Traces
{
    private const int ShortestTrace = 4;

    private readonly List<string> _all = [];
    private readonly List<string> _sure = [];

    /// <summary>Adds what the store of persons knows.</summary>
    public void Add(PersonalData data)
    {
        _all.AddRange(data.Traces());
        _sure.AddRange(data.SureTraces());
    }

    /// <summary>Adds an account of the person.</summary>
    public void AddAccount(string email, string name)
    {
        _all.AddRange([email, name]);
        _sure.Add(email);
        if (name.Contains(' ', StringComparison.Ordinal))
        {
            _sure.Add(name);
        }
    }

    /// <summary>All that is looked for in files: what may be a word of the language is not.</summary>
    public IReadOnlyList<string> InFiles => Written(_all.Where(static t => t.Length >= ShortestTrace));

    /// <summary>What is looked for in words.</summary>
    public IReadOnlyList<string> In(KeptWords words) =>
        words.IsShown ? Written(_sure)
        // A short name would be found in words that are none: that may cost a reason, but no row and no part of a word.
        : words is { Emptied: not null, NamesCustomers: false, IsPartial: false } ? Written(_all)
        : InFiles;

    /// <summary>What is not taken out of words that are shown, and is for somebody to look at.</summary>
    public IReadOnlyList<string> LeftIn(KeptWords words) => words.IsShown ? InFiles : [];

    /// <summary>A regular expression, of PostgreSQL, that finds each of them.</summary>
    public static string PatternOf(IEnumerable<string> traces) =>
        string.Join('|', traces.OrderByDescending(static t => t.Length).Select(Literal));

    private static string Literal(string text) =>
        string.Concat(text.Select(static c => char.IsAsciiLetterOrDigit(c) || c > '\x7f' ? c.ToString() : "\\" + c));

    /// <summary>As they are, and as JSON writes them within a text.</summary>
    private static IReadOnlyList<string> Written(IEnumerable<string> traces) =>
        [
            .. traces
                .SelectMany(static t =>
                    (string[])
                        [
                            t,
                            JsonEncodedText.Encode(t).ToString(),
                            JsonEncodedText.Encode(t, Wire.Json.Encoder).ToString(),
                            JsonEncodedText.Encode(t, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(),
                        ]
                )
                .Where(static t => t.Length > 0)
                .Distinct(StringComparer.Ordinal),
        ];
}
