using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>The manual queue over HTTP: what the machine gave up, and what people do about it (CON-04, EXP-15).</summary>
internal static class TaskEndpoints
{
    private static readonly Listed<TaskView> Tasks = Listed.ByTime(
        """
        select t.id, t.connector_id, n.name, n.contact, n.instructions, t.position, c.kind,
            coalesce(cardinality(t.ids), c.size - c.done), coalesce(t.ids[1:100], b.ids[c.done + 1 : c.done + 100]),
            t.cause, t.state, c.attempts, t.assignee, t.evidence, t.closed_by, t.closed_at, t.created_at
        from connectors.task t
        join connectors.connector n on n.id = t.connector_id
        join connectors.command c on c.connector_id = t.connector_id and c.position = t.position
        join connectors.batch b on b.id = c.batch_id
        """,
        "t.created_at",
        "t.id",
        Read,
        static t => (t.CreatedAt, t.Id)
    );

    private const int MaximumTasks = 1000;

    private static readonly string[] States = ["open", "retried", "done", "dropped"];
    private static readonly string[] Actions = ["retry", "assign", "done", "drop"];

    private static readonly TaskView Sample = new(
        Samples.Id,
        Samples.Id,
        "Corner Shops Ltd",
        "Operations desk, +49 30 1234567",
        "Ask for the coupons to be blocked by hand.",
        4711,
        "disable",
        120,
        [4711, 4712],
        "undelivered: timeout",
        "open",
        6,
        "night shift",
        null,
        null,
        null,
        Samples.At
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var tasks = api.MapGroup("/connector-tasks").WithTags("Connectors");
        tasks
            .MapGet("", ListAsync)
            .WithName("listConnectorTasks")
            .WithSummary("List the manual queue: what partners could not be told, with contact and instructions")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithPages(["created_at"])
            .WithQuery("state", "string", "Only those in this state; open unless given.", States)
            .WithQuery("connector_id", "string", "Only those of this connector.")
            .WithQuery("assignee", "string", "Only those of this person or group.")
            .WithAnswer(200, new Page<TaskView>([Sample], false, null), "A page.");
        tasks
            .MapPost("/actions", ActAsync)
            .WithName("actOnConnectorTasks")
            .WithSummary($"Retry, assign, close or drop up to {MaximumTasks} tasks, or all open ones of a connector")
            .RequirePermission(Permissions.ConnectorsWork)
            .WithBody(new TaskAction("done", [Samples.Id], Evidence: "Blocked by phone, ticket 17 of the partner."))
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, new TaskResult(1), "How many were open and are changed.");
    }

    private static async Task ListAsync(HttpContext context, Database database, Cursors cursors)
    {
        var merchant = Caller.Of(context).MerchantId;
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["created_at"], "created_at", merchant, context.RequestAborted);
        var rows = new PageRows(merchant is null ? "true" : "false");
        rows.Equal("t.state", query.Word("state", States) ?? "open");
        rows.Equal("t.connector_id", query.Id("connector_id"));
        rows.Equal("t.assignee", query.Text("assignee", 100));
        await rows.AnswerAsync(context, database, query, page, Tasks);
    }

    private static TaskView Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetGuid(1),
            row.GetString(2),
            row.GetString(3),
            row.GetString(4),
            row.GetInt64(5),
            row.GetString(6),
            row.GetInt32(7),
            row.GetFieldValue<long[]>(8),
            row.GetString(9),
            row.GetString(10),
            row.GetInt32(11),
            row.Object<string>(12),
            row.Object<string>(13),
            row.Object<string>(14),
            row.Value<DateTimeOffset>(15),
            row.GetFieldValue<DateTimeOffset>(16)
        );

    private static async Task ActAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var action = fields.Word("action", Actions);
        var ids = fields.List("ids", MaximumTasks, static (item, place) => item.Id(place), required: false);
        var connector = fields.Id("connector_id", required: false);
        var assignee = fields.Text("assignee", 100, required: action == "assign");
        var evidence = fields.Text("evidence", 2000, required: action is "done" or "drop");
        if (ids is null == connector is null && fields.Errors.Count == 0)
        {
            fields.Add("ids", "required", "Either ids or connector_id has to be given, and not both.");
        }

        if ((fields.Finish() ?? (caller.MerchantId is null ? null : DirectoryRefusals.MerchantKey)) is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                Guid[]? wanted = ids?.Select(static i => i!.Value).ToArray();
                var held = await TaskStore.HoldOpenAsync(work, wanted, connector, cancel);
                var by = new TaskChange(action!, assignee, evidence, caller.Actor, RequestIds.Of(context));
                await TaskStore.ChangeAsync(work, held, by, cancel);
                return HttpAnswer.Json(200, new TaskResult(held.Count));
            },
            required: true
        );
    }

    /// <summary>Something a partner could not be told.</summary>
    /// <param name="Id">UUID.</param>
    /// <param name="ConnectorId">Of the partner.</param>
    /// <param name="ConnectorName">Its name.</param>
    /// <param name="Contact">Whom to call.</param>
    /// <param name="Instructions">What to do by hand.</param>
    /// <param name="Position">Of the command in the connector's stream.</param>
    /// <param name="Kind">disable or enable.</param>
    /// <param name="Count">How many coupons.</param>
    /// <param name="FirstIds">The first hundred of them.</param>
    /// <param name="Cause">Why it was given up.</param>
    /// <param name="State">open, retried, done or dropped.</param>
    /// <param name="Attempts">Rounds it was tried in.</param>
    /// <param name="Assignee">Who works on it.</param>
    /// <param name="Evidence">How it was settled, or why it was dropped.</param>
    /// <param name="ClosedBy">Who closed it.</param>
    /// <param name="ClosedAt">When.</param>
    /// <param name="CreatedAt">When it was given up.</param>
    private sealed record TaskView(
        Guid Id,
        Guid ConnectorId,
        string ConnectorName,
        string Contact,
        string Instructions,
        long Position,
        string Kind,
        int Count,
        IReadOnlyList<long> FirstIds,
        string Cause,
        string State,
        int Attempts,
        string? Assignee,
        string? Evidence,
        string? ClosedBy,
        DateTimeOffset? ClosedAt,
        DateTimeOffset CreatedAt
    );

    /// <summary>What is to be done with tasks.</summary>
    /// <param name="Action">retry, assign, done or drop.</param>
    /// <param name="Ids">Of the tasks.</param>
    /// <param name="ConnectorId">Instead of ids: all open ones of this connector.</param>
    /// <param name="Assignee">For assign: a person or group; up to 100 characters.</param>
    /// <param name="Evidence">For done: how it was settled. For drop: why. Up to 2000 characters.</param>
    private sealed record TaskAction(
        string Action,
        IReadOnlyList<Guid>? Ids = null,
        Guid? ConnectorId = null,
        string? Assignee = null,
        string? Evidence = null
    );

    /// <summary>What was done.</summary>
    /// <param name="Changed">Tasks that were open and are changed.</param>
    private sealed record TaskResult(int Changed);
}
