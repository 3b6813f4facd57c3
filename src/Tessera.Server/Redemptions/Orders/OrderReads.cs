using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>Giving orders back, ending their reservations, and reading them.</summary>
internal static class OrderReads
{
    private static readonly Guid Id = new("01970f3e-8a00-7c3e-9d52-6f1b2a3c4d5e");
    private static readonly DateTimeOffset At = new(2026, 11, 27, 10, 15, 0, TimeSpan.Zero);

    /// <summary>What a return takes.</summary>
    /// <param name="Reason">Why; 1 to 500 characters.</param>
    /// <param name="Lines">Units by line; with no deliveries either, all that is left is given back.</param>
    /// <param name="Shipping">Ids of deliveries.</param>
    /// <param name="ReturnUse">Whether a promotion given back whole may be used again; true unless given.</param>
    internal sealed record ReturnShape(
        string Reason,
        IReadOnlyList<ReturnLineShape>? Lines = null,
        IReadOnlyList<string>? Shipping = null,
        bool? ReturnUse = null
    );

    /// <summary>Units of a line.</summary>
    /// <param name="Id">Of the line.</param>
    /// <param name="Quantity">How many.</param>
    internal sealed record ReturnLineShape(string Id, int Quantity);

    /// <summary>What was given back.</summary>
    /// <param name="Id">Of the return.</param>
    /// <param name="OrderId">Of the order.</param>
    /// <param name="Paid">To the customer.</param>
    /// <param name="Discount">To the promotions.</param>
    /// <param name="Lines">By line.</param>
    /// <param name="Shipping">By delivery.</param>
    /// <param name="Promotions">By promotion.</param>
    /// <param name="Whole">Whether nothing is left of the order.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="ReturnedAt">When.</param>
    internal sealed record ReturnedShape(
        Guid Id,
        Guid OrderId,
        Money Paid,
        Money Discount,
        IReadOnlyList<ReturnedPartShape> Lines,
        IReadOnlyList<ReturnedPartShape> Shipping,
        IReadOnlyList<ReturnedPromotionShape> Promotions,
        bool Whole,
        string Reason,
        DateTimeOffset ReturnedAt
    );

    /// <summary>Of one line or delivery.</summary>
    /// <param name="Id">Of it.</param>
    /// <param name="Quantity">Units.</param>
    /// <param name="Paid">Minor units to the customer.</param>
    /// <param name="Discount">Minor units to the promotions.</param>
    internal sealed record ReturnedPartShape(string Id, int Quantity, long Paid, long Discount);

    /// <summary>Of one promotion.</summary>
    /// <param name="Id">Of its use.</param>
    /// <param name="PromotionId">Which.</param>
    /// <param name="Discount">Minor units.</param>
    /// <param name="UseReturned">Whether it may be used again.</param>
    internal sealed record ReturnedPromotionShape(Guid Id, string PromotionId, long Discount, bool UseReturned);

    /// <summary>An order.</summary>
    /// <param name="Id">Of the order.</param>
    /// <param name="Status">redeemed, returned or replaced.</param>
    /// <param name="Reference">The shop's.</param>
    /// <param name="CustomerId">Null for an unknown visitor.</param>
    /// <param name="Channel">Where.</param>
    /// <param name="Payable">As it was placed.</param>
    /// <param name="Applied">What was used on it.</param>
    /// <param name="RedeemedAt">When it was placed.</param>
    internal sealed record OrderView(
        Guid Id,
        string Status,
        string Reference,
        Guid? CustomerId,
        string? Channel,
        [property: SingleAmount] Money Payable,
        IReadOnlyList<OrderUseView> Applied,
        DateTimeOffset RedeemedAt
    );

    /// <summary>A promotion used on an order.</summary>
    /// <param name="Id">Of the use.</param>
    /// <param name="PromotionId">Which.</param>
    /// <param name="CouponId">Of its code.</param>
    /// <param name="Discount">What it gave.</param>
    /// <param name="Returned">What has come back of it.</param>
    internal sealed record OrderUseView(
        Guid Id,
        string PromotionId,
        long? CouponId,
        [property: SingleAmount] long Discount,
        [property: SingleAmount] long Returned
    );

