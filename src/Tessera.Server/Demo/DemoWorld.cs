using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Campaigns;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Redemptions;

namespace Tessera.Server.Demo;

/// <summary>
/// A small world to look at: merchants, channels, customers, campaigns, coupons of every kind and status, unique codes,
/// and redemptions, a reservation, a refusal and a rollback through the real path.
/// </summary>
public static class DemoWorld
{
    private const string Marker = "demo-bakery";
    private const int UniqueCodes = 200;

    private static readonly CatalogueActor Actor = new("job:demo", "demo");

    /// <summary>Loads it into a database that has no merchants and no coupons yet.</summary>
    /// <returns>False when there was something already: nothing was changed.</returns>
    public static async Task<bool> LoadAsync(Database database, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(database);
        List<Guid> customers;
        IReadOnlyList<long> coupons;
        IReadOnlyList<CouponDraft> drafts;
        await using (var work = await database.BeginAsync(cancel))
        {
            // One node loads it, the others wait and see that it is there.
            await work.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('demo', 0))", [], cancel);
            await using (
                var query = work.Command(
                    "select exists (select from access.merchant) or exists (select from coupons.coupon)"
                )
            )
            {
                if (await query.ExecuteScalarAsync(cancel) is true)
                {
                    return false;
                }
            }

            var now = await work.ClockAsync(cancel);
            var merchants = await MakeMerchantsAsync(work, cancel);
            customers = await MakeCustomersAsync(work, cancel);
            await MakePlacesAsync(work, cancel);
            await MakeCampaignsAsync(work, customers, now, cancel);
            drafts = DemoCoupons.Of(merchants, now);
            coupons = await CouponStore.InsertAsync(work, drafts, Actor, now, cancel);
            await work.CommitAsync(cancel);
        }

