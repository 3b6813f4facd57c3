using System.Collections.Concurrent;
using System.Collections.Frozen;
using Tessera.Core.Promotions;
using Tessera.Server.Platform;
using Tessera.Server.Promotions.Segments;

namespace Tessera.Server.Promotions;

/// <summary>The active promotions of one owner, compiled.</summary>
/// <param name="Stamp">Of the state it was compiled from; the present one is in <c>promotions.stamp</c>.</param>
/// <param name="Automatic">Those that apply by themselves, filed by what they require.</param>
/// <param name="OfCoupons">Those that price the codes of a coupon, by its id.</param>
/// <param name="All">All of them, in order.</param>
/// <param name="Names">What people call them, by id.</param>
/// <param name="Segments">The segments their conditions may ask for.</param>
internal sealed record CompiledPromotions(
    long Stamp,
    PromotionBook Automatic,
    FrozenDictionary<long, Promotion> OfCoupons,
    IReadOnlyList<Promotion> All,
    FrozenDictionary<string, string> Names,
    SegmentBook Segments
)
{
    /// <summary>What lies above each category of the owner; null where nothing is said of it.</summary>
    public CategoryTree? Categories { get; init; }

    /// <summary>A cart whose lines are also in the categories above those they name (RUL-03).</summary>
    public Cart Placed(Cart cart) => Categories?.Place(cart) ?? cart;

    /// <summary>What applies by itself besides one of them: what a code brings in is only there when it is typed.</summary>
    public IReadOnlyList<Promotion> Beside(Guid id)
    {
        var own = id.ToString();
        return [.. All.Except(OfCoupons.Values).Where(p => p.Id != own)];
    }

    /// <summary>Compiles the present promotions and segments of one owner.</summary>
    public static async Task<CompiledPromotions> OfAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel)
    {
        // What changes between the two is told of after it, by a stamp the book does not have.
        var (stamp, active) = await PromotionStore.ActiveAsync(work, merchant, cancel);
        var segments = await SegmentStore.AllAsync(work, merchant, cancel);
        return Of(stamp, active, new SegmentBook(segments)) with
        {
            Categories = await CategoryTrees.OfAsync(work, merchant, cancel),
        };
    }

    private static CompiledPromotions Of(long stamp, IReadOnlyList<StoredPromotion> active, SegmentBook segments) =>
        new(
            stamp,
            new PromotionBook(active.Where(static p => p.Draft.CouponId is null).Select(static p => p.Draft.Promotion)),
            active
                .Where(static p => p.Draft.CouponId is not null)
                .ToFrozenDictionary(static p => p.Draft.CouponId!.Value, static p => p.Draft.Promotion),
            [.. active.Select(static p => p.Draft.Promotion)],
            active.ToFrozenDictionary(
                static p => p.Draft.Promotion.Id,
                static p => p.Draft.Name,
                StringComparer.Ordinal
            ),
            segments
        );
}

/// <summary>
/// The compiled books of this node, each made once per state of its promotions. A change on any node reaches the
/// others by the database's own notification; while nobody listens, nothing is kept.
/// </summary>
public sealed class PromotionCatalogue(Database database)
{
    private readonly ConcurrentDictionary<Guid, Entry> _books = new();
    private volatile bool _isListening;

    /// <summary>How often books were compiled, for tests and metrics.</summary>
    internal long Compiled => Interlocked.Read(ref _compiled);

    /// <summary>Whether changes on other nodes are heard now.</summary>
    internal bool IsListening => _isListening;

    private long _compiled;

    /// <summary>The book of one owner, for prices: as new as the last notification.</summary>
    /// <param name="merchant">Whose promotions; null for the deployment's.</param>
    /// <param name="cancel">Stops waiting; the compiling goes on for the others who wait.</param>
    internal async Task<CompiledPromotions> BookAsync(Guid? merchant, CancellationToken cancel)
    {
        var owner = merchant ?? Guid.Empty;
        var entry = _books.GetOrAdd(
            owner,
            static (_, args) => new Entry(args.Self, args.Merchant),
            (Self: this, Merchant: merchant)
        );
        try
        {
            return await entry.Book.WaitAsync(cancel);
        }
        catch when (entry.Book.IsFaulted)
        {
            _books.TryRemove(new KeyValuePair<Guid, Entry>(owner, entry));
            throw;
        }
        finally
        {
            if (!_isListening)
            {
                _books.TryRemove(new KeyValuePair<Guid, Entry>(owner, entry));
            }
        }
    }

    /// <summary>
    /// The book of one owner, for decisions: under a lock that keeps promotions as they are until the transaction
    /// ends, and compiled anew if it is not the present one (conventions 40 and 41).
    /// </summary>
    internal async Task<CompiledPromotions> HoldAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        var stamp = await PromotionStore.HoldStampAsync(work, merchant, cancel);
        var book = await BookAsync(merchant, cancel);
        if (book.Stamp == stamp)
        {
            return book;
        }

        return await CompiledPromotions.OfAsync(work, merchant, cancel);
    }

    /// <summary>Forgets the book of one owner, whose promotions changed.</summary>
    internal void Forget(Guid owner) => _books.TryRemove(owner, out _);

    /// <summary>
    /// Whether changes are heard. Books from before are forgotten either way: what changed while nobody listened is not
    /// known.
    /// </summary>
    internal void Listening(bool listens)
    {
        // No book from before is there for who sees that changes are heard, and none is kept once they are not.
        _isListening &= listens;
        _books.Clear();
        _isListening = listens;
    }

    private async Task<CompiledPromotions> CompileAsync(Guid? merchant)
    {
        Interlocked.Increment(ref _compiled);
        await using var work = await database.BeginAsync(CancellationToken.None);
        return await CompiledPromotions.OfAsync(work, merchant, CancellationToken.None);
    }

    private sealed class Entry(PromotionCatalogue catalogue, Guid? merchant)
    {
        private readonly Lazy<Task<CompiledPromotions>> _book = new(() => catalogue.CompileAsync(merchant));

        public Task<CompiledPromotions> Book => _book.Value;
    }
}
