using System.Text.Json;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Balances;
using Tessera.Server.Platform;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>Give lines of an order back, in whole or in part (RED-12).</summary>
/// <param name="Asker">Who asks.</param>
/// <param name="OrderId">Which order.</param>
/// <param name="Lines">Units by line; null with no deliveries either means all that is left.</param>
/// <param name="Shipping">Deliveries given back.</param>
/// <param name="ReturnUse">Whether a promotion that is given back whole may be used again.</param>
/// <param name="Reason">For the record.</param>
/// <param name="Id">Of the return.</param>
public sealed record ReturnCommand(
    Asker Asker,
    Guid OrderId,
    IReadOnlyList<(string Line, int Quantity)>? Lines,
    IReadOnlyList<string>? Shipping,
    bool ReturnUse,
    string Reason,
    Guid Id
);

/// <summary>
/// Returns of orders: each unit stands for its share of what was paid and of what each promotion gave, to the minor unit.
/// A promotion of which all is given back is rolled back, as a redemption of a single code is.
/// </summary>
public sealed class OrderReturns(Database database, RenderProblem problem)
{
    /// <summary>Decides a return; answers after the commit.</summary>
    public Task<Answer> RunAsync(ReturnCommand command, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(command);
        return OrderTransaction.RunAsync(database, connection => TryAsync(connection, command, cancel), cancel);
    }

    private async Task<Answer> TryAsync(NpgsqlConnection connection, ReturnCommand command, CancellationToken cancel)
    {
        var asker = command.Asker;
        var order = await OrderStore.FindOrderAsync(connection, command.OrderId, asker.MerchantId, cancel);
        var uses = order?.Uses.Where(static u => !u.RolledBack).ToList() ?? [];
        List<RedemptionCommand> commands =
        [
            .. uses.Where(static u => u is { CouponId: not null, IsOver: false })
                .Select(u => new RollBackCommand(
                    asker,
                    u.Id,
                    command.ReturnUse,
                    command.Reason,
                    Guid.CreateVersion7()
                )),
        ];
        if (commands.Count == 0)
        {
            // Names nothing; it asks for the answer that may be kept under the key.
            commands.Add(new ReleaseCommand(asker, Guid.Empty, Lapse: false));
        }

        var found = await RedemptionStore.ResolveAsync(connection, commands, cancel);
        if (found.Kept.TryGetValue(asker.KeyHash, out var kept))
        {
            return kept.RequestHash == asker.RequestHash
                ? kept.Answer with
                {
                    Replayed = true,
                }
                : Refused(asker, OrderRefusals.KeyReused);
        }

        if (order is null)
        {
            return Refused(asker, OrderRefusals.OrderNotFound);
        }

        var plan = HoldPlan.Of(commands, [.. Enumerable.Range(0, commands.Count)], found);
        plan.Accounts.UnionWith(uses.SelectMany(static u => u.AccountIds));
        var hold = await RedemptionStore.HoldAsync(connection, plan, withLocks: true, cancel);
        plan.ThrowIfStale(hold);
        hold.Now = await OrderStore.HoldOrderAsync(connection, order, cancel);
        var sold = await SoldOrder.ReadAsync(connection, order, uses, cancel);
        var refusal = order.Ending is not null ? OrderRefusals.OrderEnded : sold.WhyNot(command);
        if (refusal is not null)
        {
            await OrderTransaction.RollBackAsync(connection);
            return Refused(asker, refusal);
        }

        var returned = sold.Return(command);
        var work = new BatchWork { Hold = hold };
        var given = new List<GivenBack>();
        foreach (var use in uses.Where(static u => !u.IsOver))
        {
            if (use.CouponId is { } coupon)
            {
                work.UsageOf(coupon).RevenueMinor -= LostBy(use, found.Redemptions[use.Id], order, returned);
            }

            if (returned.LeavesNothing || returned.Of(use.Id) > 0)
            {
                given.Add(GiveBack(command, commands, found, work, use, returned, hold.Now));
            }
        }

        work.Events.Add(
            new EventEntry(
                "order",
                order.Id.ToString(),
                "order.returned",
                order.Version + 1,
                asker.Actor,
                EventLog.Payload(
                    ("return_id", command.Id),
                    ("paid_minor", returned.PaidMinor),
                    ("discount_minor", returned.DiscountMinor),
                    ("currency", order.Currency),
                    ("whole", returned.LeavesNothing)
                ),
                asker.RequestId
            )
        );
        var answer = AnswerOf(command, order, returned, given, hold.Now);
        work.Answers.Add((asker, answer));
        await OrderStore.WriteReturnAsync(connection, command, returned, given, hold.Now, cancel);
        await RedemptionStore.WriteAsync(connection, work, OrderTransaction.Shard, cancel);
        return answer;
    }

    /// <summary>
    /// What a return takes off the revenue of a coupon: what is paid back, of whichever line, while the redemption
    /// stands; all that was left of the order, when the return gives the redemption back with it (MET-24).
    /// </summary>
    private static long LostBy(StoredUse use, RedemptionRow redemption, StoredOrder order, ReturnedOrder returned) =>
        IsWhole(use, returned)
            ? redemption.OrderMinor - redemption.DiscountMinor - order.PaidBackMinor
            : returned.PaidMinor;

    private static bool IsWhole(StoredUse use, ReturnedOrder returned) =>
        use.ReturnedMinor + returned.Of(use.Id) == use.DiscountMinor;

