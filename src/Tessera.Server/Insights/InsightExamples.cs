namespace Tessera.Server.Insights;

/// <summary>Answers for the description of the API.</summary>
internal static class InsightExamples
{
    private static readonly DateTimeOffset At = new(2026, 11, 2, 9, 30, 0, TimeSpan.Zero);
    private static readonly Guid Id = Guid.Parse("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e");

    public static CouponSummary Summary { get; } =
        new(
            new SummaryOverview(12, 31, 5401.20m, 0.84m, "up", 412, 78, 640.50m),
            [new TopPerformer(7, "SAVE10", 120, 2100.40m, 0.91m)],
            [new RecentUse(Id, At, "SAVE10", Id, null, 5.40m, "EUR", null)],
            "EUR",
            ["EUR"],
            "2026-10-04",
            "2026-11-02"
        );

    public static CouponAnalytics Coupon { get; } =
        new(
            new CouponFacts("SAVE10", "Autumn ten percent", "key:" + Id, At, "active"),
            new UsageStatistics(150, 120, 30, 0.8m, 101, 12),
            new FinancialImpact("EUR", 310.20m, 2100.40m, 2.59m, null),
            new ConversionAnalysis(12, 9, 0.75m, 0.11m),
            new FraudIndicators(null, [], null, 30, [new RefusalCount("limit_reached", 30)])
        );

    public static Timeline Timeline { get; } =
        new(
            "day",
            "EUR",
            [new TimelineSeries(null, null, null, [new TimelinePoint("2026-11-02", 31, 1, 4, 402.10m, 51.30m)])]
        );

    public static Breakdown Breakdown { get; } =
        new("discount_type", "EUR", [new BreakdownRow("percentage", 301, 4100.20m, 502.10m)]);
}
