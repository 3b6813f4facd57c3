using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Regions;

namespace Tessera.Server.Coupons;

/// <summary>Writes batch after batch of one import: what can be stored, and why the rest cannot.</summary>
internal sealed class ImportWriter(Guid operation, ImportOptions options, CatalogueActor actor, ImportRows rows)
{
    private readonly CouponCopy _copy = new();

    // Of the batch that is written: a rule that is set while a file is read counts from the next batch on.
    private CouponRegions _regions = CouponRegions.None;

    // Codes that a dry run would have made: the file may bring them again.
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <summary>
    /// Whether codes are looked up before they are stored. Most files bring new codes only: they are stored unseen, and
    /// the index refuses the batch that has one that is taken, which is then written with a look.
    /// </summary>
    public bool LooksFirst { get; set; } = options.UpdateExisting || options.DryRun;

    /// <summary>Writes a batch.</summary>
    /// <returns>How far the import is then.</returns>
    /// <exception cref="Npgsql.PostgresException">23505: a code is taken, by somebody else or unseen. Write it again.</exception>
    public async Task<ImportTally> WriteAsync(
        UnitOfWork work,
        ImportTally tally,
        ImportBatch batch,
        CancellationToken cancel
    )
    {
        var now = await work.ClockAsync(cancel);
        _regions = await RegionRules.OfMerchantsAsync(work, actor.MerchantId is { } own ? [own] : null, cancel);
        var sum = new Sum([.. batch.Faults], [.. batch.Refused]);
        var mayChange = options is { UpdateExisting: true, SkipDuplicates: false };
        foreach (var wave in mayChange ? Waves(batch.Rows) : [batch.Rows])
        {
            await WriteAsync(work, wave, sum, now, cancel);
        }

        await KeepAsync(work, sum.Faults, tally.Refused, cancel);
        if (sum.Refused.Count > 0)
        {
            await RejectedRows.KeepAsync(work, operation, tally.RefusedParts, rows.Columns, sum.Refused, cancel);
        }

        await BulkStore.AddDoneAsync(work, operation, sum.Touched, cancel);
        LooksFirst = options.UpdateExisting || options.DryRun || sum.Known > 0;
        return new ImportTally(
            batch.Line,
            tally.Done + batch.Count,
            tally.Created + sum.Created,
            tally.Updated + sum.Updated,
            tally.Skipped + sum.Skipped,
            tally.Refused + sum.Refused.Count,
            tally.RefusedParts + (sum.Refused.Count > 0 ? 1 : 0)
        );
    }

    /// <summary>Cuts rows where a code comes again, so that it changes what the row before has made.</summary>
    private static IEnumerable<IReadOnlyList<ImportRow>> Waves(IReadOnlyList<ImportRow> rows)
    {
        var codes = new HashSet<string>(rows.Count, StringComparer.Ordinal);
        var wave = new List<ImportRow>(rows.Count);
        foreach (var row in rows)
        {
            if (!codes.Add(row.Draft.Code!))
            {
                yield return wave;
                wave = [];
                codes.Clear();
                codes.Add(row.Draft.Code!);
            }

            wave.Add(row);
        }

        yield return wave;
    }

