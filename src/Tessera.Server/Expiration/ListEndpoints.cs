using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>Jobs, alerts and releases in pages (EXP-11, EXP-15, EXP-17).</summary>
internal static class ListEndpoints
{
    private static readonly Listed<JobView> Jobs = Listed.ByNumber(
        $"select {JobView.Columns} from expiration.job j join expiration.bucket b on b.starts_at = j.bucket",
        "j.id",
        JobView.Read,
        static j => j.Id
    );

    private static readonly string AlertSelect = $"select {AlertView.Columns} from expiration.alert a";

    private static readonly Listed<AlertView> Alerts = Listed.ByTime(
        AlertSelect,
        "a.raised_at",
        "a.id",
        AlertView.Read,
        static a => (a.RaisedAt, a.Id)
    );

    private static readonly Listed<ReleaseView> Releases = Listed.ByTime(
        """
        select id, coupon_id, campaign_id, units, budget_minor, case when budget_minor <> 0 then currency end, cause, ends_from,
            ends_until, created_at from expiration.batch
        """,
        "created_at",
        "id",
        ReleaseView.Read,
        static r => (r.CreatedAt, r.EventId)
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
            .WithPages(["id"])
            .WithQuery("state", "string", "Only those in this state.", JobStates)
            .WithQuery("merchant_id", "string", "Only those of this merchant alone.")
            .WithAnswer(200, new Page<JobView>([JobView.Example], false, null), "A page.")
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
        expiry
            .MapGet("/releases", ReleasesAsync)
            .WithName("listExpiryReleases")
            .WithSummary("List what ended unused: units and budget that are free again, event by event")
            .RequirePermission(Permissions.ExpiryRead)
            .WithPages(["created_at"])
            .WithQuery("campaign_id", "string", "Only those of this campaign.")
            .WithQuery("coupon_id", "integer", "Only those of this coupon.")
            .WithAnswer(
                200,
                new Page<ReleaseView>(
                    [
                        new ReleaseView(
                            Samples.Id,
                            17,
                            "spring-2027",
                            3,
                            new Core.Money(1500, "EUR"),
                            "end_reached",
                            Samples.At,
                            Samples.At,
                            Samples.At
                        ),
                    ],
                    false,
                    null
                ),
                "A page."
            )
            .WithRefusals(ConsoleEndpoints.Scoped);
    }

    private static async Task JobsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await PageAsync(context, query, cursors, "id", "-id");
        var rows = new PageRows("true");
        rows.Equal("j.state", query.Word("state", JobStates));
        rows.Equal("j.merchant_id", query.Id("merchant_id"));
        await rows.AnswerAsync(context, database, query, page, Jobs);
    }

    private static async Task AlertsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await PageAsync(context, query, cursors, "raised_at", "-raised_at");
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

    private static async Task ReleasesAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await PageAsync(context, query, cursors, "created_at", "-created_at");
        var rows = new PageRows("true");
        rows.Equal("campaign_id", query.Text("campaign_id", 100));
        rows.Equal("coupon_id", query.Integer("coupon_id", 1, long.MaxValue));
        await rows.AnswerAsync(context, database, query, page, Releases);
    }

    private static Task<PageRequest> PageAsync(
        HttpContext context,
        Query query,
        Cursors cursors,
        string sort,
        string standard
    )
    {
        if (Caller.Of(context).MerchantId is not null)
        {
            query.Refuse(ConsoleEndpoints.Scoped);
        }

        return cursors.ReadAsync(query, [sort], standard, null, context.RequestAborted).AsTask();
    }
}
