using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tessera.Server.Coupons.Bulk;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

/// <summary>Bulk runs that are paused, stopped or killed in the middle of a batch (BLK-07, BLK-08).</summary>
[Collection(PostgresCollection.Name)]
public sealed class BulkRunTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons/bulk/plans";
    private const int Coupons = (2 * BulkStore.BatchSize) + 500;

    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        // The worker of bulk changes is started by the tests, or is that of a process that they kill.
        _host = await TestHost.StartAsync(
            postgres,
            static builder =>
                builder.Services.Remove(builder.Services.Single(static s => s.ImplementationType == typeof(BulkWorker)))
        );
        await _host.Database.ExecuteAsync(
            $$"""
            with made as (
                insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, valid_from,
                    is_active, created_by)
                select 'RUN-' || n, 'A coupon', '{"en": "A coupon"}', 'percentage', 10, clock_timestamp(), true, 'job:test'
                from generate_series(1, {{Coupons}}) n
                returning code, id
            )
            insert into coupons.code (code, coupon_id) select code, id from made
            """
        );
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_paused_run_leaves_out_the_batch_it_was_in_and_goes_on_with_it_when_resumed()
    {
        var id = await PlanAsync();
        await MoveInSecondBatchAsync(id, "pause");
        Assert.Equal((BulkStore.BatchSize, "paused"), await ProgressAsync(id));
        Assert.Equal(Coupons - BulkStore.BatchSize, await ActiveAsync());
        Assert.False(await Worker().RunOnceAsync(default));

        Assert.Equal(200, (await _host.PostAsync($"/api/v1/operations/{id}/resume")).Status);
        Assert.True(await Worker().RunOnceAsync(default));
        await EachOnceAsync(id);
    }

    [Fact]
    public async Task What_a_stopped_run_has_done_is_undone_and_nothing_else_is_touched()
    {
        var id = await PlanAsync();
        await MoveInSecondBatchAsync(id, "cancel");
        Assert.Equal((BulkStore.BatchSize, "cancelled"), await ProgressAsync(id));
        Assert.Equal((409, "operation_status"), await CodeAsync($"/api/v1/operations/{id}/resume"));

        var undo = await _host.PostAsync($"/api/v1/operations/{id}/undo");
        Assert.True(undo.Status == 202, undo.Body);
        Assert.Equal(BulkStore.BatchSize, undo.Json.GetProperty("items").GetInt32());
        Assert.True(await Worker().RunOnceAsync(default));
        var undone = await _host.EndOfAsync(undo.Header("Location")!);
        Assert.Equal(BulkStore.BatchSize, undone.GetProperty("result").GetProperty("changed").GetInt32());
        Assert.Equal(0, undone.GetProperty("error_count").GetInt32());
        Assert.Equal(Coupons, await ActiveAsync());
        Assert.Equal(
            ["coupon.activated 2000", "coupon.deactivated 2000"],
            await _host.Database.ColumnAsync<string>(
                "select type || ' ' || count(*) from platform.event where aggregatetype = 'coupon' group by type order by type"
            )
        );
    }

    [Fact]
    public async Task An_undo_that_was_stopped_is_asked_for_again_and_goes_on_where_it_was()
    {
        var id = await PlanAsync();
        Assert.True(await Worker().RunOnceAsync(default));
        Assert.Equal(0, await ActiveAsync());
        var first = (await _host.PostAsync($"/api/v1/operations/{id}/undo")).Json.GetProperty("operation_id").GetGuid();
        Assert.Equal((409, "not_undoable"), await CodeAsync($"/api/v1/operations/{id}/undo"));
        await MoveInSecondBatchAsync(first, "cancel");
        Assert.Equal(BulkStore.BatchSize, await ActiveAsync());
        var stopped = (await _host.GetAsync($"/api/v1/operations/{id}")).Json;
        Assert.Equal(JsonValueKind.Null, stopped.GetProperty("undone_by").ValueKind);

        var again = await _host.PostAsync($"/api/v1/operations/{id}/undo");
        Assert.True(again.Status == 202, again.Body);
        Assert.Equal(Coupons - BulkStore.BatchSize, again.Json.GetProperty("items").GetInt32());
        Assert.True(await Worker().RunOnceAsync(default));
        var undone = await _host.EndOfAsync(again.Header("Location")!);
        Assert.Equal(
            (Coupons - BulkStore.BatchSize, 0),
            (
                undone.GetProperty("result").GetProperty("changed").GetInt32(),
                undone.GetProperty("error_count").GetInt32()
            )
        );
        Assert.Equal(Coupons, await ActiveAsync());
        var file = await _host.GetAsync(undone.GetProperty("output_url").GetString()!);
        Assert.StartsWith("coupon_id,code,outcome", file.Body, StringComparison.Ordinal);
        Assert.Equal(
            Coupons - BulkStore.BatchSize + 1,
            file.Body.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length
        );
        Assert.Equal((409, "not_undoable"), await CodeAsync($"/api/v1/operations/{id}/undo"));
    }

    [Fact]
    public async Task A_run_whose_process_is_killed_in_a_batch_goes_on_with_each_coupon_done_once_and_none_lost()
    {
        await using var node = NodeProcess.Start(_host.Database);
        Guid id;
        int session;
        await using (var holder = await HoldSecondBatchAsync())
        {
            id = await PlanAsync();
            session = await InSecondBatchAsync(id, holder);
            await node.KillAsync();
        }

        Assert.Equal((BulkStore.BatchSize, "running"), await ProgressAsync(id));
        Assert.False(await Worker().RunOnceAsync(default));
        await BatchWaits.UntilGoneAsync(_host.Database, session);
        Assert.Equal(Coupons - BulkStore.BatchSize, await ActiveAsync());
        await _host.Database.ExecuteAsync(
            "update platform.operation set leased_until = clock_timestamp() where id = $1",
            id
        );
        Assert.True(await Worker().RunOnceAsync(default));
        await EachOnceAsync(id);
    }

    /// <summary>Lets a run come into its second batch, moves the operation meanwhile, and lets the run go on.</summary>
    private async Task MoveInSecondBatchAsync(Guid id, string verb)
    {
        Task run;
        await using (var holder = await HoldSecondBatchAsync())
        {
            run = Worker().RunOnceAsync(default);
            await InSecondBatchAsync(id, holder);
            var moved = await _host.PostAsync($"/api/v1/operations/{id}/{verb}");
            Assert.True(moved.Status == 200, moved.Body);
        }

        await run;
    }

    /// <summary>Everything was done, once: coupons, versions, events, what an undo would bring back, and the file of results.</summary>
    private async Task EachOnceAsync(Guid id)
    {
        Assert.Equal((Coupons, "succeeded"), await ProgressAsync(id));
        Assert.Equal(0, await ActiveAsync());
        Assert.Equal(
            $"{Coupons} {Coupons} 2 2",
            await _host.Database.ScalarAsync<string>(
                """
                select (select count(*) || ' ' || count(distinct aggregateid) from platform.event where type = 'coupon.deactivated')
                    || ' ' || min(version) || ' ' || max(version) from coupons.coupon
                """
            )
        );
        Assert.Equal(
            Coupons,
            await _host.Database.ScalarAsync<long>(
                "select count(distinct d) from coupons.bulk_part, unnest(done_ids) d where plan_id = $1",
                id
            )
        );
        var results = await _host.GetAsync($"/api/v1/operations/{id}/output");
        var lines = results.Body.Split("\r\n", StringSplitOptions.RemoveEmptyEntries)[1..];
        Assert.Equal(Coupons, lines.Length);
        Assert.Equal(Coupons, lines.Distinct().Count());
        Assert.All(lines, static l => Assert.EndsWith(",changed,,", l, StringComparison.Ordinal));
    }

    private async Task<Guid> PlanAsync()
    {
        var accepted = await _host.PostAsync(Path, new { action = "deactivate", selection = new { filter = new { } } });
        Assert.True(accepted.Status == 202, accepted.Body);
        return accepted.Json.GetProperty("operation_id").GetGuid();
    }

    /// <summary>Keeps one coupon of the second batch locked.</summary>
    private async Task<NpgsqlConnection> HoldSecondBatchAsync()
    {
        var connection = new NpgsqlConnection(_host.Database.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var hold = new NpgsqlCommand(
            $"begin; select from coupons.coupon where code = 'RUN-{BulkStore.BatchSize + 7}' for update",
            connection
        );
        await hold.ExecuteNonQueryAsync();
        return connection;
    }

    /// <summary>Waits until a run has done its first batch and waits for a lock in the second.</summary>
    private Task<int> InSecondBatchAsync(Guid id, NpgsqlConnection holder) =>
        BatchWaits.UntilBlockedAsync(_host.Database, id, BulkStore.BatchSize, holder);

    private async Task<(int Done, string Status)> ProgressAsync(Guid id)
    {
        var operation = (await _host.GetAsync($"/api/v1/operations/{id}")).Json;
        return (operation.GetProperty("done").GetInt32(), operation.GetProperty("status").GetString()!);
    }

    private Task<long> ActiveAsync() =>
        _host.Database.ScalarAsync<long>("select count(*) from coupons.coupon where is_active");

    private async Task<(int, string?)> CodeAsync(string path)
    {
        var reply = await _host.PostAsync(path);
        return (reply.Status, reply.Code);
    }

    private BulkWorker Worker() => new(_host.Database.Database, TimeProvider.System, NullLogger<BulkWorker>.Instance);
}
