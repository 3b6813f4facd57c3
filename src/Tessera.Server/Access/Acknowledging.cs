using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Access;

/// <summary>That somebody took note of an alert.</summary>
/// <param name="Table">Of the alerts, with its schema; it has the columns <c>acknowledged_at</c>, <c>_by</c> and <c>_note</c>.</param>
/// <param name="Aggregate">What the alerts are called in events.</param>
/// <param name="Event">The type of the event.</param>
/// <param name="Scope">A condition on the merchant of the caller, <c>$4</c>, which is null for staff.</param>
internal sealed record Acknowledging(string Table, string Aggregate, string Event, string Scope)
{
    private const int MaximumNote = 500;

    /// <summary>What somebody says of an alert.</summary>
    /// <param name="Note">For the others; null for nothing.</param>
    internal sealed record NoteWanted(string? Note);

    /// <summary>The columns, of a table or alias.</summary>
    public static string Columns(string of) => $"{of}.acknowledged_at, {of}.acknowledged_by, {of}.acknowledged_note";

    /// <summary>Takes note of an alert, once: the first to do so is kept, and told in the log.</summary>
    /// <param name="context">The request; its body may say something, or not be there.</param>
    /// <param name="database">Where.</param>
    /// <param name="id">Of the alert.</param>
    /// <param name="find">Reads the alert as the answer has it; null for none of the caller's.</param>
    /// <param name="told">What the event says of it, and its place among the alert's events.</param>
    public async Task RunAsync<TAlert>(
        HttpContext context,
        Database database,
        Guid id,
        Func<UnitOfWork, Task<TAlert?>> find,
        Func<TAlert, (long Sequence, string Payload)> told
    )
        where TAlert : class
    {
        var caller = Caller.Of(context);
        if (!HasBody(context.Request))
        {
            await Idempotent.RunAsync(context, database, caller.ClientId, default, work => NoteAsync(work, null));
            return;
        }

        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            (work, fields) =>
            {
                var note = fields.Text("note", MaximumNote, required: false);
                return fields.Finish() is { } wrong
                    ? Task.FromResult(HttpAnswer.Refused(context, wrong))
                    : NoteAsync(work, string.IsNullOrWhiteSpace(note) ? null : note.Trim());
            }
        );

        async Task<HttpAnswer> NoteAsync(UnitOfWork work, string? note)
        {
            var cancel = CancellationToken.None;
            var noted = await work.ExecuteAsync(
                $"""
                update {Table} set acknowledged_at = platform.clock(), acknowledged_by = $2, acknowledged_note = $3
                where id = $1 and acknowledged_at is null and {Scope}
                """,
                [
                    id,
                    caller.Actor,
                    new NpgsqlParameter { Value = note ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text },
                    MerchantOf(caller),
                ],
                cancel
            );
            if (await find(work) is not { } alert)
            {
                return HttpAnswer.Refused(context, Entry.NotFound);
            }

            if (noted > 0)
            {
                var (sequence, payload) = told(alert);
                var entry = new EventEntry(
                    Aggregate,
                    id.ToString(),
                    Event,
                    sequence,
                    caller.Actor,
                    payload,
                    RequestIds.Of(context)
                );
                await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
            }

            return HttpAnswer.Json(200, alert);
        }
    }

    /// <summary>The merchant of a caller as a parameter.</summary>
    public static NpgsqlParameter MerchantOf(Caller caller) =>
        new() { Value = caller.MerchantId ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid };

    private static bool HasBody(HttpRequest request) => request.ContentType is not null || request.ContentLength is > 0;
}

/// <summary>How operations say that they take note of an alert.</summary>
internal static class AcknowledgingExtensions
{
    /// <summary>The operation is one of <see cref="Acknowledging.RunAsync"/>.</summary>
    public static TBuilder TakesNote<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
        builder
            .WithSummary("Take note of an alert; the first to do so is kept")
            .WithBody(new Acknowledging.NoteWanted("The shop's own campaign; it ends tonight."), required: false)
            .WithIdempotencyKey(required: false);
}