    private static GivenBack GiveBack(
        ReturnCommand command,
        List<RedemptionCommand> commands,
        Resolution found,
        BatchWork work,
        StoredUse use,
        ReturnedOrder returned,
        DateTimeOffset now
    )
    {
        var discount = returned.Of(use.Id);
        var isWhole = IsWhole(use, returned);

        // RED-12: a use is never given back past the coupon's validity.
        var returnsUse = isWhole && command.ReturnUse && !(now >= use.WindowEnd);
        var legs = Enumerable.Range(0, use.AccountIds.Length).Where(i => returnsUse || !use.AreUses[i]).ToList();
        if (legs.Count > 0)
        {
            Guid[] accounts = [.. legs.Select(i => use.AccountIds[i])];
            long[] amounts = [.. legs.Select(i => use.AreUses[i] ? use.Posted[i] : discount)];
            work.Hold.Book.Reverse(accounts, amounts);
            work.Transfers.Add(
                new Transfer(Guid.CreateVersion7(), "reverse", use.Id, accounts, [.. amounts.Select(static a => -a)])
            );
        }

        if (use.CouponId is { } coupon)
        {
            var usage = work.UsageOf(coupon);
            usage.Redeemed -= returnsUse ? 1 : 0;
            usage.DiscountMinor -= discount;
            if (isWhole)
            {
                var rollBack = commands.OfType<RollBackCommand>().First(c => c.RedemptionId == use.Id);
                RollBack(rollBack, found.Redemptions[use.Id], returnsUse, work);
            }
        }

        return new GivenBack(use, discount, isWhole, returnsUse);
    }

    private static void RollBack(RollBackCommand command, RedemptionRow redemption, bool returnsUse, BatchWork work)
    {
        work.Rollbacks.Add(new NewRollback(command, redemption, returnsUse));
        Add(
            work,
            command.Asker,
            "redemption",
            redemption.Id.ToString(),
            "redemption.rolled_back",
            2,
            ("rollback_id", command.Id),
            ("coupon_id", redemption.CouponId),
            ("instance_id", redemption.InstanceId),
            ("discount_minor", redemption.DiscountMinor),
            ("currency", redemption.Currency),
            ("use_returned", returnsUse)
        );
        var instance = work.Hold.Instances[redemption.InstanceId];
        if (!returnsUse || instance.State != InstanceState.Redeemed)
        {
            return;
        }

        instance.Return();
        UnitLog.Add(
            work,
            command.Asker,
            instance,
            InstanceState.Redeemed,
            "rollback",
            ("redemption_id", redemption.Id)
        );
        if (redemption.ByShared)
        {
            // A unit of a shared code has no code of its own, so one that was given back can only end.
            var from = instance.State;
            instance.Cancel();
            UnitLog.Add(work, command.Asker, instance, from, "given_back");
        }
    }

    private static void Add(
        BatchWork work,
        Asker asker,
        string aggregate,
        string id,
        string type,
        long sequence,
        params ReadOnlySpan<(string, object?)> members
    ) =>
        work.Events.Add(
            new EventEntry(aggregate, id, type, sequence, asker.Actor, EventLog.Payload(members), asker.RequestId)
        );

    private Answer Refused(Asker asker, Refusal refusal)
    {
        var (status, body) = problem(refusal, asker.Path, asker.RequestId);
        return new Answer(status, body, Refusal: refusal);
    }

    private static Answer AnswerOf(
        ReturnCommand command,
        StoredOrder order,
        ReturnedOrder returned,
        List<GivenBack> given,
        DateTimeOffset now
    ) =>
        new(
            201,
            Answers.Json(json =>
            {
                json.WriteString("id"u8, command.Id);
                json.WriteString("order_id"u8, order.Id);
                Answers.WriteMoney(json, "paid"u8, returned.PaidMinor, order.Currency);
                Answers.WriteMoney(json, "discount"u8, returned.DiscountMinor, order.Currency);
                WriteParts(json, "lines"u8, returned.Parts.Where(static p => !p.IsDelivery));
                WriteParts(json, "shipping"u8, returned.Parts.Where(static p => p.IsDelivery));
                json.WriteStartArray("promotions"u8);
                foreach (var back in given)
                {
                    json.WriteStartObject();
                    json.WriteString("id"u8, back.Use.Id);
                    json.WriteString("promotion_id"u8, back.Use.PromotionId);
                    json.WriteNumber("discount"u8, back.DiscountMinor);
                    json.WriteBoolean("use_returned"u8, back.UseReturned);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteBoolean("whole"u8, returned.LeavesNothing);
                json.WriteString("reason"u8, command.Reason);
                Answers.WriteInstant(json, "returned_at"u8, now);
            }),
            "/api/v1/orders/" + order.Id
        );

    private static void WriteParts(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<ReturnedPart> parts)
    {
        json.WriteStartArray(name);
        foreach (var part in parts)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, part.Id);
            json.WriteNumber("quantity"u8, part.Quantity);
            json.WriteNumber("paid"u8, part.PaidMinor);
            json.WriteNumber("discount"u8, part.Shares.Sum(static s => s.Amount));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}

/// <summary>What one promotion got back.</summary>
internal sealed record GivenBack(StoredUse Use, long DiscountMinor, bool IsWhole, bool UseReturned);
