using System.Globalization;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons;

/// <summary>What is wrong with a row.</summary>
internal sealed record ImportFault(long Line, string Field, string Code, string Message, string? Value);

/// <summary>What a row would do.</summary>
/// <param name="Line">Of the file.</param>
/// <param name="Code">Of the coupon, as far as it could be read.</param>
/// <param name="Kind">new, update, duplicate (left out) or error.</param>
/// <param name="Changes">Of an update: the fields that would change; none when the coupon is so already.</param>
internal sealed record ImportPreviewRow(long Line, string? Code, string Kind, IReadOnlyList<BulkFieldDiff> Changes);

/// <summary>What an import would find.</summary>
/// <param name="TotalRows">Without the header.</param>
/// <param name="ValidRows">That would be stored or left out as asked.</param>
/// <param name="InvalidRows">With errors.</param>
/// <param name="NewRows">That would make a coupon.</param>
/// <param name="UpdateRows">That would change one.</param>
/// <param name="DuplicateRows">That would be left out, as their code exists.</param>
/// <param name="UnknownColumns">That are not read.</param>
/// <param name="Codes">Of the first valid rows.</param>
/// <param name="Errors">The first of them.</param>
/// <param name="Rows">The first of each kind.</param>
/// <param name="RefusedRows">The first rows with errors, as the file of refused rows would have them; its header first.</param>
internal sealed record ImportPreview(
    long TotalRows,
    long ValidRows,
    long InvalidRows,
    long NewRows,
    long UpdateRows,
    long DuplicateRows,
    IReadOnlyList<string> UnknownColumns,
    IReadOnlyList<string> Codes,
    IReadOnlyList<ImportFault> Errors,
    IReadOnlyList<ImportPreviewRow> Rows,
    IReadOnlyList<IReadOnlyList<string>> RefusedRows
);

/// <summary>Says row by row what an import would do, by the present catalogue; writes and locks nothing.</summary>
internal static class ImportPreviewing
{
    private const int BatchSize = 1_000;
    private const int CodesShown = 20;
    private const int ErrorsShown = 1_000;
    private const int RowsShown = 50;

    private static readonly (string Field, Func<Coupon, string?> Before, Func<CouponDraft, string?> After)[] Fields =
    [
        ("internal_name", static c => c.InternalName, static d => d.InternalName),
        ("description_en", static c => c.English(), static d => d.Description["en"]),
        ("discount_type", static c => c.DiscountType, static d => d.DiscountType),
        (
            "discount_value",
            static c => Text(c.DiscountValue),
            static d => Text((d.DiscountType == "free_session" ? 100m : d.DiscountValue) / 1.000m)
        ),
        ("max_uses_total", static c => Text(c.MaxUsesTotal), static d => Text(d.MaxUsesTotal)),
        ("valid_from", static c => BulkJson.Plain(c.ValidFrom), static d => BulkJson.Plain(d.ValidFrom)),
        (
            "valid_until",
            static c => BulkJson.Plain(c.ValidUntil),
            static d => BulkJson.Plain(d.ValidUntil ?? DateTimeOffset.MaxValue)
        ),
        ("applicable_to", static c => c.ApplicableTo, static d => d.ApplicableTo),
        ("campaign_source", static c => c.CampaignSource, static d => d.CampaignSource),
        ("is_active", static c => BulkJson.Plain(c.IsActive), static d => BulkJson.Plain(d.IsActive)),
    ];

    /// <summary>Reads a file to its end.</summary>
    /// <exception cref="Platform.Files.UnreadableFileException">It cannot be read.</exception>
    public static async Task<ImportPreview> RunAsync(
        UnitOfWork work,
        ImportRows rows,
        ImportOptions options,
        Guid? merchant,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal);
        var codes = new List<string>();
        var errors = new List<ImportFault>();
        var shown = new List<ImportPreviewRow>();
        var refused = new List<IReadOnlyList<string>> { RejectedRows.Header(rows.Columns) };
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var batch = new List<ImportRow>(BatchSize);
        var regions = await RegionRules.OfMerchantsAsync(work, merchant is { } own ? [own] : null, cancel);

