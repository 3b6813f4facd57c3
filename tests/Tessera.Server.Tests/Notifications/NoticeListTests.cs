using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Notifications;

/// <summary>What staff see of messages: state, customer, coupon and time, and no address.</summary>
[Collection(PostgresCollection.Name)]
public sealed class NoticeListTests(PostgresFixture postgres) : ToldCustomers(postgres)
{
    [Fact]
    public async Task Messages_are_listed_by_state_customerCoupon_and_time_without_an_address()
    {
        var ada = await PersonAsync("ada@example.org");
        await UnitAsync("A", ada);
        await UnitAsync("B", await PersonAsync(null));
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state <> 'queued'", 2);
        var all = (await Host.GetAsync(Path)).Json.GetProperty("data");
        Assert.Equal(2, all.GetArrayLength());
        foreach (
            var (query, count) in ((string, int)[])
                [
                    ("state=sent", 1),
                    ("state=suppressed", 1),
                    ("state=failed", 0),
                    ("kind=coupon_expiry", 2),
                    ($"customer_id={ada}", 1),
                    ($"coupon_id={Coupon}", 2),
                    ("coupon_id=999999", 0),
                    ("late=false", 2),
                    ("from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z", 0),
                    ("from=2020-01-01T00:00:00Z", 2),
                ]
        )
        {
            Assert.Equal(count, (await Host.GetAsync($"{Path}?{query}")).Json.GetProperty("data").GetArrayLength());
        }

        Assert.Equal(400, (await Host.GetAsync(Path + "?state=lost")).Status);
        var sent = (await Host.GetAsync(Path + "?state=sent")).Json.GetProperty("data")[0];
        Assert.Equal("250 2.0.0", sent.GetProperty("smtp_status").GetString());
        Assert.Equal("AT", sent.GetProperty("region").GetString());
        Assert.DoesNotContain("@", all.GetRawText(), StringComparison.Ordinal);
        var page = (await Host.GetAsync(Path + "?limit=1")).Json;
        Assert.True(page.GetProperty("has_more").GetBoolean());
        var next = Uri.EscapeDataString(page.GetProperty("next_cursor").GetString()!);
        Assert.Single((await Host.GetAsync($"{Path}?limit=1&cursor={next}")).Json.GetProperty("data").EnumerateArray());

        using var merchant = Host.ClientOf(
            await Host.KeyAsync(
                [Permissions.NotificationsRead, Permissions.NotificationsManage],
                Guid.CreateVersion7(),
                merchantExists: false
            )
        );
        Assert.Equal(0, (await Host.GetAsync(Path, merchant)).Json.GetProperty("data").GetArrayLength());
        Assert.Equal(
            404,
            (await Host.PostAsync($"{Path}/{await IdAsync("suppressed")}/replay", null, null, merchant)).Status
        );
    }
}
