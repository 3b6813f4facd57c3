namespace Tessera.Server.Platform.Retention;

/// <summary>
/// Words that people or outside systems wrote and that may name a person, though they should not. An erasure looks through
/// them for what the person was called (R-13). Each room declares its own.
/// </summary>
/// <param name="Table">With its schema; of alias <c>t</c>.</param>
/// <param name="Words">What is looked through, as SQL text.</param>
/// <param name="Emptied">
/// The <c>set</c> that takes them out; null where the row goes. $2 is a regular expression of what the person was called.
/// </param>
/// <param name="NamesCustomers">Whether the words are looked through for the customer's id too.</param>
public sealed record KeptWords(string Table, string Words, string? Emptied, bool NamesCustomers = false)
{
    /// <summary>What stands where words were.</summary>
    public const string Erased = "[erased]";

    /// <summary>
    /// Whether customers and others rely on the words: names and descriptions of the catalogue. A surname that is a word must not
    /// spoil them, so only a full name, an address or a number is taken out; a surname is told of, for somebody to look.
    /// </summary>
    public bool IsShown { get; init; }

    /// <summary>Whether the name alone is taken out, and what stands around it stays.</summary>
    public bool IsPartial => Emptied?.Contains("$2", StringComparison.Ordinal) == true;

    /// <summary>A column that is emptied as a whole.</summary>
    public static KeptWords Of(string table, string column) => new(table, "t." + column, $"{column} = '{Erased}'");

    /// <summary>Columns of which the name alone is taken out.</summary>
    /// <param name="table">With its schema.</param>
    /// <param name="text">Columns of text, separated by spaces.</param>
    /// <param name="json">Columns of JSON, separated by spaces: of these, the strings.</param>
    /// <param name="also">What else is set.</param>
    public static KeptWords Within(string table, string text = "", string json = "", string? also = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(json);
        var texts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var documents = json.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new KeptWords(
            table,
            $"concat_ws(' ', {string.Join(", ", texts.Concat(documents).Select(static n => $"t.{n}::text"))})",
            string.Join(
                ", ",
                [
                    .. texts.Select(static n => $"{n} = regexp_replace(t.{n}, $2, '{Erased}', 'gi')"),
                    .. documents.Select(static n => $"{n} = platform.without(t.{n}, $2)"),
                    .. also is null ? Array.Empty<string>() : [also],
                ]
            )
        );
    }
}
