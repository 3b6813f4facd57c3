using System.Net;
using System.Security.Cryptography;
using System.Text;
using Tessera.Core.Codes;
using Tessera.Core.Coupons;
using Tessera.Server.Access;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Redemptions;

/// <summary>What callers send, read into commands.</summary>
internal static class RedemptionRequests
{
    public const int MaximumCodeLength = 64;
    private const int MaximumProducts = 500;
    private const int MaximumAttribution = 200;

    /// <summary>The body of validate, reserve and redeem.</summary>
    /// <returns>Null when something is wrong; the fields know what.</returns>
    public static AttemptCommand? Attempt(Fields body, Operation operation, Asker asker)
    {
        var code = Code(body, "code");
        var customer = body.Id("customer_id");
        var channel = body.Text("channel", 40, required: false);
        var reservation = operation == Operation.Redeem ? body.Id("reservation_id", required: false) : null;
        var hold =
            operation == Operation.Reserve
                ? body.Integer("hold_seconds", 1, AttemptCommand.MaximumHoldSeconds, required: false)
                : null;
        var origin = body.Object("context", required: false) is { } context ? OriginOf(context) : null;
        var arrival = ArrivalOf(body);
        var order = body.Object("order");
        if (order is null)
        {
            return null;
        }

        var reference = order.Text("reference", 100, required: operation != Operation.Validate);
        var amount = order.Money("amount");
        var service = order.Text("service", 64, required: false);
        var session = order.Text("session_type", 64, required: false);
        var consultant = order.Integer("consultant_id", 1, int.MaxValue, required: false);
        var products = order.List(
            "products",
            MaximumProducts,
            static (item, place) => item.Text(place, 100),
            required: false
        );
        return code is null || customer is null || amount is null || body.Errors.Count > 0
            ? null
            : new AttemptCommand(
                operation,
                asker,
                code,
                customer.Value,
                new OrderFacts(
                    reference ?? "",
                    amount.Value.Minor,
                    amount.Value.Currency,
                    service,
                    session,
                    (int?)consultant
                ),
                channel,
                products,
                reservation,
                (int?)hold ?? AttemptCommand.DefaultHoldSeconds,
                origin,
                Guid.CreateVersion7()
            )
            {
                Arrival = arrival,
            };
    }

    /// <summary>What brought the customer; null where nothing is said of it.</summary>
    public static Arrival? ArrivalOf(Fields body)
    {
        if (body.Object("attribution", required: false) is not { } given)
        {
            return null;
        }

        var arrival = new Arrival(
            Value("campaign_source"),
            Value("utm_source"),
            Value("utm_medium"),
            Value("utm_campaign")
        );
        return arrival == new Arrival(null, null, null, null) ? null : arrival;

        string? Value(string name) => given.Text(name, MaximumAttribution, required: false);
    }

    /// <summary>A coupon code in its normal form.</summary>
    public static string? Code(Fields body, string name)
    {
        if (body.Text(name, MaximumCodeLength * 2) is not { } text)
        {
            return null;
        }

        if (CouponCode.TryNormalise(text, out var code))
        {
            return code;
        }

        body.Add(name, "not_a_code", "A code has letters, digits, hyphens and underscores only.");
        return null;
    }

    private static Origin? OriginOf(Fields context)
    {
        var text = context.Text("ip", 45, required: false);
        IPAddress? ip = null;
        if (text is not null && !IPAddress.TryParse(text, out ip))
        {
            context.Add("ip", "not_an_address", "This has to be an IP address.");
        }

        var device = context.Text("device_fingerprint", 200, required: false);
        var email = context.Text("email", 320, required: false);
        return ip is null && device is null && email is null
            ? null
            : new Origin(
                ip,
                device,
                email is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(email.Trim().ToLowerInvariant()))
            );
    }
}
