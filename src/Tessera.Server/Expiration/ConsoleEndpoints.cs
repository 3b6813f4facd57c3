using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Expiration;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>The console of those who watch the pipeline at night (EXP-05, EXP-15, EXP-17): figures, steering, priorities.</summary>
internal static class ConsoleEndpoints
{
    private const int FurthestReplayDays = 400;

    /// <summary>Hours that the look-ahead may span; the table holds the same bounds.</summary>
    internal const int LeastLookAhead = 24;
    internal const int MostLookAhead = 720;

    private static readonly (string Verb, string Mode, string Summary)[] Moves =
    [
        ("pause", "paused", "Stop enqueueing and working; no coupon is usable longer for it"),
        ("resume", "running", "Let the pipeline run again"),
        ("drain", "draining", "Work what is enqueued, and enqueue nothing new"),
    ];

    private static readonly Refusal NotOpen = new("job_not_open", "This job is done, or there is none of this id.");

    public static void Map(IEndpointRouteBuilder api)
    {
        var expiry = api.MapGroup("/expiry").WithTags("Expiry");
        expiry
            .MapGet("/figures", FiguresAsync)
            .WithName("getExpiryFigures")
            .WithSummary("Backlog, speed, failures, lag of each partner, SLA adherence of the expiry pipeline")
            .RequirePermission(Permissions.ExpiryRead)
            .WithAnswer(200, Figures.Example, "As of now.")
            .WithRefusals(Scoped);
        foreach (var (verb, mode, summary) in Moves)
        {
            expiry
                .MapPost("/" + verb, (HttpContext context, Database database) => MoveAsync(context, database, mode))
                .WithName(verb + "Expiry")
                .WithSummary(summary)
                .RequirePermission(Permissions.ExpiryManage)
                .WithIdempotencyKey(required: false)
                .WithAnswer(200, new ModeView(mode, Samples.At, "key:1"), "The new mode.")
                .WithRefusals(Scoped);
        }

        expiry
            .MapPost("/replay", ReplayAsync)
            .WithName("replayExpiry")
            .WithSummary("Look at the ends of a span of time again: enqueue what was not, tell of what was missed")
            .RequirePermission(Permissions.ExpiryManage)
            .WithBody(new ReplayWanted(Samples.At, Samples.At.AddHours(6)))
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, new ReplayView(6, 0, 1), "What was found.")
            .WithRefusals(Scoped);
        expiry
            .MapPut("/look-ahead", LookAheadAsync)
            .WithName("setExpiryLookAhead")
            .WithSummary("Set how far ahead hours of ends are enqueued")
            .RequirePermission(Permissions.ExpiryManage)
            .WithBody(new LookAheadSetting(48))
            .WithAnswer(200, new LookAheadSetting(48), "As it is now; hours that are enqueued stay so.")
            .WithRefusals(Scoped);
        expiry
            .MapPatch("/jobs/{id:long}", PrioritiseAsync)
            .WithName("prioritiseExpiryJob")
            .WithSummary("Change the priority of a job that is not done")
            .RequirePermission(Permissions.ExpiryManage)
            .WithPatch(new PriorityWanted(100))
            .WithAnswer(200, JobView.Example, "The job.")
            .WithRefusals(NotOpen, Scoped);
        expiry
            .MapPost("/jobs/{id:long}/retry", RetryAsync)
            .WithName("retryExpiryJob")
            .WithSummary("Try a job that has failed again, at once")
            .RequirePermission(Permissions.ExpiryManage)
            .WithIdempotencyKey(required: false)
            .WithAnswer(200, JobView.Example, "The job.")
            .WithRefusals(NotOpen, Scoped);
        expiry
            .MapPut("/merchants/{id:guid}/priority", MerchantAsync)
            .WithName("prioritiseMerchant")
            .WithSummary("Let the units of a merchant go first, also in a backlog that is being worked")
            .RequirePermission(Permissions.ExpiryManage)
            .WithBody(new PriorityWanted(100))
            .WithAnswer(200, new MerchantPriority(Samples.Id, 100), "The priority.")
            .WithRefusals(Scoped);
        ListEndpoints.Map(expiry);
        RowEndpoints.Map(expiry);
        TimeToLiveEndpoints.Map(expiry);
        TimelineEndpoints.Map(expiry);
    }

    /// <summary>The pipeline is the house's; a merchant's key sees nothing of it.</summary>
    internal static readonly Refusal Scoped = new(
        "not_for_merchants",
        "The expiry pipeline can be seen and steered by the house alone.",
        RefusalKind.Forbidden
    );

    private static async Task FiguresAsync(HttpContext context, Database database)
    {
        if (Caller.Of(context).MerchantId is not null)
        {
            await Problems.WriteAsync(context, Scoped);
            return;
        }

        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        var figures = await ConsoleStore.FiguresAsync(work, cancel) with
        {
            Minutes = await ConsoleStore.MinutesAsync(work, cancel),
            Partners = await ConsoleStore.PartnersAsync(work, cancel),
        };
        await HttpAnswer.Json(200, figures).SendAsync(context);
    }

    private static Task MoveAsync(HttpContext context, Database database, string mode) =>
        DoAsync(
            context,
            database,
            default,
            async (work, caller) =>
            {
                await ConsoleStore.SetModeAsync(work, mode, caller.Actor, RequestIds.Of(context), default);
                var control = await ControlStore.ReadAsync(work, default);
                return HttpAnswer.Json(200, new ModeView(control.Mode, control.ChangedAt, control.ChangedBy));
            }
        );

    private static async Task ReplayAsync(HttpContext context, Database database, CatchUp catchUp)
    {
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var client = Caller.Of(context);
        if (client.MerchantId is not null)
        {
            await Problems.WriteAsync(context, Scoped);
            return;
        }

        if (await Idempotent.RepeatAsync(context, database, client.ClientId, body.Bytes, required: true))
        {
            return;
        }

        var fields = Fields.Of(body);
        var (from, until) = (fields.Instant("from"), fields.Instant("until"));
        if (from >= until)
        {
            fields.Add("until", "not_after", "This has to be later than from.");
        }
        else if (until - from > TimeSpan.FromDays(FurthestReplayDays))
        {
            fields.Add("until", "too_far", $"A replay spans at most {FurthestReplayDays:maximum} days.");
        }

        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        // It may take minutes. Each step is a transaction of its own and does nothing twice, so a repeat is harmless.
        var found = await catchUp.ReplayAsync(from!.Value, until!.Value, default);
        await DoAsync(
            context,
            database,
            body.Bytes,
            async (work, caller) =>
            {
                await ConsoleStore.TellAsync(
                    work,
                    "expiry_pipeline",
                    "1",
                    "expiry.replayed",
                    0,
                    caller.Actor,
                    RequestIds.Of(context),
                    [
                        ("from", Instants.Format(from.Value)),
                        ("until", Instants.Format(until.Value)),
                        ("units", found.Units),
                    ],
                    default
                );
                return HttpAnswer.Json(200, new ReplayView(found.Hours, found.Units, found.Retried));
            },
            required: true
        );
    }

    private static async Task LookAheadAsync(HttpContext context, Database database)
    {
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var hours = (int)(fields.Integer("hours", LeastLookAhead, MostLookAhead) ?? 0);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await DoAsync(
            context,
            database,
            body.Bytes,
            async (work, caller) =>
            {
                await ConsoleStore.SetLookAheadAsync(work, hours, caller.Actor, RequestIds.Of(context), default);
                return HttpAnswer.Json(200, new LookAheadSetting(hours));
            }
        );
    }

    private static async Task PrioritiseAsync(HttpContext context, long id, Database database)
    {
        var (body, priority, refusal) = await PriorityAsync(context);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await DoAsync(
            context,
            database,
            body,
            async (work, caller) =>
                await ConsoleStore.SetPriorityAsync(work, id, priority, caller.Actor, RequestIds.Of(context), default)
                    ? HttpAnswer.Json(200, await ListStore.JobAsync(work, id, default))
                    : HttpAnswer.Refused(context, NotOpen)
        );
    }

    private static Task RetryAsync(HttpContext context, long id, Database database) =>
        DoAsync(
            context,
            database,
            default,
            async (work, caller) =>
                await ConsoleStore.RetryAsync(work, id, caller.Actor, RequestIds.Of(context), default)
                    ? HttpAnswer.Json(200, await ListStore.JobAsync(work, id, default))
                    : HttpAnswer.Refused(context, NotOpen)
        );

    private static async Task MerchantAsync(HttpContext context, Guid id, Database database)
    {
        var (body, priority, refusal) = await PriorityAsync(context);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await DoAsync(
            context,
            database,
            body,
            async (work, caller) =>
            {
                await using (var find = work.Command("select true from access.merchant where id = $1", id))
                {
                    if (await find.ExecuteScalarAsync() is null)
                    {
                        return HttpAnswer.Refused(context, Entry.NotFound);
                    }
                }

                var request = RequestIds.Of(context);
                await ConsoleStore.PrioritiseAsync(work, id, priority, "hand", caller.Actor, request, default);
                return HttpAnswer.Json(200, new MerchantPriority(id, priority));
            }
        );
    }

    private static async Task<(ReadOnlyMemory<byte> Body, int Priority, Refusal? Refusal)> PriorityAsync(
        HttpContext context
    )
    {
        var (body, refusal) = await RequestBody.ReadAsync(context);
        if (refusal is not null)
        {
            return (default, 0, refusal);
        }

        var fields = Fields.Of(body!);
        var priority = fields.Integer("priority", -1000, 1000);
        return (body!.Bytes, (int)(priority ?? 0), fields.Finish());
    }

    internal static async Task DoAsync(
        HttpContext context,
        Database database,
        ReadOnlyMemory<byte> body,
        Func<UnitOfWork, Caller, Task<HttpAnswer>> run,
        bool required = false
    )
    {
        var caller = Caller.Of(context);
        if (caller.MerchantId is not null)
        {
            await Problems.WriteAsync(context, Scoped);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body,
            work => run(work, caller),
            required: required
        );
    }

    /// <summary>How the pipeline runs.</summary>
    private sealed record ModeView(string Mode, DateTimeOffset ChangedAt, string ChangedBy);

    /// <summary>The span whose ends are looked at again.</summary>
    /// <param name="From">First instant.</param>
    /// <param name="Until">First instant after it; at most 400 days later.</param>
    private sealed record ReplayWanted(DateTimeOffset From, DateTimeOffset Until);

    /// <summary>What a replay found.</summary>
    /// <param name="Hours">That were enqueued now.</param>
    /// <param name="Units">That were told of now.</param>
    /// <param name="Jobs">That had failed and are tried again.</param>
    private sealed record ReplayView(int Hours, long Units, int Jobs);

    /// <summary>How far ahead hours of ends are enqueued.</summary>
    /// <param name="Hours">24 to 720.</param>
    private sealed record LookAheadSetting(int Hours);

    /// <summary>How urgent.</summary>
    /// <param name="Priority">-1000 to 1000; higher goes first; 0 is ordinary.</param>
    private sealed record PriorityWanted(int Priority);

    /// <summary>The priority of a merchant.</summary>
    private sealed record MerchantPriority(Guid MerchantId, int Priority);
}
