using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Tessera.Core;

namespace Tessera.Server.Operations.Units;

/// <summary>What may become of many units at once. The words are stored, so they never change.</summary>
internal static class UnitActions
{
    /// <summary>Redemptions that took place are recorded.</summary>
    public const string Redeemed = "redeemed";

    /// <summary>Redemptions are taken back: each unit gets the state it had before.</summary>
    public const string Former = "former";

    /// <summary>All of them.</summary>
    public static readonly string[] All = [Redeemed, Former, "paid", "refunded", "cancelled", "revoked"];

    /// <summary>Whether units are cancelled or revoked, which needs no override.</summary>
    public static bool IsEnding(string action) => action is "cancelled" or "revoked";
}

/// <summary>What is known of a redemption that took place; a line of a list may say more than the whole.</summary>
internal sealed record TookPlace(
    DateTimeOffset? At,
    string? OrderReference,
    long? OrderMinor,
    long? DiscountMinor,
    string? Currency,
    Guid? CustomerId
)
{
    public static readonly TookPlace Unknown = new(null, null, null, null, null, null);

    /// <summary>This, with what it does not say taken from another.</summary>
    public TookPlace Or(TookPlace other) =>
        new(
            At ?? other.At,
            OrderReference ?? other.OrderReference,
            OrderMinor ?? other.OrderMinor,
            DiscountMinor ?? other.DiscountMinor,
            Currency ?? other.Currency,
            CustomerId ?? other.CustomerId
        );

    /// <summary>The redemption; null where something is missing.</summary>
    public RecordedRedemption? Whole =>
        At is { } at
        && OrderReference is { } reference
        && OrderMinor is { } order
        && DiscountMinor is { } discount
        && Currency is { } currency
            ? new RecordedRedemption(
                at,
                reference,
                new Money(order, currency),
                new Money(discount, currency),
                CustomerId
            )
            : null;
}

/// <summary>One unit of a change, or a line that names none.</summary>
/// <param name="Line">Its number, from 1; of a list, that of the file.</param>
/// <param name="CouponId">Of the unit; null when the line names none.</param>
/// <param name="InstanceId">The unit.</param>
/// <param name="Version">Of the unit when it was selected.</param>
/// <param name="Redemption">What took place.</param>
/// <param name="Refused">Code of <see cref="UnitRefusals.OfLines"/>: why nothing can come of the line.</param>
internal sealed record UnitLine(
    long Line,
    long? CouponId,
    long? InstanceId,
    long? Version,
    TookPlace Redemption,
    string? Refused
)
{
    /// <summary>What was done of it.</summary>
    public UnitDone? Done { get; init; }

    /// <summary>What stands for lines in an approval.</summary>
    public static string HashOf(IEnumerable<UnitLine> lines)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var line in lines)
        {
            var took = line.Redemption;
            var text = string.Create(
                CultureInfo.InvariantCulture,
                $"{line.Line}:{line.InstanceId}:{line.Version}:{took.At?.UtcTicks}:{took.OrderMinor}:{took.DiscountMinor}:{took.Currency}:{took.CustomerId}:{took.OrderReference?.Length}:{took.OrderReference}:{line.Refused}\n"
            );
            hash.AppendData(Encoding.UTF8.GetBytes(text));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

/// <summary>What a change has done to a unit.</summary>
/// <param name="Version">Of the unit afterwards.</param>
/// <param name="Before">Its state before.</param>
/// <param name="Prior">Before: where a redemption that is taken back leads to.</param>
/// <param name="RedemptionId">That was recorded, or taken back.</param>
internal sealed record UnitDone(long Version, string Before, string? Prior, Guid? RedemptionId);

/// <summary>A change of many units, as kept.</summary>
/// <param name="Id">Also of the operation that carries it out.</param>
/// <param name="Action">One of <see cref="UnitActions"/>.</param>
/// <param name="Cause">Why, as a word; null where units are cancelled or revoked.</param>
/// <param name="MerchantId">Whose units alone; null for all.</param>
/// <param name="ClientId">The key or account that asked.</param>
/// <param name="Total">Lines.</param>
/// <param name="LinesHash">Over the lines.</param>
/// <param name="StartedAt">Null while it waits for approval.</param>
/// <param name="UndoUntil">Until when it can be undone; null before it starts.</param>
/// <param name="UndoneBy">The operation that undoes it.</param>
internal sealed record UnitPlan(
    Guid Id,
    string Action,
    string? Cause,
    Guid? MerchantId,
    Guid ClientId,
    long Total,
    string LinesHash,
    DateTimeOffset? StartedAt,
    DateTimeOffset? UndoUntil,
    Guid? UndoneBy
)
{
    /// <summary>One that waits.</summary>
    public static UnitPlan New(
        Guid id,
        string action,
        string? cause,
        IReadOnlyList<UnitLine> lines,
        Guid? merchant,
        Guid client
    ) => new(id, action, cause, merchant, client, lines.Count, UnitLine.HashOf(lines), null, null, null);
}

/// <summary>Why nothing comes of a unit or a line.</summary>
internal static class UnitRefusals
{
    public static readonly Refusal Changed = new(
        "changed_since",
        "This unit was changed since it was selected, so it stays as it is."
    );

    public static readonly Refusal Gone = new("not_found", "There is no such unit.");

    public static readonly Refusal NotRedeemed = new("not_redeemed", "This unit has not been redeemed.");

    public static readonly Refusal Incomplete = new(
        "redemption_incomplete",
        "A redemption needs its time, its order and what was given."
    );

    public static readonly Refusal BeyondOrder = new(
        "beyond_order",
        "What was given has to be at most the order, in its currency."
    );

    /// <summary>Of lines, by their codes.</summary>
    public static readonly IReadOnlyDictionary<string, Refusal> OfLines = new Refusal[]
    {
        Gone,
        new("named_twice", "An earlier line names this unit."),
        new("unreadable", "This line cannot be read."),
        new("invalid_code", "This is not a code."),
        new("invalid_id", "This is not the id of a unit."),
        new("invalid_instant", "This is not a time with its offset."),
        new("invalid_amount", "This is not an amount in minor units."),
        new("invalid_currency", "This is not an ISO 4217 currency code."),
        new("invalid_customer", "This is not the id of a customer."),
        new("invalid_reference", "An order has a reference of 1 to 100 characters."),
    }.ToDictionary(static r => r.Code, StringComparer.Ordinal);
}
