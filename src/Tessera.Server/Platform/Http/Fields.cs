using System.Globalization;
using System.Text.Json;
using Tessera.Core;

namespace Tessera.Server.Platform.Http;

/// <summary>
/// Reads the members of a JSON object one by one and collects everything that is wrong with them, so that a caller
/// learns of all bad fields at once, by his own names (convention 10). Members nobody asked for and members given twice
/// are errors.
/// </summary>
public sealed partial class Fields
{
    /// <summary>The largest integer every JSON reader keeps exact (convention 1).</summary>
    public const long MaximumInteger = (1L << 53) - 1;

    private const int MaximumPlainName = 64;
    private const int MaximumPlainText = 500;

    /// <summary>Up to so many members are found by looking at each.</summary>
    private const int Few = 16;

    private readonly List<FieldError> _errors;
    private readonly Fields? _parent;
    private readonly string _name;
    private readonly Member[] _members;
    private readonly int _count;
    private readonly Dictionary<string, int>? _places;
    private List<Fields>? _children;

    private Fields(JsonElement json, Fields? parent, string name, List<FieldError> errors)
    {
        (_parent, _name, _errors) = (parent, name, errors);
        _members = new Member[json.GetPropertyCount()];
        _places = _members.Length > Few ? new Dictionary<string, int>(_members.Length, StringComparer.Ordinal) : null;
        foreach (var member in json.EnumerateObject())
        {
            var own = MemberNames.Of(member);
            if (own is null)
            {
                Add("?", "invalid_name", "A member has a name that is not text.");
            }
            else if (Find(own) >= 0)
            {
                Add(own, "duplicate_member", "This member was given more than once.");
            }
            else
            {
                _places?.Add(own, _count);
                _members[_count++] = new Member { Name = own, Value = member.Value };
            }
        }
    }

    /// <summary>One item of a list, as the only member of an object of its own.</summary>
    private Fields(JsonElement item, string place, Fields parent, string name)
    {
        (_parent, _name, _errors) = (parent, name, parent._errors);
        (_members, _count) = ([new Member { Name = place, Value = item }], 1);
    }

    private struct Member
    {
        public string Name;
        public JsonElement Value;
        public bool IsAsked;
    }

    /// <summary>What stands before the names of this object's members, where they are told of.</summary>
    private string Prefix => _parent is null ? "" : _parent.Prefix + _name + ".";

    /// <summary>The same as a JSON pointer.</summary>
    private string Pointer => _parent is null ? "#" : _parent.Pointer + "/" + Escape(_name);

    /// <summary>The members of a body.</summary>
    public static Fields Of(RequestBody body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return new Fields(body.Json, null, "", []);
    }

    /// <summary>The members of an object that was put together of a request's parameters.</summary>
    public static Fields Of(JsonElement members) => new(members, null, "", []);

    /// <summary>All that is wrong so far.</summary>
    public IReadOnlyList<FieldError> Errors => _errors;

    /// <summary>Whether a member is there and not null.</summary>
    public bool Has(string name) => Find(name) is >= 0 and var at && _members[at].Value.ValueKind != JsonValueKind.Null;

    /// <summary>Whether a member is there, null or not.</summary>
    public bool Names(string name) => Find(name) >= 0;

    /// <summary>Leaves a member unread, because what it should hold cannot be told.</summary>
    public void Skip(string name) => Take(name);

    /// <summary>A member as it was sent; it has to be there.</summary>
    public JsonElement Raw(string name) => _members[Find(name)].Value.Clone();

    /// <summary>The names of all members.</summary>
    public IReadOnlyCollection<string> Names() => [.. _members.Take(_count).Select(static m => m.Name)];

    /// <summary>Takes over errors that a rule found; their fields are this object's.</summary>
    public void Add(IEnumerable<FieldError> errors)
    {
        ArgumentNullException.ThrowIfNull(errors);
        foreach (var error in errors)
        {
            // What could not be read at all is not also called wrong.
            var field = Prefix + error.Field;
            if (_errors.TrueForAll(e => e.Field != field))
            {
                _errors.Add(error with { Field = field, Pointer = Pointer + error.Pointer[1..] });
            }
        }
    }

    /// <summary>Says that a member is wrong.</summary>
    public void Add(string name, string code, Sentence message) =>
        _errors.Add(new FieldError(Prefix + name, Pointer + "/" + Escape(name), code, message));

    /// <summary>Ends the reading.</summary>
    /// <returns>All errors as one refusal; null when there are none.</returns>
    public Refusal? Finish()
    {
        FindUnknown();
        return _errors.Count == 0 ? null : Problems.Invalid(_errors);
    }

