using System.Globalization;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons;
using Tessera.Server.Redemptions;
using Tessera.Server.Redemptions.Backtests;

namespace Tessera.Server.Replay;

/// <summary>
/// Runs the sale orders of the online-retail data, each at its minute, through the path that prices and redeems: ten
/// percent off from 300.00 on; five off once a customer, on the first order of 50.00 or more; and the ten percent again
/// with a budget of 5,000.00.
/// </summary>
/// <remarks>
/// The promotion of ten percent has no limit per customer, which a coupon always has: there each order is its own holder.
/// </remarks>
public static class OnlineRetailReplay
{
    private const string TenPercent = "TEN-PERCENT";
    private const string Welcome = "WELCOME-FIVE";
    private const string Budgeted = "TEN-BUDGETED";

    /// <summary>The minute of the first order that the budget does not hold (OR-12).</summary>
    private const string FirstRefusedAt = "2010-12-02T10:17:00Z";

    /// <summary>Where the shop is.</summary>
    internal static readonly TimeZoneInfo Zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/London");
    private static readonly CatalogueActor Actor = new("job:replay", "replay");

    /// <summary>Runs it.</summary>
    /// <param name="server">A login that may create databases.</param>
    /// <param name="directory">Of the data set.</param>
    /// <param name="cancel">Cancels; the simulation database is removed.</param>
    public static async Task<Figures> RunAsync(string server, string directory, CancellationToken cancel)
    {
        var figures = new Figures();
        var orders = await OnlineRetailOrders.ReadAsync(directory, figures, cancel);
        await using var simulation = await SimulationDatabase.MakeAsync(server, cancel);
        await simulation.SetClockAsync(InstantOf(orders.InOrder[0]).AddDays(-1), cancel);
        await MakeCouponsAsync(simulation, cancel);
        var holders = await MakeCustomersAsync(simulation, orders.InOrder, cancel);
        await RunAsync(simulation, orders.InOrder, holders, figures, cancel);
        await CountAsync(simulation, figures, cancel);
        await BacktestAsync(simulation, directory, figures, cancel);
        return figures;
    }

    /// <summary>The same promotions as drafts, run over the stored orders: a back-test comes to what was redeemed.</summary>
    private static async Task BacktestAsync(
        SimulationDatabase simulation,
        string directory,
        Figures figures,
        CancellationToken cancel
    )
    {
        await OnlineRetailCarts.StoreAsync(simulation.Database, directory, cancel);
        var ten = await Backtesting.RunAsync(
            simulation.Database,
            """
            {"name": "Ten percent from 300.00", "currency": "GBP", "conditions": {"subtotal": {"amount": 30000}},
             "effects": [{"type": "percent", "target": "order", "percent": 10}]}
            """,
            OnlineRetailCarts.Source,
            cancel
        );
        figures.Add("OR-08", "10 % from 300.00 on, back-test: takers", 10_326, ten.Takers);
        figures.Add(
            "OR-08",
            "10 % from 300.00 on, back-test: cost",
            "923265.50",
            OnlineRetailOrders.Money(ten.Minor / 100m)
        );
        var five = await Backtesting.RunAsync(
            simulation.Database,
            """
            {"name": "Five off once", "currency": "GBP", "conditions": {"subtotal": {"amount": 5000}},
             "max_uses_per_user": 1, "effects": [{"type": "fixed", "target": "order", "amount": 500}]}
            """,
            OnlineRetailCarts.Source,
            cancel
        );
        figures.Add("OR-11", "5.00 once a customer, back-test: takers", 4293, five.Takers);
        figures.Add(
            "OR-11",
            "5.00 once a customer, back-test: cost",
            "21465.00",
            OnlineRetailOrders.Money(five.Minor / 100m)
        );
        var budget = await Backtesting.RunAsync(
            simulation.Database,
            """
            {"name": "Ten percent within a budget", "currency": "GBP", "conditions": {"subtotal": {"amount": 30000}},
             "budget": {"type": "spend", "limit": 500000},
             "effects": [{"type": "percent", "target": "order", "percent": 10}]}
            """,
            OnlineRetailCarts.Source,
            cancel,
            FirstRefusedAt
        );
        figures.Add("OR-12", "budget of 5,000.00, back-test: takers", 59, budget.Takers);
        figures.Add(
            "OR-12",
            "budget of 5,000.00, back-test: left",
            "33.64",
            OnlineRetailOrders.Money((500_000 - budget.Minor) / 100m)
        );
        var free = await Backtesting.RunAsync(
            simulation.Database,
            """
            {"name": "Buy six, get one free", "effects": [{"type": "buy_get", "target": "lines", "scope": "line",
             "buy": {"quantity": 6, "filter": {"skus": ["85123A"]}}, "get": {"quantity": 1, "filter": {"skus": ["85123A"]}}}]}
            """,
            OnlineRetailCarts.Source,
            cancel
        );
        figures.Add(
            "OR-14",
            "every seventh unit of a line, back-test: cost",
            "11240.90",
            OnlineRetailOrders.Money(free.Minor / 100m)
        );
    }

    private static DateTimeOffset InstantOf(SaleOrder order) =>
        new DateTimeOffset(order.At, Zone.GetUtcOffset(order.At)).ToUniversalTime();

