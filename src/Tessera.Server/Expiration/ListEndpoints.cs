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
    private static readonly string[] JobStates = ["waiting", "done", "failed"];

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
            .WithAnswer(
                200,
                new Page<AlertView>(
                    [
                        new AlertView(
                            Samples.Id,
                            "clock_drift",
                            "node-1:42",
                            System.Text.Json.JsonDocument.Parse("""{"drift_ms": 180000}""").RootElement,
                            Samples.At,
                            Samples.At,
                            null
                        ),
                    ],
                    false,
                    null
                ),
                "A page."
            )
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
        var (values, conditions) = (new List<object?>(), new List<string> { "true" });
        Add(values, conditions, "j.state", query.Word("state", JobStates));
        Add(values, conditions, "j.merchant_id", query.Id("merchant_id"));
        if (await RefusedAsync(context, query))
        {
            return;
        }

        if (page.After is [{ } last, ..])
        {
            values.Add(last);
            conditions.Add($"j.id {(page.Descending ? '<' : '>')} ${values.Count}::text::bigint");
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var rows = await ListStore.RowsAsync(
            work,
            $"""
            select {JobView.Columns} from expiration.job j join expiration.bucket b on b.starts_at = j.bucket
            where {string.Join(" and ", conditions)} order by j.id {(
                page.Descending ? "desc" : "asc"
            )} limit {page.Fetch}
            """,
            values,
            JobView.Read,
            context.RequestAborted
        );
        static string?[] KeyOf(JobView job)
        {
            var key = job.Id.ToString(CultureInfo.InvariantCulture);
            return [key, key];
        }

        await page.Answer(context, rows, static r => r, KeyOf).SendAsync(context);
    }

    private static async Task AlertsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await PageAsync(context, query, cursors, "raised_at", "-raised_at");
        var (values, conditions) = (new List<object?>(), new List<string>());
        if (query.Flag("is_open") is { } isOpen)
        {
            conditions.Add(isOpen ? "cleared_at is null" : "cleared_at is not null");
        }

        if (await RefusedAsync(context, query))
        {
            return;
        }

        conditions.Add(page.Where("raised_at", "timestamptz", "id", "uuid", values));
        await using var work = await database.BeginAsync(context.RequestAborted);
        var rows = await ListStore.RowsAsync(
            work,
            $"""
            select id, kind, subject, detail::text, raised_at, seen_at, cleared_at from expiration.alert
            where {string.Join(" and ", conditions)} {page.OrderBy("raised_at", "id")}
            """,
            values,
            AlertView.Read,
            context.RequestAborted
        );
        static string?[] KeyOf(AlertView alert) => [PageRequest.KeyOf(alert.RaisedAt), alert.Id.ToString()];
        await page.Answer(context, rows, static r => r, KeyOf).SendAsync(context);
    }

    private static async Task ReleasesAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await PageAsync(context, query, cursors, "created_at", "-created_at");
        var (values, conditions) = (new List<object?>(), new List<string>());
        Add(values, conditions, "campaign_id", query.Text("campaign_id", 100));
        Add(values, conditions, "coupon_id", query.Integer("coupon_id", 1, long.MaxValue));
        if (await RefusedAsync(context, query))
        {
            return;
        }

        conditions.Add(page.Where("created_at", "timestamptz", "id", "uuid", values));
        await using var work = await database.BeginAsync(context.RequestAborted);
        var rows = await ListStore.RowsAsync(
            work,
            $"""
            select id, coupon_id, campaign_id, units, budget_minor, case when budget_minor > 0 then currency end, cause, ends_from,
                ends_until, created_at from expiration.batch
            where {string.Join(" and ", conditions)} {page.OrderBy("created_at", "id")}
            """,
            values,
            ReleaseView.Read,
            context.RequestAborted
        );
        static string?[] KeyOf(ReleaseView r) => [PageRequest.KeyOf(r.CreatedAt), r.EventId.ToString()];
        await page.Answer(context, rows, static r => r, KeyOf).SendAsync(context);
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

    private static async Task<bool> RefusedAsync(HttpContext context, Query query)
    {
        if (query.Finish() is not { } refusal)
        {
            return false;
        }

        await Problems.WriteAsync(context, refusal);
        return true;
    }

    private static void Add<T>(List<object?> values, List<string> conditions, string column, T? value)
    {
        if (value is not null)
        {
            values.Add(value);
            conditions.Add($"{column} = ${values.Count}");
        }
    }
}
