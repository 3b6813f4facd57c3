using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Expiration;

/// <summary>What came of a change: units answered one by one, or the operation that does it.</summary>
/// <param name="ChangeId">Of its row.</param>
/// <param name="Done">Units changed.</param>
/// <param name="Refused">Units refused.</param>
/// <param name="Items">One by one; null for an operation.</param>
/// <param name="OperationId">The operation that does it, or as which it is listed; null for one unit alone.</param>
internal sealed record ChangeResult(
    Guid ChangeId,
    long Done,
    long Refused,
    IReadOnlyList<ChangedUnit>? Items,
    Guid? OperationId
);

/// <summary>What came of one unit.</summary>
/// <param name="CouponId">Its coupon.</param>
/// <param name="InstanceId">Its id.</param>
/// <param name="Outcome"><c>changed</c>, or the code of the refusal.</param>
/// <param name="Message">Why not.</param>
internal sealed record ChangedUnit(long CouponId, long InstanceId, string Outcome, string? Message);

/// <summary>Carries a change out: named units at once, everything else as an operation.</summary>
internal static class ChangeRunner
{
    private static readonly Refusal Unknown = Platform.Http.Entry.NotFound;

    /// <summary>Does it, or has it done, in the caller's transaction.</summary>
    public static async Task<ChangeResult> RunAsync(
        UnitOfWork work,
        ChangeInput input,
        string reason,
        string actor,
        string? requestId,
        Guid? approval,
        ILogger log,
        CancellationToken cancel
    )
    {
        // One unit alone is put right by hand; whatever may be many can be undone as a unit.
        var isMany = input.Scope is not null || input.OperationId is not null || input.Names.Count > 1;
        var asked = new AskedChange(
            Guid.CreateVersion7(),
            input.Change,
            reason,
            actor,
            requestId,
            input.MerchantId,
            IsKept: isMany
        );
        var selection = EventLog.Payload(
            ("units", input.Units?.Length),
            ("coupon_id", input.CouponId),
            ("campaign_id", input.CampaignId),
            ("lines", input.Lines)
        );
        if (input.Scope is null && input.OperationId is null)
        {
            var known = isMany ? await CreateAsync(work, asked, input, requestId, leased: true, cancel) : null;
            await ChangeStore.InsertAsync(work, asked, selection, known?.Id, approval, cancel);
            var result = await ApplyAsync(work, asked, input.Names, log, cancel);
            if (known is null)
            {
                return result;
            }

            await OperationErrors.KeepAsync(
                work,
                known.Id,
                [
                    .. result
                        .Items!.Where(static i => i.Message is not null)
                        .Select(static i => new OperationError(
                            i.InstanceId,
                            "instance_id",
                            i.Outcome,
                            i.Message!,
                            ChangeOperation.Invariant(i.InstanceId)
                        )),
                ],
                cancel
            );
            await OperationStore.TryAdvanceAsync(work, known, known.Total!.Value, result.Refused, null, cancel);
            var counted = EventLog.Payload(("changed", result.Done), ("refused", result.Refused));
            await OperationStore.TryEndAsync(work, known, "succeeded", counted, cancel);
            return result with { OperationId = known.Id };
        }

        var operation =
            input.OperationId ?? (await CreateAsync(work, asked, input, requestId, leased: false, cancel)).Id;
        if (input.OperationId is not null)
        {
            await work.ExecuteAsync(
                "update platform.operation set input = input || jsonb_build_object('change_id', $2, 'action', $3) where id = $1",
                [operation, asked.Id, input.Action],
                cancel
            );
            await OperationStore.TryMoveAsync(work, operation, ["paused"], "pending", cancel);
        }

        await ChangeStore.InsertAsync(work, asked, selection, operation, approval, cancel);
        return new ChangeResult(asked.Id, 0, 0, null, operation);
    }

    private static async Task<Operation> CreateAsync(
        UnitOfWork work,
        AskedChange asked,
        ChangeInput input,
        string? requestId,
        bool leased,
        CancellationToken cancel
    )
    {
        var total = input.Scope is { } scope
            ? await ChangeStore.CountAsync(work, scope, input.Change.Action, input.MerchantId, cancel)
            : input.Names.Distinct().Count();
        var json = EventLog.Payload(
            ("change_id", asked.Id),
            ("action", input.Action),
            ("coupon_id", input.CouponId),
            ("campaign_id", input.CampaignId),
            ("request_id", requestId),
            ("merchant_id", input.MerchantId)
        );
        return await OperationStore.CreateAsync(work, ChangeOperation.Kind, json, total, asked.Actor, leased, cancel);
    }

    private static async Task<ChangeResult> ApplyAsync(
        UnitOfWork work,
        AskedChange asked,
        IReadOnlyList<UnitName> names,
        ILogger log,
        CancellationToken cancel
    )
    {
        var keys = await ChangeStore.KeysAsync(work, names, asked.MerchantId, cancel);
        var outcomes = (await UnitChanges.ApplyAsync(work, asked, keys.Values, log, cancel)).ToDictionary(
            static o => o.Key,
            static o => o.Refusal
        );
        var items = names
            .Distinct()
            .Select(name =>
                !keys.TryGetValue(name, out var key) || !outcomes.TryGetValue(key, out var refusal) ? Of(name, Unknown)
                : refusal is null ? new ChangedUnit(name.CouponId, name.Id, "changed", null)
                : Of(name, refusal)
            )
            .ToList();
        var done = items.Count(static i => i.Outcome == "changed");
        await ChangeStore.CountAsync(work, asked.Id, done, items.Count - done, cancel);
        return new ChangeResult(asked.Id, done, items.Count - done, items, null);
    }

    private static ChangedUnit Of(UnitName name, Refusal refusal) =>
        new(name.CouponId, name.Id, refusal.Code, refusal.Message);
}