    private static async Task MakeCouponsAsync(SimulationDatabase simulation, CancellationToken cancel)
    {
        await using var work = await simulation.Database.BeginAsync(cancel);
        var now = await work.ClockAsync(cancel);
        await work.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, start_at, budget_minor, budget_currency, created_by)
            values ('budget', 'Ten percent within a budget', $1, 500000, 'GBP', 'job:replay')
            """,
            [now],
            cancel
        );
        CouponDraft Draft(string code, string type, decimal value, decimal minimum, string? campaign = null) =>
            new()
            {
                Code = code,
                Distribution = "public",
                InternalName = code,
                Description = new Dictionary<string, string> { ["en"] = code },
                DiscountType = type,
                DiscountValue = value,
                Currency = "GBP",
                MinimumOrderValue = minimum,
                ValidFrom = now,
                TimeZone = Zone.Id,
                CampaignId = campaign,
                IsActive = true,
            };

        CouponDraft[] drafts =
        [
            Draft(TenPercent, "percentage", 10, 300),
            Draft(Welcome, "fixed_amount", 5, 50),
            Draft(Budgeted, "percentage", 10, 300, "budget"),
        ];
        if (
            drafts.Select(d => CouponRules.Validate(d, now, startIsNew: true)).FirstOrDefault(e => e.Count > 0) is
            { } no
        )
        {
            throw new InvalidOperationException($"{no[0].Field}: {no[0].Message}");
        }

        await CouponStore.InsertAsync(work, drafts, Actor, now, cancel);
        await work.CommitAsync(cancel);
    }

    /// <summary>Known customers by their number, and each order as a holder by its own.</summary>
    private static async Task<Dictionary<string, Guid>> MakeCustomersAsync(
        SimulationDatabase simulation,
        IReadOnlyList<SaleOrder> orders,
        CancellationToken cancel
    )
    {
        var holders = new Dictionary<string, Guid>(StringComparer.Ordinal);
        foreach (var order in orders)
        {
            holders.Add("order-" + order.Invoice, Guid.CreateVersion7());
            if (order.Customer.Length > 0)
            {
                holders.TryAdd("customer-" + order.Customer, Guid.CreateVersion7());
            }
        }

        await simulation.ExecuteAsync(
            "insert into access.customer (id, external_id) select * from unnest($1::uuid[], $2::text[])",
            cancel,
            holders.Values.ToArray(),
            holders.Keys.ToArray()
        );
        return holders;
    }

    private static async Task RunAsync(
        SimulationDatabase simulation,
        IReadOnlyList<SaleOrder> orders,
        Dictionary<string, Guid> holders,
        Figures figures,
        CancellationToken cancel
    )
    {
        await using var till = new Till(simulation);
        var within = true;
        var left = 500_000L;
        foreach (var minute in orders.GroupBy(static o => o.At))
        {
            await simulation.SetClockAsync(InstantOf(minute.First()), cancel);
            var others = new List<Task<Answer>>();
            foreach (var order in minute)
            {
                var holder = holders["order-" + order.Invoice];
                var full = till.RedeemAsync(TenPercent, holder, order.Invoice, order.Minor, "GBP");
                others.Add(full);
                if (order.Customer.Length > 0)
                {
                    var customer = holders["customer-" + order.Customer];
                    others.Add(till.RedeemAsync(Welcome, customer, order.Invoice, order.Minor, "GBP"));
                }

                if (!within)
                {
                    continue;
                }

                // OR-12 stops at the first that does not fit, so here each answer decides whether there is a next.
                var answer = await till.RedeemAsync(Budgeted, holder, order.Invoice, order.Minor, "GBP");
                left -= answer.DiscountMinor ?? 0;
                if (answer.Refusal?.Code == Refusals.BudgetExhausted.Code)
                {
                    within = false;
                    AddStop(figures, order, (await full).DiscountMinor ?? 0, left);
                }
            }

            await Task.WhenAll(others);
        }
    }

    private static void AddStop(Figures figures, SaleOrder order, long discount, long left)
    {
        figures.Add("OR-12", "budget of 5,000.00: first refused invoice", "536617", order.Invoice);
        figures.Add(
            "OR-12",
            "budget of 5,000.00: at",
            "2010-12-02T10:17:00",
            order.At.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture)
        );
        figures.Add("OR-12", "budget of 5,000.00: its discount", "109.51", OnlineRetailOrders.Money(discount / 100m));
        figures.Add("OR-12", "budget of 5,000.00: left", "33.64", OnlineRetailOrders.Money(left / 100m));
    }

    private static async Task CountAsync(SimulationDatabase simulation, Figures figures, CancellationToken cancel)
    {
        var sums = (
            await simulation.RowsAsync(
                """
                select c.code, count(*), sum(r.discount_minor)::bigint
                from redemptions.redemption r join coupons.coupon c on c.id = r.coupon_id group by c.code
                """,
                cancel
            )
        ).ToDictionary(static r => r[0], StringComparer.Ordinal);
        long Count(string code) => long.Parse(sums[code][1], CultureInfo.InvariantCulture);
        string Sum(string code) =>
            OnlineRetailOrders.Money(long.Parse(sums[code][2], CultureInfo.InvariantCulture) / 100m);

        figures.Add("OR-08", "10 % from 300.00 on: redemptions", 10_326, Count(TenPercent));
        figures.Add("OR-08", "10 % from 300.00 on: discount", "923265.50", Sum(TenPercent));
        figures.Add("OR-11", "5.00 once a customer from 50.00 on: redemptions", 4293, Count(Welcome));
        figures.Add("OR-11", "5.00 once a customer from 50.00 on: discount", "21465.00", Sum(Welcome));
        figures.Add("OR-12", "budget of 5,000.00: redemptions", 59, Count(Budgeted));
    }
}
