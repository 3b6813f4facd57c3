using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>
/// What ended, event by event, and the work of the pipeline by the minute: the rows that its figures are made of (EXP-11, MET-24).
/// </summary>
internal static class RowEndpoints
{
    /// <summary>In which time after its end a unit is to be told.</summary>
    public const int TargetSeconds = 60;

    /// <summary>Of a row of <c>expiration.batch</c>: its units were told in time, the one that ended first too.</summary>
    public static readonly string InTime = $"created_at - ends_from <= interval '{TargetSeconds} seconds'";

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

    private static readonly Listed<MinuteView> Minutes = new(
        "select at, node, units, steps, failures, late_ms from expiration.minute",
        ("at", "timestamptz"),
        ("node", "text"),
        ReadMinute,
        static m => [PageRequest.KeyOf(m.At), m.Node]
    );

    private static readonly string[] Causes = ["end_reached", "forced", "cancellation", "undo"];

    private static readonly MinuteView Minute = new(Samples.At, "node-1:42", 240_000, 24, 0, 3200);

    public static void Map(IEndpointRouteBuilder expiry)
    {
        expiry
            .MapGet("/releases", ReleasesAsync)
            .WithName("listExpiryReleases")
            .WithSummary("List what ended unused: units and budget that are free again, event by event")
            .RequirePermission(Permissions.ExpiryRead)
            .WithPages(["created_at"])
            .WithReleaseFilter()
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
        expiry
            .MapGet("/releases/totals", ReleaseTotalsAsync)
            .WithName("getExpiryReleaseTotals")
            .WithSummary("Count what ended unused, with the filters of the list")
            .RequirePermission(Permissions.ExpiryRead)
            .WithReleaseFilter()
            .WithAnswer(200, new ReleaseTotals(960, 9_600_000, 9_599_000, 71.5), "Of all pages together.")
            .WithRefusals(ConsoleEndpoints.Scoped);
        expiry
            .MapGet("/minutes", MinutesAsync)
            .WithName("listExpiryMinutes")
            .WithSummary("List the work of the expiry pipeline by minute and node")
            .RequirePermission(Permissions.ExpiryRead)
            .WithPages(["at"])
            .WithMinuteFilter()
            .WithAnswer(200, new Page<MinuteView>([Minute], false, null), "A page.")
            .WithRefusals(ConsoleEndpoints.Scoped);
        expiry
            .MapGet("/minutes/totals", MinuteTotalsAsync)
            .WithName("getExpiryMinuteTotals")
            .WithSummary("Sum up the work of the expiry pipeline, with the filters of the list")
            .RequirePermission(Permissions.ExpiryRead)
            .WithMinuteFilter()
            .WithAnswer(200, new MinuteTotals(2_400_000, 240, 2), "Of all pages together.")
            .WithRefusals(ConsoleEndpoints.Scoped);
    }

    private static RouteHandlerBuilder WithReleaseFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("campaign_id", "string", "Only those of this campaign.")
            .WithQuery("coupon_id", "integer", "Only those of this coupon.")
            .WithQuery("cause", "string", "Only those of this cause.", Causes)
            .WithQuery(
                "in_time",
                "boolean",
                $"Only those told within {TargetSeconds} seconds of their earliest end, or later."
            )
            .WithQuery("from", "string", "Only from this instant, or the beginning of this day, UTC, on.")
            .WithQuery("to", "string", "Only before this instant, or the end of this day.");

    private static RouteHandlerBuilder WithMinuteFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("has_failures", "boolean", "Only those with failures, or without.")
            .WithQuery("from", "string", "Only minutes that begin at this instant, or on this day, UTC, or later.")
            .WithQuery("to", "string", "Only minutes that begin before this instant, or the end of this day.");

