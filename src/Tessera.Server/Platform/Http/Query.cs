using System.Globalization;
using Microsoft.AspNetCore.Http;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// Reads the query parameters of a request one by one and collects everything that is wrong with them: unknown ones,
/// repeated ones, bad values (convention 10).
/// </summary>
public sealed class Query(HttpRequest request)
{
    private const int LongestWord = 200;

    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private readonly List<FieldError> _errors = [];
    private Refusal? _refusal;

    /// <summary>The request.</summary>
    public HttpRequest Request { get; } = request;

    /// <summary>Says that the request is refused as a whole, if nothing else is wrong with it.</summary>
    public void Refuse(Refusal refusal) => _refusal ??= refusal;

    /// <summary>Says that a parameter is wrong.</summary>
    public void Add(string name, string code, Sentence message) => _errors.Add(new FieldError(name, "", code, message));

    /// <summary>Ends the reading.</summary>
    /// <returns>All errors as one refusal; null when there are none.</returns>
    public Refusal? Finish()
    {
        foreach (var name in Request.Query.Keys)
        {
            if (!_asked.Contains(name))
            {
                Add(name, "unknown_parameter", "There is no parameter of this name here.");
            }
        }

        return _errors.Count == 0 ? _refusal : Problems.Invalid(_errors);
    }

    /// <summary>Text; null when it is not there or empty.</summary>
    public string? Text(string name, int maximum)
    {
        _asked.Add(name);
        if (!Request.Query.TryGetValue(name, out var values) || values.Count == 0)
        {
            return null;
        }

        if (values.Count > 1)
        {
            Add(name, "repeated_parameter", "This parameter was given more than once.");
            return null;
        }

        var text = values[0];
        if (text is { Length: > 0 } && (text.Length > maximum || text.Any(char.IsControl)))
        {
            Add(name, "invalid_text", $"This has to be text of at most {maximum:maximum} characters.");
            return null;
        }

        return text is { Length: > 0 } ? text : null;
    }

    /// <summary>Several values, repeated or separated by commas; null for none.</summary>
    public IReadOnlyList<string>? Words(string name, IReadOnlyCollection<string>? allowed = null)
    {
        _asked.Add(name);
        if (!Request.Query.TryGetValue(name, out var values))
        {
            return null;
        }

        const StringSplitOptions clean = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        List<string> words = [.. values.SelectMany(v => (v ?? "").Split(',', clean)).Distinct()];
        if (words.Exists(static w => w.Length > LongestWord || w.Any(char.IsControl)))
        {
            Add(name, "invalid_text", $"Each of these has to be text of at most {LongestWord:maximum} characters.");
            return null;
        }

        if (allowed is not null && words.Find(w => !allowed.Contains(w)) is not null)
        {
            Add(name, "unknown_value", $"This has to be one or more of: {allowed:values}.");
            return null;
        }

        return words.Count == 0 ? null : words;
    }

    /// <summary>One of a closed set of words.</summary>
    public string? Word(string name, IReadOnlyCollection<string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        var text = Text(name, 100);
        if (text is null || words.Contains(text))
        {
            return text;
        }

        Add(name, "unknown_value", $"This has to be one of: {words:values}.");
        return null;
    }

    /// <summary>A currency of ISO 4217.</summary>
    public string? Currency(string name)
    {
        var text = Text(name, 3);
        if (text is null || Currencies.IsKnown(text))
        {
            return text;
        }

        Add(name, "unknown_currency", "This has to be an ISO 4217 currency code.");
        return null;
    }

    /// <summary>A whole number.</summary>
    public long? Integer(string name, long minimum, long maximum)
    {
        var text = Text(name, 20);
        if (text is null)
        {
            return null;
        }

        if (
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= minimum
            && number <= maximum
        )
        {
            return number;
        }

        if (maximum == long.MaxValue)
        {
            Add(name, "not_an_integer", $"This has to be a whole number, {minimum:minimum} or more.");
        }
        else
        {
            Add(name, "not_an_integer", $"This has to be a whole number from {minimum:minimum} to {maximum:maximum}.");
        }

        return null;
    }

    /// <summary>A decimal number.</summary>
    public decimal? Decimal(string name)
    {
        var text = Text(name, 30);
        if (text is null)
        {
            return null;
        }

        if (
            decimal.TryParse(
                text,
                NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var number
            )
        )
        {
            return number;
        }

        Add(name, "not_a_number", "This has to be a decimal number.");
        return null;
    }

    /// <summary>True or false.</summary>
    public bool? Flag(string name)
    {
        var text = Text(name, 5);
        if (text is null or "true" or "false")
        {
            return text is null ? null : text == "true";
        }

        Add(name, "not_a_flag", "This has to be true or false.");
        return null;
    }

    /// <summary>A UUID.</summary>
    public Guid? Id(string name)
    {
        var text = Text(name, 40);
        if (text is null || Guid.TryParseExact(text, "D", out _))
        {
            return text is null ? null : Guid.ParseExact(text, "D");
        }

        Add(name, "not_an_id", "This has to be a UUID.");
        return null;
    }

    /// <summary>Several UUIDs, repeated or separated by commas; null for none.</summary>
    public Guid[]? Ids(string name, int most)
    {
        var words = Words(name);
        var ids = new List<Guid>(words?.Count ?? 0);
        foreach (var word in words ?? [])
        {
            if (!Guid.TryParseExact(word, "D", out var id))
            {
                Add(name, "not_an_id", "This has to be a UUID.");
                return null;
            }

            ids.Add(id);
        }

        if (ids.Count > most)
        {
            Add(name, "too_many", $"These have to be up to {most:maximum}.");
        }

        return words is null ? null : [.. ids];
    }

    /// <summary>A day.</summary>
    public DateOnly? Day(string name)
    {
        var text = Text(name, 10);
        if (text is null)
        {
            return null;
        }

        if (Instants.TryParseDay(text, out var day))
        {
            return day;
        }

        Add(name, "not_a_date", Instants.NotADay);
        return null;
    }

    /// <summary>
    /// An instant with its offset, or a date, which stands for its first instant in UTC; as an end, for the first instant
    /// after it (convention 2).
    /// </summary>
    public DateTimeOffset? Instant(string name, bool isEnd = false)
    {
        var text = Text(name, 40);
        if (text is null)
        {
            return null;
        }

        if (Instants.TryParse(text, out var at))
        {
            return at;
        }

        if (Instants.TryParseDay(text, out var day))
        {
            return new DateTimeOffset(isEnd ? day.AddDays(1) : day, TimeOnly.MinValue, TimeSpan.Zero);
        }

        Add(name, "not_an_instant", "This has to be a date or a time with its offset.");
        return null;
    }
}
