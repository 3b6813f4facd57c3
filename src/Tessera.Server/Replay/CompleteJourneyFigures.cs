using System.Globalization;

namespace Tessera.Server.Replay;

/// <summary>The published facts of the complete-journey data, beside what the database holds after a replay.</summary>
internal static class CompleteJourneyFigures
{
    private const string Uses = """
        with used as (
            select r.customer_id, r.coupon_id, split_part(c.code, '-', 1) as upc, c.campaign_id, k.description as type,
                (r.decided_at at time zone k.time_zone)::date as day,
                (k.start_at at time zone k.time_zone)::date as first_day,
                (k.end_at at time zone k.time_zone)::date - 1 as last_day
            from redemptions.redemption r
            join coupons.coupon c on c.id = r.coupon_id
            join campaigns.campaign k on k.id = c.campaign_id
            where r.rolled_back_at is null
        )
        """;

    /// <summary>Type, members, coupons, redemptions, households: what was published, by campaign.</summary>
    private static readonly Dictionary<string, string> Campaigns = new(StringComparer.Ordinal)
    {
        ["1"] = "Type B, 13, 11, 1, 1",
        ["3"] = "Type C, 12, 34, 2, 2",
        ["5"] = "Type B, 166, 11, 13, 8",
        ["7"] = "Type B, 198, 8, 7, 5",
        ["9"] = "Type B, 176, 18, 43, 20",
        ["11"] = "Type B, 214, 13, 8, 6",
        ["13"] = "Type A, 1077, 207, 629, 196",
        ["15"] = "Type C, 17, 2, 2, 2",
        ["17"] = "Type B, 202, 19, 45, 18",
        ["19"] = "Type B, 130, 11, 29, 15",
        ["21"] = "Type B, 65, 16, 3, 2",
        ["23"] = "Type B, 183, 18, 8, 3",
        ["25"] = "Type B, 17, 28, 1, 1",
        ["27"] = "Type A, 361, 181, 64, 36",
    };

