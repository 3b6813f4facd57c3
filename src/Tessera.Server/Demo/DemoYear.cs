using Tessera.Core.Coupons;

namespace Tessera.Server.Demo;

/// <summary>A coupon of the year, and how it was used.</summary>
/// <param name="Draft">Its definition.</param>
/// <param name="PerDay">Uses of an ordinary day.</param>
/// <param name="Channels">Where.</param>
/// <param name="Typical">A typical order, in minor units.</param>
internal sealed record DemoTerms(CouponDraft Draft, double PerDay, string[] Channels, int Typical);

/// <summary>One use.</summary>
internal sealed record DemoUse(
    Guid Id,
    int Coupon,
    Guid Customer,
    string Channel,
    string Order,
    long Minor,
    long Discount,
    DateTimeOffset At,
    DateTimeOffset? ReturnedAt
);

/// <summary>What happened in the year: decided here, without a database, the same for the same seed.</summary>
internal static class DemoYear
{
    /// <summary>Id, name, text, first and last day from now, marketing channel.</summary>
    public static readonly (string Id, string Name, string Text, int From, int Until, string Channel)[] Campaigns =
    [
        ("black-week", "Black week", "Ten loud days.", -362, -352, "paid_ads"),
        ("spring-awakening", "Spring awakening", "Light jackets, light prices.", -250, -160, "social"),
        ("back-to-school", "Back to school", "Everything but the homework.", -95, -60, "email"),
        ("always-on", "Always on", "For those who come again.", -365, 365, "email"),
    ];

    private const int ReturnedOneOf = 31;
    private const int DaysUntilReturn = 3;

    private static readonly string[] Online = ["web-shop", "app", "web-shop", "app", "city-guide"];
    private static readonly string[] InTown = ["city-store", "till-1", "city-store"];

    public static IReadOnlyList<DemoTerms> Coupons(DemoMerchants merchants, DateTimeOffset now)
    {
        CouponDraft Draft(string code, string name, string text, int from, int? until, string? campaign) =>
            new()
            {
                Code = code,
                InternalName = name,
                Description = new Dictionary<string, string> { ["en"] = text },
                Currency = "EUR",
                TimeZone = "Europe/Vienna",
                ValidFrom = now.AddDays(from),
                ValidUntil = until is { } last ? now.AddDays(last) : null,
                IsActive = true,
                MaxUsesPerUser = 10,
                CampaignId = campaign,
                CampaignRole = campaign is null ? null : "primary",
                CampaignSource = campaign is null ? null : "newsletter",
            };
        CouponDraft Percent(CouponDraft draft, decimal percent, decimal? most = null) =>
            draft with
            {
                DiscountType = "percentage",
                DiscountValue = percent,
                MaxDiscountAmount = most,
            };
        CouponDraft Amount(CouponDraft draft, decimal amount, decimal minimum) =>
            draft with
            {
                DiscountType = "fixed_amount",
                DiscountValue = amount,
                MinimumOrderValue = minimum,
            };

        return
        [
            new(
                Percent(
                    Draft("LOYAL10", "Loyal customers", "10% for those who come again.", -364, null, "always-on"),
                    10,
                    15
                ),
                5.5,
                Online,
                6_500
            ),
            new(
                Amount(Draft("NEWHERE8", "Newsletter welcome", "8 euros off from 40 euros.", -364, null, null), 8, 40),
                2.6,
                Online,
                7_200
            ),
            new(
                Amount(Draft("COFFEE2", "Coffee and cake", "2 euros off at the bakery.", -330, null, null), 2, 6) with
                {
                    MerchantId = merchants.Bakery,
                },
                4.2,
                InTown,
                1_150
            ),
            new(
                Percent(Draft("BREATHE15", "Breathe", "15% off yoga classes.", -210, null, null), 15) with
                {
                    MerchantId = merchants.Yoga,
                },
                1.4,
                Online,
                5_400
            ),
            new(
                Percent(Draft("BLACKWEEK25", "Black week", "25% off everything.", -362, -352, "black-week"), 25, 60),
                38,
                Online,
                9_800
            ),
            new(
                Percent(
                    Draft("SPRING20", "Spring awakening", "20% off in spring.", -250, -160, "spring-awakening"),
                    20,
                    40
                ),
                5,
                Online,
                6_900
            ),
            new(
                Amount(Draft("SCHOOL5", "Back to school", "5 euros off books.", -95, -60, "back-to-school"), 5, 25) with
                {
                    MerchantId = merchants.Books,
                },
                6.5,
                InTown,
                3_800
            ),
        ];
    }

