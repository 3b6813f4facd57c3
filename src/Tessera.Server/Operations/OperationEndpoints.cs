using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using NpgsqlTypes;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Operations;

/// <summary>Operations over HTTP (convention 5): listed, read, paused, resumed, cancelled, and the file they make.</summary>
internal static class OperationEndpoints
{
    private static readonly Listed<Operation> Operations = Listed.ByTime(
        $"select {Operation.Columns} from platform.operation",
        "created_at",
        "id",
        Operation.Read,
        static o => (o.CreatedAt, o.Id)
    );

    private const string Path = "/api/v1/operations/";
    private const string ExportKind = "coupons_export";
    private const string BacktestKind = "backtest";

    private static readonly Refusal NotNow = new(
        "operation_status",
        "The present status of this operation does not allow this."
    );

    private static readonly Refusal NotOver = new(
        "operation_not_over",
        "The file of an operation can be read when it is over."
    );

    private static readonly Refusal MoneyWithin = new(
        "file_with_figures",
        $"This file has sums of money: it needs the permission {Permissions.FinanceRead:permission}.",
        RefusalKind.Forbidden
    );

    private static readonly Refusal UndoForbidden = new(
        "undo_forbidden",
        "To undo this takes what it took to do it: the same permission, and to be staff where only staff may.",
        RefusalKind.Forbidden
    );

    private static readonly string[] Statuses = ["pending", "running", "paused", "succeeded", "failed", "cancelled"];

    private static readonly (string Verb, string[] From, string To, string Summary)[] Moves =
    [
        ("cancel", ["pending", "running", "paused"], "cancelled", "Stop an operation for good; what it has done stays"),
        ("pause", ["pending", "running"], "paused", "Stop an operation after the batch that runs"),
        ("resume", ["paused"], "pending", "Let a paused operation go on where it was"),
    ];

    public static void Map(IEndpointRouteBuilder api)
    {
        var operations = api.MapGroup("/operations").WithTags("Operations").HidesSums(Sums.OfOperations);
        var view = new View(
            Samples.Id,
            "codes",
            "running",
            50_000,
            1_000_000,
            0,
            null,
            Path + Samples.Id + "/output",
            Path + Samples.Id + "/errors",
            Samples.At,
            Samples.At.AddSeconds(2),
            "key:" + Samples.Id,
            null,
            4711,
            null,
            null
        );
        operations
            .MapGet("", ListAsync)
            .WithName("listOperations")
            .WithSummary("List operations")
            .RequirePermission(Permissions.Operations)
            .WithPages(["created_at"])
            .WithQuery("status", "string", "Only those in this status.", Statuses)
            .WithQuery("kind", "string", "Only those of this kind.")
            .WithAnswer(200, new Page<View>([view], false, null), "A page.");
        operations
            .MapGet("/{id:guid}", GetAsync)
            .WithName("getOperation")
            .WithSummary("Read the progress of an operation")
            .RequirePermission(Permissions.Operations)
            .WithAnswer(200, view, "The present state.");
        operations
            .MapGet("/{id:guid}/output", OutputAsync)
            .WithName("getOperationOutput")
            .WithSummary("Download the file an operation has made, such as the codes it generated")
            .RequirePermission(Permissions.CouponsBulk)
            .WithAnswer(200, "The file: text with one item a line, CSV, or a workbook.", "text/plain")
            .WithRefusals(NotOver, MoneyWithin);
        operations
            .MapGet("/{id:guid}/errors", ErrorsAsync)
            .WithName("getOperationErrors")
            .WithSummary("Download what could not be done, as CSV")
            .RequirePermission(Permissions.CouponsBulk)
            .WithAnswer(200, "Line, field, code, message and value of each error.", "text/csv");
        operations
            .MapPost("/{id:guid}/undo", UndoAsync)
            .WithName("undoOperation")
            .WithSummary(
                "Undo a change of many or an import as a unit, as far as nobody changed its coupons or units since"
            )
            .RequirePermission(Permissions.CouponsBulk)
            .WithIdempotencyKey(required: true)
            .WithAnswer(202, new UndoAccepted(Samples.Id, 12_000), "Location is the operation that undoes it.")
            .WithRefusals(Undoing.NotUndoable, Undoing.StillRuns, UndoForbidden);
        foreach (var (verb, from, to, summary) in Moves)
        {
            operations
                .MapPost(
                    "/{id:guid}/" + verb,
                    (HttpContext context, Guid id, Database database, IEnumerable<Undoing> undoing) =>
                        MoveAsync(context, id, database, undoing, from, to)
                )
                .WithName(verb + "Operation")
                .WithSummary(summary)
                .RequirePermission(Permissions.Operations)
                .WithIdempotencyKey(required: false)
                .WithAnswer(200, view with { Status = to }, "The new state.")
                .WithRefusals(NotNow);
        }
    }

