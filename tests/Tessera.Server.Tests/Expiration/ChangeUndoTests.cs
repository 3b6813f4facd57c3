using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Extensions, forced ends, cancellations and archivings of many are undone as a unit (BLK-07, R-10).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ChangeUndoTests(PostgresFixture postgres) : ChangedUnits(postgres, isRunByHand: true)
{
    [Theory]
    [InlineData("expire", "expired")]
    [InlineData("cancel", "cancelled")]
    public async Task What_was_ended_lives_again_while_its_window_is_open_and_what_it_freed_is_taken_back(
        string action,
        string to
    )
    {
        long[] units =
        [
            await UnitAsync("END-1"),
            await UnitAsync("END-2"),
            await UnitAsync("END-3"),
            await UnitAsync("END-4"),
        ];
        await Given.PayAsync(units[1]);
        var before = await RowsAsync(units[..2]);
        var operation = await AcceptedAsync(OfCampaign(action));
        Assert.True(await RunAsync());
        Assert.Equal([to, to, to, to], await StatesAsync(units));
        Assert.Equal((4, 2000), (await PostedAsync("freed_units"), await PostedAsync("freed_budget")));

        // What it is worth by now is not what it has freed.
        await Host.Database.ExecuteAsync("update coupons.coupon set max_discount_minor = 700 where id = $1", Coupon);
        await ChangedAsync(Named("archive", units[2]));
        await Given.EndAsync(units[3]);
        await EndedBeforeAsync(units[3]);
        var undo = await UndoneAsync(operation);
        Assert.Equal((4, 2), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(before, await RowsAsync(units[..2]));
        Assert.Equal(["archived", to], await StatesAsync(units[2..]));
        Assert.Equal((2, 1000), (await PostedAsync("freed_units"), await PostedAsync("freed_budget")));
        var releases = (await Host.GetAsync("/api/v1/expiry/releases")).Json.GetProperty("data").EnumerateArray();
        Assert.Equal(
            (2, 1000),
            (
                releases.Sum(static r => r.GetProperty("units").GetInt32()),
                releases.Sum(static r => r.GetProperty("budget").GetProperty("amount").GetInt32())
            )
        );
        var errors = (await Host.GetAsync(undo.GetProperty("errors_url").GetString()!)).Body;
        Assert.Contains($"{units[2]},instance_id,changed_since,", errors, StringComparison.Ordinal);
        Assert.Contains($"{units[3]},instance_id,window_over,", errors, StringComparison.Ordinal);
        Assert.Equal(
            [$"{units[0]}", $"{units[1]}"],
            await Host.Database.ColumnAsync<string>(
                "select unnest(ids)::text from connectors.batch where kind = 'enable' order by 1"
            )
        );
        await AssertVerifiedAsync();

        Assert.Equal((409, "not_undoable"), CodeOf(await Host.PostAsync($"/api/v1/operations/{operation}/undo")));
        Assert.Equal(201, (await RedeemAsync("END-1")).Status);
        await AssertVerifiedAsync();

        // It can be ended again, and that be undone again.
        var again = await AcceptedAsync(Whole(action));
        Assert.True(await RunAsync());
        Assert.Equal(to, (await StatesAsync([units[1]]))[0]);
        Assert.Equal(0, (await UndoneAsync(again)).GetProperty("error_count").GetInt32());
        Assert.Equal("paid", (await StatesAsync([units[1]]))[0]);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task An_extension_is_taken_back_and_what_has_its_former_end_behind_it_ends_by_the_clock()
    {
        var live = await UnitAsync("EXT-1", "(clock_timestamp() + interval '5 hours')");
        var used = await UnitAsync("EXT-2", "(clock_timestamp() + interval '6 hours')");
        var dead = await UnitAsync("EXT-3", "(clock_timestamp() - interval '1 hour')");
        var passing = await UnitAsync("EXT-4", "(clock_timestamp() + interval '7 hours')");
        var before = await RowAsync(live);
        var ends = await Host.Database.ScalarAsync<string>(
            "select string_agg(valid_until::text, ' ' order by code) from coupons.code where code like 'EXT%'"
        );
        var list = $"instance_id\n{live}\n{used}\n{dead}\n{passing}\n";
        var operation = await UploadAsync($"extend&override=true&valid_until={await InDaysAsync(20)}", list);
        Assert.True(await RunAsync());
        Assert.Equal(["extended", "extended", "extended", "extended"], await StatesAsync([live, used, dead, passing]));
        Assert.Equal(201, (await RedeemAsync("EXT-2")).Status);

        // The end it had passes meanwhile.
        await EndedBeforeAsync(passing);
        var undo = await UndoneAsync(operation);
        Assert.Equal((4, 1), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(before, await RowAsync(live));
        Assert.Equal(["issued", "redeemed", "expired"], await StatesAsync([live, used, dead]));
        Assert.Equal("expired", (await RedeemAsync("EXT-4")).Code);
        Assert.Equal("expired", (await RedeemAsync("EXT-3")).Code);
        Assert.Equal(201, (await RedeemAsync("EXT-1")).Status);
        Assert.Equal(
            ends.Split(' ')[..2],
            (
                await Host.Database.ScalarAsync<string>(
                    "select valid_until::text from coupons.code where code = 'EXT-1'"
                )
            ).Split(' ')[..2]
        );

        // The pipeline tells of what ended so, once.
        using var pipeline = new Pipeline(Host.Database);
        await pipeline.LookAhead.RunOnceAsync(default);
        await Patience.UntilAsync(
            async () =>
            {
                await pipeline.SweepAsync();
                return await Host.Database.ScalarAsync<bool>(
                    """
                    select exists (select from verify.transitions
                        where instance_id = $1 and to_state = 'expired' and cause = 'end_reached')
                    """,
                    passing
                );
            },
            "an end that the pipeline tells of"
        );
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_was_put_away_comes_back_as_it_was()
    {
        long[] units = [await UnitAsync("OLD-1"), await UnitAsync("OLD-2"), await UnitAsync("OLD-3")];
        await ChangedAsync(Named("expire", units[0]));
        await ChangedAsync(Named("cancel", units[1]));
        Assert.Equal(201, (await RedeemAsync("OLD-3")).Status);
        await Given.EndAsync(units[2]);
        var before = await RowsAsync(units);
        var operation = await AcceptedAsync(Whole("archive"));
        Assert.True(await RunAsync());
        Assert.Equal(["archived", "archived", "archived"], await StatesAsync(units));
        Assert.Equal(0, (await UndoneAsync(operation)).GetProperty("error_count").GetInt32());
        Assert.Equal(before, await RowsAsync(units));
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task Units_that_were_named_are_undone_too_and_only_by_who_may_change_them()
    {
        long[] units = [await UnitAsync("NAME-1"), await UnitAsync("NAME-2")];
        var done = await ChangedAsync(Named("cancel", units));
        var operation = done.GetProperty("operation_id").GetGuid();
        var view = (await Host.GetAsync("/api/v1/operations/" + operation)).Json;
        Assert.Equal(
            ("succeeded", "cancel", 2),
            (
                view.GetProperty("status").GetString(),
                view.GetProperty("action").GetString(),
                view.GetProperty("done").GetInt32()
            )
        );
        Assert.NotEqual(JsonValueKind.Null, view.GetProperty("undo_until").ValueKind);
        using var bulk = Host.ClientOf(await Host.KeyAsync([Permissions.CouponsBulk, Permissions.Operations]));
        Assert.Equal(
            (403, "undo_forbidden"),
            CodeOf(await Host.PostAsync($"/api/v1/operations/{operation}/undo", null, null, bulk))
        );
        Assert.Equal(0, (await UndoneAsync(operation)).GetProperty("error_count").GetInt32());
        Assert.Equal(["issued", "issued"], await StatesAsync(units));
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task For_how_many_days_is_the_deployments_to_say_and_then_it_is_over()
    {
        await using var three = new Tessera.Server.Platform.Database(Host.Database.ConnectionString, undoDays: 3);
        await using var left = three.Source.CreateCommand(
            "select round(extract(epoch from platform.undo_until() - platform.clock()) / 86400)::int"
        );
        Assert.Equal(3, await left.ExecuteScalarAsync());

        long[] units = [await UnitAsync("LATE-1"), await UnitAsync("LATE-2")];
        var done = await ChangedAsync(Named("cancel", units));
        await Host.Database.ExecuteAsync(
            "update expiration.change set undo_until = clock_timestamp() - interval '1 second'"
        );
        var operation = done.GetProperty("operation_id").GetString();
        Assert.Equal((409, "not_undoable"), CodeOf(await Host.PostAsync($"/api/v1/operations/{operation}/undo")));
        Assert.Equal(["cancelled", "cancelled"], await StatesAsync(units));
    }

    /// <summary>As if the end a unit had before its change were a minute ago.</summary>
    private Task EndedBeforeAsync(long unit) =>
        Host.Database.ExecuteAsync(
            """
            update expiration.change_part p set ends = array(
                select case when u.id <> $1 then u.at
                    else coalesce((select i.valid_until from coupons.instance i where i.id = $1 and i.valid_until < clock_timestamp()),
                        clock_timestamp() - interval '1 minute') end
                from unnest(p.ids, p.ends) with ordinality u (id, at, place) order by place)
            """,
            unit
        );
}
