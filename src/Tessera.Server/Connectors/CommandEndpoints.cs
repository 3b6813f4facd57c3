using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>
/// The commands to a partner, and what became of each, from due to acknowledged: the rows that its queue and its service level
/// are made of (MET-24).
/// </summary>
internal static class CommandEndpoints
{
    private static readonly Listed<CommandView> Commands = Listed.ByNumber(
        $"select {CommandColumns} {CommandSource}",
        "k.position",
        ReadCommand,
        static c => c.Position
    );

    private static readonly string[] States = ["pending", "sent", "acknowledged", "manual", "done_by_hand", "dropped"];

    private static readonly CommandView Command = new(
        4711,
        "disable",
        "instance",
        10_000,
        10_000,
        "acknowledged",
        Samples.At.AddSeconds(-1),
        Samples.At,
        Samples.At.AddSeconds(0.2),
        Samples.At.AddSeconds(0.2),
        Samples.At.AddSeconds(0.4),
        0.4,
        1,
        null
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var commands = api.MapGroup("/connectors/{id:guid}/commands").WithTags("Connectors");
        commands
            .MapGet("", StreamAsync)
            .WithName("listCommands")
            .WithSummary("The stream of a connector, the latest first: each command's way from due to acknowledged")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithPages(["position"])
            .WithCommandFilter()
            .WithAnswer(200, new Page<CommandView>([Command], false, null), "A page.");
        commands
            .MapGet("/totals", TotalsAsync)
            .WithName("getCommandTotals")
            .WithSummary("Count commands of a connector, with the filters of the list")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithCommandFilter()
            .WithAnswer(200, new CommandTotals(1200, 25_000), "Of all pages together.");
        commands
            .MapGet("/{position:long}", TimelineAsync)
            .WithName("getCommand")
            .WithSummary("The timeline of a command: every attempt with its answer")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithAnswer(
                200,
                new TimelineView(
                    Command,
                    [4711, 4712],
                    [new AttemptView("c4711-0", Samples.At.AddSeconds(0.2), 184, 200, "ok", "{\"acknowledged\":true}")]
                ),
                "From due to acknowledged; the first hundred ids and the last hundred attempts."
            );
    }

    private static RouteHandlerBuilder WithCommandFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("state", "string", "In one or more of these states: " + string.Join(", ", States) + ".")
            .WithQuery("due", "boolean", "Whether only those that are due by now.")
            .WithQuery("from", "string", "Due from this instant, or the beginning of this day, UTC, on.")
            .WithQuery("to", "string", "Due before this instant, or the end of this day.")
            .WithQuery(
                "service_level",
                "string",
                "One or more of: met (acknowledged in time), missed (late, or overdue by now). On its way in time is neither."
            );

    private const string CommandColumns = """
        k.position, k.kind, b.subject, k.size, k.done, k.state, k.created_at, k.due_at, k.first_sent_at, k.sent_at,
        k.acknowledged_at, extract(epoch from k.acknowledged_at - k.due_at)::float8, k.attempts, k.error
        """;

    private const string CommandSource = """
        from connectors.command k join connectors.batch b on b.id = k.batch_id join connectors.connector c on c.id = k.connector_id
        """;

    /// <summary>Of a command <c>k</c> of connector <c>c</c>: acknowledged in time.</summary>
    internal const string MetLevel =
        "coalesce(k.acknowledged_at <= k.due_at + c.sla_seconds * interval '1 second', false)";

    /// <summary>Acknowledged late, or overdue by now.</summary>
    internal const string MissedLevel =
        "coalesce(k.acknowledged_at, platform.clock()) > k.due_at + c.sla_seconds * interval '1 second'";

    private static readonly string[] Levels = ["met", "missed"];

