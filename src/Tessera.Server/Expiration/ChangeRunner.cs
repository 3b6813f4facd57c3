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
            Guid? recorded = isMany ? Guid.CreateVersion7() : null;
            await ChangeStore.InsertAsync(work, asked, selection, recorded, approval, cancel);
            var result = await ApplyAsync(work, asked, input.Names, log, cancel);
            if (recorded is { } id)
            {
                await RecordAsync(work, id, asked, input, result, cancel);
            }

            return result with
            {
                OperationId = recorded,
            };
        }

        var operation = input.OperationId ?? await CreateAsync(work, asked, input, cancel);
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

    /// <summary>Keeps what was done of named units as an operation that is over.</summary>
    private static async Task RecordAsync(
        UnitOfWork work,
        Guid id,
        AskedChange asked,
        ChangeInput input,
        ChangeResult done,
        CancellationToken cancel
    )
    {
        await OperationStore.RecordAsync(
            work,
            id,
            ChangeOperation.Kind,
            InputOf(asked, input),
            done.Done + done.Refused,
            done.Refused,
            EventLog.Payload(("changed", done.Done), ("refused", done.Refused)),
            asked.Actor,
            cancel
        );
        await OperationErrors.KeepAsync(
            work,
            id,
            [
                .. done.Items!.Where(static i => i.Message is not null)
                    .Select(static i => ChangeOperation.Error(i.InstanceId, new Refusal(i.Outcome, i.Message!))),
            ],
            cancel
        );
    }

    private static async Task<Guid> CreateAsync(
        UnitOfWork work,
        AskedChange asked,
        ChangeInput input,
        CancellationToken cancel
    )
    {
        var total = await ChangeStore.CountAsync(work, input.Scope!, input.Change.Action, input.MerchantId, cancel);
        var operation = await OperationStore.CreateAsync(
            work,
            ChangeOperation.Kind,
            InputOf(asked, input),
            total,
            asked.Actor,
            leased: false,
            cancel
        );
        return operation.Id;
    }

    private static string InputOf(AskedChange asked, ChangeInput input) =>
        EventLog.Payload(
            ("change_id", asked.Id),
            ("action", input.Action),
            ("coupon_id", input.CouponId),
            ("campaign_id", input.CampaignId),
            ("request_id", asked.RequestId),
            ("merchant_id", input.MerchantId)
        );

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
