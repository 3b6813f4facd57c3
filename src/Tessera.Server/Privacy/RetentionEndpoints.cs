using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Retention;

namespace Tessera.Server.Privacy;

/// <summary>How long a kind of data is kept, and what the last run did.</summary>
/// <param name="DataKind">The kind.</param>
/// <param name="Description">What it is.</param>
/// <param name="KeepDays">How long it is kept.</param>
/// <param name="FewestDays">The fewest days it can be kept, because something relies on it for so long.</param>
/// <param name="Action">delete or archive: what is done when the period is over.</param>
/// <param name="MayArchive">Whether it can be archived.</param>
/// <param name="IsHeld">Whether a legal hold stands on the whole kind.</param>
/// <param name="Version">Counts the changes; 0 for the period it came with.</param>
/// <param name="LastRunAt">When it was last looked through.</param>
/// <param name="IsRunning">Whether that goes on still.</param>
/// <param name="LastDeleted">What was deleted then.</param>
/// <param name="LastArchived">What was archived then.</param>
/// <param name="LastHeld">What a legal hold kept then.</param>
internal sealed record RetentionView(
    string DataKind,
    string Description,
    int KeepDays,
    int FewestDays,
    string Action,
    bool MayArchive,
    bool IsHeld,
    int Version,
    DateTimeOffset? LastRunAt,
    bool IsRunning,
    long? LastDeleted,
    long? LastArchived,
    long? LastHeld
)
{
    public static RetentionView Of(RetainedKind kind, RetentionPolicy policy, RetentionRun? last, bool isHeld) =>
        new(
            kind.Name,
            kind.Description,
            policy.KeepDays,
            kind.FewestDays,
            policy.Action,
            kind.MayArchive,
            isHeld,
            policy.Version,
            last?.At,
            last is { FinishedAt: null },
            last?.Deleted,
            last?.Archived,
            last?.Held
        );
}

/// <summary>All kinds.</summary>
internal sealed record RetentionList(IReadOnlyList<RetentionView> Data);

/// <summary>A period, as wanted.</summary>
/// <param name="KeepDays">From the fewest days of the kind to 36500.</param>
/// <param name="Action">delete or archive; delete unless given.</param>
internal sealed record RetentionWanted(int KeepDays, string Action = RetentionSql.Delete);

/// <summary>What a run did.</summary>
/// <param name="Id">UUIDv7.</param>
/// <param name="DataKind">The kind.</param>
/// <param name="KeepDays">The period that counted.</param>
/// <param name="Deleted">What was deleted.</param>
/// <param name="Archived">What was archived.</param>
/// <param name="Held">What a legal hold kept.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="FinishedAt">When it ended; null while it runs.</param>
internal sealed record RetentionReport(
    Guid Id,
    string DataKind,
    int KeepDays,
    long Deleted,
    long Archived,
    long Held,
    DateTimeOffset StartedAt,
    DateTimeOffset? FinishedAt
);

/// <summary>Something that was archived.</summary>
/// <param name="Id">Ascending.</param>
/// <param name="DataKind">The kind.</param>
/// <param name="CustomerId">Whose it was; null for nobody's.</param>
/// <param name="Content">The record, with what went with it.</param>
/// <param name="ArchivedAt">When.</param>
internal sealed record ArchivedRecord(
    long Id,
    string DataKind,
    Guid? CustomerId,
    [property: Guarded(Permissions.FinanceRead)] JsonElement Content,
    DateTimeOffset ArchivedAt
);

/// <summary>Retention periods, their reports and the archive over HTTP (AUD-08).</summary>
internal static class RetentionEndpoints
{
    private static readonly Listed<RetentionRun> Runs = Listed.ByTime(
        $"select {RetentionRun.Columns} from privacy.retention_run",
        "at",
        "id",
        RetentionRun.Read,
        static r => (r.At, r.Id)
    );

    private static readonly Listed<ArchivedRecord> Records = new(
        "select id, data_kind, customer_id, content::text, at from privacy.archived",
        ("at", "timestamptz"),
        ("id", "bigint"),
        static row => new ArchivedRecord(
            row.GetInt64(0),
            row.GetString(1),
            row.Value<Guid>(2),
            JsonDocument.Parse(row.GetString(3)).RootElement,
            row.GetFieldValue<DateTimeOffset>(4)
        ),
        static r => [PageRequest.KeyOf(r.ArchivedAt), r.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]
    );

    private const int LongestDays = 36_500;

    internal static readonly Refusal StaffOnly = new(
        "staff_only",
        "Only staff sees retention and legal holds.",
        RefusalKind.Forbidden
    );

    private static readonly RetentionView View = new(
        "attempt_origin",
        "Addresses and fingerprints of attempts, for finding fraud.",
        180,
        1,
        RetentionSql.Delete,
        false,
        false,
        1,
        Samples.At,
        false,
        412,
        0,
        3
    );

