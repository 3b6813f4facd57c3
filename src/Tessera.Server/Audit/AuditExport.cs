using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Audit;

/// <summary>
/// Exports a range of the chain with all it takes to check it without this program (RPT-06, AUD-02): each document as it
/// was hashed, each link, the link before the first. <c>scripts/verify-audit-export</c> recomputes it and compares it with
/// the heads that were published outside the database.
/// </summary>
/// <remarks>
/// A range is exported whole, because a link proves nothing about what is left out. With a filter, entries that match are
/// marked, and the marks are checked as well.
/// </remarks>
internal static class AuditExport
{
    private const int StepSize = 1000;
    private const long MaximumEntries = 1_000_000;
    private const string MediaType = "application/x-ndjson";

    private static readonly Refusal MoneyWithin = new(
        "export_with_figures",
        "The log is exported as it was hashed, with its sums of money: it needs the permission "
            + Permissions.FinanceRead
            + ".",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/audit/export", ExportAsync)
            .WithName("exportAudit")
            .WithSummary("Export a range of the sealed log with the proof that nothing is missing or changed")
            .WithRemark(
                $"One JSON object a line: a header, up to {MaximumEntries} entries, a footer. The range is that of the "
                    + "numbers, or of the period; the entries that match actor, subject and type are marked. "
                    + "Check it with scripts/verify-audit-export, which needs nothing but Python 3."
            )
            .WithTags("Audit")
            .RequirePermission(Permissions.AuditExport)
            .WithQuery("first_seq", "integer", "The first entry; 1 unless given.")
            .WithQuery("last_seq", "integer", "The last entry; the last sealed one unless given.")
            .WithQuery("from", "string", "Instead of numbers: everything that happened from this instant on.")
            .WithQuery("to", "string", "Instead of numbers: everything that happened before this instant.")
            .WithQuery("actor", "string", "Marks what this account, key, job or rule caused.")
            .WithQuery("subject", "string", "Marks what happened to this: kind:id.")
            .WithQuery("type", "string", "Marks events of this type.")
            .WithAnswer(200, "The export.", MediaType)
            .WithRefusals(AuditEndpoints.Scoped, MoneyWithin);

    private static async Task ExportAsync(HttpContext context, Database database)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        var query = new Query(context.Request);
        var first = query.Integer("first_seq", 1, long.MaxValue);
        var last = query.Integer("last_seq", 1, long.MaxValue);
        var from = query.Instant("from");
        var to = query.Instant("to");
        var filter = new Filter(query.Text("actor", 200), query.Text("subject", 200), query.Text("type", 100));
        if ((first ?? last) is not null && (from ?? to) is not null)
        {
            query.Add("from", "either_or", "Give numbers or a period, not both.");
        }

        if ((query.Finish() ?? (caller.Realm == Realms.Staff ? null : AuditEndpoints.Scoped)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        if (!caller.Can(Permissions.FinanceRead))
        {
            await Problems.WriteAsync(context, MoneyWithin);
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        var range = await RangeAsync(work, first, last, from, to, cancel);
        var entry = new EventEntry(
            "audit",
            "export",
            "audit.exported",
            range.Last,
            caller.Actor,
            EventLog.Payload(("first_seq", range.First), ("last_seq", range.Last)),
            RequestIds.Of(context)
        );
        await EventLog.AppendAsync(work, await work.ClockAsync(cancel), [entry], cancel);
        await work.CommitAsync(cancel);

        context.Response.ContentType = MediaType;
        context.Response.Headers.ContentDisposition =
            $"attachment; filename=\"audit-{range.First}-{range.Last}.ndjson\"";
        await using var reader = await database.Source.OpenConnectionAsync(cancel);
        await WriteAsync(context.Response.BodyWriter.AsStream(), reader, range, filter, cancel);
    }

    /// <summary>Writes an export.</summary>
    internal static async Task WriteAsync(
        Stream to,
        NpgsqlConnection connection,
        (long First, long Last) range,
        Filter filter,
        CancellationToken cancel
    )
    {
        var head = await LinkAsync(connection, range.First - 1, cancel);
        await LineAsync(
            to,
            json =>
            {
                json.WriteString("format"u8, "tessera-audit-1"u8);
                json.WriteNumber("first_seq"u8, range.First);
                json.WriteNumber("last_seq"u8, range.Last);
                json.WriteString("prev_hash"u8, head);
                json.WriteStartObject("filter"u8);
                filter.Write(json);
                json.WriteEndObject();
            },
            cancel
        );
        var document = new ArrayBufferWriter<byte>(4096);
        var matches = 0L;
        var hash = head;
        for (var seq = range.First; seq <= range.Last; seq += StepSize)
        {
            await using var command = new NpgsqlCommand(
                "select a.seq, encode(a.hash, 'hex'), "
                    + CanonicalEvent.Columns
                    + $" from audit.entry a {EventLog.OfEntry} where a.seq between $1 and $2 order by a.seq",
                connection
            );
            command.Parameters.Add(new() { Value = seq });
            command.Parameters.Add(new() { Value = Math.Min(seq + StepSize - 1, range.Last) });
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
            {
                CanonicalEvent.Write(rows, 2, document);
                var isMatch = filter.Fits(rows);
                matches += isMatch ? 1 : 0;
                var (place, link) = (rows.GetInt64(0), rows.GetString(1));
                hash = link;
                await LineAsync(
                    to,
                    json =>
                    {
                        json.WriteNumber("seq"u8, place);
                        json.WriteString("hash"u8, link);
                        json.WriteBoolean("match"u8, isMatch);
                        json.WriteString("document"u8, document.WrittenSpan);
                    },
                    cancel
                );
            }
        }

        await LineAsync(
            to,
            json =>
            {
                json.WriteString("end"u8, "tessera-audit-1"u8);
                json.WriteNumber("entries"u8, Math.Max(0, range.Last - range.First + 1));
                json.WriteNumber("matches"u8, matches);
                json.WriteString("hash"u8, hash);
            },
            cancel
        );
    }

    private static async Task<(long First, long Last)> RangeAsync(
        UnitOfWork work,
        long? first,
        long? last,
        DateTimeOffset? from,
        DateTimeOffset? to,
        CancellationToken cancel
    )
    {
        var (sealedTo, _) = await AuditSearch.ReachAsync(work, cancel);
        if ((from ?? to) is not null)
        {
            var (low, high) = await AuditSearch.SpanAsync(work, from, to, cancel);
            (first, last) = (low, high);
        }

        // Behind the end there is nothing, however far behind.
        var begin = Math.Min(first ?? 1, sealedTo + 1);
        return (begin, Math.Min(Math.Min(last ?? sealedTo, sealedTo), begin + MaximumEntries - 1));
    }

    private static async Task<string> LinkAsync(NpgsqlConnection connection, long seq, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            "select encode(hash, 'hex') from audit.entry where seq = $1",
            connection
        );
        command.Parameters.Add(new() { Value = seq });
        return await command.ExecuteScalarAsync(cancel) as string ?? new string('0', 64);
    }

    private static async Task LineAsync(Stream to, Action<Utf8JsonWriter> members, CancellationToken cancel)
    {
        var line = JsonOut.Bytes(json =>
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        });
        await to.WriteAsync(line, cancel);
        await to.WriteAsync("\n"u8.ToArray(), cancel);
    }

    /// <summary>What is marked.</summary>
    internal sealed record Filter(string? Actor, string? Subject, string? Type)
    {
        public bool Fits(NpgsqlDataReader row) =>
            (Actor is null || row.GetString(2) == Actor)
            && (
                Subject is null
                || string.Create(CultureInfo.InvariantCulture, $"{row.GetString(4)}:{row.GetString(3)}") == Subject
            )
            && (Type is null || row.GetString(10) == Type);

        public void Write(Utf8JsonWriter json)
        {
            foreach (var (name, value) in ((string, string?)[])[("actor", Actor), ("subject", Subject), ("type", Type)])
            {
                if (value is not null)
                {
                    json.WriteString(name, value);
                }
            }
        }
    }
}
