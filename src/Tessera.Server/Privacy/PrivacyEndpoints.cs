using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Privacy;

/// <summary>A request of a person, as entered.</summary>
/// <param name="CustomerId">Who asks.</param>
/// <param name="Kind">What for.</param>
/// <param name="Purposes">Of an objection: <c>marketing</c>, <c>profiling</c>, <c>analytics</c>.</param>
/// <param name="ReceivedAt">When it was received; now unless given.</param>
internal sealed record PrivacyRequestWanted(
    Guid CustomerId,
    string Kind,
    IReadOnlyList<string>? Purposes = null,
    DateTimeOffset? ReceivedAt = null
);

/// <summary>What a request is completed with.</summary>
/// <param name="Corrected">Of a rectification: all personal data as it is to be.</param>
internal sealed record CompleteWanted(PersonalData? Corrected = null);

/// <summary>Why a request is refused.</summary>
/// <param name="Ground">A word.</param>
internal sealed record RefuseRequestWanted(string Ground);

/// <summary>Requests of data subjects over HTTP: entered, listed by due date, done with proof, refused (AUD-06).</summary>
internal static class PrivacyEndpoints
{
    private static readonly Listed<PrivacyRequest> Requests = Listed.ByTime(
        $"select {PrivacyRequest.Columns} from privacy.request",
        "received_at",
        "id",
        PrivacyRequest.Read,
        static r => (r.ReceivedAt, r.Id)
    );

    private static readonly Refusal StaffOnly = new(
        "staff_only",
        "Only staff handles the requests of data subjects.",
        RefusalKind.Forbidden
    );

    private static readonly Refusal Decided = new("already_decided", "This request was done or refused before.");

    private static readonly Refusal NoExport = new(
        "no_export",
        "There is no copy to fetch: it was fetched before, its seven days are over, or this request makes none."
    );

