using System.Text;
using System.Text.Json;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Changes of a whole campaign or of a list run as operations.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ChangeOfManyTests(PostgresFixture postgres) : ChangedUnits(postgres)
{
    [Fact]
    public async Task An_extension_beyond_what_one_may_give_alone_waits_for_another_person()
    {
        await UnitAsync("CHANGEDONE", "(clock_timestamp() + interval '1 hour')");
        await Host.Database.ExecuteAsync(
            "insert into coupons.instance (id, valid_until, coupon_id, campaign_id, valid_from) select n, valid_until, coupon_id, campaign_id, valid_from from coupons.instance, generate_series(1, 400) n"
        );
        var wanted = new
        {
            action = "extend",
            reason = Reason,
            valid_until = await InDaysAsync(100),
            campaign_id = "summer",
        };
        var asked = await ChangeAsync(wanted);
        Assert.Equal((202, "pending_approval"), (asked.Status, asked.Json.GetProperty("status").GetString()));
        Assert.Equal(0, await Host.Database.ScalarAsync<long>("select count(*) from expiration.change"));
    }

    [Fact]
    public async Task A_campaign_is_ended_as_an_operation()
    {
        for (var n = 0; n < 5; n++)
        {
            await UnitAsync("CHANGED" + n, $"(clock_timestamp() + interval '{n + 1} hours')");
        }

        await OverAsync(await AcceptedAsync(OfCampaign("expire")));
        Assert.Equal(5, await CountAsync("expired"));
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task Each_line_of_a_list_that_names_nothing_is_in_the_error_file()
    {
        var list = new StringBuilder("instance_id\n");
        for (var n = 0; n < 30; n++)
        {
            var unit = await UnitAsync("LISTED" + n);
            list.Append(unit).Append('\n').Append(unit + 500).Append('\n');
        }

        list.Append("nonsense\n");
        var operation = await UploadAsync("cancel", list.ToString());
        Assert.Equal(operation, await UploadAsync("cancel", list.ToString()));
        var over = await OverAsync(operation);
        Assert.Equal((61, 31), (over.GetProperty("done").GetInt32(), over.GetProperty("error_count").GetInt32()));
        Assert.Equal(30, await CountAsync("cancelled"));
        var errors = await Host.GetAsync($"/api/v1/operations/{operation}/errors");
        Assert.Contains("3,,not_found,", errors.Body, StringComparison.Ordinal);
        Assert.Contains("62,,invalid_id,", errors.Body, StringComparison.Ordinal);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task A_long_list_goes_through_in_batches_with_its_progress()
    {
        const int count = 6000;
        var first = await UnitsAsync(count);
        var list = new StringBuilder("instance_id\n");
        for (var n = 0; n < count; n++)
        {
            list.Append(first + n).Append('\n').Append(first + 1_000_000 + n).Append('\n');
        }

        var over = await OverAsync(await UploadAsync("cancel", list.ToString()));
        Assert.Equal(
            (2 * count, 2 * count, count),
            (
                over.GetProperty("total").GetInt32(),
                over.GetProperty("done").GetInt32(),
                over.GetProperty("error_count").GetInt32()
            )
        );
        await AssertVerifiedAsync();
    }

    private async Task<JsonElement> OverAsync(Guid operation)
    {
        var over = await Host.EndOfAsync("/api/v1/operations/" + operation);
        Assert.Equal("succeeded", over.GetProperty("status").GetString());
        return over;
    }
}
