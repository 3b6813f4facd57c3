using System.Globalization;
using System.Text.Json;

namespace Tessera.Server.Platform.Http;

/// <summary>Members that hold members: objects and lists.</summary>
public sealed partial class Fields
{
    /// <summary>A nested object; its errors and unknown members count with the rest.</summary>
    public Fields? Object(string name, bool required = true)
    {
        if (!TryTake(name, required, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            Add(name, "not_an_object", "This has to be an object.");
            return null;
        }

        var child = new Fields(value, this, name, _errors);
        (_children ??= []).Add(child);
        return child;
    }

    /// <summary>A list, each item read by a function that gets it as the only member of its own object.</summary>
    /// <param name="name">Of the member.</param>
    /// <param name="maximum">Most items.</param>
    /// <param name="item">Reads the member <c>name</c> at a place; null when it is wrong.</param>
    /// <param name="required">Whether it has to be there.</param>
    public IReadOnlyList<T>? List<T>(string name, int maximum, Func<Fields, string, T?> item, bool required = true)
    {
        ArgumentNullException.ThrowIfNull(item);
        if (!TryTake(name, required, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            Add(name, "not_a_list", "This has to be a list.");
            return null;
        }

        if (value.GetArrayLength() > maximum)
        {
            Add(name, "too_many", $"This has more than {maximum:maximum} items.");
            return null;
        }

        var before = _errors.Count;
        var items = new List<T>(value.GetArrayLength());
        var place = 0;
        foreach (var element in value.EnumerateArray())
        {
            var at = place.ToString(CultureInfo.InvariantCulture);
            var holder = new Fields(element, at, this, name);
            (_children ??= new List<Fields>(value.GetArrayLength())).Add(holder);
            if (item(holder, at) is { } read)
            {
                items.Add(read);
            }

            place++;
        }

        return _errors.Count == before ? items : null;
    }

    /// <summary>An object of any members, each a text, number or flag.</summary>
    /// <param name="name">Of the member.</param>
    /// <param name="maximum">Most members.</param>
    public IReadOnlyDictionary<string, JsonElement>? Plain(string name, int maximum)
    {
        if (Object(name, required: false) is not { } child)
        {
            return null;
        }

        if (child._count > maximum)
        {
            Add(name, "too_many", $"This has more than {maximum:maximum} members.");
        }

        var members = new Dictionary<string, JsonElement>(child._count, StringComparer.Ordinal);
        for (var i = 0; i < child._count; i++)
        {
            var (key, value) = (child._members[i].Name, child._members[i].Value);
            child._members[i].IsAsked = true;
            members.Add(key, value);
            if (key.Length is 0 or > MaximumPlainName || key.Any(char.IsControl))
            {
                child.Add(key, "invalid_name", $"A name has {1:minimum} to {MaximumPlainName:maximum} characters.");
            }

            if (value.ValueKind is JsonValueKind.Number)
            {
                child.Decimal(key);
            }
            else if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                child.Text(key, MaximumPlainText);
            }
        }

        return members;
    }

    /// <summary>
    /// The objects of a list, each with errors of its own: for requests that are answered item by item. Null stands for
    /// an item that is no object.
    /// </summary>
    public IReadOnlyList<Fields?>? Items(string name, int maximum)
    {
        if (!TryTake(name, required: true, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            Add(name, "not_a_list", "This has to be a list.");
            return null;
        }

        if (value.GetArrayLength() is var count && (count == 0 || count > maximum))
        {
            if (count == 0)
            {
                Add(name, "required", $"This has to have {1:minimum} to {maximum:maximum} items.");
            }
            else
            {
                Add(name, "too_many", $"This has to have {1:minimum} to {maximum:maximum} items.");
            }

            return null;
        }

        return
        [
            .. value
                .EnumerateArray()
                .Select(
                    (item, place) =>
                        item.ValueKind == JsonValueKind.Object
                            ? new Fields(item, At(name), place.ToString(CultureInfo.InvariantCulture), [])
                            : null
                ),
        ];
    }

    /// <summary>The place of a list, as what its items stand in.</summary>
    private Fields At(string name) => new(default, "", this, name);
}
