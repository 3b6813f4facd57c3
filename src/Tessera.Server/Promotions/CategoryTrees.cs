using Tessera.Core.Promotions;
using Tessera.Server.Platform;

namespace Tessera.Server.Promotions;

/// <summary>The category trees of owners, for whoever prices carts (RUL-03).</summary>
internal static class CategoryTrees
{
    /// <summary>The tree of an owner; null where nothing is said of categories.</summary>
    public static async Task<CategoryTree?> OfAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel)
    {
        var stored = await CategoryStore.FindAsync(work, merchant, cancel);
        return stored.Parents.Count == 0 ? null : new CategoryTree(stored.Parents);
    }
}
