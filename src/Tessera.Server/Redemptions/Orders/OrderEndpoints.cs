using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Access;
using Tessera.Server.Access.Limits;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>Routes of whole carts: bind, authorise, decide.</summary>
internal static class OrderEndpoints
{
    private static readonly Refusal WrongChannel = new(
        "channel_not_allowed",
        "This key may not act in this channel.",
        RefusalKind.Forbidden
    );

    private static readonly Guid Id = new("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e");
    private static readonly Guid Customer = new("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5f");
    private static readonly DateTimeOffset At = new(2026, 11, 27, 10, 15, 0, TimeSpan.Zero);

    public static void Map(IEndpointRouteBuilder api)
    {
        var cart = new OrderCartShape("A-1001", "EUR", [new QuoteLine("1", "SHIRT", 2500, 2)], ["SAVE10"], Customer);
        var decided = new DecidedOrderShape(
            Id,
            "reserved",
            "A-1001",
            Eur(5000),
            Eur(500),
            Eur(4500),
            Eur(0),
            [new DecidedOrderLineShape("1", 2, 5000, 0, 500, 4500)],
            [],
            [new OrderAppliedShape(Id, "coupon:7", 1, 500, 7, "SAVE10")],
            [],
            Id,
            Customer,
            ExpiresAt: At.AddMinutes(15)
        );
        api.MapPost(
                "/orders/reservations",
                (HttpContext context, OrderService orders) => DecideAsync(context, orders, Operation.Reserve)
            )
            .WithName("reserveOrder")
            .WithSummary("Hold a whole cart for a checkout: its codes and the promotions that apply by themselves")
            .WithTags("Orders")
            .RequirePermission(Permissions.RedemptionsRedeem)
            .TakesCodes()
            .WithBody(cart)
            .WithIdempotencyKey(required: true)
            .WithAnswer(201, decided, "Held; Location is its address.")
            .WithRefusals(OrderRefusals.CodesRefused);
        api.MapPost(
                "/orders/redemptions",
                (HttpContext context, OrderService orders) => DecideAsync(context, orders, Operation.Redeem)
            )
            .WithName("redeemOrder")
            .WithSummary("Use all codes of a cart, and the promotions that apply by themselves, in one transaction")
            .WithTags("Orders")
            .RequirePermission(Permissions.RedemptionsRedeem)
            .TakesCodes()
            .WithBody(cart)
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                201,
                decided with
                {
                    Status = "redeemed",
                    ExpiresAt = null,
                    RedeemedAt = At,
                },
                "Used; Location is the order."
            )
            .WithRefusals(
                OrderRefusals.CodesRefused,
                OrderRefusals.OrderExists,
                Refusals.ReservationNotFound,
                Refusals.ReservationEnded,
                Refusals.ReservationMismatch
            );
    }

    private static async Task DecideAsync(HttpContext context, OrderService orders, Operation operation)
    {
        var caller = Caller.Of(context);
        var (body, refusal) = await RequestBody.ReadAsync(context);
        if (refusal is null)
        {
            (var key, refusal) = IdempotencyKey.Read(context, caller.ClientId, body!.Bytes.Span);
            if (refusal is null)
            {
                var fields = Fields.Of(body);
                var command = OrderRequests.Read(fields, operation, AskerOf(context, caller, key));
                refusal = fields.Finish() ?? ChannelRefusal(caller, command!.Cart.Channel);
                if (refusal is null)
                {
                    // What was begun is finished even if the caller hangs up: it finds its answer by its key.
                    var outcome = await orders.RunAsync(command!, CancellationToken.None);
                    context.CodesNotFound(outcome.Quote?.Rejected.Count(static r => r.Reason == Reasons.NotFound) ?? 0);
                    await SendAsync(context, outcome.Answer);
                    return;
                }
            }
        }

        await Problems.WriteAsync(context, refusal);
    }

    internal static Refusal? ChannelRefusal(Caller caller, string? channel) =>
        caller.Channels is { } channels && !(channel is not null && channels.Contains(channel)) ? WrongChannel : null;

    internal static Asker AskerOf(HttpContext context, Caller caller, IdempotencyKey key) =>
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

    internal static async Task SendAsync(HttpContext context, Answer answer)
    {
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

    private static Money Eur(long minor) => new(minor, "EUR");
}
