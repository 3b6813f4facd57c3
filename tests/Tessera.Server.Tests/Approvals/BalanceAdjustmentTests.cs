using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Approvals;

[Collection(PostgresCollection.Name)]
public sealed class BalanceAdjustmentTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private HttpClient _other = null!;
    private Guid _account;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _other = _host.ClientOf(await _host.KeyAsync([.. Permissions.All]));
        _account = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync(
            "insert into balances.account (id, kind, owner_id, unit, bound) values ($1, 'campaign_budget', 'spring', 'EUR', 1000)",
            _account
        );
    }

    public async Task DisposeAsync()
    {
        _other.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task An_adjustment_that_two_agreed_on_moves_the_account_and_its_ledger()
    {
        await ApproveAsync(await AskAsync(700));
        var lowered = await AskAsync(-200);
        await ApproveAsync(lowered);
        Assert.Equal(500, await _host.Database.ScalarAsync<long>("select posted from balances.account"));
        Assert.Equal(
            500m,
            await _host.Database.ScalarAsync<decimal>(
                "select sum(amount) from verify.ledger where account_id not like 'source:%'"
            )
        );
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null || finding.Name.Contains("log", StringComparison.Ordinal), finding.Fault);
        }
    }

    [Fact]
    public async Task Of_two_adjustments_asked_for_at_once_the_second_is_asked_for_again()
    {
        var first = await AskAsync(300);
        var second = await AskAsync(300);
        await ApproveAsync(first);
        Assert.Equal("changed_meanwhile", (await DecideAsync(second)).Code);
        Assert.Equal(300, await _host.Database.ScalarAsync<long>("select posted from balances.account"));
    }

    [Fact]
    public async Task A_bound_is_kept()
    {
        Assert.Equal("beyond_bound", (await SendAsync(1001)).Code);
        Assert.Equal("beyond_bound", (await SendAsync(-1)).Code);
        Assert.Equal([("input.amount", "out_of_range")], (await SendAsync(0)).Errors);
        await _host.Database.ExecuteAsync("update balances.account set kind = 'coupon_uses', unit = 'use', posted = 3");
        Assert.Equal("uses_stand", (await SendAsync(-1)).Code);
    }

    private async Task<JsonElement> AskAsync(long amount)
    {
        var reply = await SendAsync(amount);
        Assert.True(reply.Status == 201, reply.Body);
        Assert.Equal("pending", reply.Json.GetProperty("state").GetString());
        return reply.Json;
    }

    private Task<Reply> SendAsync(long amount) =>
        _host.PostAsync(
            "/api/v1/approvals",
            new
            {
                kind = "balance_adjustment",
                input = new { account_id = _account, amount },
                reason = "Booked twice by the till on 1 November.",
            }
        );

    private async Task ApproveAsync(JsonElement approval)
    {
        var reply = await DecideAsync(approval);
        Assert.True(reply.Status == 200, reply.Body);
    }

    private Task<Reply> DecideAsync(JsonElement approval) =>
        _host.PostAsync(
            $"/api/v1/approvals/{approval.GetProperty("id").GetString()}/approve",
            new { effect_hash = approval.GetProperty("effect_hash").GetString() },
            null,
            _other
        );
}