        var own = new List<string>();
        var unique = coupons[drafts.ToList().FindIndex(static d => d.CodeKind == "unique")];
        var terms = await CodeGeneration.TermsOfAsync(database, unique, null, cancel);
        await CodeGeneration.RunAsync(
            database,
            terms!,
            UniqueCodes,
            "GIFT",
            Actor,
            units =>
            {
                own.AddRange(units.Select(static u => u.Code));
                return Task.CompletedTask;
            },
            cancel
        );
        await RedeemAsync(database, customers, own);
        return true;
    }

    private static async Task<DemoMerchants> MakeMerchantsAsync(UnitOfWork work, CancellationToken cancel)
    {
        Guid[] ids = [Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.CreateVersion7()];
        await work.ExecuteAsync(
            "insert into access.merchant (id, name, external_id) select * from unnest($1::uuid[], $2::text[], $3::text[])",
            [
                ids,
                (string[])["Northgate Bakery", "Harbour Books", "Lumen Yoga"],
                (string[])[Marker, "demo-books", "demo-yoga"],
            ],
            cancel
        );
        return new DemoMerchants(ids[0], ids[1], ids[2]);
    }

    private static async Task<List<Guid>> MakeCustomersAsync(UnitOfWork work, CancellationToken cancel)
    {
        var ids = Enumerable.Range(0, 12).Select(static _ => Guid.CreateVersion7()).ToList();
        await work.ExecuteAsync(
            """
            insert into access.customer (id, external_id, groups)
            select id, 'customer-' || 1000 + place, case when place % 3 = 0 then array['readers-club'] else '{}' end
            from unnest($1::uuid[]) with ordinality as c (id, place)
            """,
            [ids.ToArray()],
            cancel
        );
        return ids;
    }

    private static async Task MakePlacesAsync(UnitOfWork work, CancellationToken cancel)
    {
        await work.ExecuteAsync(
            """
            insert into access.channel (id, name, kind, location) values
                ('web-shop', 'Web shop', 'shop', null), ('city-store', 'Store in the old town', 'store', 'Graz'),
                ('till-1', 'First till of the harbour', 'till', 'Vienna'), ('app', 'Phone app', 'app', null),
                ('city-guide', 'City guide', 'partner', 'Salzburg')
            on conflict do nothing
            """,
            [],
            cancel
        );
        await work.ExecuteAsync(
            "insert into coupons.consultant (id, name) values (1, 'Ines'), (2, 'Jonas') on conflict do nothing",
            [],
            cancel
        );
    }

    private static async Task MakeCampaignsAsync(
        UnitOfWork work,
        List<Guid> customers,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        async Task Make(string id, string name, string text, int from, int until, Money? budget, string channel)
        {
            var attribution = new Attribution("newsletter", "email", id, channel);
            var (start, end) = (now.AddDays(from), now.AddDays(until));
            var wanted = new CampaignWanted(
                id,
                name,
                text,
                start,
                end,
                "Europe/Vienna",
                null,
                attribution,
                budget,
                null
            );
            await CampaignStore.TryInsertAsync(work, wanted, id, Actor, now, cancel);
        }

        await Make(
            DemoCoupons.Running,
            "Autumn favourites",
            "What people loved last year, a little cheaper.",
            -20,
            60,
            new Money(250_000, "EUR"),
            "email"
        );
        await Make(DemoCoupons.Scheduled, "Winter preview", "Starts with the first frost.", 30, 120, null, "social");
        await Make(DemoCoupons.Ended, "Summer farewell", "One last ice cream.", -90, -30, null, "organic");
        await work.ExecuteAsync(
            "insert into campaigns.audience (campaign_id, customer_id) select $1, unnest($2::uuid[])",
            [DemoCoupons.Running, customers.Where(static (_, place) => place % 3 == 2).ToArray()],
            cancel
        );
    }

    private static async Task RedeemAsync(Database database, List<Guid> customers, List<string> own)
    {
        await using var service = new RedemptionService(database, Problems.Render, 1, static _ => { });
        var number = 0;
        async Task<Guid> Run(
            Operation operation,
            string code,
            int customer,
            long minor,
            string? channel = "web-shop",
            string[]? products = null,
            string currency = "EUR"
        )
        {
            var order = $"order-{1000 + ++number}";
            var id = Guid.CreateVersion7();
            var facts = new OrderFacts(order, minor, currency);
            var holder = customers[customer];
            await service.RunAsync(
                new AttemptCommand(
                    operation,
                    AskerOf(order),
                    code,
                    holder,
                    facts,
                    channel,
                    products,
                    null,
                    AttemptCommand.DefaultHoldSeconds,
                    null,
                    id
                )
            );
            return id;
        }

        for (var customer = 0; customer < 8; customer++)
        {
            await Run(Operation.Redeem, "AUTUMN15", customer, 3_900 + (customer * 1_150));
        }

        await Run(Operation.Redeem, "WELCOME5", 11, 4_200, "app");
        await Run(Operation.Redeem, "SOURDOUGH", 1, 690, "till-1", ["BREAD-SOUR-750"]);
        await Run(Operation.Redeem, "READMORE", 2, 2_450);
        await Run(Operation.Redeem, "LASTSEATS", 3, 4_500);
        await Run(Operation.Redeem, "LASTSEATS", 4, 4_500);
        await Run(Operation.Redeem, "TOKYO500", 5, 4_800, currency: "JPY");
        for (var customer = 0; customer < 5; customer++)
        {
            await Run(Operation.Redeem, own[customer], customer, 2_990);
        }

        // Refusals: used up, ended, below its minimum, not for this customer.
        await Run(Operation.Redeem, "LASTSEATS", 5, 4_500);
        await Run(Operation.Redeem, "SUMMER20", 5, 4_500);
        await Run(Operation.Redeem, "WELCOME5", 9, 900);
        await Run(Operation.Redeem, "READMORE", 0, 2_450);
        await Run(Operation.Reserve, "AUTUMN15", 9, 8_000);
        var regretted = await Run(Operation.Redeem, "AUTUMN15", 10, 5_600);
        await service.RunAsync(
            new RollBackCommand(
                AskerOf("rollback"),
                regretted,
                ReturnUse: true,
                "The order was cancelled.",
                Guid.CreateVersion7()
            )
        );
    }

    private static Asker AskerOf(string order)
    {
        const string path = "/api/v1/redemptions";
        var key = IdempotencyKey.Of(Guid.Empty, "demo", "POST", path, "demo " + order, []);
        return new Asker(Guid.Empty, null, Actor.Actor, true, key.KeyHash, key.RequestHash, order, path);
    }
}
