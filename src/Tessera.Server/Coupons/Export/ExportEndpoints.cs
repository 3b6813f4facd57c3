using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons.Export;

/// <summary>Exports of coupons over HTTP (BLK-03): asked for, and fetched when they are made. Each step is audited.</summary>
internal static class ExportEndpoints
{
    private const int MaximumSort = 200;

    private static readonly Refusal NotReady = new("export_not_ready", "This export is not made yet, or was stopped.");

    private static readonly Refusal MoneyWithin = new(
        "export_with_figures",
        $"This export has sums of money: it needs the permission {Permissions.FinanceRead:permission}.",
        RefusalKind.Forbidden
    );

    private static readonly string[] Formats = ["csv", "xlsx"];

    public static void Map(IEndpointRouteBuilder api)
    {
        var exports = api.MapGroup("/admin/coupons/exports").WithTags("Bulk");
        exports
            .MapPost("", RequestAsync)
            .WithName("exportCoupons")
            .WithSummary("Export coupons with their figures as CSV or Excel, as an operation")
            .WithRemark(
                "A selection has ids, or a filter with the parameters of the list. Texts that a spreadsheet could take for "
                    + "formulas are marked as text."
            )
            .RequirePermission(Permissions.CouponsExport)
            .WithBody(
                new ExportWanted(
                    "xlsx",
                    new BulkPlanEndpoints.BulkSelectionShape(null, new BulkPlanEndpoints.BulkFilterShape("active")),
                    "created_at_desc"
                )
            )
            .WithIdempotencyKey(required: true)
            .WithAnswer(202, new ExportAccepted(Samples.Id, 12_480), "Location is the operation that does it.");
        exports
            .MapGet("/{id:guid}/file", FetchAsync)
            .WithName("getExportFile")
            .WithSummary("Download an export")
            .RequirePermission(Permissions.CouponsExport)
            .WithAnswer(200, "The file.", "text/csv")
            .WithRefusals(NotReady, MoneyWithin);
    }

    private static async Task RequestAsync(HttpContext context, Database database)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body);
        var format = fields.Word("format", Formats);
        var sort = fields.Text("sort", MaximumSort, required: false) ?? "created_at_desc";
        var withMoney = caller.Can(Permissions.FinanceRead);
        var selection = BulkRequests.ReadSelection(fields, caller.MerchantId, sort, withMoney);
        if (fields.Finish() is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await selection!.SearchAsync(database.Search, context.RequestAborted);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            body.Bytes,
            async work =>
            {
                var cancel = CancellationToken.None;
                await using var counting = selection.Count(database.Search);
                var total = (long)(await counting.ExecuteScalarAsync(cancel))!;
                var actor = CatalogueActor.Of(context);
                var operation = await CouponExport.CreateAsync(
                    work,
                    format!,
                    sort,
                    body,
                    withMoney,
                    total,
                    actor,
                    cancel
                );
                var accepted = new ExportAccepted(operation.Id, total);
                return HttpAnswer.Json(202, accepted, "/api/v1/operations/" + operation.Id);
            },
            required: true
        );
    }

    private static async Task FetchAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        var caller = Caller.Of(context);
        Operation? operation;
        await using (var work = await database.BeginAsync(cancel))
        {
            operation = await OperationStore.FindAsync(work, id, caller.MerchantId, cancel);
            if (operation is not { Kind: CouponExport.Kind })
            {
                await Problems.WriteAsync(context, Entry.NotFound);
                return;
            }

            if (CouponExport.HasMoney(operation) && !caller.Can(Permissions.FinanceRead))
            {
                await Problems.WriteAsync(context, MoneyWithin);
                return;
            }

            if (operation.Status != "succeeded")
            {
                await Problems.WriteAsync(context, NotReady);
                return;
            }

            if (!await OperationStore.HasFileAsync(database, id, "output", cancel))
            {
                // It was kept long enough (AUD-08).
                await Problems.WriteAsync(context, Entry.NotFound);
                return;
            }

            var actor = CatalogueActor.Of(context);
            await CouponExport.TellFetchedAsync(work, operation, actor, cancel);
            await work.CommitAsync(cancel);
        }

        using var input = JsonDocument.Parse(operation.Input);
        context.Response.ContentType = input.RootElement.GetProperty("output_type").GetString();
        context.Response.Headers.ContentDisposition =
            $"attachment; filename=\"{input.RootElement.GetProperty("output_name").GetString()}\"";
        await OperationStore.CopyChunksAsync(database, id, "output", context.Response.Body, cancel);
    }

    /// <summary>An export.</summary>
    /// <param name="Format">csv or xlsx.</param>
    /// <param name="Selection">Which coupons.</param>
    /// <param name="Sort">Their order, as in the list.</param>
    private sealed record ExportWanted(
        string Format,
        BulkPlanEndpoints.BulkSelectionShape Selection,
        string? Sort = null
    );

    /// <summary>The operation that exports.</summary>
    /// <param name="OperationId">Its id.</param>
    /// <param name="Coupons">How many there are now.</param>
    private sealed record ExportAccepted(Guid OperationId, long Coupons);
}
