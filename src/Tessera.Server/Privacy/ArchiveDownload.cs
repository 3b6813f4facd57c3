using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Npgsql;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Privacy;

/// <summary>What one run archived, as a file (AUD-08): one JSON object a line, in the order in which it was archived.</summary>
internal static class ArchiveDownload
{
    private const string MediaType = "application/x-ndjson";

    private static readonly Refusal MoneyWithin = new(
        "export_with_figures",
        $"What was archived holds sums of money: to download it takes the permission {Permissions.FinanceRead:permission}.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet("/retention/runs/{id:guid}/archive", DownloadAsync)
            .WithName("downloadArchive")
            .WithSummary("Download what a run archived, one JSON object a line")
            .WithRemark("What was erased meanwhile, or whose period in the archive is over, is no more in it.")
            .WithTags("Privacy")
            .RequirePermission(Permissions.RetentionManage)
            .WithAnswer(200, "The records.", MediaType)
            .WithRefusals(RetentionEndpoints.StaffOnly, MoneyWithin);

    private static async Task DownloadAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        if ((new Query(context.Request).Finish() ?? RetentionEndpoints.Outsider(context)) is { } refusal)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        if (!Caller.Of(context).Can(Permissions.FinanceRead))
        {
            await Problems.WriteAsync(context, MoneyWithin);
            return;
        }

        await using var work = await database.BeginAsync(cancel);
        if (await RetentionStore.FindAsync(work, id, cancel) is not { Archived: > 0 } run)
        {
            await Problems.WriteAsync(context, Entry.NotFound);
            return;
        }

        (string, object?)[] facts = [("data_kind", run.DataKind), ("archived", run.Archived)];
        await RetentionEndpoints.TellAsync(
            context,
            work,
            "retention",
            id.ToString(),
            "retention.archive_downloaded",
            2,
            facts
        );
        await work.CommitAsync(cancel);

        var day = run.At.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        context.Response.ContentType = MediaType;
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{run.DataKind}-{day}.ndjson\"";
        await using var reader = await database.Source.OpenConnectionAsync(cancel);
        await WriteAsync(context.Response.BodyWriter.AsStream(), reader, run, cancel);
    }

    /// <summary>Writes the records as they are read: none waits in memory for the others.</summary>
    private static async Task WriteAsync(
        Stream to,
        NpgsqlConnection connection,
        RetentionRun run,
        CancellationToken cancel
    )
    {
        await using var command = new NpgsqlCommand(
            "select id, customer_id, content::text from privacy.archived where data_kind = $1 and at = $2 order by id",
            connection
        )
        {
            CommandTimeout = 0,
        };
        command.Parameters.Add(new() { Value = run.DataKind });
        command.Parameters.Add(new() { Value = run.At });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            using var content = JsonDocument.Parse(rows.GetString(2));
            var record = new ArchivedRecord(
                rows.GetInt64(0),
                run.DataKind,
                rows.Value<Guid>(1),
                content.RootElement,
                run.At
            );
            await to.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(record, Wire.Json), cancel);
            await to.WriteAsync("\n"u8.ToArray(), cancel);
        }
    }
}
