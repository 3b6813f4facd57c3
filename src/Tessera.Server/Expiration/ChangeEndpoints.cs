using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Expiration;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Expiration;

/// <summary>Extending, ending and cancelling units over HTTP (EXP-09, EXP-10).</summary>
internal static class ChangeEndpoints
{
    internal static readonly Refusal OverrideForbidden = new(
        "override_forbidden",
        "Only staff with the permission instances.override may extend what has expired.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        var result = new ChangeAnswer(
            "done",
            Samples.Id,
            1,
            1,
            [
                new ChangedUnit(17, 1024, "changed", null),
                new ChangedUnit(17, 1025, "already_redeemed", "This coupon has already been used."),
            ],
            Samples.Id,
            null
        );
        api.MapPost("/expiry/changes", ChangeAsync)
            .WithName("changeInstances")
            .WithSummary("Extend, end, cancel or archive instances, a whole coupon or a whole campaign")
            .WithRemark(
                "Named instances (at most 1000) are answered one by one. A coupon or campaign becomes an operation. What changed more "
                    + "than one instance can be undone as a unit (undoOperation). An extension beyond what one person may give alone waits for approval: status pending, with its request."
            )
            .WithTags("Expiry")
            .RequirePermission(Permissions.ExpiryChange)
            .WithBody(new ChangeWanted("expire", "The offer was withdrawn.", CouponId: 17, InstanceIds: [1024, 1025]))
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, result, "What came of each instance.")
            .WithAnswer(
                202,
                new ChangeAnswer("accepted", Samples.Id, 0, 0, null, Samples.Id, null),
                "An operation does it, or it waits for approval."
            )
            .WithRefusals(
                OverrideForbidden,
                UnitChange.NotLater,
                Coupons.RegionCheck.BroughtForward,
                InstanceTransitions.HeldByCheckout,
                InstanceTransitions.Illegal,
                Refusals.Expired,
                Refusals.AlreadyRedeemed
            );
    }

    /// <summary>What is beyond the caller, or beyond any extension.</summary>
    internal static Refusal? Check(Caller caller, Fields fields, ChangeInput input, DateTimeOffset now)
    {
        if (input.ValidUntil > now + ExtensionPolicy.Furthest)
        {
            fields.Add("valid_until", "beyond_policy", "This is further away than any extension may reach.");
        }

        var mayOverride = caller.MerchantId is null && caller.Can(Permissions.InstancesOverride);
        return fields.Finish() ?? (input.ByOverride && !mayOverride ? OverrideForbidden : null);
    }

    /// <summary>Carries a change out, or asks for its approval.</summary>
    internal static async Task<HttpAnswer> AnswerAsync(
        HttpContext context,
        UnitOfWork work,
        ChangeInput input,
        string reason,
        ApprovalService approvals,
        CancellationToken cancel
    )
    {
        var caller = Caller.Of(context);
        var request = RequestIds.Of(context);
        if (input.Change.Action != UnitAction.Extend)
        {
            var log = context.RequestServices.GetRequiredService<ILogger<ExtensionApproval>>();
            return AnswerOf(await ChangeRunner.RunAsync(work, input, reason, caller.Actor, request, null, log, cancel));
        }

        var by = await Requester.OfAsync(work, caller, request, cancel);
        var wanted = new ApprovalRequest(ExtensionApproval.Name, input.ToJson(), reason);
        var (approval, refusal) = await approvals.RequestAsync(work, wanted, by, cancel);
        if (approval is null)
        {
            return HttpAnswer.Refused(context, refusal!);
        }

        if (approval.State != "executed")
        {
            var pending = new ChangeAnswer("pending_approval", null, 0, 0, null, input.OperationId, approval.Id);
            return HttpAnswer.Json(202, pending, "/api/v1/approvals/" + approval.Id);
        }

        var json = approval.Result!.Value;
        return AnswerOf(System.Text.Json.JsonSerializer.Deserialize<ChangeResult>(json, Wire.Json)!);
    }

    private static HttpAnswer AnswerOf(ChangeResult done) =>
        done.Items is null
            ? HttpAnswer.Json(
                202,
                new ChangeAnswer("accepted", done.ChangeId, 0, 0, null, done.OperationId, null),
                "/api/v1/operations/" + done.OperationId
            )
            : HttpAnswer.Json(
                200,
                new ChangeAnswer("done", done.ChangeId, done.Done, done.Refused, done.Items, done.OperationId, null)
            );

    private static async Task ChangeAsync(HttpContext context, Database database, ApprovalService approvals)
    {
        var caller = Caller.Of(context);
        await Idempotent.RunAsync(
            context,
            database,
            caller.ClientId,
            async (work, fields) =>
            {
                var cancel = CancellationToken.None;
                var now = await work.ClockAsync(cancel);
                var (asked, reason) = ChangeInput.Read(fields, now, caller.MerchantId);
                var (input, codes) = ChangeInput.ReadUnits(fields, asked);
                if (Check(caller, fields, input, now) is { } no)
                {
                    return HttpAnswer.Refused(context, no);
                }

                if (codes is not null)
                {
                    var (named, unknown) = await NamedAsync(work, input, codes, cancel);
                    if (unknown is not null)
                    {
                        return HttpAnswer.Refused(context, unknown);
                    }

                    input = named;
                }
                else if (
                    input.Scope is { } scope
                    && await ChangeStore.CountAsync(work, scope, input.Change.Action, caller.MerchantId, cancel) is null
                )
                {
                    return HttpAnswer.Refused(context, Entry.NotFound);
                }

                try
                {
                    return await AnswerAsync(context, work, input, reason!, approvals, cancel);
                }
                catch (PostgresException moved) when (UnitChanges.IsMoved(moved))
                {
                    return HttpAnswer.Refused(context, ETags.Stale);
                }
            },
            required: true
        );
    }

    private static async Task<(ChangeInput Input, Refusal? Unknown)> NamedAsync(
        UnitOfWork work,
        ChangeInput input,
        IReadOnlyList<string> codes,
        CancellationToken cancel
    )
    {
        var names = await ChangeStore.NamesAsync(work, codes, input.MerchantId, cancel);
        var errors = new List<FieldError>();
        for (var i = 0; i < codes.Count; i++)
        {
            if (!names.ContainsKey(codes[i]))
            {
                errors.Add(
                    new FieldError($"codes.{i}", $"#/codes/{i}", "unknown_code", "There is no instance of this code.")
                );
            }
        }

        return errors.Count > 0
            ? (input, Problems.Invalid(errors))
            : (input with { Units = [.. names.Values.Select(static n => new[] { n.CouponId, n.Id })] }, null);
    }

    /// <summary>What is wanted.</summary>
    /// <param name="Action">extend, expire, cancel, or archive what is over.</param>
    /// <param name="Reason">Why, in words; 10 to 500 characters. Kept, and not in the log.</param>
    /// <param name="ValidUntil">The new end of an extension.</param>
    /// <param name="Override">Extend what has expired too: staff alone.</param>
    /// <param name="Codes">Codes of instances.</param>
    /// <param name="CouponId">The coupon of the instances; alone: all of its instances.</param>
    /// <param name="InstanceIds">Instances of the coupon.</param>
    /// <param name="CampaignId">All instances of this campaign.</param>
    private sealed record ChangeWanted(
        string Action,
        string Reason,
        DateTimeOffset? ValidUntil = null,
        bool? Override = null,
        IReadOnlyList<string>? Codes = null,
        long? CouponId = null,
        IReadOnlyList<long>? InstanceIds = null,
        string? CampaignId = null
    );

    /// <summary>What came of it.</summary>
    /// <param name="Status">done, accepted or pending_approval.</param>
    /// <param name="ChangeId">Names it in events.</param>
    /// <param name="Done">Instances changed.</param>
    /// <param name="Refused">Instances refused.</param>
    /// <param name="Data">One by one.</param>
    /// <param name="OperationId">The operation that does it, or as which many that were done can be undone.</param>
    /// <param name="ApprovalId">The request that waits.</param>
    internal sealed record ChangeAnswer(
        string Status,
        Guid? ChangeId,
        long Done,
        long Refused,
        IReadOnlyList<ChangedUnit>? Data,
        Guid? OperationId,
        Guid? ApprovalId
    );
}
