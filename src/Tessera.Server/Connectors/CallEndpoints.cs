using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Connectors;

/// <summary>The calls of a partner: the rows its figures are made of (MET-24).</summary>
internal static class CallEndpoints
{
    private static readonly string[] Sorts = ["at"];
    private static readonly string[] Results = ["ok", "failed"];

    private static readonly Listed<CallView> Calls = new(
        """
        select a.id, a.at, a.from_position, a.to_position, a.calls, a.milliseconds, a.status, a.outcome
        from connectors.attempt a
        """,
        ("a.at", "timestamptz"),
        ("a.id", "bigint"),
        Read,
        static call => [PageRequest.KeyOf(call.At), call.Id.ToString(CultureInfo.InvariantCulture)]
    );

    private static readonly CallView Sample = new(815, Samples.At, 4711, 4711, 40, 184, 200, "ok");

    public static void Map(IEndpointRouteBuilder api)
    {
        var calls = api.MapGroup("/connectors/{id:guid}/calls").WithTags("Connectors");
        calls
            .MapGet("", ListAsync)
            .WithName("listCalls")
            .WithSummary("The calls of a connector, the latest first: what its figures are made of")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithPages(Sorts)
            .WithCallFilter()
            .WithAnswer(200, new Page<CallView>([Sample], false, null), "A page.");
        calls
            .MapGet("/totals", TotalsAsync)
            .WithName("getCallTotals")
            .WithSummary("Count calls of a connector, with the filters of the list")
            .RequirePermission(Permissions.ConnectorsRead)
            .WithCallFilter()
            .WithAnswer(200, new CallTotals(1236, 2), "Of all pages together.");
    }

    private static RouteHandlerBuilder WithCallFilter(this RouteHandlerBuilder builder) =>
        builder
            .WithQuery("result", "string", "Only those that went well, or those that did not.", Results)
            .WithQuery("from", "string", "Only from this instant, or the beginning of this day, UTC, on.")
            .WithQuery("to", "string", "Only before this instant, or the end of this day.");

    private static async Task ListAsync(HttpContext context, Guid id, Database database, Cursors cursors)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var page = await cursors.ReadAsync(query, Sorts, "-at", caller.MerchantId, cancel);
        var refused = await ConnectorScope.RefusedAsync(database, id, caller, cancel);
        await Matching(query, id).AnswerAsync(context, database, query, page, Calls, refused);
    }

    private static async Task TotalsAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        var query = new Query(context.Request);
        var rows = Matching(query, id);
        var refused = await ConnectorScope.RefusedAsync(database, id, Caller.Of(context), cancel);
        if ((query.Finish() ?? refused) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = rows.Over(
            database,
            static where =>
                $"""
                    select coalesce(sum(a.calls), 0)::bigint, coalesce(sum(a.calls) filter (where a.outcome <> 'ok'), 0)::bigint
                    from connectors.attempt a {where}
                    """
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        await HttpAnswer.Json(200, new CallTotals(row.GetInt64(0), row.GetInt64(1))).SendAsync(context);
    }

    private static PageRows Matching(Query query, Guid id)
    {
        var rows = new PageRows("true");
        rows.Equal("a.connector_id", id);
        rows.Where("a.at >= {}", query.Instant("from"));
        rows.Where("a.at < {}", query.Instant("to", isEnd: true));
        if (query.Word("result", Results) is { } result)
        {
            rows.Where(result == "ok" ? "a.outcome = 'ok'" : "a.outcome <> 'ok'");
        }

        return rows;
    }

    private static CallView Read(NpgsqlDataReader row) =>
        new(
            row.GetInt64(0),
            row.GetFieldValue<DateTimeOffset>(1),
            row.GetInt64(2),
            row.GetInt64(3),
            row.GetInt32(4),
            row.GetInt32(5),
            row.Value<int>(6),
            row.GetString(7)
        );

    /// <summary>A call, or those of single commands that went well in one round.</summary>
    /// <param name="Id">Of the row.</param>
    /// <param name="At">When it began.</param>
    /// <param name="FromPosition">The first command it told of.</param>
    /// <param name="ToPosition">The last one.</param>
    /// <param name="Calls">For how many calls the row stands; 0 for what the partner had confirmed before.</param>
    /// <param name="Milliseconds">How long it took, the first of them where there are several.</param>
    /// <param name="Status">HTTP status, where one came.</param>
    /// <param name="Outcome">ok, or what was wrong.</param>
    private sealed record CallView(
        long Id,
        DateTimeOffset At,
        long FromPosition,
        long ToPosition,
        int Calls,
        int Milliseconds,
        int? Status,
        string Outcome
    );

    /// <summary>How many there are.</summary>
    /// <param name="Calls">For which the rows of all pages stand.</param>
    /// <param name="Failed">Of those.</param>
    private sealed record CallTotals(long Calls, long Failed);
}
