using System.Text;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Coupons;
using Tessera.Server.Platform.Jobs;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class CodeOperationTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly CatalogueActor Actor = new("job:test", "test");

    private TestHost _host = null!;
    private Support.Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Support.Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Codes_asked_for_over_http_come_as_a_file_of_an_operation()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var path = $"/api/v1/admin/coupons/{coupon}/generate";
        var accepted = await _host.PostAsync(path, """{"count":2500,"prefix":"save"}""", "k1");
        Assert.Equal(202, accepted.Status);
        Assert.Equal(accepted.Body, (await _host.PostAsync(path, """{"count":2500,"prefix":"save"}""", "k1")).Body);
        var operation = accepted.Header("Location")!;
        var ended = await _host.EndOfAsync(operation);
        Assert.Equal("succeeded", ended.GetProperty("status").GetString());
        Assert.Equal(2500, ended.GetProperty("done").GetInt64());

        var file = await _host.GetAsync(ended.GetProperty("output_url").GetString()!);
        Assert.Equal("text/plain", file.MediaType);
        var codes = file.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2500, codes.Distinct().Count());
        Assert.All(codes, c => Assert.Matches("^SAVE[2-9A-HJ-NP-Z]{12}$", c));
        Assert.Equal(
            codes.Order(StringComparer.Ordinal),
            await _host.Database.ColumnAsync<string>(
                "select code from coupons.code where instance_id is not null order by code"
            )
        );
        var state = await _host.GetAsync("/api/v1/coupon-states/" + codes[1234]);
        Assert.Equal("issued", state.Json.GetProperty("state").GetString());
        Assert.Equal("operation_status", (await _host.PostAsync(operation + "/cancel")).Code);
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(
                finding.Fault is null || finding.Name.Contains("chain", StringComparison.Ordinal),
                finding.Fault
            );
        }
    }

    [Fact]
    public async Task A_run_that_was_stopped_goes_on_where_it_was()
    {
        const int count = CodeGeneration.BatchSize + 1000;
        // No node works here that would take what is let go.
        await using var database = await postgres.DatabaseAsync();
        var coupon = await new Support.Catalogue(database).CouponAsync("UNITS", kind: "unique");
        var operation = await BeginAsync(database, coupon, count);
        using var stop = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            CodeOperation.RunAsync(database.Database, operation, _ => stop.Cancel(), stop.Token)
        );
        Assert.Equal(CodeGeneration.BatchSize, await UnitsAsync(database));

        // Its lease stands for a minute; then anybody may take it, and the first holder cannot write any more.
        Assert.Null(await TakeAsync(database, operation.Id));
        await database.ExecuteAsync("update platform.operation set leased_until = clock_timestamp()");
        var taken = (await TakeAsync(database, operation.Id))!;
        Assert.False(
            await CodeOperation.RunAsync(database.Database, operation with { Done = taken.Done }, null, default)
        );
        Assert.Equal(CodeGeneration.BatchSize, await UnitsAsync(database));
        Assert.True(await CodeOperation.RunAsync(database.Database, taken, null, default));
        Assert.Equal(count, await UnitsAsync(database));

        using var file = new MemoryStream();
        await OperationStore.CopyChunksAsync(database.Database, operation.Id, CodeOperation.Output, file, default);
        var lines = Encoding.ASCII.GetString(file.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(count, lines.Distinct().Count());
    }

    [Fact]
    public async Task An_operation_that_was_cancelled_issues_nothing_more()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var operation = await BeginAsync(_host.Database, coupon, 10);
        var path = $"/api/v1/operations/{operation.Id}";
        Assert.Equal("operation_not_over", (await _host.GetAsync(path + "/output")).Code);
        Assert.Equal("paused", (await _host.PostAsync(path + "/pause")).Json.GetProperty("status").GetString());
        Assert.False(await CodeOperation.RunAsync(_host.Database.Database, operation, null, default));
        Assert.Equal("cancelled", (await _host.PostAsync(path + "/cancel")).Json.GetProperty("status").GetString());
        Assert.Equal("operation_status", (await _host.PostAsync(path + "/resume")).Code);
        Assert.Equal("", (await _host.GetAsync(path + "/output")).Body);
        Assert.Equal(0, await UnitsAsync(_host.Database));
    }

    [Fact]
    public async Task A_paused_operation_is_resumed_by_a_worker()
    {
        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var operation = await BeginAsync(_host.Database, coupon, 10);
        var path = $"/api/v1/operations/{operation.Id}";
        await _host.PostAsync(path + "/pause");
        Assert.Equal("pending", (await _host.PostAsync(path + "/resume")).Json.GetProperty("status").GetString());
        Assert.Equal("succeeded", (await _host.EndOfAsync(path)).GetProperty("status").GetString());
        Assert.Equal(10, await UnitsAsync(_host.Database));
    }

    [Fact]
    public async Task What_cannot_be_generated_is_refused_and_a_coupon_that_goes_away_fails_the_rest()
    {
        var shared = await _given.CouponAsync("SHARED");
        var refused = await _host.PostAsync($"/api/v1/admin/coupons/{shared}/generate", """{"count":10}""");
        Assert.Equal((409, "coupon_has_shared_code"), (refused.Status, refused.Code));
        var bad = await _host.PostAsync($"/api/v1/admin/coupons/{shared}/generate", """{"count":0,"prefix":"ÄÖÜ"}""");
        Assert.Equal([("count", "out_of_range"), ("prefix", "invalid_prefix")], bad.Errors);

        var coupon = await _given.CouponAsync("UNITS", kind: "unique");
        var operation = await BeginAsync(_host.Database, coupon, 10);
        await _host.Database.ExecuteAsync(
            "update coupons.coupon set deleted_at = clock_timestamp() where id = $1",
            coupon
        );
        Assert.True(await CodeOperation.RunAsync(_host.Database.Database, operation, null, default));
        var failed = await _host.GetAsync($"/api/v1/operations/{operation.Id}");
        Assert.Equal("failed", failed.Json.GetProperty("status").GetString());
        Assert.Equal("not_found", failed.Json.GetProperty("result").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_key_of_a_merchant_sees_that_merchants_operations_alone()
    {
        var own = Guid.CreateVersion7();
        using var client = _host.ClientOf(await _host.KeyAsync([.. Permissions.All], own, merchantExists: false));
        var theirs = await _given.CouponAsync("THEIRS", kind: "unique");
        var mine = await _given.CouponAsync("MINE", "merchant_id", $"'{own}'", "unique");
        var other = (await _host.PostAsync($"/api/v1/admin/coupons/{theirs}/generate", """{"count":1}""")).Header(
            "Location"
        )!;
        Assert.Equal(
            404,
            (
                await _host.PostAsync($"/api/v1/admin/coupons/{theirs}/generate", """{"count":1}""", client: client)
            ).Status
        );
        var made = await _host.PostAsync($"/api/v1/admin/coupons/{mine}/generate", """{"count":1}""", client: client);
        await _host.EndOfAsync(other);
        await _host.EndOfAsync(made.Header("Location")!);
        foreach (var path in (string[])[other, other + "/output"])
        {
            Assert.Equal((404, "not_found"), ((await _host.GetAsync(path, client)).Status, "not_found"));
        }

        Assert.Equal(404, (await _host.PostAsync(other + "/cancel", client: client)).Status);
        var list = (await _host.GetAsync("/api/v1/operations", client)).Json.GetProperty("data");
        Assert.Single(list.EnumerateArray());
        Assert.Equal(
            2,
            (await _host.GetAsync("/api/v1/operations?status=succeeded&kind=codes"))
                .Json.GetProperty("data")
                .GetArrayLength()
        );
        Assert.Equal(13, (await _host.GetAsync(made.Header("Location") + "/output", client)).Body.Length);
    }

    private static async Task<Operation> BeginAsync(TestDatabase database, long coupon, long count)
    {
        await using var work = await database.Database.BeginAsync(default);
        var operation = await CodeOperation.CreateAsync(work, coupon, count, "", Actor, leased: true, default);
        await work.CommitAsync(default);
        return operation;
    }

    private static Task<Operation?> TakeAsync(TestDatabase database, Guid id) =>
        OperationStore.TakeAsync(database.Database, CodeOperation.Kind, id, default);

    private static Task<long> UnitsAsync(TestDatabase database) =>
        database.ScalarAsync<long>("select count(*) from coupons.instance");
}
