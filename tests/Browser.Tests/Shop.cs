using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Server.Access;
using Xunit;

namespace Tessera.Browser.Tests;

/// <summary>What others do while somebody looks: coupons that are made, and used.</summary>
internal static class Shop
{
    /// <summary>A coupon that can be used now.</summary>
    /// <param name="app">Where.</param>
    /// <param name="code">Its code.</param>
    /// <param name="more">Members of the request besides, or instead of, the usual ones.</param>
    public static async Task<long> CouponAsync(App app, string code, object? more = null)
    {
        var wanted = new JsonObject
        {
            ["code"] = code,
            ["internal_name"] = "Made in a test",
            ["description"] = new JsonObject { ["en"] = "Made in a test." },
            ["discount_type"] = "percentage",
            ["discount_value"] = 10,
            ["valid_from"] = TimeProvider.System.GetUtcNow().AddMinutes(1).ToString("O"),
            ["is_active"] = true,
        };
        foreach (var (name, value) in JsonSerializer.SerializeToNode(more)?.AsObject() ?? [])
        {
            wanted[name] = value?.DeepClone();
        }

        var reply = await app.Host.PostAsync("/api/v1/admin/coupons", wanted.ToJsonString());
        Assert.True(reply.Status == 201, reply.Body);
        var id = reply.Json.GetProperty("id").GetInt64();
        await app.Host.Database.ExecuteAsync(
            "update coupons.coupon set valid_from = clock_timestamp() - interval '1 minute' where id = $1",
            id
        );
        return id;
    }

    /// <summary>A new customer redeems it in an order of 80 dollars.</summary>
    public static async Task RedeemAsync(App app, string code, string order, string currency = "USD")
    {
        var customer = await app.Host.PostAsync("/api/v1/customers", new { external_id = "c-" + order });
        var reply = await app.Host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = customer.Json.GetProperty("id").GetString(),
                order = new { reference = order, amount = new { amount = 8_000, currency } },
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
    }

    /// <summary>Another person agrees to what somebody asked for.</summary>
    public static async Task ApproveAsync(App app, string id)
    {
        var approval = (await app.Host.GetAsync("/api/v1/approvals/" + id)).Json;
        using var other = app.Host.ClientOf(await app.Host.KeyAsync([.. Permissions.All]));
        var reply = await app.Host.PostAsync(
            $"/api/v1/approvals/{id}/approve",
            new { effect_hash = approval.GetProperty("effect_hash").GetString() },
            null,
            other
        );
        Assert.True(reply.Status == 200, reply.Body);
    }
}
