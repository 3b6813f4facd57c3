using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Access.Limits;
using Tessera.Server.Platform.Http;
using Tessera.Server.Redemptions.Orders;

namespace Tessera.Server.Redemptions;

/// <summary>Routes of the room: bind, authorise, put on the lane.</summary>
internal static class RedemptionEndpoints
{
    private static readonly Refusal WrongChannel = new(
        "channel_not_allowed",
        "This key may not act in this channel.",
        RefusalKind.Forbidden
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/validations", ValidateAsync)
            .WithName("validateCoupon")
            .TakesCodes()
            .DescribeValidate()
            .WithSummary("Ask whether, and for how much, a coupon could be used now")
            .WithTags("Redemptions")
            .RequirePermission(Permissions.RedemptionsValidate);
        api.MapPost(
                "/reservations",
                (HttpContext context, RedemptionService lanes) => AttemptAsync(context, lanes, Operation.Reserve)
            )
            .WithName("reserveCoupon")
            .TakesCodes()
            .DescribeReserve()
            .WithSummary("Hold a use of a coupon for a checkout")
            .WithTags("Redemptions")
            .RequirePermission(Permissions.RedemptionsRedeem);
        api.MapPost("/reservations/{id:guid}/release", ReleaseAsync)
            .WithName("releaseReservation")
            .DescribeRelease()
            .WithSummary("End a hold before its time")
            .WithTags("Redemptions")
            .RequirePermission(Permissions.RedemptionsRedeem);
        api.MapPost(
                "/redemptions",
                (HttpContext context, RedemptionService lanes) => AttemptAsync(context, lanes, Operation.Redeem)
            )
            .WithName("redeemCoupon")
            .TakesCodes()
            .DescribeRedeem()
            .WithSummary("Use a coupon on an order, exactly once")
            .WithTags("Redemptions")
            .RequirePermission(Permissions.RedemptionsRedeem);
        api.MapPost("/redemptions/{id:guid}/rollback", RollBackAsync)
            .WithName("rollBackRedemption")
            .DescribeRollBack()
            .WithSummary("Give a redemption back")
            .WithTags("Redemptions")
            .RequirePermission(Permissions.RedemptionsRollBack);
    }

    private static async Task ValidateAsync(HttpContext context, RedemptionService lanes)
    {
        var caller = Caller.Of(context);
        if (await RequestBody.TakeAsync(context) is not { } body)
        {
            return;
        }

        var fields = Fields.Of(body!);
        var attempt = RedemptionRequests.Attempt(fields, Operation.Validate, AskerOf(context, caller, default));
        if (Wrong(fields, caller, attempt) is { } wrong)
        {
            await Problems.WriteAsync(context, wrong);
            return;
        }

        await SendAsync(context, await lanes.ValidateAsync(attempt!, context.RequestAborted));
    }

    private static async Task AttemptAsync(HttpContext context, RedemptionService lanes, Operation operation)
    {
        var caller = Caller.Of(context);
        var (body, refusal) = await RequestBody.ReadAsync(context);
        if (refusal is null)
        {
            (var key, refusal) = IdempotencyKey.Read(context, caller.ClientId, body!.Bytes.Span);
            if (refusal is null)
            {
                var fields = Fields.Of(body);
                var attempt = RedemptionRequests.Attempt(fields, operation, AskerOf(context, caller, key));
                refusal = Wrong(fields, caller, attempt);
                if (refusal is null)
                {
                    await SendAsync(context, await lanes.RunAsync(attempt!));
                    return;
                }
            }
        }

        await Problems.WriteAsync(context, refusal);
    }

    private static async Task ReleaseAsync(HttpContext context, Guid id, RedemptionService lanes)
    {
        var caller = Caller.Of(context);
        var (key, refusal) = IdempotencyKey.Read(context, caller.ClientId, []);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        await SendAsync(context, await lanes.RunAsync(new ReleaseCommand(AskerOf(context, caller, key), id, false)));
    }

    private static async Task RollBackAsync(
        HttpContext context,
        Guid id,
        RedemptionService lanes,
        Platform.Database database
    )
    {
        var caller = Caller.Of(context);
        var (body, refusal) = await RequestBody.ReadAsync(context);
        if (refusal is null)
        {
            (var key, refusal) = IdempotencyKey.Read(context, caller.ClientId, body!.Bytes.Span);
            if (refusal is null)
            {
                var fields = Fields.Of(body);
                var reason = fields.Text("reason", 500);
                var returnUse = fields.Flag("return_use", required: false) ?? true;
                refusal = fields.Finish();
                if (refusal is null && await OrderStore.HasRedemptionAsync(database, id, context.RequestAborted))
                {
                    refusal = OrderRefusals.PartOfAnOrder;
                }

                if (refusal is null)
                {
                    var asker = AskerOf(context, caller, key);
                    var command = new RollBackCommand(asker, id, returnUse, reason!, Guid.CreateVersion7());
                    await SendAsync(context, await lanes.RunAsync(command));
                    return;
                }
            }
        }

        await Problems.WriteAsync(context, refusal);
    }

    private static Refusal? Wrong(Fields fields, Caller caller, AttemptCommand? attempt)
    {
        if (fields.Finish() is { } wrong)
        {
            return wrong;
        }

        return caller.Channels is { } channels && !(attempt!.Channel is { } channel && channels.Contains(channel))
            ? WrongChannel
            : null;
    }

    private static Asker AskerOf(HttpContext context, Caller caller, IdempotencyKey key) =>
        new(
            caller.ClientId,
            caller.MerchantId,
            caller.Actor,
            caller.Can(Permissions.RefusalsExplain),
            key.KeyHash,
            key.RequestHash,
            RequestIds.Of(context),
            context.Request.Path.Value ?? "/"
        );

    private static async Task SendAsync(HttpContext context, Answer answer)
    {
        if (answer.Refusal == Refusals.NotFound)
        {
            context.CodesNotFound();
        }

        var response = context.Response;
        response.StatusCode = answer.Status;
        response.ContentType = answer.Accepted ? "application/json" : Problems.MediaType;
        response.ContentLength = answer.Body.Length;
        if (answer.Location is { } location)
        {
            response.Headers.Location = location;
        }

        if (answer.Replayed)
        {
            response.Headers["Idempotency-Replayed"] = "true";
        }

        await response.Body.WriteAsync(answer.Body, context.RequestAborted);
    }
}
