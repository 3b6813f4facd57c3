using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Core.Expiration;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>
/// Extensions pass the approvals (EXP-10): what one person gives away alone in a day is bounded in unit-days, units times days
/// beyond now; above it somebody else decides. What is agreed on for named units is each unit as it was shown; for a whole
/// coupon, campaign or list it is the rule, as units are used all the while.
/// </summary>
internal sealed class ExtensionApproval(ILogger<ExtensionApproval> log) : IApprovedAction
{
    /// <summary>Names the kind in requests and policies.</summary>
    public const string Name = "coupon_extension";

    private static readonly Refusal Nothing = new(
        "nothing_to_extend",
        "None of these instances can be extended to that instant."
    );

    /// <inheritdoc/>
    public string Kind => Name;

    /// <inheritdoc/>
    public string Permission => Permissions.ExpiryChange;

    /// <inheritdoc/>
    public long FreeSize => ExtensionPolicy.FreeUnitDays;

    /// <inheritdoc/>
    public string? Read(Fields input)
    {
        input.Add("", "use_expiry_changes", "Extensions are asked for at /api/v1/expiry/changes.");
        return null;
    }

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var wanted = ChangeInput.Of(input);
        var end = wanted.ValidUntil!.Value;
        var now = await work.ClockAsync(cancel);
        if (wanted.Scope is { } scope)
        {
            if (
                await ChangeStore.CountAsync(work, scope, UnitAction.Extend, wanted.MerchantId, cancel) is not { } count
            )
            {
                return Entry.NotFound;
            }

            var subject = scope.CouponId is { } coupon ? $"coupon:{coupon}" : $"campaign:{scope.CampaignId}";
            return Effect(subject, wanted, ("subject", subject), Math.Max(1, count), now);
        }

        if (wanted.OperationId is { } operation)
        {
            return Effect($"operation:{operation}", wanted, ("lines", wanted.Lines), wanted.Lines!.Value, now);
        }

        var keys = await ChangeStore.KeysAsync(work, wanted.Names, wanted.MerchantId, cancel);
        var held = await UnitStore.HoldAsync(work, keys.Values, cancel);
        var decided = held.Select(u => (Unit: u, Refusal: wanted.Change.Decide(u.State, u.Key.EndsAt, now))).ToList();
        var granted = decided.Where(static d => d.Refusal is null).Select(static d => d.Unit).ToList();
        if (granted.Count == 0)
        {
            // Nothing is tried then, which is where the refused ones are counted else.
            UnitChanges.CountRefused(
                log,
                wanted.Change,
                decided.Select(static d => (d.Unit, d.Refusal!)),
                "approvals",
                null
            );
            return Nothing;
        }

        var units = granted
            .Select(static u => new object?[] { u.CouponId, u.Key.Id, u.Version, Instants.Format(u.Key.EndsAt) })
            .ToArray();
        return Effect($"instance:{granted[0].Key.Id}", wanted, ("units", units), granted.Count, now);

        Shown Effect(string subject, ChangeInput of, (string, object?) what, long size, DateTimeOffset at) =>
            new ActionEffect(
                subject,
                EventLog.Payload(
                    what,
                    ("valid_until", Instants.Format(end)),
                    ("override", of.ByOverride),
                    ("merchant_id", of.MerchantId)
                ),
                ExtensionPolicy.SizeOf(size, end, at),
                "unit_day",
                of.MerchantId
            );
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var result = await ChangeRunner.RunAsync(
            work,
            ChangeInput.Of(action.Input),
            action.Reason,
            action.ExecutedBy.Actor,
            action.CorrelationId,
            action.Id,
            log,
            cancel
        );
        return Executed.Done(System.Text.Json.JsonSerializer.Serialize(result, Wire.Json));
    }
}
