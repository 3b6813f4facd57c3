using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Coupons;

/// <summary>The rows of one transaction of an import: read once, and written until it commits.</summary>
internal sealed class ImportBatch(ImportOptions options, CatalogueActor actor, ImportRows rows)
{
    private readonly List<(ImportRow Row, List<Fault> Faults)> _rows = [];

    // Codes that a dry run would have made: the file may bring them again.
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <summary>Reads the next rows and checks them.</summary>
    /// <returns>False when there are none after them.</returns>
    public async Task<bool> ReadAsync(Database database, int limit, CancellationToken cancel)
    {
        _rows.Clear();
        DateTimeOffset now;
        await using (var work = await database.BeginAsync(cancel))
        {
            now = await work.ClockAsync(cancel);
        }

        while (_rows.Count < limit)
        {
            if (await rows.ReadAsync(now, cancel) is not { } row)
            {
                return false;
            }

            var faults = row.Errors.Select(e => new Fault(row.Line, e, rows.Shown(e.Field))).ToList();
            _rows.Add((row, faults));
        }

        return true;
    }

    /// <summary>Writes them: what can be stored, and why the rest cannot.</summary>
    public async Task<ImportTally> WriteAsync(
        UnitOfWork work,
        Guid operation,
        ImportTally tally,
        CancellationToken cancel
    )
    {
        if (_rows.Count == 0)
        {
            return tally;
        }

        var good = _rows.Where(static r => r.Faults.Count == 0).Select(static r => r.Row).ToList();
        var faults = _rows.SelectMany(static r => r.Faults).ToList();
        var refused = (long)_rows.Count - good.Count;
        var known = await CouponStore.TakenAsync(work, good.Select(static r => r.Draft.Code!), cancel);
        var fresh = new List<CouponDraft>(good.Count);
        long updated = 0;
        long skipped = 0;
        var now = await work.ClockAsync(cancel);
        foreach (var row in good)
        {
            // A code that comes twice in the file is taken by its first row.
            if (!known.Contains(row.Draft.Code!) && !_seen.Contains(row.Draft.Code!))
            {
                var late = options.UpdateExisting ? CouponRules.Validate(row.Draft, now, startIsNew: true) : [];
                if (late.Count > 0)
                {
                    refused++;
                    faults.AddRange(late.Select(e => new Fault(row.Line, e, row.Draft.Code)));
                    continue;
                }

                known.Add(row.Draft.Code!);
                fresh.Add(row.Draft);
            }
            else if (options.SkipDuplicates)
            {
                skipped++;
            }
            else if (await ErrorsOfUpdateAsync(work, row, now, cancel) is { Count: > 0 } errors)
            {
                refused++;
                faults.AddRange(errors.Select(e => new Fault(row.Line, e, row.Draft.Code)));
            }
            else
            {
                updated++;
            }
        }

        if (options.DryRun)
        {
            _seen.UnionWith(fresh.Select(static d => d.Code!));
        }
        else
        {
            await CouponStore.InsertAsync(work, fresh, actor, now, cancel);
        }

        await KeepAsync(work, operation, faults, tally.Refused, cancel);
        return new ImportTally(
            _rows[^1].Row.Line,
            tally.Done + _rows.Count,
            tally.Created + fresh.Count,
            tally.Updated + updated,
            tally.Skipped + skipped,
            tally.Refused + refused
        );
    }

    /// <summary>Changes the coupon a row names, if that was asked for; what keeps it from it otherwise.</summary>
    private async Task<IReadOnlyList<FieldError>> ErrorsOfUpdateAsync(
        UnitOfWork work,
        ImportRow row,
        DateTimeOffset now,
        CancellationToken cancel
    )
    {
        if (!options.UpdateExisting)
        {
            return [CouponRules.CodeTaken];
        }

        await using var query = work.Command(
            "select id from coupons.coupon where code = $1 and deleted_at is null",
            row.Draft.Code
        );
        if (
            await query.ExecuteScalarAsync(cancel) is not long id
            || await CouponStore.FindAsync(work, id, actor.MerchantId, forUpdate: true, cancel) is not { } before
        )
        {
            return [CouponRules.CodeTaken];
        }

        var draft = rows.Over(before, row.Draft);
        var errors = CouponRules.Validate(draft, now, startIsNew: before.ValidFrom != draft.ValidFrom);
        if (errors.Count == 0 && !options.DryRun)
        {
            await CouponStore.UpdateAsync(work, before, draft, actor, now, cancel);
        }

        return errors;
    }

    private static Task KeepAsync(
        UnitOfWork work,
        Guid operation,
        List<Fault> faults,
        long before,
        CancellationToken cancel
    )
    {
        var room = (int)Math.Max(0, ImportOperation.MaximumErrors - before);
        var kept = faults.OrderBy(static f => f.Line).Take(room).ToList();
        return OperationErrors.KeepAsync(
            work,
            operation,
            [
                .. kept.Select(static f => new OperationError(
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

    private sealed record Fault(long Line, FieldError Error, string? Value);
}