    private static readonly Dictionary<string, long> Months = new(StringComparer.Ordinal)
    {
        ["2017-01"] = 19,
        ["2017-02"] = 44,
        ["2017-03"] = 32,
        ["2017-04"] = 20,
        ["2017-05"] = 268,
        ["2017-06"] = 155,
    };

    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        ["Type A"] = "1718 in 4 campaigns",
        ["Type B"] = "323 in 17 campaigns",
        ["Type C"] = "61 in 6 campaigns",
    };

    private static readonly Dictionary<string, string> Capped = new(StringComparer.Ordinal)
    {
        ["8"] = "2017-05-16, 272 refused",
        ["13"] = "2017-08-13, 529 refused",
        ["18"] = "2017-11-05, 553 refused",
    };

    private static readonly (string Upc, long Uses)[] Top =
    [
        ("10000085475", 63),
        ("51600070033", 52),
        ("54154888076", 49),
    ];

    public static async Task OfRedemptionsAsync(
        SimulationDatabase simulation,
        Figures figures,
        CancellationToken cancel
    )
    {
        var all = await OneAsync(
            simulation,
            Uses
                + """
                select count(*), count(distinct customer_id), count(distinct upc), count(distinct campaign_id),
                    count(distinct (customer_id, campaign_id)), count(*) filter (where day < first_day),
                    count(*) filter (where day > last_day), count(*) filter (where day = last_day),
                    (select count(*) from redemptions.refusal)
                from used
                """,
            cancel
        );
        figures.Add("CJ-01", "redemptions", 2102, all[0]);
        figures.Add("CJ-01", "households that redeemed", 410, all[1]);
        figures.Add("CJ-01", "different UPCs", 491, all[2]);
        figures.Add("CJ-01", "campaigns with a redemption", 26, all[3]);
        figures.Add("CJ-01", "pairs of household and campaign", 792, all[4]);
        foreach (
            var row in await simulation.RowsAsync(
                Uses
                    + """
                    select k.id, format('%s, %s, %s, %s, %s', k.description,
                        (select count(*) from campaigns.audience a where a.campaign_id = k.id),
                        (select count(*) from coupons.coupon c where c.campaign_id = k.id),
                        (select count(*) from used u where u.campaign_id = k.id),
                        (select count(distinct u.customer_id) from used u where u.campaign_id = k.id))
                    from campaigns.campaign k order by k.id::integer
                    """,
                cancel
            )
        )
        {
            figures.Add(
                "CJ-02",
                $"campaign {row[0]}: type, members, coupons, redemptions, households",
                Campaigns.GetValueOrDefault(row[0]),
                row[1]
            );
        }

        figures.Add("CJ-04", "before the start", 0, all[5]);
        figures.Add("CJ-04", "after the end", 0, all[6]);
        figures.Add("CJ-04", "on the last day", 28, all[7]);
        figures.Add("CJ-04", "refused", 0, all[8]);
        foreach (
            var (row, place) in (
                await simulation.RowsAsync(
                    Uses + "select upc, count(*) from used group by upc order by 2 desc, 1 limit 6",
                    cancel
                )
            ).Select(static (row, place) => (row, place))
        )
        {
            var published = place < Top.Length ? $"{Top[place].Upc}: {Top[place].Uses}" : null;
            figures.Add("CJ-06", $"coupon on rank {place + 1}", published, $"{row[0]}: {row[1]}");
        }

        foreach (
            var row in await simulation.RowsAsync(
                Uses + "select to_char(day, 'YYYY-MM'), count(*) from used group by 1 order by 1",
                cancel
            )
        )
        {
            long? published = Months.TryGetValue(row[0], out var count) ? count : null;
            figures.Add("CJ-10", "redemptions in " + row[0], published, Number(row[1]));
        }

        foreach (
            var row in await simulation.RowsAsync(
                Uses
                    + """
                    select k.description, format('%s in %s campaigns',
                        (select count(*) from used u where u.type = k.description), count(*))
                    from campaigns.campaign k group by k.description order by 1
                    """,
                cancel
            )
        )
        {
            figures.Add("CJ-12", "redemptions of " + row[0], Types.GetValueOrDefault(row[0]), row[1]);
        }

        var widest = await simulation.RowsAsync(
            """
            select split_part(code, '-', 1), campaign_id, cardinality(products),
                (select count(distinct p) from coupons.coupon c cross join unnest(c.products) p)
            from coupons.coupon order by cardinality(products) desc limit 1
            """,
            cancel
        );
        figures.Add(
            "CJ-21",
            "widest coupon: UPC, campaign, products",
            "10000085478, 18, 14477",
            string.Join(", ", widest[0][..3])
        );
        figures.Add("CJ-21", "products in some coupon", 41857, Number(widest[0][3]));
        await AddOwnCouponsAsync(simulation, figures, cancel);
    }

    public static async Task OfOneUseAsync(SimulationDatabase simulation, Figures figures, CancellationToken cancel)
    {
        var row = await OneAsync(
            simulation,
            """
            select (select count(*) from redemptions.redemption),
                (select count(*) from redemptions.refusal where reason = 'user_limit_reached')
            """,
            cancel
        );
        figures.Add("CJ-08", "one use a household and coupon: accepted", 2075, row[0]);
        figures.Add("CJ-08", "one use a household and coupon: refused", 27, row[1]);
    }

    public static async Task OfCapAsync(SimulationDatabase simulation, Figures figures, CancellationToken cancel)
    {
        var row = await OneAsync(
            simulation,
            """
            select (select count(*) from redemptions.redemption),
                (select count(*) from redemptions.refusal where reason = 'budget_exhausted')
            """,
            cancel
        );
        figures.Add("CJ-14", "cap of 100 a campaign: accepted", 748, row[0]);
        figures.Add("CJ-14", "cap of 100 a campaign: refused", 1354, row[1]);
        foreach (
            var reached in await simulation.RowsAsync(
                """
                select k.id, format('%s, %s refused', max(r.decided_at at time zone k.time_zone)::date,
                    (select count(*) from redemptions.refusal f join coupons.coupon c on c.id = f.coupon_id
                     where c.campaign_id = k.id))
                from campaigns.campaign k join coupons.coupon c on c.campaign_id = k.id
                join redemptions.redemption r on r.coupon_id = c.id
                group by k.id having count(*) = k.budget_uses order by k.id::integer
                """,
                cancel
            )
        )
        {
            figures.Add(
                "CJ-14",
                $"campaign {reached[0]} reaches its cap",
                Capped.GetValueOrDefault(reached[0], "not published"),
                reached[1]
            );
        }
    }

    /// <summary>Facts that no redemption changes, streamed from the files.</summary>
    public static async Task OfFilesAsync(
        SimulationDatabase simulation,
        string directory,
        Figures figures,
        CancellationToken cancel
    )
    {
        var profiles = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var row in DataFile.ReadAsync(directory, "demographics.csv", ["household_id"], cancel))
        {
            profiles.Add(row[0]);
        }

        var known = profiles.ToArray();
        var counts = await OneAsync(
            simulation,
            """
            select (select count(distinct r.customer_id) from redemptions.redemption r
                    join access.customer c on c.id = r.customer_id where c.external_id = any($1)),
                (select count(*) from access.customer where external_id = any($1)), (select count(*) from access.customer)
            """,
            cancel,
            (object)known
        );
        figures.Add("CJ-19", "redeeming households with a profile", 295, counts[0]);
        figures.Add("CJ-19", "contacted households with a profile", 756, counts[1]);
        figures.Add("CJ-19", "contacted households", 1559, counts[2]);
        await AddTransactionsAsync(directory, figures, cancel);
    }

    private static async Task AddTransactionsAsync(string directory, Figures figures, CancellationToken cancel)
    {
        var lines = 0L;
        var baskets = new HashSet<string>(StringComparer.Ordinal);
        var households = new HashSet<string>(StringComparer.Ordinal);
        var stores = new HashSet<string>(StringComparer.Ordinal);
        var couponBaskets = new HashSet<string>(StringComparer.Ordinal);
        var couponLines = 0L;
        var couponTotal = 0m;
        var longDayLines = 0L;
        var longDayBaskets = new HashSet<string>(StringComparer.Ordinal);
        var longDay = new DateOnly(2017, 11, 5);
        await foreach (
            var row in DataFile.ReadAsync(
                directory,
                "transactions_sample.csv",
                ["household_id", "store_id", "basket_id", "coupon_disc", "transaction_timestamp"],
                cancel
            )
        )
        {
            lines++;
            households.Add(row[0]);
            stores.Add(row[1]);
            baskets.Add(row[2]);
            var coupon = decimal.Parse(row[3], NumberStyles.Float, CultureInfo.InvariantCulture);
            if (coupon > 0)
            {
                couponLines++;
                couponTotal += coupon;
                couponBaskets.Add(row[2]);
            }

            var at = DateTimeOffset.Parse(row[4], CultureInfo.InvariantCulture);
            if (Core.Coupons.Zones.DayOf(at, CompleteJourneyWorld.Zone) == longDay)
            {
                longDayLines++;
                longDayBaskets.Add(row[2]);
            }
        }

        figures.Add("CJ-16", "sampled rows", 100_000, lines);
        figures.Add("CJ-16", "baskets", 56_625, baskets.Count);
        figures.Add("CJ-16", "households", 2405, households.Count);
        figures.Add("CJ-16", "stores", 308, stores.Count);
        figures.Add("CJ-16", "rows with a manufacturer coupon", 1545, couponLines);
        figures.Add("CJ-16", "baskets with a manufacturer coupon", 1340, couponBaskets.Count);
        figures.Add(
            "CJ-16",
            "manufacturer coupons, total",
            "1884.79",
            couponTotal.ToString("0.00", CultureInfo.InvariantCulture)
        );
        figures.Add("CJ-23", "rows on 2017-11-05, local", 440, longDayLines);
        figures.Add("CJ-23", "baskets on 2017-11-05, local", 235, longDayBaskets.Count);
    }

    private static async Task AddOwnCouponsAsync(
        SimulationDatabase simulation,
        Figures figures,
        CancellationToken cancel
    )
    {
        var most = await simulation.RowsAsync(
            Uses
                + """
                , own as (
                    select customer_id, campaign_id, count(distinct coupon_id) as coupons
                    from used where type = 'Type A' group by 1, 2
                )
                select coupons, (select external_id from access.customer where id = customer_id), campaign_id,
                    (select count(*) from own where coupons > 16)
                from own order by coupons desc, 2 limit 1
                """,
            cancel
        );
        figures.Add(
            "CJ-26",
            "most coupons, household, Type A campaign",
            "16, 2489, 13",
            string.Join(", ", most[0][..3])
        );
        figures.Add("CJ-26", "households beyond their 16 coupons", 0, Number(most[0][3]));
    }

    private static async Task<long[]> OneAsync(
        SimulationDatabase simulation,
        string sql,
        CancellationToken cancel,
        params object?[] values
    ) => [.. (await simulation.RowsAsync(sql, cancel, values))[0].Select(Number)];

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