    /// <summary>Text without control characters, trimmed of nothing.</summary>
    /// <param name="name">Of the member.</param>
    /// <param name="maximum">Most characters.</param>
    /// <param name="required">Whether it has to be there and not empty.</param>
    public string? Text(string name, int maximum, bool required = true)
    {
        if (!TryTake(name, required, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String || TextOf(value) is not { } text)
        {
            Add(name, "not_text", "This has to be text.");
            return null;
        }

        if (required && text.Length == 0)
        {
            Add(name, "required", "This has to be given.");
            return null;
        }

        if (text.Length > maximum)
        {
            Add(name, "too_long", $"This has more than {maximum:maximum} characters.");
            return null;
        }

        foreach (var c in text)
        {
            if (char.IsControl(c) && c is not '\n' and not '\t')
            {
                Add(name, "invalid_text", "This has control characters.");
                return null;
            }
        }

        return text;
    }

    /// <summary>One of a closed set of words.</summary>
    public string? Word(string name, IReadOnlyCollection<string> words, bool required = true)
    {
        ArgumentNullException.ThrowIfNull(words);
        var text = Text(name, 100, required);
        if (text is not null && !words.Contains(text))
        {
            Add(name, "unknown_value", $"This has to be one of: {words:values}.");
            return null;
        }

        return text;
    }

    /// <summary>A UUID.</summary>
    public Guid? Id(string name, bool required = true)
    {
        var errors = _errors.Count;
        var text = Text(name, 100, required);
        if (text is null || Guid.TryParseExact(text, "D", out var id))
        {
            return text is null ? null : Guid.ParseExact(text, "D");
        }

        if (errors == _errors.Count)
        {
            Add(name, "not_an_id", "This has to be a UUID.");
        }

        return null;
    }

    /// <summary>A whole number.</summary>
    public long? Integer(string name, long minimum, long maximum, bool required = true)
    {
        if (!TryTake(name, required, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt64(out var number))
        {
            Add(name, "not_an_integer", "This has to be a whole number.");
            return null;
        }

        if (number < minimum || number > maximum)
        {
            Add(name, "out_of_range", $"This has to be from {minimum:minimum} to {maximum:maximum}.");
            return null;
        }

        return number;
    }

    /// <summary>A decimal number as written, at most 15 significant digits.</summary>
    public decimal? Decimal(string name, bool required = true)
    {
        if (!TryTake(name, required, out var value))
        {
            return null;
        }

        if (
            value.ValueKind == JsonValueKind.Number
            && value.GetRawText() is { Length: <= 32 } raw
            && !raw.Contains('e', StringComparison.OrdinalIgnoreCase)
            && decimal.TryParse(raw, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && decimal.Abs(number) <= MaximumInteger
        )
        {
            return number;
        }

        Add(name, "not_a_number", "This has to be a decimal number.");
        return null;
    }

    /// <summary>True or false.</summary>
    public bool? Flag(string name, bool required = true)
    {
        if (!TryTake(name, required, out var value))
        {
            return null;
        }

        if (value.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return value.GetBoolean();
        }

        Add(name, "not_a_flag", "This has to be true or false.");
        return null;
    }

    /// <summary>An RFC 3339 instant with its offset (convention 2).</summary>
    public DateTimeOffset? Instant(string name, bool required = true)
    {
        var text = Text(name, 40, required);
        if (text is null)
        {
            return null;
        }

        if (Instants.TryParse(text, out var at))
        {
            return at;
        }

        Add(name, "not_an_instant", "This has to be a time with its offset, such as 2026-11-27T00:00:00Z.");
        return null;
    }

    /// <summary>Money in minor units: <c>{"amount": 1999, "currency": "EUR"}</c> (convention 3).</summary>
    public Money? Money(string name, bool required = true)
    {
        if (Object(name, required) is not { } money)
        {
            return null;
        }

        var amount = money.Integer("amount", 0, MaximumInteger);
        var currency = money.Text("currency", 3);
        if (currency is not null && !Currencies.IsKnown(currency))
        {
            money.Add("currency", "unknown_currency", "This has to be an ISO 4217 currency code.");
            return null;
        }

        return amount is { } minor && currency is not null ? new Money(minor, currency) : null;
    }

    private bool TryTake(string name, bool required, out JsonElement value)
    {
        var at = Take(name);
        value = at < 0 ? default : _members[at].Value;
        if (at >= 0 && value.ValueKind != JsonValueKind.Null)
        {
            return true;
        }

        if (required)
        {
            Add(name, "required", "This has to be given.");
        }

        return false;
    }

    private int Take(string name)
    {
        var at = Find(name);
        if (at >= 0)
        {
            _members[at].IsAsked = true;
        }

        return at;
    }

    private int Find(string name)
    {
        if (_places is not null)
        {
            return _places.TryGetValue(name, out var place) ? place : -1;
        }

        for (var i = 0; i < _count; i++)
        {
            if (string.Equals(_members[i].Name, name, StringComparison.Ordinal))
            {
                return i;
            }
        }

        return -1;
    }

    private void FindUnknown()
    {
        for (var i = 0; i < _count; i++)
        {
            if (!_members[i].IsAsked)
            {
                Add(_members[i].Name, "unknown_member", "There is no member of this name here.");
            }
        }

        _children?.ForEach(static child => child.FindUnknown());
    }

    /// <summary>The text of a string; null where it is none that can be written, as half of a character.</summary>
    internal static string? TextOf(JsonElement value)
    {
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    internal static string Escape(string name) =>
        name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
