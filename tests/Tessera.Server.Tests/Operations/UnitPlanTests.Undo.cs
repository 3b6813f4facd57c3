using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Operations;

/// <summary>The undo of what A.18 has no way back from: it alone may lead units back (BLK-07, R-10).</summary>
public sealed partial class UnitPlanTests
{
    [Theory]
    [InlineData("paid", "technical_fault")]
    [InlineData("refunded", "payment_dispute")]
    [InlineData("cancelled", null)]
    [InlineData("revoked", null)]
    public async Task What_was_made_of_units_is_undone_as_a_unit_while_their_window_is_open(string to, string? cause)
    {
        async Task<long> UnitAsync(string code) =>
            to == "paid" ? await _given.UnitAsync(_coupon, code, _customer) : await PaidAsync(code);
        // Partners are told of the change and its undo alone: the pipeline might come upon the one whose window is over.
        Ok(await _host.PostAsync("/api/v1/expiry/pause"), 200);
        var untouched = await UnitAsync("WAY-1");
        var since = await UnitAsync("WAY-2");
        var past = await UnitAsync("WAY-3");
        var before = await RowAsync(untouched);
        var wanted = Wanted(to, new { coupon_id = _coupon }, cause);
        Assert.Empty((await PreviewAsync(wanted)).GetProperty("warnings").EnumerateArray());
        var id = await DoneAsync(wanted);
        Assert.Equal([to, to, to], await StatesAsync([untouched, since, past]));

        if (to == "paid")
        {
            await RedeemAsync("WAY-2");
        }
        else
        {
            await ArchiveAsync(since);
        }

        await _given.EndAsync(past);
        var undo = await UndoAsync(id);
        Assert.Equal((3, 2), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(before, await RowAsync(untouched));
        Assert.Equal([to == "paid" ? "redeemed" : "archived", to], await StatesAsync([since, past]));
        var errors = (await _host.GetAsync(undo.GetProperty("errors_url").GetString()!)).Body;
        Assert.Contains("changed_since", errors, StringComparison.Ordinal);
        Assert.Contains("window_over", errors, StringComparison.Ordinal);
        Assert.Contains(
            $"1,{_coupon},{untouched},restored,,",
            (await _host.GetAsync(undo.GetProperty("output_url").GetString()!)).Body,
            StringComparison.Ordinal
        );

        // Partners that were told take it again, and only it.
        Assert.Equal(
            to is "cancelled" or "revoked"
                ? [$"disable {{{untouched},{since},{past}}}", $"enable {{{untouched}}}"]
                : [],
            await _host.Database.ColumnAsync<string>(
                "select kind || ' ' || ids::text from connectors.batch order by id"
            )
        );
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where payload ->> 'undo_of' = $1::text and payload ->> 'cause' = 'undo'",
                id.ToString()
            )
        );
        Assert.Equal((409, "not_undoable"), CodeOf(await _host.PostAsync($"/api/v1/operations/{id}/undo")));
        await VerifyAsync();
        await RedeemAsync("WAY-1");
        await VerifyAsync();
    }

    [Fact]
    public async Task A_refund_of_what_was_over_is_undone_at_any_time_and_a_redemption_keeps_where_it_came_from()
    {
        var redeemed = await PaidAsync("OVER-1");
        await RedeemAsync("OVER-1");
        var expired = await _given.UnitAsync(_coupon, "OVER-2", _customer);
        var cancelled = await _given.UnitAsync(_coupon, "OVER-3", _customer);
        await ChangeAsync("expire", expired);
        await ChangeAsync("cancel", cancelled);
        long[] units = [redeemed, expired, cancelled];
        var id = await ApprovedAsync(Wanted("refunded", new { coupon_id = _coupon }, "payment_dispute"));
        foreach (var unit in units)
        {
            await _given.EndAsync(unit);
        }

        var before = await RowsAsync(units);
        Assert.True(await RunAsync());
        Assert.Equal(["refunded", "refunded", "refunded"], await StatesAsync(units));
        var undo = await UndoAsync(id);
        Assert.Equal(0, undo.GetProperty("error_count").GetInt32());
        Assert.Equal(before, await RowsAsync(units));
        Assert.Equal("paid", await PriorAsync(redeemed));
        await VerifyAsync();
    }

    [Fact]
    public async Task Who_may_end_units_may_undo_that_and_an_override_only_who_may_override()
    {
        var unit = await _given.UnitAsync(_coupon, "MAY-1", _customer);
        using var bulk = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsBulk, Permissions.Operations]));
        var paid = await ApprovedAsync(Wanted("paid", new { coupon_id = _coupon }, "technical_fault"));
        Assert.True(await RunAsync());
        var path = $"/api/v1/operations/{paid}/undo";
        Assert.Equal((403, "undo_forbidden"), CodeOf(await _host.PostAsync(path, null, null, bulk)));
        Assert.Equal("paid", await StateAsync(unit));

        var ended = await DoneAsync(Wanted("cancelled", new { coupon_id = _coupon }, null));
        Ok(await _host.PostAsync($"/api/v1/operations/{ended}/undo", null, null, bulk), 202);
        Assert.True(await RunAsync());
        Assert.Equal("paid", await StateAsync(unit));

        // What was undone and is as the first change left it can be undone no more: somebody has been there since.
        var undo = await UndoAsync(paid);
        Assert.Equal((1, 1), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        await VerifyAsync();
    }

    /// <summary>Asks for a change, with approval where it needs one, and runs it.</summary>
    private async Task<Guid> DoneAsync(object wanted)
    {
        var taken = Ok(await _host.PostAsync(Path + "/plans", wanted), 202).Json;
        if (taken.GetProperty("status").GetString() == "pending_approval")
        {
            await ApproveAsync(taken.GetProperty("approval_id").GetGuid());
        }

        Assert.True(await RunAsync());
        return taken.GetProperty("plan_id").GetGuid();
    }

    private Task ArchiveAsync(long unit) => ChangeAsync("archive", unit);

    private async Task ChangeAsync(string action, long unit)
    {
        var change = new
        {
            action,
            reason = "The season is over.",
            coupon_id = _coupon,
            instance_ids = (long[])[unit],
        };
        var done = Ok(await _host.PostAsync("/api/v1/expiry/changes", change), 200).Json;
        Assert.Equal(1, done.GetProperty("done").GetInt32());
        Assert.Equal(JsonValueKind.Null, done.GetProperty("operation_id").ValueKind);
    }

    /// <summary>All of a unit but the count of its transitions.</summary>
    private Task<string> RowAsync(long unit) =>
        _host.Database.ScalarAsync<string>(
            "select (to_jsonb(i) - 'version')::text from coupons.instance i where id = $1",
            unit
        );

    private async Task<IReadOnlyList<string>> RowsAsync(IEnumerable<long> units)
    {
        var rows = new List<string>();
        foreach (var unit in units)
        {
            rows.Add(await RowAsync(unit));
        }

        return rows;
    }

    private Task<string> PriorAsync(long unit) =>
        _host.Database.ScalarAsync<string>("select prior_state from coupons.instance where id = $1", unit);
}
