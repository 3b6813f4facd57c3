namespace Tessera.Core.Promotions;

/// <summary>Beside which others something is used on one cart, and when (RUL-05): the same of promotions and of coupons.</summary>
/// <param name="Exclusive">Applies alone: the first eligible exclusive one shuts the others out, whatever the amounts.</param>
/// <param name="Groups">Where two both name groups, they combine only when they share one. Empty combines with any.</param>
/// <param name="Order">1 applies first; null comes after all that has a place, in the order the codes were typed.</param>
public sealed record Stacking(bool Exclusive, IReadOnlyList<string> Groups, int? Order)
{
    /// <summary>The last place there is.</summary>
    public const int LastOrder = 1_000_000;

    /// <summary>How an API says that one applies alone.</summary>
    public const string ExclusiveWord = "exclusive";

    /// <summary>Combines with all that allow it, after all that has a place.</summary>
    public static readonly Stacking Free = new(false, [], null);

    /// <summary>Values of <c>stacking</c>; the first unless given.</summary>
    public static readonly IReadOnlyList<string> Words = ["stackable", ExclusiveWord];
}