    private static async Task ReleasesAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await ListEndpoints.PageAsync(context, query, cursors, ["created_at"], "-created_at");
        await MatchingReleases(query).AnswerAsync(context, database, query, page, Releases);
    }

    private static async Task ReleaseTotalsAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        await TotalsAsync(
            context,
            database,
            query,
            MatchingReleases(query),
            static where =>
                $"""
                    select count(*), coalesce(sum(units), 0)::bigint, coalesce(sum(units) filter (where {InTime}), 0)::bigint,
                        coalesce(extract(epoch from max(created_at - ends_from)), 0)::float8
                    from expiration.batch {where}
                    """,
            static row => new ReleaseTotals(
                row.GetInt64(0),
                row.GetInt64(1),
                row.GetInt64(2),
                Math.Round(row.GetDouble(3), 3)
            )
        );
    }

    private static PageRows MatchingReleases(Query query)
    {
        var rows = new PageRows("true");
        rows.Equal("campaign_id", query.Text("campaign_id", 100));
        rows.Equal("coupon_id", query.Integer("coupon_id", 1, long.MaxValue));
        rows.Equal("cause", query.Word("cause", Causes));
        if (query.Flag("in_time") is { } isInTime)
        {
            rows.Where(isInTime ? InTime : $"not ({InTime})");
        }

        rows.Where("created_at >= {}", query.Instant("from"));
        rows.Where("created_at < {}", query.Instant("to", isEnd: true));
        return rows;
    }

    private static async Task MinutesAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await ListEndpoints.PageAsync(context, query, cursors, ["at"], "-at");
        await MatchingMinutes(query).AnswerAsync(context, database, query, page, Minutes);
    }

    private static async Task MinuteTotalsAsync(HttpContext context, Database database)
    {
        var query = new Query(context.Request);
        await TotalsAsync(
            context,
            database,
            query,
            MatchingMinutes(query),
            static where =>
                $"""
                    select coalesce(sum(units), 0)::bigint, coalesce(sum(steps), 0)::bigint, coalesce(sum(failures), 0)::bigint
                    from expiration.minute {where}
                    """,
            static row => new MinuteTotals(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2))
        );
    }

    private static PageRows MatchingMinutes(Query query)
    {
        var rows = new PageRows("true");
        if (query.Flag("has_failures") is { } hasFailures)
        {
            rows.Where(hasFailures ? "failures > 0" : "failures = 0");
        }

        rows.Where("at >= {}", query.Instant("from"));
        rows.Where("at < {}", query.Instant("to", isEnd: true));
        return rows;
    }

    /// <summary>Answers with sums over the rows of all pages, to the house alone.</summary>
    internal static async Task TotalsAsync<T>(
        HttpContext context,
        Database database,
        Query query,
        PageRows rows,
        Func<string, string> sql,
        Func<NpgsqlDataReader, T> read
    )
    {
        if ((query.Finish() ?? ListEndpoints.RefusedTo(context)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var cancel = context.RequestAborted;
        await using var command = rows.Over(database, sql);
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        await HttpAnswer.Json(200, read(row)).SendAsync(context);
    }

    private static MinuteView ReadMinute(NpgsqlDataReader row) =>
        new(
            row.GetFieldValue<DateTimeOffset>(0),
            row.GetString(1),
            row.GetInt64(2),
            row.GetInt64(3),
            row.GetInt64(4),
            row.GetInt64(5)
        );

    /// <summary>What a node did in a minute.</summary>
    /// <param name="At">When the minute began.</param>
    /// <param name="Node">Which node.</param>
    /// <param name="Units">Told by the sweep.</param>
    /// <param name="Steps">That went well.</param>
    /// <param name="Failures">Steps that did not.</param>
    /// <param name="LateMs">The longest time from an end to its event.</param>
    private sealed record MinuteView(
        DateTimeOffset At,
        string Node,
        long Units,
        long Steps,
        long Failures,
        long LateMs
    );

    /// <summary>What the minutes add up to.</summary>
    /// <param name="Units">Told by the sweep.</param>
    /// <param name="Steps">That went well.</param>
    /// <param name="Failures">Steps that did not.</param>
    private sealed record MinuteTotals(long Units, long Steps, long Failures);

    /// <summary>What the events add up to.</summary>
    /// <param name="Events">Of all pages.</param>
    /// <param name="Units">In them; less what an undo took back.</param>
    /// <param name="InTime">Of them told in time.</param>
    /// <param name="WorstSeconds">The longest from an end to its event.</param>
    private sealed record ReleaseTotals(long Events, long Units, long InTime, double WorstSeconds);
}
