using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Files;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons.Export;

/// <summary>
/// The export of a filtered list with its figures as an operation (BLK-03): read and written row by row, so that its size
/// costs no memory. A run that was stopped or killed begins anew, as the list may have changed.
/// </summary>
internal static class CouponExport
{
    /// <summary>The kind of these operations.</summary>
    public const string Kind = "coupons_export";

    private const string Output = "output";
    private const int ChunkSize = 1024 * 1024;

    /// <summary>Rows between two signs of life.</summary>
    private const int RowsPerStep = 5_000;

    private static readonly (string Name, Func<Coupon, object?> Value)[] Columns =
    [
        ("id", static c => c.Id),
        ("code", static c => c.Code),
        ("internal_name", static c => c.InternalName),
        ("description_en", static c => c.English()),
        ("status", static c => c.Status),
        ("discount_type", static c => c.DiscountType),
        ("discount_value", static c => c.DiscountValue),
        ("currency", static c => c.Currency),
        ("max_discount_amount", static c => c.Major(c.MaxDiscountMinor)),
        ("minimum_order_value", static c => c.Major(c.MinimumOrderMinor)),
        ("max_uses_total", static c => c.MaxUsesTotal),
        ("max_uses_per_user", static c => c.MaxUsesPerUser),
        ("valid_from", static c => c.ValidFrom),
        ("valid_until", static c => c.ValidUntil == DateTimeOffset.MaxValue ? null : c.ValidUntil),
        ("applicable_to", static c => c.ApplicableTo),
        ("stacking", static c => c.Stacking),
        ("stacking_groups", static c => c.StackingGroups is { } groups ? string.Join(", ", groups) : null),
        ("apply_order", static c => c.ApplyOrder),
        ("campaign_id", static c => c.CampaignId),
        ("campaign_source", static c => c.CampaignSource),
        ("is_active", static c => c.IsActive),
        ("usage_count", static c => c.Redeemed),
        ("refused_count", static c => c.Refused),
        (
            "conversion_rate",
            static c =>
                c.Redeemed + c.Refused == 0 ? 0m : decimal.Round((decimal)c.Redeemed / (c.Redeemed + c.Refused), 4)
        ),
        ("revenue_generated", static c => c.Major(c.RevenueMinor)),
        ("total_discounts_given", static c => c.Major(c.DiscountsMinor)),
        ("last_used", static c => c.LastUsedAt),
        ("created_at", static c => c.CreatedAt),
    ];

    /// <summary>The columns that only those get who may see sums of money (ACC-03).</summary>
    private static readonly string[] Money = ["revenue_generated", "total_discounts_given"];

    /// <summary>Whether the file of an export has sums of money.</summary>
    public static bool HasMoney(Operation operation)
    {
        using var input = JsonDocument.Parse(operation.Input);
        return HasMoney(input.RootElement);
    }

    private static bool HasMoney(JsonElement input) =>
        !input.TryGetProperty("with_money", out var has) || has.ValueKind != JsonValueKind.False;

