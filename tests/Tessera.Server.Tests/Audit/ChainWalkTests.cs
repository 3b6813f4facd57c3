using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Audit;

/// <summary>The chain is recomputed all the time, and what was changed behind its back is told.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ChainWalkTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string NextDay = "update audit.chain_walk set started_at = started_at - interval '2 days'";

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task What_is_sealed_is_recomputed_step_by_step_to_the_head_and_again_the_next_day()
    {
        // More than two steps.
        await EventsAsync((2 * ChainWalk.StepSize) + 10);
        var whole = await WholeAsync();
        Assert.True(whole.GetProperty("sealed_to").GetInt64() > 2 * ChainWalk.StepSize);
        Assert.Equal(
            await _host.Database.ScalarAsync<string>("select encode(hash, 'hex') from audit.seal"),
            whole.GetProperty("head").GetString()
        );

        await EventsAsync(5);
        Assert.Equal(
            whole.GetProperty("sealed_to").GetInt64() + 5,
            (await WholeAsync()).GetProperty("whole_to").GetInt64()
        );

        await _host.Database.ExecuteAsync(NextDay);
        var again = await UntilAsync(chain =>
            chain.GetProperty("walk_started_at").GetDateTimeOffset() > TimeProvider.System.GetUtcNow().AddHours(-1)
        );
        Assert.Equal(JsonValueKind.Null, again.GetProperty("fault").ValueKind);
        await WholeAsync();
        Assert.Equal(2, await _host.Database.ScalarAsync<long>("select walk from audit.chain_walk"));
    }

    [Theory]
    [InlineData("update platform.event set payload = payload || '{\"x\": 1}' where position = 3", "changed", 3)]
    [InlineData("update audit.entry set hash = sha256('x') where seq = 4", "changed", 4)]
    [InlineData("delete from platform.event where position = 3", "missing", 3)]
    [InlineData("delete from audit.entry where seq = 5", "missing", 5)]
    [InlineData("delete from audit.entry where seq = (select max(seq) from audit.entry)", "missing", 0)]
    [InlineData("update audit.seal set hash = sha256('x')", "head", 0)]
    public async Task What_was_tampered_with_is_found_told_and_stays_told(string sql, string kind, long at)
    {
        await EventsAsync(8);
        var head = (await WholeAsync()).GetProperty("sealed_to").GetInt64();
        await _host.Database.ExecuteAsync(sql);
        await _host.Database.ExecuteAsync(NextDay);
        var fault = (
            await UntilAsync(static chain => chain.GetProperty("fault").ValueKind != JsonValueKind.Null)
        ).GetProperty("fault");
        Assert.Equal(kind, fault.GetProperty("kind").GetString());
        Assert.Equal(at == 0 ? head : at, fault.GetProperty("seq").GetInt64());
        Assert.Equal(
            [$$"""{"seq": {{(at == 0 ? head : at)}}, "fault": "{{kind}}"}"""],
            await _host.Database.ColumnAsync<string>(
                "select payload::text from platform.event where type = 'audit.chain_broken'"
            )
        );

        // What was found before it was broken is still said, and it is not walked past.
        var chain = (await _host.GetAsync("/api/v1/audit/chain")).Json;
        Assert.Equal(head, chain.GetProperty("whole_to").GetInt64());
        Assert.True(chain.GetProperty("walked_to").GetInt64() < (at == 0 ? head : at));
    }

    [Fact]
    public async Task The_state_of_the_chain_is_for_staff_who_may_read_the_log()
    {
        using var merchant = _host.ClientOf(
            await _host.KeyAsync([Permissions.AuditRead], Guid.CreateVersion7(), merchantExists: false)
        );
        Assert.Equal(403, (await _host.GetAsync("/api/v1/audit/chain", merchant)).Status);
        using var other = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsRead]));
        Assert.Equal(403, (await _host.GetAsync("/api/v1/audit/chain", other)).Status);
    }

    private Task EventsAsync(int count) =>
        _host.Database.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            select gen_random_uuid(), 'test', n::text, 'test', 1, 'job:test', '{}', clock_timestamp() from generate_series(1, $1) n
            """,
            count
        );

    /// <summary>The state once everything there is was sealed and recomputed.</summary>
    private async Task<JsonElement> WholeAsync()
    {
        var events = await _host.Database.ScalarAsync<long>("select count(*) from platform.event");
        return await UntilAsync(chain =>
            chain.GetProperty("sealed_to").GetInt64() >= events
            && chain.GetProperty("whole_to").ToString() == chain.GetProperty("sealed_to").ToString()
            && chain.GetProperty("walked_to").GetInt64() == chain.GetProperty("sealed_to").GetInt64()
        );
    }

    private async Task<JsonElement> UntilAsync(Func<JsonElement, bool> isSo)
    {
        JsonElement chain = default;
        await Patience.UntilAsync(
            async () =>
            {
                chain = (await _host.GetAsync("/api/v1/audit/chain")).Json;
                return isSo(chain);
            },
            () => Task.FromResult($"the walk to come to this: {chain}")
        );
        return chain;
    }
}
