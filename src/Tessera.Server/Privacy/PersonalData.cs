using System.Text.Json.Serialization;

namespace Tessera.Server.Privacy;

/// <summary>What is known of a person. Every member may be missing.</summary>
/// <param name="FirstName">As the person writes it.</param>
/// <param name="LastName">As the person writes it.</param>
/// <param name="Email">An address.</param>
/// <param name="Phone">With its country.</param>
/// <param name="BirthDate">A date.</param>
/// <param name="Street">And number.</param>
/// <param name="PostalCode">Of the address.</param>
/// <param name="City">Of the address.</param>
/// <param name="Country">Two letters.</param>
internal sealed record PersonalData(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? FirstName = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? LastName = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Email = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Phone = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? BirthDate = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Street = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? PostalCode = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? City = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Country = null
)
{
    private const int ShortestNumber = 5;

    /// <summary>As everyone without the right to more sees it: enough to recognise, too little to use.</summary>
    public PersonalData Masked() =>
        new(
            Initial(FirstName),
            Initial(LastName),
            Email is { } email ? Initial(email) + email[email.IndexOf('@', StringComparison.Ordinal)..] : null,
            Phone is { Length: > 3 } phone ? "•••" + phone[^2..] : Hidden(Phone),
            BirthDate is null ? null : "••••-••-••",
            Hidden(Street),
            Hidden(PostalCode),
            Hidden(City),
            Country
        );

    /// <summary>The names and addresses by which free text elsewhere may speak of the person.</summary>
    public IEnumerable<string> Traces() =>
        ((string?[])[LastName, Email, Phone, Street]).OfType<string>().Where(static t => t.Length > 2);

    /// <summary>What surely is the person, wherever it stands: an address, a number, a full name; not a surname alone.</summary>
    public IEnumerable<string> SureTraces()
    {
        string?[] traces = [Email, Phone, Street?.Contains(' ', StringComparison.Ordinal) == true ? Street : null];
        string[] names =
            FirstName is { Length: > 0 } first && LastName is { Length: > 0 } last
                ? [$"{first} {last}", $"{last} {first}", $"{last}, {first}"]
                : [];
        return traces.OfType<string>().Where(static t => t.Length > ShortestNumber).Concat(names);
    }

    private static string? Initial(string? text) => string.IsNullOrEmpty(text) ? text : text[..1] + "•••";

    private static string? Hidden(string? text) => text is null ? null : "•••";
}

/// <summary>Personal data as it is answered.</summary>
/// <param name="CustomerId">Whose.</param>
/// <param name="IsMasked">Whether it is shortened to what everyone may see.</param>
/// <param name="Data">The data.</param>
/// <param name="Version">Counts the changes.</param>
/// <param name="UpdatedAt">When it was last changed.</param>
internal sealed record PersonalDataView(
    Guid CustomerId,
    bool IsMasked,
    PersonalData Data,
    int Version,
    DateTimeOffset UpdatedAt
);
