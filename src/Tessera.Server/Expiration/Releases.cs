using Npgsql;
using Tessera.Core.Limits;
using Tessera.Server.Balances;
using Tessera.Server.Platform;

namespace Tessera.Server.Expiration;

/// <summary>
/// What expired unused goes back, once and traceably (EXP-11): units to their coupon, budget to their campaign. Two accounts
/// say how much; a transfer for each step, and a row of <c>expiration.batch</c> for each event, say from what.
/// </summary>
internal static class Releases
{
    /// <summary>Writes the releases of one step, in its transaction.</summary>
    public static async Task WriteAsync(
        UnitOfWork work,
        IReadOnlyList<ExpiredBatch> batches,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var legs = LegsOf(batches);
        if (legs.Length == 0)
        {
            return;
        }

        var book = new LimitBook();
        book.Post(legs);
        var id = Guid.CreateVersion7();
        var transfer = new Transfer(
            id,
            "reverse",
            id,
            [.. legs.Select(static l => l.Account.Id)],
            [.. legs.Select(static l => l.Amount)]
        );
        await using var batch = new NpgsqlBatch(work.Connection);
        AccountStore.Write(batch, book, [transfer], now);
        await batch.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>Takes releases back, as the undo of what freed them: by transfers of their own, in its transaction.</summary>
    public static async Task TakeBackAsync(
        UnitOfWork work,
        IReadOnlyList<ExpiredBatch> batches,
        Guid undoOf,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        // Of units as many as went back; of budget less than nothing already.
        var legs = LegsOf([.. batches.Select(static b => b with { Units = -b.Units })]);
        var transfer = new Transfer(
            Guid.CreateVersion7(),
            "reverse",
            undoOf,
            [.. legs.Select(static l => l.Account.Id)],
            [.. legs.Select(static l => l.Amount)]
        );
        await AccountStore.MoveAsync(work, transfer, now, cancel);
    }

    private static Leg[] LegsOf(IReadOnlyList<ExpiredBatch> batches) =>
        [
            .. batches
                .GroupBy(static b => b.CouponId)
                .Select(static g => new Leg(LimitAccount.OfFreedUnits(g.Key), g.Sum(static b => b.Units))),
            .. batches
                .Where(static b => b.BudgetMinor != 0)
                .GroupBy(static b => (b.CampaignId, b.Currency))
                .Select(static g => new Leg(
                    LimitAccount.OfFreedBudget(g.Key.CampaignId!, g.Key.Currency!),
                    g.Sum(static b => b.BudgetMinor)
                )),
        ];
}
