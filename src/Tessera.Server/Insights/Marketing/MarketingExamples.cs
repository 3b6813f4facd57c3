namespace Tessera.Server.Insights.Marketing;

/// <summary>Answers for the description of the API.</summary>
internal static class MarketingExamples
{
    private static readonly DateTimeOffset At = new(2026, 11, 2, 9, 30, 0, TimeSpan.Zero);
    private static readonly Guid Id = Guid.Parse("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e");
    private static readonly Touch Spring = new(7, "SPRING27", "spring-2027", "Spring", "email", "newsletter", At);

    public static CampaignComparison Comparison { get; } =
        new(
            "EUR",
            ["EUR"],
            null,
            null,
            [
                new CampaignFigures(
                    "spring-2027",
                    "Spring",
                    "active",
                    2,
                    120,
                    3,
                    30,
                    4_210.50m,
                    512.30m,
                    900m,
                    12.07m,
                    0.8m,
                    3.6783m
                ),
            ]
        );

    public static BurnDown BurnDown { get; } =
        new(
            "spring-2027",
            [
                new BudgetCourse(
                    "EUR",
                    10_000m,
                    512.30m,
                    12m,
                    9_475.70m,
                    null,
                    [new BudgetPoint("2026-11-02", 512.30m, 12m, 9_475.70m, 9_100m)]
                ),
            ]
        );

    public static AttributionTable Attribution { get; } =
        new(
            "campaign",
            "EUR",
            "2026-10-04",
            "2026-11-02",
            [
                new AttributionRow(
                    "spring-2027",
                    "Spring",
                    new Credit(120, 4_210.50m, 512.30m),
                    new Credit(96, 3_300m, 401m)
                ),
            ]
        );

    public static RedemptionAttribution OfRedemption { get; } = new(Id, "order-1001", Spring, Spring);
}
