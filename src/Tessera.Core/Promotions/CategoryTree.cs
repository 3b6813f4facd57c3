using System.Collections.Frozen;

namespace Tessera.Core.Promotions;

/// <summary>
/// The shop's categories and what lies above each. A rule that names a category means those below it too (RUL-03): lines
/// carry the categories above theirs, so that the engine compares names only.
/// </summary>
/// <param name="parents">The parent of each category that has one.</param>
public sealed class CategoryTree(IReadOnlyDictionary<string, string> parents)
{
    private readonly FrozenDictionary<string, string> parents = parents.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>A cart whose lines are also in the categories above those they name.</summary>
    public Cart Place(Cart cart)
    {
        ArgumentNullException.ThrowIfNull(cart);
        return cart with
        {
            Lines =
            [
                .. cart.Lines.Select(line =>
                    line.Categories.Count == 0 ? line : line with { Categories = WithAncestors(line.Categories) }
                ),
            ],
        };
    }

    /// <summary>The categories given and all above them, each once; a circle ends where it closes.</summary>
    public IReadOnlyList<string> WithAncestors(IReadOnlyList<string> categories)
    {
        ArgumentNullException.ThrowIfNull(categories);
        var all = new List<string>(categories.Count + 4);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var category in categories)
        {
            for (var at = category; at is not null && seen.Add(at); at = parents.GetValueOrDefault(at))
            {
                all.Add(at);
            }
        }

        return all;
    }
}
