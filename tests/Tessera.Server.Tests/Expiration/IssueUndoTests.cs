using System.Text.Json;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Units that one step has issued are withdrawn as a unit (BLK-07).</summary>
[Collection(PostgresCollection.Name)]
public sealed class IssueUndoTests(PostgresFixture postgres) : ChangedUnits(postgres, isRunByHand: true)
{
    [Fact]
    public async Task What_was_issued_is_withdrawn_as_far_as_nobody_touched_it()
    {
        var issued = Ok(await Host.PostAsync($"/api/v1/admin/coupons/{Coupon}/instances", new { count = 4 }), 201).Json;
        var codes = issued
            .GetProperty("data")
            .EnumerateArray()
            .Select(static u => u.GetProperty("code").GetString()!)
            .ToList();
        long[] units =
        [
            .. issued.GetProperty("data").EnumerateArray().Select(static u => u.GetProperty("id").GetInt64()),
        ];
        Assert.Equal(201, (await RedeemAsync(codes[1])).Status);
        await ChangedAsync(Named("cancel", units[2]));
        var undo = await UndoneAsync(issued.GetProperty("operation_id").GetGuid());
        Assert.Equal((4, 2), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(["revoked", "redeemed", "cancelled", "revoked"], await StatesAsync(units));
        Assert.NotEqual(201, (await RedeemAsync(codes[0])).Status);
        Assert.Equal(
            units.Except([units[1]]).Order(),
            await Host.Database.ColumnAsync<long>(
                "select unnest(ids) from connectors.batch where kind = 'disable' order by 1"
            )
        );
        await AssertVerifiedAsync();

        // So are codes that an operation has generated.
        var generated = Ok(await Host.PostAsync($"/api/v1/admin/coupons/{Coupon}/generate", new { count = 6000 }), 202);
        await Host.EndOfAsync(generated.Header("Location")!);
        Assert.Equal(6000, await LiveAsync());
        var rest = await UndoneAsync(generated.Json.GetProperty("operation_id").GetGuid());
        Assert.Equal((6000, 0), (rest.GetProperty("done").GetInt32(), rest.GetProperty("error_count").GetInt32()));
        Assert.Equal(0, await LiveAsync());
        await AssertVerifiedAsync();

        // One unit alone is withdrawn by hand, like anything that is one alone.
        var one = Ok(await Host.PostAsync($"/api/v1/admin/coupons/{Coupon}/instances", new { count = 1 }), 201).Json;
        Assert.Equal(JsonValueKind.Null, one.GetProperty("operation_id").ValueKind);
    }
}
