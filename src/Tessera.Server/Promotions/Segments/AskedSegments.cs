using Tessera.Core.Promotions;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Promotions.Segments;

/// <summary>The segments that promotions ask for, and who is in them.</summary>
internal static class AskedSegments
{
    /// <summary>Each once.</summary>
    public static IReadOnlyCollection<string> Of(Promotion promotion)
    {
        ArgumentNullException.ThrowIfNull(promotion);
        return promotion.Condition is { } condition
            ? CustomerRule.SegmentsOf(condition).ToHashSet(StringComparer.Ordinal)
            : [];
    }

    /// <summary>Tells the fields of every segment that a promotion asks for and that is not there.</summary>
    /// <param name="work">Holds the segments, so that none is deleted before what asks for it is saved.</param>
    /// <param name="fields">Of the promotion.</param>
    /// <param name="promotion">As it was read.</param>
    /// <param name="merchant">Whose segments.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task CheckAsync(
        UnitOfWork work,
        Fields fields,
        Promotion promotion,
        Guid? merchant,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(fields);
        if (Of(promotion) is not { Count: > 0 } asked)
        {
            return;
        }

        await SegmentStore.LockAsync(work, merchant, cancel);
        foreach (var unknown in await SegmentStore.UnknownAsync(work, asked, merchant, cancel))
        {
            fields.Add("conditions.segments", "unknown_reference", $"There is no segment {unknown:name}.");
        }
    }

    /// <summary>All segments of an owner.</summary>
    public static async Task<SegmentBook> BookAsync(UnitOfWork work, Guid? merchant, CancellationToken cancel) =>
        new(await SegmentStore.AllAsync(work, merchant, cancel));

    /// <summary>The lists that customers are on, by customer.</summary>
    public static async Task<ILookup<Guid, string>> ListsAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> customers,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            "select customer_id, segment_id::text from promotions.segment_member where customer_id = any($1)",
            customers.ToArray()
        );
        var found = new List<(Guid Customer, string Segment)>();
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Add((rows.GetGuid(0), rows.GetString(1)));
        }

        return found.ToLookup(static m => m.Customer, static m => m.Segment);
    }
}
