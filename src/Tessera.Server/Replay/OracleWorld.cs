using System.Globalization;
using System.Text;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Core.Promotions;
using Tessera.Core.Promotions.Oracle;
using Tessera.Server.Balances;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions;
using Tessera.Server.Redemptions;
using Tessera.Server.Redemptions.Orders;

namespace Tessera.Server.Replay;

/// <summary>One case of the test kit as a merchant with promotions, coupons, customers and orders.</summary>
internal sealed class OracleWorld : IAsyncDisposable
{
    private static readonly DateTimeOffset Beginning = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>What a coupon allows at most (RUL-08).</summary>
    private const int MostUsesPerUser = 10;

    private readonly SimulationDatabase _simulation;
    private readonly OracleCase _case;
    private readonly Guid _merchant = Guid.CreateVersion7();
    private readonly OrderService _service;
    private readonly OrderReturns _returns;
    private readonly Dictionary<string, Promotion> _byStored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _stored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Guid> _customers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PastOrder> _orders = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Session, string Promotion), Guid> _holds = [];
    private int _requests;

    private OracleWorld(SimulationDatabase simulation, OracleCase of)
    {
        (_simulation, _case) = (simulation, of);
        _service = new OrderService(simulation.Database, new PromotionCatalogue(simulation.Database), Problems.Render);
        _returns = new OrderReturns(simulation.Database, Problems.Render);
    }

    /// <summary>Stores the promotions of a case, each code with a coupon of its own.</summary>
    public static async Task<OracleWorld> MakeAsync(
        SimulationDatabase simulation,
        OracleCase of,
        CancellationToken cancel
    )
    {
        var first = of.Book.Events.Select(static e => e.At).Append(of.Now).Min();
        await simulation.SetClockAsync(first.AddDays(-1), cancel);
        var world = new OracleWorld(simulation, of);
        await simulation.ExecuteAsync("delete from coupons.code", cancel);
        await simulation.ExecuteAsync(
            "insert into access.merchant (id, name) values ($1, 'A case')",
            cancel,
            world._merchant
        );
        foreach (var promotion in of.Promotions)
        {
            await world.StoreAsync(promotion, cancel);
        }

        return world;
    }

    /// <summary>Lets one event of the history happen, at its time.</summary>
    public async Task PlayAsync(OracleEvent happened, CancellationToken cancel)
    {
        await _simulation.SetClockAsync(happened.At, cancel);
        switch (happened.Kind)
        {
            case "redeem":
                await RedeemPastAsync(happened, cancel);
                break;
            case "cancel":
                await CancelAsync(happened, cancel);
                break;
            case "hold":
                await HoldAsync(happened, cancel);
                break;
            default:
                foreach (var key in _holds.Keys.Where(k => k.Session == happened.Session).ToList())
                {
                    await ReleaseAsync(key, cancel);
                }

                break;
        }
    }

    /// <summary>Redeems the cart of the case.</summary>
    /// <returns>The price, with the names of the case.</returns>
    public async Task<Quote> RedeemAsync(CancellationToken cancel)
    {
        var cart = _case.Cart;
        var own = _case.Book.OwnOrder;
        var typed = cart.Codes.Select(c => (Typed: c, Sent: SentOf(c))).ToList();
        var holder = cart.Customer is { } known
            ? await CustomerAsync(known.Id, cancel)
            : await CustomerAsync(null, cancel);
        var outcome = await _service.RunAsync(
            CommandOf(Operation.Redeem, own ?? "the cart") with
            {
                Cart = cart with
                {
                    Codes = [.. typed.Select(static c => c.Sent)],
                    Customer = cart.Customer is { } shopper ? CustomerOf(shopper, holder) : null,
                },
                HolderId = holder,
                Replace = own is not null,
                ReservationIds =
                [
                    .. _holds.Where(h => h.Key.Session == _case.Book.OwnSession).Select(static h => h.Value),
                ],
                Rules = _case.Rules with { ReportAutomatic = true },
                KnowsCustomer = true,
            },
            cancel
        );
        if (outcome.Quote is not { } quote)
        {
            throw new InvalidOperationException(
                "The cart was refused: " + Encoding.UTF8.GetString(outcome.Answer.Body)
            );
        }

        return quote with
        {
            Applied = [.. quote.Applied.Select(a => a with { Promotion = _byStored[a.Promotion.Id] })],
            Rejected =
            [
                .. quote.Rejected.Select(r =>
                    r with
                    {
                        Promotion = r.Promotion is { } p ? _byStored[p.Id] : null,
                        Code = r.Code is { } code ? typed.First(t => t.Sent == code).Typed : null,
                    }
                ),
            ],
        };
    }

    /// <summary>Orders that used a promotion, live holds on it, and what it gave, as stored.</summary>
    public async Task<(long Redeemed, long Held, long Spent)> CountAsync(Promotion promotion, CancellationToken cancel)
    {
        var before = promotion.Budget is { InUses: false } budget ? budget.UsedBefore : 0;
        var counts = await _simulation.RowsAsync(
            """
            select (select count(distinct order_id) from redemptions.promotion_use
                    where promotion_id = $1 and not use_returned),
                (select count(*) from redemptions.promotion_hold
                    where promotion_id = $1 and ended_at is null and expires_at > platform.clock()),
                (select coalesce(sum(discount_minor - returned_minor), 0)::bigint from redemptions.promotion_use
                    where promotion_id = $1 and not use_returned)
            """,
            cancel,
            _stored[promotion.Id]
        );
        long At(int place) => long.Parse(counts[0][place], CultureInfo.InvariantCulture);
        return (At(0), At(1), before + At(2));
    }

    /// <summary>What the tables say of the order, where it is not what was answered.</summary>
    public async Task<string?> FirstUnwrittenAsync(Quote quote, CancellationToken cancel)
    {
        var rows = await _simulation.RowsAsync(
            """
            select o.subtotal_minor, o.discount_minor, o.total_minor, coalesce(sum(u.discount_minor), 0)::bigint
            from redemptions.placed_order o left join redemptions.promotion_use u on u.order_id = o.id
            where o.merchant_id = $1 and o.reference = $2 and o.ended_at is null group by o.id
            """,
            cancel,
            _merchant,
            _case.Book.OwnOrder ?? "the cart"
        );
        long[] answered = [quote.SubtotalMinor, quote.DiscountMinor, quote.TotalMinor, quote.DiscountMinor];
        var expected = string.Join(' ', answered.Select(static a => a.ToString(CultureInfo.InvariantCulture)));
        var written = rows.Count == 1 ? string.Join(' ', rows[0]) : $"{rows.Count} orders";
        return expected == written ? null : $"stored: expected {expected}, got {written}";
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _service.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task StoreAsync(Promotion promotion, CancellationToken cancel)
    {
        var id = Guid.CreateVersion7();
        _byStored[id.ToString()] = promotion;
        _stored[promotion.Id] = id.ToString();
        await using var work = await _simulation.Database.BeginAsync(cancel);
        var now = await work.ClockAsync(cancel);
        var actor = new CatalogueActor("job:oracle", "oracle", _merchant);
        long? coupon = null;
        if (promotion.Code is { } code)
        {
            // The promotion says how often, when and where; its coupon asks as little as a coupon can.
            _codes[code] = IsCode(code) ? code : $"CODE-{_codes.Count}";
            var draft = new CouponDraft
            {
                Code = _codes[code],
                InternalName = "A case",
                Description = new Dictionary<string, string> { ["en"] = "A case" },
                DiscountType = "percentage",
                DiscountValue = 100,
                Currency = _case.Cart.Currency,
                MaxUsesPerUser = MostUsesPerUser,
                ValidFrom = Beginning,
                MerchantId = _merchant,
                IsActive = promotion.Active,
            };
            coupon = (await CouponStore.InsertAsync(work, [draft], actor, now, cancel))[0];

            // A coupon whose promotion is switched off prices itself, and is switched off as well.
            _byStored[string.Create(CultureInfo.InvariantCulture, $"coupon:{coupon}")] = promotion;
        }

        var stored = promotion with
        {
            Id = id.ToString(),
            Code = null,
            Currency = promotion.Currency ?? _case.Cart.Currency,
            Budget = promotion.Budget is { } budget ? budget with { UsedBefore = 0 } : null,
        };
        var made = await PromotionStore.InsertAsync(
            work,
            id,
            new PromotionDraft(promotion.Id, coupon, stored with { Active = false }),
            actor,
            now,
            cancel
        );
        if (promotion.Active)
        {
            var active = new PromotionDraft(promotion.Id, coupon, stored with { Version = 2 });
            await PromotionStore.UpdateAsync(work, made, active, "promotion.activated", actor, now, cancel);
        }

        if (promotion.Budget is { UsedBefore: > 0 } spent)
        {
            var account = PromotionLimits
                .Of(stored, _case.Cart, now)
                .Single(static l => l.Account.Kind.StartsWith(AccountKinds.PromotionBudget, StringComparison.Ordinal))
                .Account;
            await AccountStore.OpenAsync(work, account, spent.UsedBefore, id, now, cancel);
        }

        await work.CommitAsync(cancel);
    }

    /// <summary>Takes an order over; a further use of it prices it anew, with all its uses.</summary>
    private async Task RedeemPastAsync(OracleEvent happened, CancellationToken cancel)
    {
        var order = _orders.GetValueOrDefault(happened.Order!) ?? new PastOrder(null, null, []);
        order = order with
        {
            Customer = happened.Customer ?? order.Customer,
            Email = happened.Email ?? order.Email,
            Given = new Dictionary<string, long>(order.Given)
            {
                [happened.Promotion!] = order.Given.GetValueOrDefault(happened.Promotion!) + happened.AmountMinor,
            },
        };
        _orders[happened.Order!] = order;
        var key = (happened.Session ?? "", happened.Promotion!);
        var held = happened.Session is not null && _holds.Remove(key, out var id) ? id : (Guid?)null;
        var command = await PastAsync(Operation.Redeem, happened.Order!, order, cancel);
        await TakeOverAsync(command with { Replace = true, ReservationIds = held is { } h ? [h] : [] }, cancel);
    }

    private async Task CancelAsync(OracleEvent happened, CancellationToken cancel)
    {
        // An order that is cancelled and keeps its uses gives nothing back, so nobody asks.
        if (!happened.Restores || !_orders.Remove(happened.Order!))
        {
            return;
        }

        var ids = await _simulation.RowsAsync(
            "select id from redemptions.placed_order where merchant_id = $1 and reference = $2 and ended_at is null",
            cancel,
            _merchant,
            happened.Order
        );
        var asker = AskerOf();
        await _returns.RunAsync(
            new ReturnCommand(asker, Guid.Parse(ids[0][0]), null, null, true, "cancelled", Guid.CreateVersion7()),
            cancel
        );
    }

    private async Task HoldAsync(OracleEvent happened, CancellationToken cancel)
    {
        var key = (happened.Session!, happened.Promotion!);
        if (_holds.ContainsKey(key))
        {
            await ReleaseAsync(key, cancel);
        }

        var seconds = happened.ExpiresAt is { } end ? (end - happened.At).TotalSeconds : int.MaxValue;
        if (seconds < 1)
        {
            return;
        }

        var order = new PastOrder(null, null, new Dictionary<string, long> { [happened.Promotion!] = 0 });
        var command = await PastAsync(Operation.Reserve, "session " + happened.Session, order, cancel);

        // The cart redeems what its own checkout holds, so both are the same visitor's.
        var isOwn = happened.Session == _case.Book.OwnSession;
        var holder = isOwn ? await CustomerAsync(_case.Cart.Customer?.Id ?? "own", cancel) : command.HolderId;
        await TakeOverAsync(command with { HoldSeconds = (int)seconds, HolderId = holder }, cancel);
        _holds[key] = command.Id;
    }

    private async Task ReleaseAsync((string Session, string Promotion) key, CancellationToken cancel)
    {
        _holds.Remove(key, out var id);
        await OrderReleases.RunAsync(_simulation.Database, AskerOf(), id, lapse: false, null, cancel);
    }

    private async Task TakeOverAsync(OrderCommand command, CancellationToken cancel)
    {
        var outcome = await _service.RunAsync(command, cancel);
        if (!outcome.Answer.Accepted)
        {
            throw new InvalidOperationException(
                "The history was refused: " + Encoding.UTF8.GetString(outcome.Answer.Body)
            );
        }
    }

    private async Task<OrderCommand> PastAsync(
        Operation operation,
        string reference,
        PastOrder order,
        CancellationToken cancel
    )
    {
        var holder = await CustomerAsync(order.Customer ?? "order " + reference, cancel);
        var isKnown = order.Customer is not null || order.Email is not null;
        var shopper = new Shopper(order.Customer is null ? "" : holder.ToString()) { Email = order.Email };
        var used = _case.Promotions.Where(p => order.Given.ContainsKey(p.Id)).ToList();
        return CommandOf(operation, reference) with
        {
            Cart = new Cart(_case.Cart.Currency, [new CartLine("past", "PAST", order.Given.Values.Sum(), 1)])
            {
                Codes = [.. used.Where(static p => p.Code is not null).Select(p => _codes[p.Code!])],
                Customer = isKnown ? shopper : null,
                Channel = _case.Cart.Channel,
            },
            HolderId = holder,
            KnowsCustomer = true,
            Given = used.ToDictionary(p => _stored[p.Id], p => order.Given[p.Id], StringComparer.Ordinal),
        };
    }

    private OrderCommand CommandOf(Operation operation, string reference) =>
        new(
            operation,
            AskerOf(),
            _case.Cart,
            null,
            reference,
            OrderMode.BestEffort,
            [],
            AttemptCommand.DefaultHoldSeconds,
            Replace: false,
            PricingRules.Default,
            Guid.CreateVersion7()
        );

    private Asker AskerOf()
    {
        const string path = "/api/v1/orders/redemptions";
        var name = string.Create(CultureInfo.InvariantCulture, $"{_merchant} {_requests++}");
        var key = IdempotencyKey.Of(_merchant, "redeemOrder", "POST", path, name, []);
        return new Asker(_merchant, _merchant, "job:oracle", true, key.KeyHash, key.RequestHash, "oracle", path);
    }

    private static Shopper CustomerOf(Shopper shopper, Guid holder) =>
        new(holder.ToString())
        {
            Email = shopper.Email,
            Groups = shopper.Groups,
            CompletedOrders = shopper.CompletedOrders,
            Region = shopper.Region,
            Attributes = shopper.Attributes,
        };

    private async Task<Guid> CustomerAsync(string? name, CancellationToken cancel)
    {
        name ??= "own";
        if (!_customers.TryGetValue(name, out var id))
        {
            _customers[name] = id = Guid.CreateVersion7();
            await _simulation.ExecuteAsync("insert into access.customer (id) values ($1)", cancel, id);
        }

        return id;
    }

    /// <summary>A code as it is sent: what cannot be a code here has another name.</summary>
    private string SentOf(string typed) =>
        _codes.TryGetValue(typed.Trim().ToUpperInvariant(), out var code) && !IsCode(typed) ? code : typed;

    private static bool IsCode(string code) =>
        CouponCode.TryNormalise(code, out var normal)
        && normal.Length is >= 3 and <= CodeAlphabet.MaximumLength
        && string.Equals(normal, code.Trim(), StringComparison.OrdinalIgnoreCase);

    private sealed record PastOrder(string? Customer, string? Email, Dictionary<string, long> Given);
}