    private static readonly PrivacyRequest Sample = new(
        Samples.Id,
        new Guid("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5f"),
        "erasure",
        "done",
        [],
        Samples.At,
        Samples.At.AddMonths(1),
        false,
        "person:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d60",
        "person:01970f3e-8a00-7c3e-9d52-6f1b2a3c4d60",
        Samples.At.AddDays(1),
        null,
        JsonDocument
            .Parse(
                """{"destroyed_key":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824","removed":{"customer":1,"origins":4}}"""
            )
            .RootElement,
        null,
        null,
        2
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var group = api.MapGroup("/privacy-requests").WithTags("Privacy");
        group
            .MapGet("", ListAsync)
            .WithName("listPrivacyRequests")
            .WithSummary("List the requests of data subjects with their due dates")
            .RequirePermission(Permissions.PrivacyRequests)
            .LogReads("privacy_requests", "privacy_request")
            .WithPages(["received_at"])
            .WithQuery("state", "string", "Only those in this state.", PrivacyRequest.States)
            .WithQuery("kind", "string", "Only those of this kind.", PrivacyRequest.Kinds)
            .WithQuery("customer_id", "string", "Only those of this customer.")
            .WithQuery("is_overdue", "boolean", "Only those that are open and late, or the others.")
            .WithAnswer(200, new Page<PrivacyRequest>([Sample], false, null), "A page.")
            .WithRefusals(StaffOnly);
        group
            .MapPost("", CreateAsync)
            .WithName("createPrivacyRequest")
            .WithSummary("Enter a request of a data subject; it is due a month after it was received")
            .RequirePermission(Permissions.PrivacyRequests)
            .WithBody(new PrivacyRequestWanted(Sample.CustomerId, "objection", ["marketing"], Samples.At))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                201,
                Sample with
                {
                    State = "open",
                    DecidedAt = null,
                    DecidedBy = null,
                    Proof = null,
                },
                "Entered."
            )
            .WithRefusals(StaffOnly);
        group
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getPrivacyRequest")
            .WithSummary("Read a request of a data subject")
            .RequirePermission(Permissions.PrivacyRequests)
            .LogReads("privacy_requests", "privacy_request")
            .WithAnswer(200, Sample, "The request.")
            .WithRefusals(StaffOnly);
        group
            .MapPost("/{id:guid}/complete", CompleteAsync)
            .WithName("completePrivacyRequest")
            .WithSummary("Do what a data subject asked for, and keep the proof")
            .WithRemark(
                "Erasure destroys the person's key and data in every store; ledger and log keep an id that leads to nobody. "
                    + "Access and portability make a copy that can be fetched once within seven days."
            )
            .RequirePermission(Permissions.PrivacyRequests)
            .WithBody(new CompleteWanted(new PersonalData("Ada", "Lovelace", "ada@example.org")))
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, Sample, "Done, with the proof.")
            .WithRefusals(StaffOnly, Decided, Erasure.LegalHold, Erasure.StillRunning, Erasure.MoneyStands);
        group
            .MapPost("/{id:guid}/refuse", RefuseAsync)
            .WithName("refusePrivacyRequest")
            .WithSummary("Refuse a request of a data subject on a ground of the law")
            .RequirePermission(Permissions.PrivacyRequests)
            .WithBody(new RefuseRequestWanted("not_the_person"))
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, Sample with { State = "refused", Ground = "not_the_person", Proof = null }, "Refused.")
            .WithRefusals(StaffOnly, Decided);
        group
            .MapPost("/{id:guid}/export", ExportAsync)
            .WithName("fetchPrivacyExport")
            .WithSummary("Fetch the copy of a data subject's data, once, as a ZIP of JSON Lines and CSV")
            .RequirePermission(Permissions.PrivacyRequests)
            .WithAnswer(200, "The copy.", "application/zip")
            .WithRefusals(StaffOnly, NoExport);
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["received_at"], "-received_at", null, context.RequestAborted);
        var rows = new PageRows("true");
        rows.Equal("state", query.Word("state", PrivacyRequest.States));
        rows.Equal("kind", query.Word("kind", PrivacyRequest.Kinds));
        rows.Equal("customer_id", query.Id("customer_id"));
        if (query.Flag("is_overdue") is { } isOverdue)
        {
            rows.Where((isOverdue ? "" : "not ") + "(state = 'open' and due_at < platform.clock())");
        }

        await rows.AnswerAsync(context, database, query, page, Requests, Outsider(context));
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var found = await PrivacyRequest.FindAsync(work, id, hold: false, context.RequestAborted);
        var refusal = Outsider(context) ?? (found is null ? Entry.NotFound : null);
        await (refusal is null ? HttpAnswer.Json(200, found) : HttpAnswer.Refused(context, refusal)).SendAsync(context);
    }

    private static async Task CreateAsync(HttpContext context, Database database)
    {
        if (await RequestBody.TakeAsync(context, Outsider(context)) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var customer = fields.Id("customer_id");
        var kind = fields.Word("kind", PrivacyRequest.Kinds);
        var purposes = fields.List(
            "purposes",
            PrivacyRequest.AllPurposes.Length,
            static (item, place) => item.Word(place, PrivacyRequest.AllPurposes),
            required: kind == "objection"
        );
        var received = fields.Instant("received_at", required: false);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await RunAsync(
            context,
            database,
            body,
            async work =>
            {
                var cancel = CancellationToken.None;
                var now = await work.ClockAsync(cancel);
                await using (
                    var known = work.Command(
                        "select exists (select from access.customer where id = $1)",
                        customer!.Value
                    )
                )
                {
                    if (!(bool)(await known.ExecuteScalarAsync(cancel))!)
                    {
                        fields.Add("customer_id", "unknown_customer", "There is no such customer.");
                    }
                }

                if (received > now)
                {
                    fields.Add("received_at", "in_the_future", "This has to be in the past.");
                }

                if (fields.Finish() is { } bad)
                {
                    return HttpAnswer.Refused(context, bad);
                }

                var actor = Caller.Of(context).Actor;
                var at = received ?? now;
                string[] why = [.. (purposes ?? []).Distinct()];
                var id = await PrivacyRequest.InsertAsync(work, customer.Value, kind!, why, at, actor, cancel);
                await TellAsync(context, work, id, "created", 1, now, [("kind", kind), ("customer_id", customer)]);
                var made = await PrivacyRequest.FindAsync(work, id, hold: false, cancel);
                return HttpAnswer.Json(201, made, $"/api/v1/privacy-requests/{id}");
            }
        );
    }

    private static async Task CompleteAsync(HttpContext context, Guid id, Database database, Fulfilment fulfilment)
    {
        if (await RequestBody.TakeAsync(context, Outsider(context)) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var corrected = fields.Object("corrected", required: false) is { } given
            ? PersonalDataEndpoints.Read(given)
            : null;
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await RunAsync(
            context,
            database,
            body,
            async work =>
            {
                var cancel = CancellationToken.None;
                var held = await PrivacyRequest.FindAsync(work, id, hold: true, cancel);
                if (held is not { State: "open" })
                {
                    return HttpAnswer.Refused(context, held is null ? Entry.NotFound : Decided);
                }

                var now = await work.ClockAsync(cancel);
                var asker = new Fulfiller(Caller.Of(context).Actor, RequestIds.Of(context));
                var (proof, refusal) = await fulfilment.RunAsync(work, held, corrected, now, asker, cancel);
                if (refusal is not null)
                {
                    return HttpAnswer.Refused(context, refusal);
                }

                DateTimeOffset? until = held.Kind is "access" or "portability"
                    ? now.AddDays(Fulfilment.ExportDays)
                    : null;
                var actor = Caller.Of(context).Actor;
                await PrivacyRequest.DecideAsync(work, id, "done", actor, now, null, proof, until, cancel);
                (string, object?)[] facts =
                [
                    ("kind", held.Kind),
                    ("customer_id", held.CustomerId),
                    ("proof", JsonDocument.Parse(proof!).RootElement),
                    ("in_time", now <= held.DueAt),
                ];
                await TellAsync(context, work, id, "done", held.Version + 1, now, facts);
                return HttpAnswer.Json(200, await PrivacyRequest.FindAsync(work, id, hold: false, cancel));
            }
        );
    }

    private static async Task RefuseAsync(HttpContext context, Guid id, Database database)
    {
        if (await RequestBody.TakeAsync(context, Outsider(context)) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var ground = fields.Word("ground", PrivacyRequest.Grounds);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await RunAsync(
            context,
            database,
            body,
            async work =>
            {
                var cancel = CancellationToken.None;
                var held = await PrivacyRequest.FindAsync(work, id, hold: true, cancel);
                if (held is not { State: "open" })
                {
                    return HttpAnswer.Refused(context, held is null ? Entry.NotFound : Decided);
                }

                var now = await work.ClockAsync(cancel);
                var actor = Caller.Of(context).Actor;
                await PrivacyRequest.DecideAsync(work, id, "refused", actor, now, ground, null, null, cancel);
                (string, object?)[] facts = [("kind", held.Kind), ("customer_id", held.CustomerId), ("ground", ground)];
                await TellAsync(context, work, id, "refused", held.Version + 1, now, facts);
                return HttpAnswer.Json(200, await PrivacyRequest.FindAsync(work, id, hold: false, cancel));
            }
        );
    }

    private static async Task ExportAsync(HttpContext context, Guid id, Database database, PersonStore persons)
    {
        if (Outsider(context) is { } outsider)
        {
            await Problems.WriteAsync(context, outsider);
            return;
        }

        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        var held = await PrivacyRequest.FindAsync(work, id, hold: true, cancel);
        var now = await work.ClockAsync(cancel);
        if (held is null || held.FetchedAt is not null || !(held.ExportUntil > now))
        {
            await Problems.WriteAsync(context, held is null ? Entry.NotFound : NoExport);
            return;
        }

        var personal = await persons.FindAsync(work, held.CustomerId, cancel);
        var file = await SubjectExport.MakeAsync(work, held.CustomerId, personal?.Data, cancel);
        await work.ExecuteAsync(
            "update privacy.request set fetched_at = $2, version = version + 1 where id = $1",
            [id, now],
            cancel
        );
        (string, object?)[] facts =
        [
            ("customer_id", held.CustomerId),
            ("sha256", Convert.ToHexStringLower(SHA256.HashData(file))),
        ];
        await TellAsync(context, work, id, "fetched", held.Version + 1, now, facts);
        await work.CommitAsync(CancellationToken.None);
        context.Response.ContentType = "application/zip";
        context.Response.Headers.ContentDisposition = "attachment; filename=\"your-data.zip\"";
        context.Response.ContentLength = file.Length;
        await context.Response.Body.WriteAsync(file, cancel);
    }

    private static Task RunAsync(
        HttpContext context,
        Database database,
        RequestBody body,
        Func<UnitOfWork, Task<HttpAnswer>> run
    ) => Idempotent.RunAsync(context, database, Caller.Of(context).ClientId, body.Bytes, run, required: true);

    private static Refusal? Outsider(HttpContext context) =>
        Caller.Of(context).Realm == Realms.Staff ? null : StaffOnly;

    private static Task TellAsync(
        HttpContext context,
        UnitOfWork work,
        Guid id,
        string what,
        int version,
        DateTimeOffset now,
        (string, object?)[] facts
    )
    {
        var entry = new EventEntry(
            "privacy_request",
            id.ToString(),
            "privacy_request." + what,
            version,
            Caller.Of(context).Actor,
            EventLog.Payload(facts),
            RequestIds.Of(context)
        );
        return EventLog.AppendAsync(work, now, [entry], CancellationToken.None);
    }
}
