using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Balances;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>
/// Ends reservations of carts: on request, or because their time is over. Units are released through the lanes' own rows,
/// under the lanes' own locks, and each hold is freed by whoever finds its row locked (RED-05).
/// </summary>
internal static class OrderReleases
{
    /// <summary>Ends one.</summary>
    /// <param name="database">Where.</param>
    /// <param name="asker">Who asks.</param>
    /// <param name="id">Which.</param>
    /// <param name="lapse">Only if its time is over.</param>
    /// <param name="answer">What is kept under the key when it ends.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>When it ended, or why not.</returns>
    public static Task<(DateTimeOffset? EndedAt, Refusal? Refusal, Answer? Kept)> RunAsync(
        Database database,
        Asker asker,
        Guid id,
        bool lapse,
        Func<DateTimeOffset, Answer>? answer,
        CancellationToken cancel
    ) => OrderTransaction.RunAsync(database, c => TryAsync(c, asker, id, lapse, answer, cancel), cancel);

    private static async Task<(DateTimeOffset?, Refusal?, Answer?)> TryAsync(
        NpgsqlConnection connection,
        Asker asker,
        Guid id,
        bool lapse,
        Func<DateTimeOffset, Answer>? answer,
        CancellationToken cancel
    )
    {
        var order = await OrderStore.FindReservationAsync(connection, id, asker.MerchantId, cancel);
        var held = order?.Promotions ?? [];
        List<RedemptionCommand> commands =
        [
            .. held.Where(static p => p.CouponId is not null).Select(p => new ReleaseCommand(asker, p.Id, lapse)),
            new ReleaseCommand(asker, Guid.Empty, lapse),
        ];
        var found = await RedemptionStore.ResolveAsync(connection, commands, cancel);
        if (found.Kept.TryGetValue(asker.KeyHash, out var kept))
        {
            return kept.RequestHash == asker.RequestHash
                ? (null, null, kept.Answer with { Replayed = true })
                : (null, OrderRefusals.KeyReused, null);
        }

        if (order is null)
        {
            return (null, Refusals.ReservationNotFound, null);
        }

        var plan = HoldPlan.Of(commands, [.. Enumerable.Range(0, commands.Count)], found);
        plan.Accounts.UnionWith(held.SelectMany(static p => p.AccountIds));
        var hold = await RedemptionStore.HoldAsync(connection, plan, withLocks: true, cancel);
        plan.ThrowIfStale(hold);
        (var ending, hold.Now) = await OrderStore.HoldReservationAsync(connection, id, cancel);
        var isOver = order.ExpiresAt <= hold.Now;
        if (ending is not null || (lapse && !isOver))
        {
            await OrderTransaction.RollBackAsync(connection);
            return (null, Refusals.ReservationEnded, null);
        }

        var holds = await RedemptionStore.HoldsAsync(
            connection,
            held.Select(static p => p.Id),
            [],
            hold.Now,
            withLocks: true,
            cancel
        );
        var work = new BatchWork { Hold = hold };
        var word = isOver ? "lapsed" : "released";
        End(work, asker, found, held, holds, word);
        work.Events.Add(
            new EventEntry(
                "order_reservation",
                id.ToString(),
                "order.released",
                2,
                asker.Actor,
                EventLog.Payload(("ending", word)),
                asker.RequestId
            )
        );
        if (answer is not null && !isOver)
        {
            work.Answers.Add((asker, answer(hold.Now)));
        }

        await using (var batch = new NpgsqlBatch(connection))
        {
            OrderStore.EndReservation(batch, id, word, hold.Now);
            await batch.ExecuteNonQueryAsync(cancel);
        }

        await RedemptionStore.WriteAsync(connection, work, OrderTransaction.Shard, cancel);
        return isOver ? (null, Refusals.ReservationEnded, null) : (hold.Now, null, null);
    }

    private static void End(
        BatchWork work,
        Asker asker,
        Resolution found,
        IReadOnlyList<HeldPromotion> held,
        List<StandingHold> holds,
        string word
    )
    {
        foreach (var promotion in held)
        {
            var freed = holds.FindAll(h => h.ReservationId == promotion.Id);
            if (freed.Count > 0)
            {
                freed.ForEach(h => work.Hold.Book.Void([h.AccountId], [h.Amount]));
                work.FreedHolds.AddRange(freed);
                work.Transfers.Add(
                    new Transfer(
                        Guid.CreateVersion7(),
                        "void",
                        promotion.Id,
                        [.. freed.Select(static h => h.AccountId)],
                        [.. freed.Select(static h => -h.Amount)]
                    )
                );
            }

            if (
                !found.Reservations.TryGetValue(promotion.Id, out var reservation)
                || !work.Hold.Instances.TryGetValue(reservation.InstanceId, out var instance)
                || instance.State != InstanceState.Reserved
                || instance.ReservationId != promotion.Id
            )
            {
                continue;
            }

            work.EndedReservations.Add((promotion.Id, word));
            instance.Return();
            UnitLog.Add(work, asker, instance, InstanceState.Reserved, word, ("reservation_id", promotion.Id));
            if (reservation.ByShared)
            {
                // A unit of a shared code has no code of its own, so one that was given back can only end.
                var from = instance.State;
                instance.Cancel();
                UnitLog.Add(work, asker, instance, from, "given_back");
            }
        }
    }
}

/// <summary>
/// Tidies reservations of carts whose time is over. Nothing waits for it: a lapsed hold counts no more in any decision.
/// </summary>
public sealed class OrderLapseWorker(Database database, TimeProvider clock, ILogger<OrderLapseWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(2))
{
    private const int BatchLimit = 100;

    private static readonly Asker Job = new(Guid.Empty, null, "job:lapse", true, Guid.Empty, Guid.Empty, "lapse", "/");

    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        var due = new List<Guid>();
        await using (
            var command = database.Source.CreateCommand(
                """
                select id from redemptions.order_reservation
                where ended_at is null and expires_at <= platform.clock()
                order by expires_at limit $1
                """
            )
        )
        {
            command.Parameters.Add(new() { Value = BatchLimit });
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                due.Add(rows.GetGuid(0));
            }
        }

        foreach (var id in due)
        {
            await OrderReleases.RunAsync(database, Job, id, lapse: true, null, cancel);
        }

        return due.Count == BatchLimit;
    }
}
