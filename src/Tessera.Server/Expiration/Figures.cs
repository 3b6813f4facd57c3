namespace Tessera.Server.Expiration;

/// <summary>The pipeline at a glance (EXP-17).</summary>
/// <param name="AsOf">The database clock: the last hour and the 24 hours of these figures end here.</param>
/// <param name="Mode">running, paused or draining.</param>
/// <param name="LookAheadHours">How far ahead hours of ends are enqueued.</param>
/// <param name="Backlog">What has come due and is not told.</param>
/// <param name="Ahead">What is enqueued and not due.</param>
/// <param name="ProcessedPerMinute">Units, mean of the last five minutes.</param>
/// <param name="ProcessedLastHour">Units that were told to have ended.</param>
/// <param name="FailureRate">Steps that failed, of those of the last hour: 0 to 1.</param>
/// <param name="SuccessRate">The others.</param>
/// <param name="Sla">Whether units were told in time, over 24 hours.</param>
/// <param name="OpenAlerts">How many.</param>
/// <param name="Nodes">Nodes that work, seen within a minute.</param>
/// <param name="Minutes">By the minute, of the last hour.</param>
/// <param name="Partners">How far behind each is, the worst first.</param>
internal sealed record Figures(
    DateTimeOffset AsOf,
    string Mode,
    int LookAheadHours,
    Backlog Backlog,
    Ahead Ahead,
    long ProcessedPerMinute,
    long ProcessedLastHour,
    double FailureRate,
    double SuccessRate,
    Adherence Sla,
    long OpenAlerts,
    long Nodes,
    IReadOnlyList<MinuteFigure> Minutes,
    IReadOnlyList<PartnerLag> Partners
)
{
    public static Figures Example { get; } =
        new(
            Access.Samples.At,
            "running",
            48,
            new Backlog(1, 120_000, Access.Samples.At.AddSeconds(-12), 12, 0),
            new Ahead(48, 9_800_000),
            240_000,
            2_400_000,
            0,
            1,
            new Adherence(60, 9_600_000, 9_600_000, 1, 3.2),
            0,
            2,
            [new MinuteFigure(Access.Samples.At, 240_000, 0, 3200)],
            [new PartnerLag(Access.Samples.Id, "Shop", 60, 0.4, true, 1, 10_000, "closed", Access.Samples.At, 0, null)]
        );
}

/// <summary>What has come due and is not told.</summary>
/// <param name="Jobs">How many wait, for more than a moment.</param>
/// <param name="Units">Of those whose hour is over, by their plan.</param>
/// <param name="OldestDueAt">How far the slowest job has come.</param>
/// <param name="LagSeconds">How long ago that was.</param>
/// <param name="FailedJobs">Given up until somebody retries them.</param>
internal sealed record Backlog(long Jobs, long Units, DateTimeOffset? OldestDueAt, double LagSeconds, long FailedJobs);

/// <summary>What is enqueued and not due.</summary>
internal sealed record Ahead(long Jobs, long Units);

/// <summary>Whether units were told in time.</summary>
/// <param name="TargetSeconds">From their end to their event.</param>
/// <param name="Units">Told in 24 hours.</param>
/// <param name="InTime">Of them in time.</param>
/// <param name="Ratio">0 to 1.</param>
/// <param name="WorstSeconds">The longest it took.</param>
internal sealed record Adherence(int TargetSeconds, long Units, long InTime, double Ratio, double WorstSeconds);

/// <summary>One minute.</summary>
internal sealed record MinuteFigure(DateTimeOffset At, long Units, long Failures, long LateMs);

/// <summary>How far behind a partner is.</summary>
/// <param name="ConnectorId">The partner.</param>
/// <param name="Name">Its name.</param>
/// <param name="SlaSeconds">How long it may take.</param>
/// <param name="LagSeconds">Age of the oldest command that is due.</param>
/// <param name="IsWithinSla">Whether that is in time.</param>
/// <param name="OpenCommands">Due and not acknowledged.</param>
/// <param name="OpenUnits">In them.</param>
/// <param name="Breaker">closed, open or half_open.</param>
/// <param name="LastAcknowledgedAt">Its last acknowledgement.</param>
/// <param name="OpenTasks">In the manual queue.</param>
/// <param name="DeferredAt">Since when it waits, because critical partners go first (EXP-12); null when it does not.</param>
internal sealed record PartnerLag(
    Guid ConnectorId,
    string Name,
    int SlaSeconds,
    double LagSeconds,
    bool IsWithinSla,
    long OpenCommands,
    long OpenUnits,
    string Breaker,
    DateTimeOffset? LastAcknowledgedAt,
    long OpenTasks,
    DateTimeOffset? DeferredAt
);