    private async Task WriteAsync(
        UnitOfWork work,
        IReadOnlyList<ImportRow> wave,
        Sum sum,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        var known = LooksFirst
            ? await CouponStore.TakenAsync(work, wave.Select(static r => r.Draft.Code!), cancel)
            : new HashSet<string>(wave.Count, StringComparer.Ordinal);
        sum.Known += known.Count;
        var fresh = new List<CouponDraft>(wave.Count);
        var changed = new List<ImportRow>();
        foreach (var row in wave)
        {
            // A code that comes twice in the file is taken by its first row.
            if (!known.Contains(row.Draft.Code!) && !_seen.Contains(row.Draft.Code!))
            {
                var late = options.UpdateExisting
                    ? RegionCheck.Validate(_regions, before: null, row.Draft, now)
                    : RegionCheck.Of(_regions.Of(row.Draft.MerchantId), before: null, row.Draft, now);
                if (late.Count > 0)
                {
                    sum.Refuse(row, late);
                    continue;
                }

                known.Add(row.Draft.Code!);
                fresh.Add(row.Draft);
            }
            else if (options.SkipDuplicates)
            {
                sum.Skipped++;
            }
            else if (!options.UpdateExisting)
            {
                sum.Refuse(row, [CouponRules.CodeTaken]);
            }
            else if (_seen.Contains(row.Draft.Code!))
            {
                sum.Updated++;
            }
            else
            {
                changed.Add(row);
            }
        }

        sum.Created += fresh.Count;
        if (options.DryRun)
        {
            _seen.UnionWith(fresh.Select(static d => d.Code!));
        }
        else if (fresh.Count > 0)
        {
            var ids = await CouponStore.TakeIdsAsync(work, fresh.Count, cancel);
            await _copy.WriteAsync(work, fresh, ids, actor, now, cancel);
            foreach (var id in ids)
            {
                sum.Touched[id] = (1, null);
            }
        }

        await ChangeAsync(work, changed, sum, now, cancel);
    }

    /// <summary>Changes the coupons that rows name, as far as the rules and the tenant allow it.</summary>
    private async Task ChangeAsync(
        UnitOfWork work,
        List<ImportRow> wanted,
        Sum sum,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (wanted.Count == 0)
        {
            return;
        }

        var codes = wanted.ConvertAll(static r => r.Draft.Code!);
        var found = await CouponStore.FindByCodesAsync(work, codes, actor.MerchantId, cancel);
        var changes = new List<(Coupon, CouponDraft)>(wanted.Count);
        foreach (var row in wanted)
        {
            if (!found.TryGetValue(row.Draft.Code!, out var before))
            {
                sum.Refuse(row, [CouponRules.CodeTaken]);
                continue;
            }

            var draft = rows.Over(before, row.Draft);
            var errors = RegionCheck.Validate(_regions, before, draft, now);
            if (errors.Count > 0)
            {
                sum.Refuse(row, errors);
            }
            else
            {
                changes.Add((before, draft));
            }
        }

        sum.Updated += changes.Count;
        if (options.DryRun || changes.Count == 0)
        {
            return;
        }

        var befores = await BulkStore.ImportableAsync(work, [.. changes.Select(static c => c.Item1.Id)], cancel);
        await CouponStore.UpdateAsync(work, changes, actor, now, cancel);
        foreach (var (before, _) in changes)
        {
            // What the same batch has made or changed already is undone to where it was before the batch.
            var first = sum.Touched.TryGetValue(before.Id, out var touched) ? touched.Before : befores[before.Id];
            sum.Touched[before.Id] = (before.Version + 1, first);
        }
    }

    private Task KeepAsync(UnitOfWork work, List<RowFault> faults, long before, CancellationToken cancel)
    {
        var room = (int)Math.Max(0, ImportOperation.MaximumErrors - before);
        return OperationErrors.KeepAsync(
            work,
            operation,
            [
                .. faults
                    .OrderBy(static f => f.Line)
                    .Take(room)
                    .Select(static f => new OperationError(
                        f.Line,
                        f.Error.Field,
                        f.Error.Code,
                        f.Error.Message,
                        f.Value
                    )),
            ],
            cancel
        );
    }

    /// <summary>What became of the rows of a batch.</summary>
    private sealed class Sum(List<RowFault> faults, List<ImportRow> refused)
    {
        public List<RowFault> Faults { get; } = faults;

        public List<ImportRow> Refused { get; } = refused;

        /// <summary>Coupons with their versions now, and what they were before the batch; null for new ones.</summary>
        public Dictionary<long, (long Version, string? Before)> Touched { get; } = [];

        public long Known { get; set; }

        public long Created { get; set; }

        public long Updated { get; set; }

        public long Skipped { get; set; }

        public void Refuse(ImportRow row, IReadOnlyList<FieldError> errors)
        {
            Refused.Add(row with { Errors = errors });
            Faults.AddRange(errors.Select(e => new RowFault(row.Line, e, row.Draft.Code)));
        }
    }
}
