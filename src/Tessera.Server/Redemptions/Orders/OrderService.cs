using System.Collections.Concurrent;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>
/// Reserves and redeems whole carts: all codes and promotions of one in one transaction (RED-05, RED-06). It takes the
/// locks of single codes in their order, then those of orders and promotions, and reads the clock after the last; so it
/// may run beside the lanes, and on any number of nodes.
/// </summary>
public sealed class OrderService(Database database, PromotionCatalogue promotions, RenderProblem problem) : IDisposable
{
    /// <summary>Carts decided at a time; more would only wait for one another's rows, each with a connection.</summary>
    private const int AtATime = 16;

    private readonly SemaphoreSlim _places = new(AtATime);
    private readonly OrderAnswers _answers = new(problem);
    private readonly ConcurrentBag<InstanceIds> _ids = [];
    private readonly ConcurrentDictionary<DateOnly, bool> _months = new();

    /// <summary>Decides a cart; answers after the commit.</summary>
    public async Task<OrderOutcome> RunAsync(OrderCommand command, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(command);
        await _places.WaitAsync(cancel);
        try
        {
            return await OrderTransaction.RunAsync(
                database,
                connection => TryAsync(connection, command, cancel),
                cancel
            );
        }
        finally
        {
            _places.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private async Task<OrderOutcome> TryAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        CancellationToken cancel
    )
    {
        var orders = await OrderStore.ReadAsync(connection, command, cancel);
        var book = await promotions.BookAsync(command.Asker.MerchantId, cancel);
        command = command with { Sent = command.Cart.Lines, Cart = book.Placed(command.Cart) };
        if (command is { KnowsCustomer: false, HolderId: { } customer })
        {
            (string?, string)? own = command.Replace ? (command.Cart.Channel, command.Reference) : null;
            command = command with
            {
                Cart = await Quoting.KnownAsync(connection, command.Cart, customer, own, book, cancel),
            };
        }

        var commands = CommandsOf(command, orders);
        var found = await RedemptionStore.ResolveAsync(connection, commands, cancel);
        if (found.Kept.TryGetValue(command.Asker.KeyHash, out var kept))
        {
            await RedemptionStore.FlushAsync(connection, cancel);
            return kept.RequestHash == command.Asker.RequestHash
                ? new OrderOutcome(kept.Answer with { Replayed = true }, null)
                : new OrderOutcome(_answers.Refused(command, OrderRefusals.KeyReused), null);
        }

        if (WhyNot(command, orders, orders.Clock) is { } early)
        {
            return await RefuseAsync(connection, command, early, null, [], cancel);
        }

        var drafts = OrderCandidates.Drafts(command, commands, found, book);
        var plan = HoldPlan.Of(commands, [.. Enumerable.Range(0, commands.Count)], found);
        foreach (var draft in drafts)
        {
            plan.Accounts.UnionWith(
                PromotionLimits.Of(draft.Promotion, command.Cart, orders.Clock).Select(static l => l.Account.Id)
            );
        }

        plan.Accounts.UnionWith(orders.Held.SelectMany(static p => p.AccountIds));
        if (command.Replace)
        {
            plan.Accounts.UnionWith(orders.Standing?.Uses.SelectMany(static u => u.AccountIds) ?? []);
        }

        var ids = _ids.TryTake(out var pooled) ? pooled : new InstanceIds();
        try
        {
            await ids.EnsureAsync(connection, commands.Count + 1, cancel);
            await EnsureMonthsAsync(connection, found, cancel);
            var hold = await RedemptionStore.HoldAsync(connection, plan, withLocks: true, cancel);
            plan.ThrowIfStale(hold);
            await HoldPromotionsAsync(connection, command, book, cancel);
            var limited = drafts.Where(static d => d.Promotion.MaxUsesPerCustomer is not null).Select(static d => d.Id);
            var uses = await OrderStore.HoldAsync(connection, command, orders, [.. limited], hold, cancel);
            if (WhyNot(command, orders, hold.Now) is { } late)
            {
                return await RefuseAsync(connection, command, late, null, [], cancel);
            }

            var reservations = plan.ReservationsIn(hold);
            reservations.UnionWith(orders.Held.Select(static p => p.Id));
            var holds = await RedemptionStore.HoldsAsync(
                connection,
                reservations,
                plan.AccountsWithHolds(hold),
                hold.Now,
                withLocks: true,
                cancel
            );
            var candidates = OrderCandidates.Of(command, commands, (found, orders, hold), drafts, plan);
            var deciding = new OrderDeciding(command, found, orders, hold, holds, ids);
            var work = deciding.Decide(candidates, uses);
            var refused = work.Quote.Rejected.Where(static r => r.Code is not null).ToList();
            if (
                command.Mode == OrderMode.AllOrNothing
                && refused.Exists(static r => r.Reason != Reasons.AlreadyApplied)
            )
            {
                var refusal = OrderAnswers.Codes(command, work.Quote);
                return await RefuseAsync(connection, command, refusal, (work, book), candidates, cancel);
            }

            return await AcceptAsync(connection, command, orders, (work, book), candidates, cancel);
        }
        finally
        {
            _ids.Add(ids);
        }
    }

    private static async Task<OrderOutcome> AcceptAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        OrderResolution orders,
        (OrderWork Work, CompiledPromotions Book) decided,
        IReadOnlyList<Candidate> candidates,
        CancellationToken cancel
    )
    {
        var work = decided.Work;
        var receipt = Guid.CreateVersion7();
        var answer =
            command.Operation == Operation.Reserve
                ? OrderAnswers.Reserved(command, work, receipt)
                : OrderAnswers.Redeemed(command, work, receipt);
        work.Batch.Answers.Add((command.Asker, answer));
        if (command.Arrival is { } arrival)
        {
            work.Batch.Arrivals.AddRange(
                work.Taken.Select(static t => t.Id).Prepend(command.Id).Select(id => (id, command.HolderId, arrival))
            );
        }

        if (command.Operation == Operation.Reserve)
        {
            await OrderStore.WriteReservationAsync(connection, command, work, cancel);
        }
        else
        {
            await OrderStore.WriteOrderAsync(connection, command, orders, work, cancel);
        }

        await OrderStore.WriteRefusalAsync(
            connection,
            command,
            RefusedOf(work.Quote, candidates),
            work.Quote.SubtotalMinor,
            cancel
        );
        var kind = command.Operation == Operation.Reserve ? "reservation" : "redemption";
        await WriteReceiptAsync(connection, command, receipt, kind, decided, cancel);
        await RedemptionStore.WriteAsync(connection, work.Batch, OrderTransaction.Shard, cancel);
        return new OrderOutcome(answer, work.Quote);
    }

