using Npgsql;
using Tessera.Server.Operations.Units;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Operations;

/// <summary>Runs that were stopped or killed between their batches go on with each unit once (BLK-08).</summary>
public sealed partial class UnitPlanTests
{
    [Fact]
    public async Task A_run_that_was_stopped_between_batches_goes_on_with_each_unit_done_once()
    {
        var many = await _given.CouponAsync("MANY", kind: "unique");
        var units = (2 * UnitDeciding.BatchSize) + 10;
        Ok(await _host.PostAsync($"/api/v1/admin/coupons/{many}/instances", new { prefix = "M", count = units }), 201);
        var wanted = Wanted("revoked", new { coupon_id = many }, null);
        var id = await ApprovedAsync(wanted);

        await PauseInSecondBatchAsync(id, id);
        Assert.Equal(UnitDeciding.BatchSize, await RevokedAsync(many));
        Assert.False(await RunAsync());
        Ok(await _host.PostAsync($"/api/v1/operations/{id}/resume"), 200);
        Assert.True(await RunAsync());
        Assert.Equal(units, await RevokedAsync(many));
        Assert.Equal(
            units,
            await _host.Database.ScalarAsync<long>(
                "select count(distinct aggregateid) from platform.event where payload ->> 'bulk_id' = $1::text and sequence = 2",
                id.ToString()
            )
        );

        var again = await PreviewAsync(wanted);
        Assert.Equal((units, 0, units, 0), Counts(again));
        await VerifyAsync();

        // So does its undo: one that was paused goes on, one that was stopped is asked for again and goes on behind it.
        var undo = Ok(await _host.PostAsync($"/api/v1/operations/{id}/undo"), 202).Json.GetProperty("operation_id");
        await PauseInSecondBatchAsync(id, undo.GetGuid());
        Assert.Equal(units - UnitDeciding.BatchSize, await RevokedAsync(many));
        Ok(await _host.PostAsync($"/api/v1/operations/{undo.GetGuid()}/cancel"), 200);
        var rest = Ok(await _host.PostAsync($"/api/v1/operations/{id}/undo"), 202).Json;
        Assert.Equal(units - UnitDeciding.BatchSize, rest.GetProperty("items").GetInt32());
        Assert.True(await RunAsync());
        Assert.Equal(0, await RevokedAsync(many));
        Assert.Equal(
            $"{units} {units}",
            await _host.Database.ScalarAsync<string>(
                "select count(*) || ' ' || count(distinct instance_id) from verify.transitions where cause = 'undo' and sequence = 3"
            )
        );
        Assert.Equal((409, "not_undoable"), CodeOf(await _host.PostAsync($"/api/v1/operations/{id}/undo")));
        await VerifyAsync();
    }

    [Fact]
    public async Task A_run_and_its_undo_whose_node_is_killed_in_a_batch_go_on_in_another_with_each_unit_once()
    {
        var many = await _given.CouponAsync("KILLED", kind: "unique");
        const int units = UnitDeciding.BatchSize + 10;
        Ok(await _host.PostAsync($"/api/v1/admin/coupons/{many}/instances", new { prefix = "K", count = units }), 201);
        var id = await ApprovedAsync(Wanted("revoked", new { coupon_id = many }, null));
        await KillInSecondBatchAsync(id, id);
        Assert.Equal(UnitDeciding.BatchSize, await RevokedAsync(many));
        await GoesOnAsync(id, units);
        Assert.Equal(units, await RevokedAsync(many));

        var undo = Ok(await _host.PostAsync($"/api/v1/operations/{id}/undo"), 202).Json.GetProperty("operation_id");
        await KillInSecondBatchAsync(id, undo.GetGuid());
        Assert.Equal(units - UnitDeciding.BatchSize, await RevokedAsync(many));
        await GoesOnAsync(undo.GetGuid(), units);
        Assert.Equal(0, await RevokedAsync(many));
        foreach (var sequence in (int[])[2, 3])
        {
            Assert.Equal(
                $"{units} {units}",
                await _host.Database.ScalarAsync<string>(
                    "select count(*) || ' ' || count(distinct instance_id) from verify.transitions where sequence = $1",
                    sequence
                )
            );
        }

        await VerifyAsync();
    }

    private Task<long> RevokedAsync(long coupon) =>
        _host.Database.ScalarAsync<long>(
            "select count(*) from coupons.instance where coupon_id = $1 and state = 'revoked'",
            coupon
        );

    /// <summary>Runs an operation, and pauses it while a unit of the second batch of the plan is held by somebody else.</summary>
    private async Task PauseInSecondBatchAsync(Guid plan, Guid operation)
    {
        Task run;
        await using (var holder = await HoldSecondBatchAsync(plan))
        {
            run = RunAsync();
            await InSecondBatchAsync(operation, holder);
            Ok(await _host.PostAsync($"/api/v1/operations/{operation}/pause"), 200);
        }

        await run;
    }

    /// <summary>Keeps a unit of the second batch of a plan locked.</summary>
    private async Task<NpgsqlConnection> HoldSecondBatchAsync(Guid plan)
    {
        var holder = new NpgsqlConnection(_host.Database.ConnectionString + ";Pooling=false");
        await holder.OpenAsync();
        await using var hold = new NpgsqlCommand(
            $"""
            begin; select from coupons.instance where id = (select instance_id from operations.unit_line
                where plan_id = '{plan}' and line = {UnitDeciding.BatchSize + 7}) for update
            """,
            holder
        );
        await hold.ExecuteNonQueryAsync();
        return holder;
    }

    /// <summary>Waits until the first batch is done and the second waits for its unit.</summary>
    private Task<int> InSecondBatchAsync(Guid operation, NpgsqlConnection holder) =>
        BatchWaits.UntilBlockedAsync(_host.Database, operation, UnitDeciding.BatchSize, holder);

    /// <summary>Runs an operation in a node of its own, which is killed while its second batch waits for a unit.</summary>
    private async Task KillInSecondBatchAsync(Guid plan, Guid operation)
    {
        int session;
        await using (var holder = await HoldSecondBatchAsync(plan))
        {
            await using var killed = NodeProcess.Start(_host.Database);
            session = await InSecondBatchAsync(operation, holder);
            await killed.KillAsync();
        }

        await BatchWaits.UntilGoneAsync(_host.Database, session);
    }

    /// <summary>Nobody takes it before its lease is over; then another node ends it.</summary>
    private async Task GoesOnAsync(Guid operation, int units)
    {
        Assert.False(await RunAsync());
        await _host.Database.ExecuteAsync(
            "update platform.operation set leased_until = clock_timestamp() where id = $1",
            operation
        );
        Assert.True(await RunAsync());
        var over = await _host.EndOfAsync("/api/v1/operations/" + operation);
        Assert.Equal(
            ("succeeded", units, 0),
            (
                over.GetProperty("status").GetString(),
                over.GetProperty("done").GetInt32(),
                over.GetProperty("error_count").GetInt32()
            )
        );
    }
}
