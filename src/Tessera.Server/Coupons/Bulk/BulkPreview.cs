using System.Text.Json;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons.Bulk;

/// <summary>Coupons of which the same is to be said.</summary>
/// <param name="Code">Stable, machine-readable.</param>
/// <param name="Count">How many.</param>
/// <param name="Examples">Codes of some.</param>
internal sealed record BulkReason(string Code, long Count, IReadOnlyList<string> Examples);

/// <summary>A field of an example.</summary>
/// <param name="Field">Its name.</param>
/// <param name="Before">As text; null for none.</param>
/// <param name="After">Likewise.</param>
internal sealed record BulkFieldDiff(string Field, string? Before, string? After);

/// <summary>A coupon that would change.</summary>
internal sealed record BulkExample(long Id, string Code, IReadOnlyList<BulkFieldDiff> Changes);

/// <summary>What a bulk change would do (BLK-06).</summary>
/// <param name="Matching">Coupons selected.</param>
/// <param name="Changing">That would change.</param>
/// <param name="Unchanged">That are as wanted.</param>
/// <param name="Refused">That cannot be changed so.</param>
/// <param name="Reasons">Why not.</param>
/// <param name="Warnings">What should be known of those that change.</param>
/// <param name="Examples">The first that would change.</param>
/// <param name="NeedsApproval">Whether a second person has to agree.</param>
/// <param name="UndoDays">For how many days it can be undone.</param>
internal sealed record BulkPreviewView(
    long Matching,
    long Changing,
    long Unchanged,
    long Refused,
    IReadOnlyList<BulkReason> Reasons,
    IReadOnlyList<BulkReason> Warnings,
    IReadOnlyList<BulkExample> Examples,
    bool NeedsApproval,
    int UndoDays
);

/// <summary>Runs the decision over all selected coupons, a row at a time, and writes nothing.</summary>
internal static class BulkPreview
{
    private const int ExampleCount = 8;

    /// <summary>What would happen.</summary>
    public static async Task<BulkPreviewView> RunAsync(
        UnitOfWork work,
        BulkChange change,
        CouponList selection,
        CancellationToken cancel
    )
    {
        var now = await work.ClockAsync(cancel);
        long matching = 0;
        long changing = 0;
        long refused = 0;
        var reasons = new Dictionary<string, Group>(StringComparer.Ordinal);
        var warnings = new Dictionary<string, Group>(StringComparer.Ordinal);
        var examples = new List<BulkExample>();
        var regions = await RegionRules.OfMerchantsAsync(work, null, cancel);
        await using var command = BulkStore.Read(work, selection);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var row = BulkStore.ReadRow(rows);
            var verdict = change.Decide(row, row.Version, now, regions.Of(row.MerchantId));
            matching++;
            if (verdict.Refused is { } no)
            {
                refused++;
                Add(reasons, no.Code, row.Code);
            }
            else if (verdict.Changes.Count > 0)
            {
                changing++;
                if (examples.Count < ExampleCount)
                {
                    examples.Add(ExampleOf(row, verdict));
                }
            }

            if (verdict.Warning is { } warning)
            {
                Add(warnings, WordOf(warning), row.Code);
            }
        }

        return new BulkPreviewView(
            matching,
            changing,
            matching - changing - refused,
            refused,
            [.. reasons.Select(static r => r.Value.View(r.Key))],
            [.. warnings.Select(static w => w.Value.View(w.Key))],
            examples,
            false,
            Undoing.UsualDays
        );
    }

    /// <summary>The word for a warning.</summary>
    public static string WordOf(BulkWarning warning) => JsonNamingPolicy.SnakeCaseLower.ConvertName(warning.ToString());

    private static BulkExample ExampleOf(BulkRow row, BulkVerdict verdict) =>
        new(
            row.Id,
            row.Code,
            [
                .. verdict.Changes.Select(static c => new BulkFieldDiff(
                    c.Field,
                    BulkJson.Plain(c.Before),
                    BulkJson.Plain(c.After)
                )),
            ]
        );

    private static void Add(Dictionary<string, Group> groups, string word, string code)
    {
        if (!groups.TryGetValue(word, out var group))
        {
            groups[word] = group = new Group();
        }

        group.Count++;
        if (group.Codes.Count < ExampleCount)
        {
            group.Codes.Add(code);
        }
    }

    private sealed class Group
    {
        public long Count { get; set; }

        public List<string> Codes { get; } = [];

        public BulkReason View(string word) => new(word, Count, Codes);
    }
}