        void Count(ImportRow row, string kind, IReadOnlyList<BulkFieldDiff> changes)
        {
            var count = counts[kind] = counts.GetValueOrDefault(kind) + 1;
            if (count <= RowsShown)
            {
                shown.Add(new ImportPreviewRow(row.Line, row.Draft.Code, kind, changes));
            }

            if (kind != "error" && codes.Count < CodesShown)
            {
                codes.Add(row.Draft.Code!);
            }
        }

        void Refuse(ImportRow row, IReadOnlyList<FieldError> wrong, Func<string, string?> value)
        {
            Count(row, "error", []);
            if (refused.Count <= ErrorsShown)
            {
                refused.Add(RejectedRows.CellsOf(rows.Columns.Count, row with { Errors = wrong }));
            }

            errors.AddRange(
                wrong
                    .Take(ErrorsShown - errors.Count)
                    .Select(e => new ImportFault(row.Line, e.Field, e.Code, e.Message, value(e.Field)))
            );
        }

        async Task LookAsync()
        {
            var taken = await CouponStore.TakenAsync(work, batch.Select(static r => r.Draft.Code!), cancel);
            var coupons =
                options.UpdateExisting && taken.Count > 0
                    ? await CouponStore.FindByCodesAsync(work, taken, merchant, cancel, forUpdate: false)
                    : [];
            foreach (var row in batch)
            {
                var code = row.Draft.Code!;
                var isAgain = !seen.Add(code);
                if (!isAgain && !taken.Contains(code))
                {
                    if (RegionCheck.Of(regions.Of(row.Draft.MerchantId), null, row.Draft, now) is { Count: > 0 } no)
                    {
                        Refuse(row, no, rows.Shown);
                    }
                    else
                    {
                        Count(row, "new", []);
                    }
                }
                else if (options.SkipDuplicates)
                {
                    Count(row, "duplicate", []);
                }
                else if (options.UpdateExisting && coupons.TryGetValue(code, out var before))
                {
                    var draft = rows.Over(before, row.Draft);
                    var wrong = RegionCheck.Validate(regions, before, draft, now);
                    if (wrong.Count > 0)
                    {
                        Refuse(row, wrong, _ => code);
                    }
                    else
                    {
                        Count(row, "update", Differences(before, draft));
                    }
                }
                else if (options.UpdateExisting && isAgain && !taken.Contains(code))
                {
                    // It changes what an earlier row of the same file makes.
                    Count(row, "update", []);
                }
                else
                {
                    Refuse(row, [CouponRules.CodeTaken], _ => code);
                }
            }

            batch.Clear();
        }

        long total = 0;
        while (await rows.ReadAsync(now, cancel) is { } row)
        {
            total++;
            if (row.Errors.Count > 0)
            {
                Refuse(row, row.Errors, rows.Shown);
                continue;
            }

            batch.Add(row);
            if (batch.Count == BatchSize)
            {
                await LookAsync();
            }
        }

        await LookAsync();
        long Of(string kind) => counts.GetValueOrDefault(kind);
        return new ImportPreview(
            total,
            total - Of("error"),
            Of("error"),
            Of("new"),
            Of("update"),
            Of("duplicate"),
            rows.UnknownColumns,
            codes,
            [.. errors.OrderBy(static e => e.Line)],
            [.. shown.OrderBy(static r => r.Line)],
            refused
        );
    }

    private static List<BulkFieldDiff> Differences(Coupon before, CouponDraft draft)
    {
        var changes = new List<BulkFieldDiff>();
        foreach (var (field, was, becomes) in Fields)
        {
            var (one, other) = (was(before), becomes(draft));
            if (one != other)
            {
                changes.Add(new BulkFieldDiff(field, one, other));
            }
        }

        return changes;
    }

    private static string? Text(decimal? value) => value?.ToString("0.###", CultureInfo.InvariantCulture);
}