    /// <summary>The uses in the order they happened; nobody uses a coupon more often than he may.</summary>
    public static List<DemoUse> Uses(
        IReadOnlyList<DemoTerms> coupons,
        IReadOnlyList<long> ids,
        Guid[] customers,
        DateTimeOffset now,
        int days,
        ulong seed
    )
    {
        var chance = new Chance(seed);
        var uses = new List<DemoUse>();
        var counted = new Dictionary<(int, Guid), int>();
        for (var day = -days; day < 0; day++)
        {
            var midnight = new DateTimeOffset(now.AddDays(day).UtcDateTime.Date, TimeSpan.Zero);
            for (var coupon = 0; coupon < coupons.Count; coupon++)
            {
                var (draft, perDay, channels, typical) = coupons[coupon];
                var expected = perDay * Season(midnight) * (0.6 + (0.8 * chance.NextDouble()));
                for (var left = expected; left > 0 && chance.NextDouble() < left; left--)
                {
                    var at = midnight.AddSeconds(HourOf(chance) * 3600 + chance.Next(3600));
                    var customer = customers[(int)(customers.Length * Math.Pow(chance.NextDouble(), 1.7))];
                    var times = counted.GetValueOrDefault((coupon, customer));
                    if (
                        at < draft.ValidFrom
                        || at >= (draft.ValidUntil ?? now)
                        || at >= now
                        || times >= draft.MaxUsesPerUser
                    )
                    {
                        continue;
                    }

                    counted[(coupon, customer)] = times + 1;
                    var minor = Math.Max(
                        (long)(draft.MinimumOrderValue * 100),
                        (long)(typical * (0.45 + (1.3 * chance.NextDouble())))
                    );
                    var ends = draft.ValidUntil ?? now;
                    var back = at.AddDays(DaysUntilReturn);
                    uses.Add(
                        new DemoUse(
                            Guid.CreateVersion7(at),
                            coupon,
                            customer,
                            channels[chance.Next(channels.Length)],
                            $"past-{ids[coupon]}-{uses.Count}",
                            minor,
                            DiscountOf(draft, minor),
                            at,
                            // Brought back while the coupon still runs, so that the use comes back too (RED-12).
                            uses.Count % ReturnedOneOf
                                == 7
                            && back < ends
                            && back < now
                                ? back
                                : null
                        )
                    );
                }
            }
        }

        return [.. uses.OrderBy(static u => u.At)];
    }

    private static long DiscountOf(CouponDraft draft, long minor) =>
        draft.DiscountType == "percentage"
            ? Math.Min(
                (long)Math.Round(minor * draft.DiscountValue!.Value / 100, MidpointRounding.AwayFromZero),
                draft.MaxDiscountAmount is { } most ? (long)(most * 100) : long.MaxValue
            )
            : Math.Min(minor, (long)(draft.DiscountValue!.Value * 100));

    /// <summary>More before the holidays and at weekends, less in deep summer; a little more each month.</summary>
    private static double Season(DateTimeOffset day)
    {
        var year = day.Month switch
        {
            12 => 1.6,
            11 => 1.3,
            7 or 8 => 0.7,
            _ => 1.0,
        };
        var week = day.DayOfWeek switch
        {
            DayOfWeek.Saturday => 1.5,
            DayOfWeek.Sunday => 0.8,
            DayOfWeek.Friday => 1.2,
            _ => 0.95,
        };
        return year * week;
    }

    /// <summary>Hours of the day, most of them around noon and in the evening.</summary>
    private static int HourOf(Chance chance) => chance.NextDouble() < 0.5 ? chance.Next(9, 14) : chance.Next(15, 22);
}