    /// <summary>A reservation of a cart.</summary>
    /// <param name="Id">Of it.</param>
    /// <param name="Status">reserved, redeemed, released or lapsed.</param>
    /// <param name="Reference">Of the order.</param>
    /// <param name="CustomerId">For whom.</param>
    /// <param name="ExpiresAt">When it lapses by itself.</param>
    internal sealed record OrderReservationView(
        Guid Id,
        string Status,
        string Reference,
        Guid? CustomerId,
        DateTimeOffset ExpiresAt
    );

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/orders/reservations/{id:guid}/release", ReleaseAsync)
            .WithName("releaseOrderReservation")
            .WithSummary("End the hold of a cart before its time")
            .WithTags("Orders")
            .RequirePermission(Permissions.RedemptionsRedeem)
            .WithIdempotencyKey(required: true)
            .WithAnswer(200, new ReleasedShape(Id, "released", At), "All that it held can be used again.")
            .WithRefusals(Refusals.ReservationNotFound, Refusals.ReservationEnded);
        api.MapGet("/orders/reservations/{id:guid}", GetReservationAsync)
            .WithName("getOrderReservation")
            .WithSummary("Read the reservation of a cart")
            .WithTags("Orders")
            .RequirePermission(Permissions.RedemptionsRead)
            .WithAnswer(
                200,
                new OrderReservationView(Id, "reserved", "A-1001", Id, At.AddMinutes(15)),
                "The reservation; its status is reserved, redeemed, released or lapsed."
            );
        api.MapGet("/orders/{id:guid}", GetAsync)
            .WithName("getOrder")
            .WithSummary("Read an order and the promotions used on it")
            .WithTags("Orders")
            .RequirePermission(Permissions.RedemptionsRead)
            .WithAnswer(
                200,
                new OrderView(
                    Id,
                    "redeemed",
                    "A-1001",
                    Id,
                    null,
                    new Money(4500, "EUR"),
                    [new OrderUseView(Id, "coupon:7", 7, 500, 0)],
                    At
                ),
                "The order; its status is redeemed, returned or replaced."
            );
        api.MapPost("/orders/{id:guid}/returns", ReturnAsync)
            .WithName("returnOrder")
            .WithSummary("Give units of an order back, each with its exact share of what was paid and discounted")
            .WithTags("Orders")
            .RequirePermission(Permissions.RedemptionsRollBack)
            .WithBody(new ReturnShape("Too small", [new ReturnLineShape("1", 1)]))
            .WithIdempotencyKey(required: true)
            .WithAnswer(
                201,
                new ReturnedShape(
                    Id,
                    Id,
                    new Money(2250, "EUR"),
                    new Money(250, "EUR"),
                    [new ReturnedPartShape("1", 1, 2250, 250)],
                    [],
                    [new ReturnedPromotionShape(Id, "coupon:7", 250, false)],
                    false,
                    "Too small",
                    At
                ),
                "Given back; Location is the order."
            )
            .WithRefusals(OrderRefusals.OrderNotFound, OrderRefusals.OrderEnded);
    }

    private static async Task ReleaseAsync(HttpContext context, Guid id, Database database)
    {
        var caller = Caller.Of(context);
        var (key, refusal) = IdempotencyKey.Read(context, caller.ClientId, []);
        if (refusal is not null)
        {
            await Problems.WriteAsync(context, refusal);
            return;
        }

        var asker = OrderEndpoints.AskerOf(context, caller, key);
        Answer? given = null;
        var (_, why, kept) = await OrderReleases.RunAsync(
            database,
            asker,
            id,
            lapse: false,
            at => given = Released(id, at),
            CancellationToken.None
        );
        await (why is not null ? Problems.WriteAsync(context, why) : OrderEndpoints.SendAsync(context, kept ?? given!));
    }

    private static async Task ReturnAsync(HttpContext context, Guid id, OrderReturns returns)
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
                var lines = fields.List("lines", 1000, static (item, at) => LineOf(item.Object(at)), required: false);
                var shipping = fields.List("shipping", 1000, static (item, at) => item.Text(at, 100), required: false);
                if (lines is [] && shipping is null or [])
                {
                    fields.Add("lines", "required", "This has to name a line; leave it out to give all back.");
                }

                refusal = fields.Finish();
                if (refusal is null)
                {
                    var command = new ReturnCommand(
                        OrderEndpoints.AskerOf(context, caller, key),
                        id,
                        lines?.Select(static l => (l.Id, l.Quantity)).ToList(),
                        shipping,
                        returnUse,
                        reason!,
                        Guid.CreateVersion7()
                    );
                    await OrderEndpoints.SendAsync(context, await returns.RunAsync(command, CancellationToken.None));
                    return;
                }
            }
        }

        await Problems.WriteAsync(context, refusal);
    }

    private static ReturnLineShape? LineOf(Fields? line)
    {
        var id = line?.Text("id", 100);
        var quantity = line?.Integer("quantity", 1, int.MaxValue);
        return id is null || quantity is null ? null : new ReturnLineShape(id, (int)quantity.Value);
    }

    private static async Task GetAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        var order = await OrderStore.FindOrderAsync(connection, id, Caller.Of(context).MerchantId, cancel);
        if (order is null)
        {
            await Problems.WriteAsync(context, OrderRefusals.OrderNotFound);
            return;
        }

        var view = new OrderView(
            order.Id,
            order.Ending ?? "redeemed",
            order.Reference,
            order.CustomerId,
            order.Channel,
            new Money(order.TotalMinor, order.Currency),
            [
                .. order.Uses.Select(static u => new OrderUseView(
                    u.Id,
                    u.PromotionId,
                    u.CouponId,
                    u.DiscountMinor,
                    u.ReturnedMinor
                )),
            ],
            order.PlacedAt
        );
        await HttpAnswer.Json(StatusCodes.Status200OK, view).SendAsync(context);
    }

    private static async Task GetReservationAsync(HttpContext context, Guid id, Database database)
    {
        var cancel = context.RequestAborted;
        await using var connection = await database.Source.OpenConnectionAsync(cancel);
        var merchant = Caller.Of(context).MerchantId;
        var order = await OrderStore.FindReservationAsync(connection, id, merchant, cancel);
        if (order is null)
        {
            await Problems.WriteAsync(context, Refusals.ReservationNotFound);
            return;
        }

        await using var clock = OrderStore.Command(connection, "select $1 <= platform.clock()", order.ExpiresAt);
        var isOver = (bool)(await clock.ExecuteScalarAsync(cancel))!;
        var view = new OrderReservationView(
            order.Id,
            order.Ending ?? (isOver ? "lapsed" : "reserved"),
            order.Reference,
            order.CustomerId,
            order.ExpiresAt
        );
        await HttpAnswer.Json(StatusCodes.Status200OK, view).SendAsync(context);
    }

    private static Answer Released(Guid id, DateTimeOffset at) =>
        new(
            200,
            Answers.Json(json =>
            {
                json.WriteString("id"u8, id);
                json.WriteString("status"u8, "released");
                Answers.WriteInstant(json, "ended_at"u8, at);
            })
        );
}
