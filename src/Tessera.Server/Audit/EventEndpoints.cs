using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Audit;

/// <summary>The log as a feed: followed by cursor, in order, without gaps (CPN-07, convention 28).</summary>
internal static class EventEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 1000;
    private const string Source = "urn:tessera";

    private static readonly Refusal Scoped = new(
        "forbidden",
        "A key that acts for one merchant cannot follow the log of all.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/events", ListAsync)
            .WithName("listEvents")
            .WithSummary("Follow the event log: sealed events in order, after a sequence number")
            .WithTags("Events")
            .WithQuery("after", "integer", "The seq of the last event seen; 0 for the first.")
            .WithQuery("limit", "integer", "Most events: 1 to 1000, 100 unless given.")
            .WithQuery("type", "string", "Only events of this type.")
            .WithAnswer(200, EventShapes.Example, "Events in the order they were sealed.")
            .WithRefusals(Scoped)
            .HidesSums(Sums.OfEvents)
            .RequirePermission(Permissions.EventsRead);

    private static async Task ListAsync(HttpContext context, Database database)
    {
        if (Caller.Of(context).MerchantId is not null)
        {
            await Problems.WriteAsync(context, Scoped);
            return;
        }

        var query = new Query(context.Request);
        var after = query.Integer("after", 0, long.MaxValue) ?? 0;
        var limit = (int)(query.Integer("limit", 1, MaximumLimit) ?? DefaultLimit);
        var type = query.Text("type", 100);
        if (query.Finish() is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await using var command = database.Source.CreateCommand(
            $"""
            select a.seq, e.id, e.type, e.aggregatetype || ':' || e.aggregateid, e.sequence, e.actor, e.correlation_id,
                e.created_at, platform.spoken(e.payload)
            from audit.entry a
            {EventLog.OfEntry}
            where a.seq > $1 and ($2::text is null or e.type = $2)
            order by a.seq limit $3
            """
        );
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(
            new() { Value = type ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text }
        );
        command.Parameters.Add(new() { Value = limit + 1 });

        var buffer = new ArrayBufferWriter<byte>(16 * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            await WriteAsync(json, command, after, limit, context.RequestAborted);
        }

        await new HttpAnswer(StatusCodes.Status200OK, buffer.WrittenMemory).SendAsync(context);
    }

    private static async Task WriteAsync(
        Utf8JsonWriter json,
        Npgsql.NpgsqlCommand command,
        long after,
        int limit,
        CancellationToken cancel
    )
    {
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        var count = 0;
        var last = after;
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel) && count < limit)
        {
            count++;
            last = rows.GetInt64(0);
            json.WriteStartObject();
            json.WriteString("specversion"u8, "1.0"u8);
            json.WriteString("id"u8, rows.GetGuid(1));
            json.WriteString("source"u8, Source);
            json.WriteString("type"u8, rows.GetString(2));
            json.WriteString("subject"u8, rows.GetString(3));
            json.WriteString("time"u8, Instants.Format(rows.GetFieldValue<DateTimeOffset>(7)));
            json.WriteString("datacontenttype"u8, "application/json"u8);
            json.WriteNumber("seq"u8, last);
            json.WriteNumber("sequence"u8, rows.GetInt64(4));
            json.WriteString("actor"u8, rows.GetString(5));
            if (!rows.IsDBNull(6))
            {
                json.WriteString("correlation_id"u8, rows.GetString(6));
            }

            json.WritePropertyName("data"u8);
            json.WriteRawValue(rows.GetString(8));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteBoolean("has_more"u8, count == limit && rows.IsOnRow);
        json.WriteString("next_cursor"u8, last.ToString(CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }
}