    private static async Task StreamAsync(HttpContext context, Guid id, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, ["position"], "-position", caller.MerchantId, cancel);
        var refused = await ConnectorScope.RefusedAsync(database, id, caller, cancel);
        await Matching(query, id, caller).AnswerAsync(context, database, query, page, Commands, refused);
    }

    private static async Task TotalsAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var rows = Matching(query, id, caller);
        if ((query.Finish() ?? await ConnectorScope.RefusedAsync(database, id, caller, cancel)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = rows.Over(
            database,
            static where => $"select count(*), coalesce(sum(k.size), 0)::bigint {CommandSource} {where}"
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        var totals = new CommandTotals(row.GetInt64(0), row.GetInt64(1));
        await HttpAnswer.Json(200, totals).SendAsync(context);
    }

    private static PageRows Matching(Query query, Guid id, Caller caller)
    {
        var rows = new PageRows("true");
        rows.Equal("k.connector_id", id);
        // A partner is told of the house's coupons as well: those are not the merchant's.
        rows.Equal("b.merchant_id", caller.MerchantId);
        rows.Where("k.state = any({})", query.Words("state", States)?.ToArray());
        if (query.Flag("due") ?? false)
        {
            rows.Where("k.due_at <= platform.clock()");
        }

        rows.Where("k.due_at >= {}", query.Instant("from"));
        rows.Where("k.due_at < {}", query.Instant("to", isEnd: true));
        rows.Where(
            $"case when {MetLevel} then 'met' when {MissedLevel} then 'missed' end = any({{}})",
            query.Words("service_level", Levels)?.ToArray()
        );
        return rows;
    }

    private static async Task TimelineAsync(HttpContext context, Guid id, long position, Database database)
    {
        var cancel = context.RequestAborted;
        await using var work = await database.BeginAsync(cancel);
        CommandView? view = null;
        long[] ids = [];
        var caller = Caller.Of(context);
        if (await ConnectorScope.SeesAsync(work, id, caller, cancel))
        {
            await using var command = work.Command(
                $"""
                select {CommandColumns}, b.ids[1:100] {CommandSource}
                where k.connector_id = $1 and k.position = $2 and ($3 or b.merchant_id = $4)
                """,
                id,
                position,
                caller.MerchantId is null,
                caller.MerchantId ?? Guid.Empty
            );
            await using var row = await command.ExecuteReaderAsync(cancel);
            if (await row.ReadAsync(cancel))
            {
                view = ReadCommand(row);
                ids = row.GetFieldValue<long[]>(14);
            }
        }

        if (view is null)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        var attempts = new List<AttemptView>();
        await using (
            var command = work.Command(
                """
                select key, at, milliseconds, status, outcome,
                    -- What the partner said of several commands at once may speak of coupons that are not the merchant's.
                    case when $3 or from_position = to_position then answer else '' end
                from connectors.attempt
                where connector_id = $1 and to_position >= $2 and from_position <= $2
                order by to_position, id desc limit 100
                """,
                id,
                position,
                caller.MerchantId is null
            )
        )
        await using (var row = await command.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                attempts.Add(
                    new AttemptView(
                        row.GetString(0),
                        row.GetFieldValue<DateTimeOffset>(1),
                        row.GetInt32(2),
                        row.Value<int>(3),
                        row.GetString(4),
                        row.GetString(5)
                    )
                );
            }
        }

        attempts.Sort(static (one, other) => one.At.CompareTo(other.At));
        await HttpAnswer.Json(200, new TimelineView(view, ids, attempts)).SendAsync(context);
    }

    private static CommandView ReadCommand(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetString(1),
            row.GetString(2),
            row.GetInt32(3),
            row.GetInt32(4),
            row.GetString(5),
            row.GetFieldValue<DateTimeOffset>(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.Value<DateTimeOffset>(8),
            row.Value<DateTimeOffset>(9),
            row.Value<DateTimeOffset>(10),
            row.Value<double>(11) is { } seconds ? Math.Round(seconds, 3) : null,
            row.GetInt32(12),
            row.Object<string>(13)
        );

    /// <summary>How many there are.</summary>
    /// <param name="Count">Commands of all pages.</param>
    /// <param name="Units">Coupons in them.</param>
    private sealed record CommandTotals(long Count, long Units);

    /// <summary>A command of a stream.</summary>
    /// <param name="Position">In the stream.</param>
    /// <param name="Kind">disable or enable.</param>
    /// <param name="Subject">instance or coupon.</param>
    /// <param name="Size">How many coupons.</param>
    /// <param name="Done">How many of them were told.</param>
    /// <param name="State">pending, sent, acknowledged, manual, done_by_hand or dropped.</param>
    /// <param name="CreatedAt">When it was appended.</param>
    /// <param name="DueAt">When the partner was to be told.</param>
    /// <param name="FirstSentAt">When it was first tried.</param>
    /// <param name="SentAt">When it was last tried.</param>
    /// <param name="AcknowledgedAt">When the partner confirmed.</param>
    /// <param name="Seconds">From due to acknowledged.</param>
    /// <param name="Attempts">Rounds it was tried in.</param>
    /// <param name="Error">Of the last one that failed.</param>
    private sealed record CommandView(
        long Position,
        string Kind,
        string Subject,
        int Size,
        int Done,
        string State,
        DateTimeOffset CreatedAt,
        DateTimeOffset DueAt,
        DateTimeOffset? FirstSentAt,
        DateTimeOffset? SentAt,
        DateTimeOffset? AcknowledgedAt,
        double? Seconds,
        int Attempts,
        string? Error
    );

    /// <summary>One call.</summary>
    /// <param name="Key">Of idempotency.</param>
    /// <param name="At">When it began.</param>
    /// <param name="Milliseconds">How long it took.</param>
    /// <param name="Status">HTTP status, where one came.</param>
    /// <param name="Outcome">ok, or what was wrong.</param>
    /// <param name="Answer">
    /// The first KiB of it, as text; to a merchant not that of a call that told of several commands.
    /// </param>
    private sealed record AttemptView(
        string Key,
        DateTimeOffset At,
        int Milliseconds,
        int? Status,
        string Outcome,
        string Answer
    );

    /// <summary>What became of a command.</summary>
    /// <param name="Command">As it stands.</param>
    /// <param name="FirstIds">The first hundred of its coupons.</param>
    /// <param name="Attempts">In order.</param>
    private sealed record TimelineView(
        CommandView Command,
        IReadOnlyList<long> FirstIds,
        IReadOnlyList<AttemptView> Attempts
    );
}
