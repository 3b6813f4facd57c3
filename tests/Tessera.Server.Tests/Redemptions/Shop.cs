using System.Text.Json.Nodes;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Redemptions;

/// <summary>A shop that sends carts: prices in dollars, one line of 10.00 unless said otherwise.</summary>
internal sealed class Shop(TestHost host)
{
    /// <summary>Creates a promotion through the API and switches it on.</summary>
    /// <param name="type">Of its one effect.</param>
    /// <param name="target">Of its one effect.</param>
    /// <param name="members">Of the effect, where it has such, else of the promotion.</param>
    public async Task<string> PromotionAsync(string type, string target, params (string Name, object Value)[] members)
    {
        string[] ofEffects = ["amount", "percent", "allocation", "filter"];
        var effect = new JsonObject { ["type"] = type, ["target"] = target };
        var body = new JsonObject { ["name"] = "Test", ["currency"] = "USD" };
        foreach (var (name, value) in members)
        {
            (ofEffects.Contains(name) ? effect : body)[name] = value as JsonNode ?? JsonValue.Create(value);
        }

        body["effects"] = new JsonArray(effect);
        var created = await host.PostAsync("/api/v1/promotions", body.ToJsonString());
        Assert.True(created.Status == 201, created.Body);
        var id = created.Json.GetProperty("id").GetString()!;
        var path = $"/api/v1/promotions/{id}/activate";
        var etag = created.Header("ETag");
        var active = await host.SendAsync(
            HttpMethod.Post,
            path,
            headers: etag is null ? null : new Dictionary<string, string> { ["If-Match"] = etag }
        );
        Assert.True(active.Status == 200, active.Body);
        return id;
    }

    public Task<Reply> RedeemAsync(
        string reference,
        Guid? customer,
        string[] codes,
        (int Price, int Quantity)[]? lines = null,
        string? mode = null,
        string? key = null,
        string? reservation = null,
        bool? replace = null,
        bool? explain = null
    ) =>
        host.PostAsync(
            "/api/v1/orders/redemptions",
            new
            {
                reference,
                currency = "USD",
                customer_id = customer,
                codes,
                lines = Lines(lines),
                mode,
                reservation_id = reservation,
                replace,
                explain,
            },
            key
        );

    public Task<Reply> ReserveAsync(string reference, Guid? customer, string[] codes, int? holdSeconds = null) =>
        host.PostAsync(
            "/api/v1/orders/reservations",
            new
            {
                reference,
                currency = "USD",
                customer_id = customer,
                codes,
                lines = Lines(null),
                hold_seconds = holdSeconds,
            }
        );

    private static IEnumerable<object> Lines((int Price, int Quantity)[]? lines) =>
        (lines ?? [(1000, 1)]).Select(
            (l, i) =>
                new
                {
                    id = "l" + i,
                    sku = "SKU" + i,
                    unit_price = l.Price,
                    quantity = l.Quantity,
                }
        );
}
