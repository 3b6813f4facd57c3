using Tessera.Server.Connectors;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>Has partners told of what changed (EXP-06), in the transaction of the change.</summary>
internal static class Telling
{
    /// <summary>Units that have ended by the clock, or were ended before their time.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="batches">What expired.</param>
    /// <param name="endedAt">The instant they were ended at by hand; null: by the clock, which partners know from the coupon.</param>
    /// <param name="cancel">Cancels.</param>
    public static Task<int> ExpiredAsync(
        UnitOfWork work,
        IReadOnlyList<ExpiredBatch> batches,
        DateTimeOffset? endedAt,
        CancellationToken cancel
    ) =>
        CommandStream.AppendAsync(
            work,
            [
                .. batches
                    .GroupBy(static b => (b.MerchantId, b.Channel))
                    .Select(g => new CommandBatch(
                        CommandKind.Disable,
                        g.Key.MerchantId,
                        g.Key.Channel,
                        CommandBatch.Instance,
                        IdsOf(g),
                        endedAt ?? g.Max(static b => b.EndsUntil),
                        IsEarly: endedAt is not null
                    )),
            ],
            cancel
        );

    /// <summary>
    /// Units that have another end, or were ended and are not any more: partners that were told take them again.
    /// </summary>
    /// <param name="work">The transaction.</param>
    /// <param name="batches">What is live.</param>
    /// <param name="until">Their end; null: the ends they have.</param>
    /// <param name="cancel">Cancels.</param>
    public static Task<int> EnabledAsync(
        UnitOfWork work,
        IReadOnlyList<ExpiredBatch> batches,
        DateTimeOffset? until,
        CancellationToken cancel
    ) =>
        CommandStream.AppendAsync(
            work,
            [
                .. batches
                    .GroupBy(static b => (b.MerchantId, b.Channel))
                    .Select(g => new CommandBatch(
                        CommandKind.Enable,
                        g.Key.MerchantId,
                        g.Key.Channel,
                        CommandBatch.Instance,
                        IdsOf(g),
                        until ?? g.Max(static b => b.EndsUntil)
                    )),
            ],
            cancel
        );

    /// <summary>The ids of runs, in order.</summary>
    internal static long[] IdsOf(IEnumerable<ExpiredBatch> batches)
    {
        var ids = new List<long>();
        foreach (var batch in batches)
        {
            for (var i = 0; i < batch.First.Length; i++)
            {
                for (var id = batch.First[i]; id <= batch.Last[i]; id++)
                {
                    ids.Add(id);
                }
            }
        }

        return [.. ids];
    }
}