    private static async Task ListAsync(
        HttpContext context,
        Database database,
        Cursors cursors,
        IEnumerable<Undoing> undoing
    )
    {
        var cancel = context.RequestAborted;
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["created_at"], "-created_at", merchant, cancel);
        var rows = new PageRows("true");
        rows.Equal("input ->> 'merchant_id'", merchant?.ToString());
        rows.Equal("status", query.Word("status", Statuses));
        rows.Equal("kind", query.Text("kind", 40));
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        var found = await rows.ReadAsync(work, page, Operations, cancel);
        var undo = await UndoOfAsync(undoing, work, [.. found.Select(static o => o.Id)], cancel);
        var answer = page.Answer(context, found, o => View.Of(o, undo.GetValueOrDefault(o.Id)), Operations.Key);
        await answer.SendAsync(context);
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database, IEnumerable<Undoing> undoing)
    {
        await using var work = await database.BeginAsync(context.RequestAborted);
        var merchant = Caller.Of(context).MerchantId;
        var operation = await OperationStore.FindAsync(work, id, merchant, context.RequestAborted);
        var answer = operation is null
            ? HttpAnswer.Refused(context, Entry.NotFound)
            : HttpAnswer.Json(200, await ViewAsync(undoing, work, operation, context.RequestAborted));
        await answer.SendAsync(context);
    }

    private static async Task<View> ViewAsync(
        IEnumerable<Undoing> undoing,
        UnitOfWork work,
        Operation operation,
        CancellationToken cancel
    )
    {
        var undo = await UndoOfAsync(undoing, work, [operation.Id], cancel);
        return View.Of(operation, undo.GetValueOrDefault(operation.Id));
    }

    /// <summary>Which of some operations can be undone, or were, whichever room they are of.</summary>
    private static async Task<IReadOnlyDictionary<Guid, UndoFacts>> UndoOfAsync(
        IEnumerable<Undoing> undoing,
        UnitOfWork work,
        IReadOnlyCollection<Guid> ids,
        CancellationToken cancel
    )
    {
        var facts = new Dictionary<Guid, UndoFacts>(ids.Count);
        foreach (var room in undoing)
        {
            foreach (var (id, undo) in await room.FactsAsync(work, ids, cancel))
            {
                facts[id] = undo;
            }
        }

        return facts;
    }

    private static Task UndoAsync(HttpContext context, Guid id, Database database, IEnumerable<Undoing> undoing) =>
        CatalogueChange.RunAsync(
            context,
            database,
            async (work, actor) =>
            {
                var cancel = CancellationToken.None;
                var caller = Caller.Of(context);
                var by = new UndoAsked(actor.Actor, caller.ClientId, caller.MerchantId, actor.RequestId);
                if (await OperationStore.FindAsync(work, id, caller.MerchantId, cancel) is null)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                foreach (var room in undoing)
                {
                    if ((await room.FindAsync(work, [id], hold: true, cancel)).GetValueOrDefault(id) is not { } change)
                    {
                        continue;
                    }

                    if (
                        (change.IsForStaff && caller.MerchantId is not null)
                        || (change.Permission is { } needed && !caller.Can(needed))
                    )
                    {
                        return HttpAnswer.Refused(context, UndoForbidden);
                    }

                    var (undo, no) = await room.RequestAsync(work, id, change, by, cancel);
                    return undo is null
                        ? HttpAnswer.Refused(context, no!)
                        : HttpAnswer.Json(
                            202,
                            new UndoAccepted(undo.Id, undo.Total ?? 0),
                            "/api/v1/operations/" + undo.Id
                        );
                }

                // A file was made, or something computed: nothing was changed.
                return HttpAnswer.Refused(context, Undoing.NotUndoable);
            },
            required: true
        );

    private static async Task OutputAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        Operation? operation;
        await using (var work = await database.BeginAsync(cancel))
        {
            operation = await OperationStore.FindAsync(work, id, Caller.Of(context).MerchantId, cancel);
        }

        if (operation?.Kind == ExportKind)
        {
            // Fetched at an address of its own, under its own permission, and audited there.
            operation = null;
        }

        if (operation is not { IsOver: true })
        {
            await Problems.WriteAsync(context, operation is null ? Entry.NotFound : NotOver);
            return;
        }

        if (operation.Kind == BacktestKind && !Caller.Of(context).Can(Permissions.FinanceRead))
        {
            await Problems.WriteAsync(context, MoneyWithin);
            return;
        }

        if (!await OperationStore.HasFileAsync(database, id, "output", cancel))
        {
            // It made none, or the file was kept long enough.
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        using var input = JsonDocument.Parse(operation.Input);
        string? Said(string name) => input.RootElement.TryGetProperty(name, out var text) ? text.GetString() : null;
        var type = Said("output_type") ?? "text/plain";
        var name = Said("output_name") ?? $"{operation.Kind}-{operation.Id}.txt";
        context.Response.ContentType = type.StartsWith("text/", StringComparison.Ordinal)
            ? type + "; charset=utf-8"
            : type;
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{name}\"";
        await OperationStore.CopyChunksAsync(database, id, "output", context.Response.Body, cancel);
    }

    private static async Task ErrorsAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        if (await OperationStore.FindAsync(work, id, Caller.Of(context).MerchantId, cancel) is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        context.Response.ContentType = "text/csv; charset=utf-8";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"errors-{id}.csv\"";
        await OperationErrors.WriteAsync(work, id, context.Response.Body, cancel);
    }

    private static async Task MoveAsync(
        HttpContext context,
        Guid id,
        Database database,
        IEnumerable<Undoing> undoing,
        string[] from,
        string to
    )
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            default,
            async work =>
            {
                var cancel = CancellationToken.None;
                if (await OperationStore.FindAsync(work, id, caller.MerchantId, cancel) is null)
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                if (
                    !await OperationStore.TryMoveAsync(work, id, from, to, cancel, caller.Actor, RequestIds.Of(context))
                )
                {
                    return HttpAnswer.Refused(context, NotNow);
                }

                var moved = await OperationStore.FindAsync(work, id, null, cancel);
                return HttpAnswer.Json(200, await ViewAsync(undoing, work, moved!, cancel));
            }
        );
    }

    /// <summary>The operation that undoes.</summary>
    /// <param name="OperationId">Its id.</param>
    /// <param name="Items">How many coupons, units or campaigns it goes over.</param>
    private sealed record UndoAccepted(Guid OperationId, long Items);

    /// <summary>An operation as seen from outside.</summary>
    /// <param name="Id">UUIDv7.</param>
    /// <param name="Kind">What it does.</param>
    /// <param name="Status">pending, running, paused, succeeded, failed or cancelled.</param>
    /// <param name="Done">Items done.</param>
    /// <param name="Total">Items there are; null while unknown.</param>
    /// <param name="ErrorCount">Items that could not be done.</param>
    /// <param name="Result">What came of it.</param>
    /// <param name="OutputUrl">The file it makes, to be read when it is over.</param>
    /// <param name="ErrorsUrl">What could not be done, as CSV.</param>
    /// <param name="CreatedAt">When it was asked for.</param>
    /// <param name="UpdatedAt">Its latest step.</param>
    /// <param name="Actor">Who asked for it.</param>
    /// <param name="Action">What it does in particular, such as deactivate; null where the kind says it all.</param>
    /// <param name="CouponId">The coupon it works at; null where it is none, or more than one.</param>
    /// <param name="UndoUntil">Until when it can be undone; null if it cannot.</param>
    /// <param name="UndoneBy">The operation that undoes it.</param>
    private sealed record View(
        Guid Id,
        string Kind,
        string Status,
        long Done,
        long? Total,
        long ErrorCount,
        JsonElement? Result,
        string OutputUrl,
        string ErrorsUrl,
        DateTimeOffset CreatedAt,
        DateTimeOffset UpdatedAt,
        string Actor,
        string? Action,
        long? CouponId,
        DateTimeOffset? UndoUntil,
        Guid? UndoneBy
    )
    {
        public static View Of(Operation operation, UndoFacts? undo)
        {
            using var input = JsonDocument.Parse(operation.Input);
            return new(
                operation.Id,
                operation.Kind,
                operation.Status,
                operation.Done,
                operation.Total,
                operation.ErrorCount,
                operation.Result is { } result ? JsonDocument.Parse(result).RootElement : null,
                operation.Kind == ExportKind
                    ? $"/api/v1/admin/coupons/exports/{operation.Id}/file"
                    : $"{Path}{operation.Id}/output",
                $"{Path}{operation.Id}/errors",
                operation.CreatedAt,
                operation.UpdatedAt,
                operation.Actor,
                Asked(input, "action", JsonValueKind.String)?.GetString(),
                Asked(input, "coupon_id", JsonValueKind.Number)?.GetInt64(),
                undo?.UndoUntil,
                undo?.UndoneBy
            );
        }

        private static JsonElement? Asked(JsonDocument input, string name, JsonValueKind kind) =>
            input.RootElement.TryGetProperty(name, out var value) && value.ValueKind == kind ? value : null;
    }
}
