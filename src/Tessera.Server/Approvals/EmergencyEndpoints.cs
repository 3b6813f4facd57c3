using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Approvals;

/// <summary>An emergency, as wanted.</summary>
/// <param name="Reason">Why, in words; 10 to 2000 characters.</param>
/// <param name="Minutes">How long: 5 to 240.</param>
internal sealed record EmergencyWanted(string Reason, int Minutes);

/// <summary>What was found.</summary>
/// <param name="Finding"><c>justified</c> or <c>not_justified</c>.</param>
/// <param name="Reason">Why, in words.</param>
internal sealed record ReviewWanted(string Finding, string Reason);

/// <summary>Emergencies over HTTP: entered, seen by all who may decide, ended, reviewed by another person (OPS-04).</summary>
internal static partial class EmergencyEndpoints
{
    private static readonly Listed<Emergency> Emergencies = Listed.ByTime(
        $"select {Emergency.Columns} from approvals.emergency e",
        "e.started_at",
        "e.id",
        Emergency.Read,
        static e => (e.StartedAt, e.Id)
    );

    private const int ShortestMinutes = 5;
    private const int LongestMinutes = 240;

    private static readonly Emergency Sample = new(
        Samples.Id,
        "staff:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d60",
        "staff:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d60",
        "Tills of merchant 12 redeemed twice tonight; nobody else is on call.",
        Samples.At,
        Samples.At.AddMinutes(30),
        null,
        true,
        null,
        null,
        null,
        null,
        null,
        2
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/emergencies").WithTags("Approvals");
        group
            .MapGet("", ListAsync)
            .WithName("listEmergencies")
            .WithSummary("List emergencies, running and past, with what was found")
            .RequirePermission(Permissions.ApprovalsRead)
            .WithPages(["started_at"])
            .WithQuery("is_running", "boolean", "Only those that count now, or the others.")
            .WithQuery("is_reviewed", "boolean", "Only those that were reviewed, or were not.")
            .WithAnswer(200, new Page<Emergency>([Sample], false, null), "A page.")
            .WithRefusals(ApprovalRefusals.StaffOnly);
        group
            .MapPost("", StartAsync)
            .WithName("startEmergency")
            .WithSummary("Enter an emergency: until it ends, what you ask for needs no approval")
            .WithRemark("Everybody who may decide is told at once, and another person reviews what you did.")
            .RequirePermission(Permissions.ApprovalsEmergency)
            .WithBody(new EmergencyWanted(Sample.Reason, 30))
            .WithIdempotencyKey(required: true)
            .WithAnswer(201, Sample, "It has begun; Location is its address.")
            .WithRefusals(ApprovalRefusals.Running, ApprovalRefusals.Unreviewed, ApprovalRefusals.StaffOnly);
        group
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getEmergency")
            .WithSummary("Read an emergency")
            .RequirePermission(Permissions.ApprovalsRead)
            .WithAnswer(200, Sample, "The emergency.")
            .WithRefusals(ApprovalRefusals.StaffOnly);
        group
            .MapPost("/{id:guid}/end", EndAsync)
            .WithName("endEmergency")
            .WithSummary("End an emergency before its time")
            .RequirePermission(Permissions.ApprovalsRead)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, Sample with { IsRunning = false, EndedAt = Samples.At.AddMinutes(12) }, "It is over.")
            .WithRefusals(ApprovalRefusals.StaffOnly);
        group
            .MapPost("/{id:guid}/review", ReviewAsync)
            .WithName("reviewEmergency")
            .WithSummary("Say what you found when you looked at an emergency of another person")
            .RequirePermission(Permissions.ApprovalsDecide)
            .WithBody(new ReviewWanted("justified", "All reversals match the till's journal."))
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, Sample with { IsRunning = false, Finding = "justified" }, "Kept.")
            .WithRefusals(
                ApprovalRefusals.NotOver,
                ApprovalRefusals.Reviewed,
                ApprovalRefusals.SamePerson,
                ApprovalRefusals.StaffOnly
            );
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["started_at"], "-started_at", null, context.RequestAborted);
        var rows = new PageRows("true");
        if (query.Flag("is_running") is { } isRunning)
        {
            rows.Where((isRunning ? "" : "not ") + "(e.ended_at is null and e.ends_at > platform.clock())");
        }

        if (query.Flag("is_reviewed") is { } isReviewed)
        {
            rows.Where("e.reviewed_at is " + (isReviewed ? "not null" : "null"));
        }

        await rows.AnswerAsync(context, database, query, page, Emergencies, Outsider(context));
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var found = await Emergency.FindAsync(work, id, hold: false, context.RequestAborted);
        var answer =
            Outsider(context) is { } outsider ? HttpAnswer.Refused(context, outsider)
            : found is null ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Json(StatusCodes.Status200OK, found);
        await answer.SendAsync(context);
    }

    private static async Task StartAsync(HttpContext context, Database database, ILogger<Emergency> log)
    {
        if (await RequestBody.TakeAsync(context, Outsider(context)) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var reason = ApprovalEndpoints.Reason(fields);
        var minutes = fields.Integer("minutes", ShortestMinutes, LongestMinutes);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        Requester? who = null;
        await RunAsync(
            context,
            database,
            body.Bytes,
            required: true,
            async (work, by, cancel) =>
            {
                var (id, refused) = await Emergency.StartAsync(work, reason!, (int)minutes!.Value, by, cancel);
                if (refused is not null)
                {
                    return HttpAnswer.Refused(context, refused);
                }

                who = by;
                var made = await Emergency.FindAsync(work, id, hold: false, cancel);
                return HttpAnswer.Json(201, made, $"/api/v1/emergencies/{id}");
            },
            () =>
            {
                if (who is not null)
                {
                    LogStarted(log, who.Actor, minutes!.Value, who.CorrelationId);
                }
            }
        );
    }

    private static async Task EndAsync(HttpContext context, Guid id, Database database)
    {
        if (Outsider(context) is { } outsider)
        {
            await Problems.WriteAsync(context, outsider);
            return;
        }

        await RunAsync(
            context,
            database,
            default,
            required: false,
            async (work, by, cancel) =>
            {
                var held = await Emergency.FindAsync(work, id, hold: true, cancel);
                if (held is null || (held.Person != by.Person && !Caller.Of(context).Can(Permissions.ApprovalsDecide)))
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                await Emergency.EndAsync(work, held, by, cancel);
                return HttpAnswer.Json(200, await Emergency.FindAsync(work, id, hold: false, cancel));
            }
        );
    }

    private static async Task ReviewAsync(HttpContext context, Guid id, Database database)
    {
        if (await RequestBody.TakeAsync(context, Outsider(context)) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var finding = fields.Word("finding", Emergency.Findings);
        var note = ApprovalEndpoints.Reason(fields);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await RunAsync(
            context,
            database,
            body.Bytes,
            required: false,
            async (work, by, cancel) =>
            {
                var held = await Emergency.FindAsync(work, id, hold: true, cancel);
                var refused = held is null
                    ? Entry.NotFound
                    : await Emergency.ReviewAsync(work, held, finding!, note!, by, cancel);
                return refused is not null
                    ? HttpAnswer.Refused(context, refused)
                    : HttpAnswer.Json(200, await Emergency.FindAsync(work, id, hold: false, cancel));
            }
        );
    }

    private static Task RunAsync(
        HttpContext context,
        Database database,
        ReadOnlyMemory<byte> body,
        bool required,
        Func<UnitOfWork, Requester, CancellationToken, Task<HttpAnswer>> run,
        Action? committed = null
    )
    {
        var caller = Caller.Of(context);
        return Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body,
            async work =>
            {
                var by = await Requester.OfAsync(work, caller, RequestIds.Of(context), CancellationToken.None);
                return await run(work, by, CancellationToken.None);
            },
            required,
            committed
        );
    }

    private static Refusal? Outsider(HttpContext context) =>
        Caller.Of(context).Realm == Realms.Staff ? null : ApprovalRefusals.StaffOnly;

    /// <summary>The alert: monitoring wakes people by level and event id, and the feed carries emergency.started.</summary>
    [LoggerMessage(3101, LogLevel.Critical, "{Who} entered an emergency for {Minutes} minutes, request {RequestId}")]
    private static partial void LogStarted(ILogger log, string who, long minutes, string requestId);
}
