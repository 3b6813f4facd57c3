using Tessera.Core.Promotions;
using Tessera.Server.Platform;
using Tessera.Server.Promotions;
using Tessera.Server.Promotions.Segments;

namespace Tessera.Server.Redemptions.Backtests;

/// <summary>
/// Puts stored orders where a draft would meet them: their lines in the categories above those they name, their customers in
/// the segments the draft asks for. Trees, rules and lists are those of now; what is known of a customer is what was known at
/// the order.
/// </summary>
internal sealed class PastPlaces
{
    private readonly CategoryTree? _tree;
    private readonly SegmentBook? _book;

    private PastPlaces(CategoryTree? tree, SegmentBook? book)
    {
        (_tree, _book) = (tree, book);
    }

    /// <summary>The places of an owner, as far as the draft asks for them: nothing else is looked up.</summary>
    public static async Task<PastPlaces> ForAsync(
        Database database,
        Promotion draft,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        await using var work = await database.BeginAsync(cancel);
        var tree = await CategoryTrees.OfAsync(work, merchant, cancel);
        var asks = AskedSegments.Of(draft).Count > 0;
        return new PastPlaces(tree, asks ? await AskedSegments.BookAsync(work, merchant, cancel) : null);
    }

    /// <summary>The orders in their places.</summary>
    public async Task<List<PastOrder>> PlaceAsync(UnitOfWork work, List<PastOrder> orders, CancellationToken cancel)
    {
        var placed = _tree is null ? orders : orders.ConvertAll(o => o with { Cart = _tree.Place(o.Cart) });
        if (_book is null)
        {
            return placed;
        }

        var customers = placed.Select(static o => IdOf(o.Cart.Customer)).OfType<Guid>().ToHashSet();
        var lists = await AskedSegments.ListsAsync(work, customers, cancel);
        return placed.ConvertAll(o =>
            o.Cart.Customer is { } customer ? o with { Cart = InSegments(_book, o, customer, lists) } : o
        );
    }

    private static Cart InSegments(SegmentBook book, PastOrder order, Shopper customer, ILookup<Guid, string> lists)
    {
        var spent = new Dictionary<string, decimal>(StringComparer.Ordinal)
        {
            [order.Cart.Currency] = customer.Attributes.GetValueOrDefault(CustomerRule.Spend),
        };
        var named = IdOf(customer) is { } id ? lists[id] : [];
        var segments = book.Of(customer with { Segments = [] }, named, spent, order.PlacedAt);
        return order.Cart with { Customer = customer with { Segments = segments } };
    }

    private static Guid? IdOf(Shopper? customer) => Guid.TryParse(customer?.Id, out var id) ? id : null;
}