    private static readonly RetentionReport Report = new(
        Samples.Id,
        "attempt_origin",
        180,
        412,
        0,
        3,
        Samples.At,
        Samples.At.AddSeconds(2)
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var retention = api.MapGroup("/retention").WithTags("Privacy");
        retention
            .MapGet("", ListAsync)
            .WithName("listRetention")
            .WithSummary("List how long each kind of data is kept, and what the last run deleted, archived and held")
            .RequirePermission(Permissions.RetentionManage)
            .LogReads("retention")
            .WithAnswer(200, new RetentionList([View]), "All kinds.")
            .WithRefusals(StaffOnly);
        retention
            .MapPut("/{kind}", SetAsync)
            .WithName("setRetention")
            .WithSummary("Set how long a kind of data is kept, and what becomes of it then")
            .RequirePermission(Permissions.RetentionManage)
            .WithIfMatch()
            .WithBody(new RetentionWanted(90))
            .WithAnswer(200, View with { KeepDays = 90 }, "The new period, with its ETag.")
            .WithRefusals(StaffOnly);
        retention
            .MapGet("/runs", RunsAsync)
            .WithName("listRetentionRuns")
            .WithSummary("List what was deleted, archived and held, run by run")
            .RequirePermission(Permissions.RetentionManage)
            .LogReads("retention_runs")
            .WithPages(["started_at"])
            .WithQuery("data_kind", "string", "Only those of this kind.")
            .WithQuery("has_archived", "boolean", "Only those that archived something.")
            .WithAnswer(200, new Page<RetentionReport>([Report], false, null), "A page.")
            .WithRefusals(StaffOnly);
        retention
            .MapGet("/archive", ArchiveAsync)
            .WithName("listArchive")
            .WithSummary("List what was archived when its period was over")
            .RequirePermission(Permissions.RetentionManage)
            .LogReads("archive")
            .WithPages(["archived_at"])
            .WithQuery("data_kind", "string", "Only those of this kind.")
            .WithQuery("customer_id", "string", "Only those of this customer.")
            .WithAnswer(
                200,
                new Page<ArchivedRecord>(
                    [
                        new(
                            1,
                            "refusal",
                            null,
                            JsonSerializer.SerializeToElement(new { reason = "expired" }),
                            Samples.At
                        ),
                    ],
                    false,
                    null
                ),
                "A page."
            )
            .WithRefusals(StaffOnly);
    }

    private static async Task ListAsync(HttpContext context, Database database, RetainedKinds kinds)
    {
        var query = new Query(context.Request);
        if ((query.Finish() ?? Outsider(context)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var work = await database.BeginAsync(context.RequestAborted);
        var views = new List<RetentionView>();
        foreach (var kind in kinds.All)
        {
            views.Add(await ViewAsync(work, kind, context.RequestAborted));
        }

        await HttpAnswer.Json(200, new RetentionList(views)).SendAsync(context);
    }

    private static Task SetAsync(HttpContext context, string kind, Database database, RetainedKinds kinds) =>
        Idempotent.RunAsync(
            context,
            database,
            Caller.Of(context).ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                if (kinds.Find(kind) is not { } known)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                var days = fields.Integer("keep_days", known.FewestDays, LongestDays);
                var action = fields.Word("action", [RetentionSql.Delete, RetentionSql.Archive], required: false);
                if (action == RetentionSql.Archive && !known.MayArchive)
                {
                    fields.Add("action", "not_archived", "This kind of data is deleted; it cannot be archived.");
                }

                if (fields.Finish() is { } wrong)
                {
                    return HttpAnswer.Refused(context, wrong);
                }

                await work.ExecuteAsync(
                    "select pg_advisory_xact_lock(hashtextextended($1, 0))",
                    [RetentionWorker.LockOf(kind)],
                    cancel
                );
                var before = await ViewAsync(work, known, cancel);
                if (ETags.Check(context, ETags.Of(before.Version)) is { } stale)
                {
                    return HttpAnswer.Refused(context, stale);
                }

                await RetentionStore.SetAsync(work, kind, (int)days!.Value, action ?? RetentionSql.Delete, cancel);
                var after = await ViewAsync(work, known, cancel);
                static Dictionary<string, object> Said(RetentionView view) =>
                    new() { ["keep_days"] = view.KeepDays, ["action"] = view.Action };
                (string, object?)[] facts = [("before", Said(before)), ("after", Said(after))];
                await TellAsync(context, work, "retention", kind, "retention.changed", after.Version, facts);
                return HttpAnswer.Json(200, after, etag: ETags.Of(after.Version));
            },
            first: Outsider(context)
        );

    private static async Task RunsAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["started_at"], "-started_at", null, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("data_kind", query.Text("data_kind", 40));
        rows.Equal("(archived > 0)", query.Flag("has_archived"));
        await rows.AnswerAsync(
            context,
            database,
            query,
            page,
            Runs,
            static r => new RetentionReport(
                r.Id,
                r.DataKind,
                r.KeepDays,
                r.Deleted,
                r.Archived,
                r.Held,
                r.At,
                r.FinishedAt
            ),
            Outsider(context)
        );
    }

    private static async Task ArchiveAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["archived_at"], "-archived_at", null, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("data_kind", query.Text("data_kind", 40));
        rows.Equal("customer_id", query.Id("customer_id"));
        await rows.AnswerAsync(context, database, query, page, Records, Outsider(context));
    }

    private static async Task<RetentionView> ViewAsync(UnitOfWork work, RetainedKind kind, CancellationToken cancel)
    {
        var policy = await RetentionStore.PolicyAsync(work, kind, cancel);
        var last = await RetentionStore.LastAsync(work, kind.Name, cancel);
        await using var hold = work.Command(
            "select exists (select from privacy.legal_hold where data_kind = $1 and ended_at is null)",
            kind.Name
        );
        return RetentionView.Of(kind, policy, last, (bool)(await hold.ExecuteScalarAsync(cancel))!);
    }

    internal static Refusal? Outsider(HttpContext context) =>
        Caller.Of(context).Realm == Realms.Staff ? null : StaffOnly;

    internal static async Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        string aggregate,
        string id,
        string type,
        int version,
        (string, object?)[] facts
    )
    {
        var entry = new EventEntry(
            aggregate,
            id,
            type,
            version,
            Caller.Of(context).Actor,
            EventLog.Payload(facts),
            RequestIds.Of(context)
        );
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(CancellationToken.None),
            [entry],
            CancellationToken.None
        );
    }
}
