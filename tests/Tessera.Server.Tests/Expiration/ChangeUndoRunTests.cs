using Npgsql;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>An undo of many that is stopped or killed between its batches goes on with each unit once (BLK-07, BLK-08).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ChangeUndoRunTests(PostgresFixture postgres) : ChangedUnits(postgres, isRunByHand: true)
{
    private const int Units = UnitChanges.UnitsPerBatch + 300;

    [Fact]
    public async Task An_undo_that_was_stopped_between_batches_goes_on_behind_them_with_each_unit_once()
    {
        await UnitsAsync(Units);
        var operation = await CancelledAsync();
        var undo = await UndoAsync(operation);
        Task run;
        await using (var holder = await HoldLastUnitAsync())
        {
            run = RunAsync();
            await InSecondBatchAsync(undo, holder);
            Ok(await Host.PostAsync($"/api/v1/operations/{undo}/cancel"), 200);
        }

        await run;
        Assert.Equal(UnitChanges.UnitsPerBatch, await LiveAsync());
        var rest = Ok(await Host.PostAsync($"/api/v1/operations/{operation}/undo"), 202).Json;
        Assert.Equal(300, rest.GetProperty("items").GetInt32());
        Assert.True(await RunAsync());
        Assert.Equal(Units, await LiveAsync());
        await EachUndoneOnceAsync();
    }

    [Theory]
    [InlineData(false, "issued")]
    [InlineData(true, "revoked")]
    public async Task An_undo_whose_node_is_killed_in_a_batch_goes_on_in_another_with_each_unit_once(
        bool isOfIssue,
        string to
    )
    {
        Guid operation;
        if (isOfIssue)
        {
            var issued = Ok(
                await Host.PostAsync($"/api/v1/admin/coupons/{Coupon}/generate", new { count = Units }),
                202
            );
            await Host.EndOfAsync(issued.Header("Location")!);
            operation = issued.Json.GetProperty("operation_id").GetGuid();
        }
        else
        {
            await UnitsAsync(Units);
            operation = await CancelledAsync();
        }

        var undo = await UndoAsync(operation);
        int session;
        await using (var holder = await HoldLastUnitAsync())
        {
            await using var killed = NodeProcess.Start(Host.Database);
            session = await InSecondBatchAsync(undo, holder);
            await killed.KillAsync();
        }

        // What was committed stays, what was not is gone, and nobody else takes it before its lease is over.
        await BatchWaits.UntilGoneAsync(Host.Database, session);
        Assert.Equal(UnitChanges.UnitsPerBatch, await CountAsync(to));
        Assert.False(await RunAsync());
        await Host.Database.ExecuteAsync(
            "update platform.operation set leased_until = clock_timestamp() where id = $1",
            undo
        );
        await using var second = NodeProcess.Start(Host.Database);
        var over = await Host.EndOfAsync("/api/v1/operations/" + undo);
        Assert.Equal(
            ("succeeded", Units, 0),
            (
                over.GetProperty("status").GetString(),
                over.GetProperty("done").GetInt32(),
                over.GetProperty("error_count").GetInt32()
            )
        );
        Assert.Equal(Units, await CountAsync(to));
        await EachUndoneOnceAsync();
    }

    private async Task<Guid> CancelledAsync()
    {
        var operation = await AcceptedAsync(Whole("cancel"));
        Assert.True(await RunAsync());
        Assert.Equal(0, await LiveAsync());
        Assert.Equal(Units, await PostedAsync("freed_units"));
        return operation;
    }

    private async Task<Guid> UndoAsync(Guid operation) =>
        Ok(await Host.PostAsync($"/api/v1/operations/{operation}/undo"), 202)
            .Json.GetProperty("operation_id")
            .GetGuid();

    /// <summary>Keeps one unit of the second batch locked.</summary>
    private async Task<NpgsqlConnection> HoldLastUnitAsync()
    {
        var holder = new NpgsqlConnection(Host.Database.ConnectionString + ";Pooling=false");
        await holder.OpenAsync();
        await using var hold = new NpgsqlCommand(
            "begin; select from coupons.instance where id = (select max(id) from coupons.instance) for update",
            holder
        );
        await hold.ExecuteNonQueryAsync();
        return holder;
    }

    /// <summary>Waits until the first batch is done and the second waits for its unit.</summary>
    private Task<int> InSecondBatchAsync(Guid undo, NpgsqlConnection holder) =>
        BatchWaits.UntilBlockedAsync(Host.Database, undo, UnitChanges.UnitsPerBatch, holder);

    private async Task EachUndoneOnceAsync()
    {
        Assert.Equal(
            $"{Units} {Units}",
            await Host.Database.ScalarAsync<string>(
                "select count(*) || ' ' || count(distinct instance_id) from verify.transitions where cause = 'undo'"
            )
        );
        Assert.Equal((0, 0), (await PostedAsync("freed_units"), await PostedAsync("freed_budget")));
        await AssertVerifiedAsync();
    }
}