    /// <summary>Asks for an export.</summary>
    public static async Task<Operation> CreateAsync(
        UnitOfWork work,
        string format,
        string sort,
        RequestBody body,
        bool withMoney,
        long total,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        var type = format == "csv" ? "text/csv" : "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        var input = EventLog.Payload(
            ("format", format),
            ("sort", sort),
            ("with_money", withMoney),
            ("selection", body.Json.GetProperty("selection")),
            ("request_id", actor.RequestId),
            ("merchant_id", actor.MerchantId),
            ("output_type", type),
            ("output_name", "coupons." + format)
        );
        var operation = await OperationStore.CreateAsync(work, Kind, input, total, actor.Actor, leased: false, cancel);
        await TellAsync(work, operation, "coupons.export_requested", total, actor.RequestId, cancel);
        return operation;
    }

    /// <summary>Runs an operation that the caller holds, to its end or until it is taken away.</summary>
    public static async Task RunAsync(Database database, Operation operation, CancellationToken cancel)
    {
        using var json = JsonDocument.Parse(operation.Input);
        var input = json.RootElement;
        Guid? merchant = input.GetProperty("merchant_id") is { ValueKind: JsonValueKind.String } id
            ? id.GetGuid()
            : null;
        var selection = BulkRequests.ReadSelection(Fields.Of(input), merchant, input.GetProperty("sort").GetString()!)!;
        await selection.SearchAsync(database.Search, cancel);
        await using var file = new FileStream(
            System.IO.Path.GetTempFileName(),
            FileMode.Open,
            FileAccess.ReadWrite,
            FileShare.None,
            64 * 1024,
            FileOptions.DeleteOnClose
        );
        var withMoney = HasMoney(input);
        var columns = Columns.Where(c => withMoney || !Money.Contains(c.Name)).ToArray();
        string[] header = [.. columns.Select(static c => c.Name)];
        var rows = await WriteAsync(
            database,
            operation,
            selection,
            [.. columns.Select(static c => c.Value)],
            input.GetProperty("format").GetString() == "csv" ? new CsvSink(file, header) : new XlsxSink(file, header),
            cancel
        );
        if (rows is not { } count)
        {
            return;
        }

        file.Position = 0;
        await using var work = await database.BeginAsync(cancel);
        await OperationStore.ForgetChunksAsync(work, operation.Id, Output, cancel);
        var buffer = new byte[ChunkSize];
        for (var number = 0; ; number++)
        {
            var read = await file.ReadAtLeastAsync(buffer, ChunkSize, throwOnEndOfStream: false, cancel);
            if (read == 0)
            {
                break;
            }

            await OperationStore.WriteChunkAsync(work, operation.Id, Output, number, buffer[..read], cancel);
        }

        var result = EventLog.Payload(("rows", count), ("bytes", file.Length));
        if (
            await OperationStore.TryAdvanceAsync(work, operation, count, 0, null, cancel)
            && await OperationStore.TryEndAsync(work, operation, "succeeded", result, cancel)
        )
        {
            await TellAsync(
                work,
                operation,
                "coupons.exported",
                count,
                input.GetProperty("request_id").GetString()!,
                cancel
            );
            await work.CommitAsync(cancel);
        }
    }

    /// <summary>Writes down that somebody has fetched the file.</summary>
    public static async Task TellFetchedAsync(
        UnitOfWork work,
        Operation operation,
        CatalogueActor actor,
        CancellationToken cancel
    )
    {
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(cancel),
            [
                new EventEntry(
                    "operation",
                    operation.Id.ToString(),
                    "coupons.export_fetched",
                    operation.Fence,
                    actor.Actor,
                    "{}",
                    actor.RequestId
                ),
            ],
            cancel
        );
    }

    /// <returns>Rows written; null when the operation was taken away.</returns>
    private static async Task<long?> WriteAsync(
        Database database,
        Operation operation,
        CouponList selection,
        Func<Coupon, object?>[] columns,
        ISink sink,
        CancellationToken cancel
    )
    {
        using var owned = sink;
        await using var work = await database.BeginAsync(cancel);
        await using var command = selection.Everything(work);
        await using var row = await command.ExecuteReaderAsync(cancel);
        var cells = new object?[columns.Length];
        long done = 0;
        while (await row.ReadAsync(cancel))
        {
            var coupon = Coupon.Read(row);
            for (var i = 0; i < cells.Length; i++)
            {
                cells[i] = columns[i](coupon);
            }

            sink.Write(cells);
            if (++done % RowsPerStep == 0)
            {
                await using var step = await database.BeginAsync(cancel);
                if (!await OperationStore.TryAdvanceAsync(step, operation, done, 0, null, cancel))
                {
                    return null;
                }

                await step.CommitAsync(cancel);
            }
        }

        sink.Finish();
        return done;
    }

    private static async Task TellAsync(
        UnitOfWork work,
        Operation operation,
        string type,
        long rows,
        string request,
        CancellationToken cancel
    )
    {
        using var input = JsonDocument.Parse(operation.Input);
        var selection = input.RootElement.GetProperty("selection");
        // What was searched for may name somebody: the log has the names of the filters alone.
        var filters =
            selection.TryGetProperty("filter", out var filter) && filter.ValueKind == JsonValueKind.Object
                ? filter.EnumerateObject().Select(static f => f.Name).ToArray()
                : [];
        await EventLog.AppendAsync(
            work,
            await work.ClockAsync(cancel),
            [
                new EventEntry(
                    "operation",
                    operation.Id.ToString(),
                    type,
                    operation.Fence,
                    operation.Actor,
                    EventLog.Payload(
                        ("format", input.RootElement.GetProperty("format").GetString()),
                        ("filters", filters),
                        ("rows", rows)
                    ),
                    request
                ),
            ],
            cancel
        );
    }

    private interface ISink : IDisposable
    {
        void Write(object?[] cells);

        void Finish();
    }

    private sealed class CsvSink(Stream to, string[] header) : ISink
    {
        private readonly StringBuilder _text = Head(header);

        public void Write(object?[] cells)
        {
            CsvText.AppendValues(_text, cells);
            if (_text.Length > ChunkSize)
            {
                Flush();
            }
        }

        public void Finish() => Flush();

        public void Dispose() => _text.Clear();

        private void Flush()
        {
            to.Write(Encoding.UTF8.GetBytes(_text.ToString()));
            _text.Clear();
        }

        private static StringBuilder Head(string[] header)
        {
            var text = new StringBuilder(ChunkSize + 4096);
            CsvText.AppendRow(text, header);
            return text;
        }
    }

    private sealed class XlsxSink(Stream to, string[] header) : ISink
    {
        private readonly XlsxWriter _workbook = new(to, "Coupons", header);

        public void Write(object?[] cells) => _workbook.Write(cells);

        public void Finish() => _workbook.Finish();

        public void Dispose() => _workbook.Dispose();
    }
}

/// <summary>Runs the exports that callers have asked for. Every node may run it at once.</summary>
internal sealed class ExportWorker(Database database, TimeProvider clock, ILogger<ExportWorker> log)
    : Worker(clock, log, TimeSpan.FromSeconds(1))
{
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        if (await OperationStore.TakeAsync(database, CouponExport.Kind, null, cancel) is not { } operation)
        {
            return false;
        }

        await CouponExport.RunAsync(database, operation, cancel);
        return true;
    }
}
