using System.Globalization;
using System.Text.Json;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Core.Promotions;
using Tessera.Server.Platform.Http;
using Tessera.Server.Promotions;

namespace Tessera.Server.Redemptions.Orders;

/// <summary>The answers about carts, as bytes: what is sent is what is kept (convention 15).</summary>
internal sealed class OrderAnswers(RenderProblem problem)
{
    private static readonly string[] Secret = [Refusals.NotFound.Code, Refusals.Inactive.Code, Refusals.NotOwner.Code];

    /// <summary>A no.</summary>
    public Answer Refused(OrderCommand command, Refusal refusal)
    {
        var (status, body) = problem(refusal, command.Asker.Path, command.Asker.RequestId);
        return new Answer(status, body, Refusal: refusal);
    }

    /// <summary>The refusal of a cart, with each of its codes that cannot be used, by its place.</summary>
    public static Refusal Codes(OrderCommand command, Quote quote)
    {
        var errors = new List<FieldError>();
        foreach (var rejected in quote.Rejected)
        {
            if (rejected.Code is not { } code || rejected.Reason == Reasons.AlreadyApplied)
            {
                continue;
            }

            var place = command.Cart.Codes.ToList().IndexOf(code).ToString(CultureInfo.InvariantCulture);
            var reason = Shown(command.Asker, rejected.Reason);
            errors.Add(
                new FieldError("codes." + place, "#/codes/" + place, reason, OrderRefusals.MessageOf(reason))
                {
                    Change = reason == rejected.Reason ? rejected.Change : null,
                }
            );
        }

        return OrderRefusals.CodesRefused with
        {
            Errors = errors,
        };
    }

    /// <summary>An order that was placed.</summary>
    public static Answer Redeemed(OrderCommand command, OrderWork work, Guid receipt) =>
        new(
            201,
            Answers.Json(json =>
            {
                json.WriteString("id"u8, command.Id);
                json.WriteString("status"u8, "redeemed");
                Write(json, command, work);
                json.WriteString("receipt_id"u8, receipt);
                Answers.WriteInstant(json, "redeemed_at"u8, work.Batch.Hold.Now);
                if (command.ReservationIds is [var reservation, ..])
                {
                    json.WriteString("reservation_id"u8, reservation);
                }
            }),
            "/api/v1/orders/" + command.Id,
            DiscountMinor: work.Quote.DiscountMinor
        );

    /// <summary>A cart that is held.</summary>
    public static Answer Reserved(OrderCommand command, OrderWork work, Guid receipt) =>
        new(
            201,
            Answers.Json(json =>
            {
                json.WriteString("id"u8, command.Id);
                json.WriteString("status"u8, "reserved");
                Write(json, command, work);
                json.WriteString("receipt_id"u8, receipt);
                Answers.WriteInstant(json, "expires_at"u8, work.ExpiresAt);
            }),
            "/api/v1/orders/reservations/" + command.Id,
            DiscountMinor: work.Quote.DiscountMinor
        );

    /// <summary>The reason as the caller may know it (convention 12).</summary>
    private static string Shown(Asker asker, string reason) =>
        !asker.MayExplain && Secret.Contains(reason) ? Refusals.NotValid.Code : reason;

    private static void Write(Utf8JsonWriter json, OrderCommand command, OrderWork work)
    {
        var (cart, quote) = (command.Cart, work.Quote);
        json.WriteString("reference"u8, command.Reference);
        if (command.HolderId is { } customer)
        {
            json.WriteString("customer_id"u8, customer);
        }

        if (cart.Channel is { } channel)
        {
            json.WriteString("channel"u8, channel);
        }

        Answers.WriteMoney(json, "subtotal"u8, quote.SubtotalMinor, cart.Currency);
        Answers.WriteMoney(json, "discount"u8, quote.DiscountMinor, cart.Currency);
        Answers.WriteMoney(json, "payable"u8, quote.TotalMinor, cart.Currency);
        Answers.WriteMoney(json, "tax"u8, quote.TaxMinor, cart.Currency);
        json.WriteStartArray("lines"u8);
        for (var i = 0; i < cart.Lines.Count; i++)
        {
            var line = cart.Lines[i];
            json.WriteStartObject();
            json.WriteString("id"u8, line.Id);
            json.WriteNumber("quantity"u8, line.Quantity);
            json.WriteNumber("amount"u8, line.AmountMinor);
            json.WriteNumber("line_discount"u8, quote.LineDiscounts[i]);
            json.WriteNumber("order_discount"u8, quote.OrderShares[i]);
            json.WriteNumber("payable"u8, line.AmountMinor - quote.LineDiscounts[i] - quote.OrderShares[i]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("shipping"u8);
        for (var i = 0; i < cart.Shipping.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, cart.Shipping[i].Id);
            json.WriteNumber("amount"u8, cart.Shipping[i].AmountMinor);
            json.WriteNumber("discount"u8, quote.ShippingDiscounts[i]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteApplied(json, work);
        WriteRejected(json, command, quote);
    }

    private static void WriteApplied(Utf8JsonWriter json, OrderWork work)
    {
        json.WriteStartArray("applied"u8);
        foreach (var taken in work.Taken)
        {
            json.WriteStartObject();
            json.WriteString("id"u8, taken.Id);
            json.WriteString("promotion_id"u8, taken.Candidate.CountedAs);
            json.WriteNumber("version"u8, taken.Candidate.Promotion.Version);
            if (taken.Candidate.Coupon is { } coupon)
            {
                json.WriteNumber("coupon_id"u8, coupon.Id);
                json.WriteString("code"u8, taken.Candidate.Attempt!.Code);
            }

            json.WriteNumber("discount"u8, taken.DiscountMinor);
            QuoteWriting.WriteFallback(json, QuoteViews.FallbackOf(work.Quote, taken.Candidate.Promotion));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteRejected(Utf8JsonWriter json, OrderCommand command, Quote quote)
    {
        json.WriteStartArray("rejected"u8);
        foreach (var rejected in quote.Rejected)
        {
            var reason = Shown(command.Asker, rejected.Reason);
            json.WriteStartObject();
            if (rejected.Code is { } code)
            {
                json.WriteString("code"u8, code);
            }
            else
            {
                json.WriteString("promotion_id"u8, rejected.Promotion!.Id);
            }

            json.WriteString("reason"u8, reason);
            json.WriteString("message"u8, OrderRefusals.MessageOf(reason));
            Problems.WriteChange(json, reason == rejected.Reason ? rejected.Change : null);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
