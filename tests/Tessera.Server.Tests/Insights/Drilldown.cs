using System.Text.Json;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

/// <summary>Walks the lists that figures lead to (MET-24).</summary>
internal static class Drilldown
{
    /// <summary>All rows of a list, page by page.</summary>
    public static async Task<List<JsonElement>> RowsAsync(TestHost host, string path, HttpClient? client = null)
    {
        var rows = new List<JsonElement>();
        string? cursor = null;
        do
        {
            var more = cursor is null ? "" : "&cursor=" + Uri.EscapeDataString(cursor);
            var reply = await host.GetAsync($"{path}&limit=2{more}", client);
            Assert.True(reply.Status == 200, reply.Body);
            rows.AddRange(reply.Json.GetProperty("data").EnumerateArray());
            cursor = reply.Json.GetProperty("next_cursor").GetString();
        } while (cursor is not null);
        return rows;
    }

    /// <summary>How many redemptions match, by walking them and as their total says, and what they add up to in a currency.</summary>
    public static async Task<(int Count, decimal Revenue, decimal Discounts)> RedemptionsAsync(
        TestHost host,
        string filter,
        string currency,
        HttpClient? client = null
    )
    {
        var rows = await RowsAsync(host, "/api/v1/redemptions?" + filter, client);
        var totals = (await host.GetAsync("/api/v1/redemptions/totals?" + filter, client)).Json;
        Assert.Equal(rows.Count, totals.GetProperty("count").GetInt32());
        var sum = totals
            .GetProperty("amounts")
            .EnumerateArray()
            .SingleOrDefault(s => s.GetProperty("currency").GetString() == currency);
        return (rows.Count, MajorOf(sum, "revenue"), MajorOf(sum, "discounts"));
    }

    private static decimal MajorOf(JsonElement sum, string name) =>
        sum.ValueKind == JsonValueKind.Undefined ? 0 : sum.GetProperty(name).GetProperty("amount").GetInt64() / 100m;
}
