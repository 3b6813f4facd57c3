using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>Jobs and alerts in pages (EXP-15, EXP-17).</summary>
internal static class ListEndpoints
{
    private static readonly string JobSelect =
        $"select {JobView.Columns} from expiration.job j join expiration.bucket b on b.starts_at = j.bucket";

    private static readonly Listed<JobView> Jobs = Listed.ByNumber(JobSelect, "j.id", JobView.Read, static j => j.Id);

    /// <summary>The one that is furthest behind comes first.</summary>
    private static readonly Listed<JobView> SlowestJobs = new(
        JobSelect,
        ("j.done_at", "timestamptz"),
        ("j.id", "bigint"),
        JobView.Read,
        static j => [PageRequest.KeyOf(j.DoneUntil), j.Id.ToString(CultureInfo.InvariantCulture)]
    );

    private static readonly string[] JobSorts = ["id", "done_until"];

    private static readonly string AlertSelect = $"select {AlertView.Columns} from expiration.alert a";

    private static readonly Listed<AlertView> Alerts = Listed.ByTime(
        AlertSelect,
        "a.raised_at",
        "a.id",
        AlertView.Read,
        static a => (a.RaisedAt, a.Id)
    );

    private static readonly string[] JobStates = ["waiting", "done", "failed"];

    private static readonly AlertView Alert = new(
        Samples.Id,
        "clock_drift",
        "node-1:42",
        System.Text.Json.JsonDocument.Parse("""{"drift_ms": 180000}""").RootElement,
        Samples.At,
        Samples.At,
        null,
        null,
        null,
        null
    );

    private static readonly Acknowledging Taking = new(
        "expiration.alert",
        "expiry_alert",
        "expiry.alert_acknowledged",
        "$4::uuid is null"
    );

    public static void Map(IEndpointRouteBuilder expiry)
    {
        expiry
            .MapGet("/jobs", JobsAsync)
            .WithName("listExpiryJobs")
            .WithSummary("List the jobs of the expiry pipeline")
            .RequirePermission(Permissions.ExpiryRead)
            .WithPages(JobSorts)
            .WithJobFilter()
            .WithAnswer(200, new Page<JobView>([JobView.Example], false, null), "A page.")
            .WithRefusals(ConsoleEndpoints.Scoped);
        expiry
            .MapGet("/jobs/totals", JobTotalsAsync)
            .WithName("getExpiryJobTotals")
            .WithSummary("Count jobs of the expiry pipeline, with the filters of the list")
            .RequirePermission(Permissions.ExpiryRead)
            .WithJobFilter()
            .WithAnswer(200, new JobTotals(3, 120_000, 60_000, 60_000), "Of all pages together.")
            .WithRefusals(ConsoleEndpoints.Scoped);
        expiry
            .MapGet("/alerts", AlertsAsync)
            .WithName("listExpiryAlerts")
            .WithSummary("List what somebody should look at")
            .RequirePermission(Permissions.ExpiryRead)
            .WithPages(["raised_at"])
            .WithQuery("is_open", "boolean", "Only those whose cause stands, or is gone.")
            .WithAnswer(200, new Page<AlertView>([Alert], false, null), "A page.")
            .WithRefusals(ConsoleEndpoints.Scoped);
        expiry
            .MapPost("/alerts/{id:guid}/acknowledge", AcknowledgeAsync)
            .WithName("acknowledgeExpiryAlert")
            .TakesNote()
            .RequirePermission(Permissions.ExpiryManage)
            .WithAnswer(200, Alert with { AcknowledgedAt = Samples.At, AcknowledgedBy = "person:ada" }, "Somebody has.")
            .WithRefusals(ConsoleEndpoints.Scoped);
    }

    private static RouteHandlerBuilder WithJobFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("state", "string", "Only those in this state.", JobStates)
            .WithQuery("merchant_id", "string", "Only those of this merchant alone.")
            .WithQuery(
                "due",
                "string",
                "Only those that wait and have come due now, are behind by more than a moment, or come later.",
                DueJobs.Words
            );

    private static async Task JobsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await PageAsync(context, query, cursors, JobSorts, "-id");
        await MatchingJobs(query).AnswerAsync(context, database, query, page, page.Sort == "id" ? Jobs : SlowestJobs);
    }

    private static async Task JobTotalsAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        await RowEndpoints.TotalsAsync(
            context,
            database,
            query,
            MatchingJobs(query),
            static where =>
                $"""
                    select count(*), coalesce(sum(j.planned), 0)::bigint, coalesce(sum(j.units), 0)::bigint,
                        coalesce(sum({DueJobs.Units("platform.clock()")}), 0)::bigint
                    from expiration.job j {where}
                    """,
            static row => new JobTotals(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3))
        );
    }

    private static PageRows MatchingJobs(Query query)
    {
        var rows = new PageRows("true");
        rows.Equal("j.state", query.Word("state", JobStates));
        rows.Equal("j.merchant_id", query.Id("merchant_id"));
        if (query.Word("due", DueJobs.Words) is { } due)
        {
            rows.Where(DueJobs.Are(due, "platform.clock()"));
        }

        return rows;
    }

    private static async Task AlertsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await PageAsync(context, query, cursors, ["raised_at"], "-raised_at");
        var rows = new PageRows("true");
        if (query.Flag("is_open") is { } isOpen)
        {
            rows.Where("cleared_at is " + (isOpen ? "null" : "not null"));
        }

        await rows.AnswerAsync(context, database, query, page, Alerts);
    }

    private static async Task AcknowledgeAsync(HttpContext context, Guid id, Database database)
    {
        if (Caller.Of(context).MerchantId is not null)
        {
            await Problems.WriteAsync(context, ConsoleEndpoints.Scoped);
            return;
        }

        await Taking.RunAsync(
            context,
            database,
            id,
            async work =>
            {
                await using var query = work.Command(AlertSelect + " where a.id = $1", id);
                await using var row = await query.ExecuteReaderAsync(CancellationToken.None);
                return await row.ReadAsync(CancellationToken.None) ? AlertView.Read(row) : null;
            },
            static alert => (3, EventLog.Payload(("kind", alert.Kind), ("subject", alert.Subject)))
        );
    }

    /// <summary>A page of a list of the pipeline, which is refused to merchants.</summary>
    internal static Task<PageRequest> PageAsync(
        HttpContext context,
        Query query,
        Cursors cursors,
        string[] sorts,
        string standard
    )
    {
        if (RefusedTo(context) is { } refusal)
        {
            query.Refuse(refusal);
        }

        return cursors.ReadAsync(query, sorts, standard, null, context.RequestAborted).AsTask();
    }

    /// <summary>Why a caller gets nothing of the pipeline; null for the house.</summary>
    internal static Refusal? RefusedTo(HttpContext context) =>
        Caller.Of(context).MerchantId is null ? null : ConsoleEndpoints.Scoped;

    /// <summary>How many there are.</summary>
    /// <param name="Jobs">Of all pages.</param>
    /// <param name="Planned">Units, when they were enqueued.</param>
    /// <param name="Units">Units told.</param>
    /// <param name="UnitsDue">Units that have come due and are not told.</param>
    private sealed record JobTotals(long Jobs, long Planned, long Units, long UnitsDue);
}