    /// <summary>Nothing of the cart is used: what was decided is undone, and the refusal alone is written.</summary>
    private async Task<OrderOutcome> RefuseAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        Refusal refusal,
        (OrderWork Work, CompiledPromotions Book)? decided,
        IReadOnlyList<Candidate> candidates,
        CancellationToken cancel
    )
    {
        var quote = decided?.Work.Quote;
        var receipt = Guid.CreateVersion7();
        await OrderTransaction.RollBackAsync(connection);
        var answer = _answers.Refused(command, refusal) with
        {
            Location = decided is null ? null : "/api/v1/receipts/" + receipt,
        };
        if (refusal.Kind == RefusalKind.Invalid)
        {
            return new OrderOutcome(answer, quote);
        }

        await using (var begin = new NpgsqlCommand("begin", connection))
        {
            await begin.ExecuteNonQueryAsync(cancel);
        }

        var refused = quote is null ? [] : RefusedOf(quote, candidates);
        await OrderStore.WriteRefusalAsync(connection, command, refused, quote?.SubtotalMinor ?? 0, cancel);
        if (decided is { } priced)
        {
            await WriteReceiptAsync(connection, command, receipt, "refusal", priced, cancel);
        }

        var work = new BatchWork { Hold = new Hold() };
        work.Answers.Add((command.Asker, answer));
        if (command.Arrival is { } arrival)
        {
            work.Arrivals.Add((command.Id, command.HolderId, arrival));
        }

        foreach (var coupon in refused.Select(static r => r.CouponId).OfType<long>())
        {
            work.UsageOf(coupon).Refused++;
        }

        await RedemptionStore.WriteAsync(connection, work, OrderTransaction.Shard, cancel);
        return new OrderOutcome(answer, quote);
    }

    /// <summary>Keeps why the price came out as it did; of an order that was placed elsewhere nothing is known of it.</summary>
    private static Task WriteReceiptAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        Guid id,
        string kind,
        (OrderWork Work, CompiledPromotions Book) decided,
        CancellationToken cancel
    )
    {
        if (command.Given is not null)
        {
            return Task.CompletedTask;
        }

        var (work, book) = decided;
        var asker = command.Asker;
        var priced = new PricedCart(
            work.Quote,
            command.Cart,
            work.Promotions,
            work.Uses,
            work.Batch.Hold.Now,
            command.Rules
        )
        {
            Names = book.Names,
        };
        return ReceiptStore.InsertAsync(
            new UnitOfWork(connection, null!),
            new ReceiptHead(id, kind, command.Id, asker.MerchantId, asker.ClientId, command.HolderId),
            priced,
            cancel
        );
    }

    private async Task HoldPromotionsAsync(
        NpgsqlConnection connection,
        OrderCommand command,
        CompiledPromotions book,
        CancellationToken cancel
    )
    {
        // The unit of work is the lane's: it is begun and ended by statements of its own.
        var work = new UnitOfWork(connection, null!);
        var held = await promotions.HoldAsync(work, command.Asker.MerchantId, cancel);
        if (held.Stamp != book.Stamp)
        {
            promotions.Forget(command.Asker.MerchantId ?? Guid.Empty);
            throw new StaleResolutionException();
        }
    }

    /// <summary>Each code as an attempt of its own, and what may have to be released or given back.</summary>
    private static List<RedemptionCommand> CommandsOf(OrderCommand command, OrderResolution orders)
    {
        var held = orders.Held.Where(static p => p.CouponId is not null).ToList();
        var commands = new List<RedemptionCommand>();
        var skus = command.Cart.Lines.Select(static l => l.Sku).Distinct(StringComparer.Ordinal).ToList();
        foreach (var code in command.Cart.Codes.Select(Quoting.NormalOf).Distinct(StringComparer.Ordinal))
        {
            var own = held.Find(p => p.Code == code);
            commands.Add(
                new AttemptCommand(
                    command.Operation,
                    command.Asker,
                    code,
                    command.HolderId ?? Guid.Empty,
                    new OrderFacts(command.Reference, 0, command.Cart.Currency),
                    command.Cart.Channel,
                    skus,
                    own?.Id,
                    command.HoldSeconds,
                    null,
                    Guid.CreateVersion7()
                )
            );
            held.Remove(own!);
        }

        commands.AddRange(held.Select(p => new ReleaseCommand(command.Asker, p.Id, Lapse: false)));
        if (command.Replace && orders.Standing is { } standing)
        {
            commands.AddRange(
                standing
                    .Uses.Where(static u => u.CouponId is not null && !u.IsOver && !u.RolledBack)
                    .Select(u => new RollBackCommand(command.Asker, u.Id, true, "replaced", Guid.Empty))
            );
        }

        // Names nothing. It asks for the answer kept under the key, also of a cart without codes, and keeps the plan from
        // counting uses while it locks, before the cart has its price.
        commands.Add(new ReleaseCommand(command.Asker, Guid.Empty, Lapse: false));
        return commands;
    }

    private static Refusal? WhyNot(OrderCommand command, OrderResolution orders, DateTimeOffset now)
    {
        if (command.HolderId is not null && !orders.IsCustomer)
        {
            return Refusals.UnknownCustomer;
        }

        if (command.Operation == Operation.Redeem && orders.Standing is not null && !command.Replace)
        {
            return OrderRefusals.OrderExists;
        }

        if (orders.Reservations.Count < command.ReservationIds.Count)
        {
            return Refusals.ReservationNotFound;
        }

        return orders.Reservations.Exists(r => r.Ending is not null || r.ExpiresAt <= now) ? Refusals.ReservationEnded
            : command.Given is null && orders.Reservations.Exists(r => r.CustomerId != command.HolderId)
                ? Refusals.ReservationMismatch
            : null;
    }

    /// <summary>A unit of a shared code needs the partition of the month in which the coupon ends.</summary>
    private async Task EnsureMonthsAsync(NpgsqlConnection connection, Resolution found, CancellationToken cancel)
    {
        var missing = found
            .Codes.Values.Where(static t => t.InstanceId is null)
            .SelectMany(static t => (DateTimeOffset?[])[t.CouponEnd, t.Fallback?.CouponEnd])
            .OfType<DateTimeOffset>()
            .Where(end => !_months.ContainsKey(InstanceMonths.Of(end)))
            .Distinct()
            .ToArray();
        if (missing.Length > 0)
        {
            await using var command = OrderStore.Command(
                connection,
                "select coupons.ensure_instance_months($1)",
                missing
            );
            await command.ExecuteNonQueryAsync(cancel);
            Array.ForEach(missing, end => _months[InstanceMonths.Of(end)] = true);
        }
    }

    private static List<(string Code, string Reason, long? CouponId)> RefusedOf(
        Quote quote,
        IReadOnlyList<Candidate> candidates
    ) =>
        [
            .. quote
                .Rejected.Where(static r => r.Code is not null)
                .Select(r =>
                    (
                        Quoting.NormalOf(r.Code!),
                        r.Reason,
                        candidates.FirstOrDefault(c => c.Promotion.Id == r.Promotion?.Id)?.Coupon?.Id
                    )
                ),
        ];
}
