using Tessera.Cli.Attack;
using Tessera.Cli.Commands;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Attack;

/// <summary>The attacks break nothing here, and do break an installation from which a check was taken.</summary>
[Collection(PostgresCollection.Name)]
public sealed class AttackTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const int Clients = 16;

    /// <summary>Accounts that never fill: the limits are as if nobody counted.</summary>
    private const string ForgetfulAccounts = """
        create function balances.forget() returns trigger language plpgsql as
            $$ begin new.posted := 0; new.pending := 0; return new; end $$;
        create trigger forget before insert or update on balances.account for each row execute function balances.forget();
        """;

    /// <summary>Units that stay as they are, and redemptions that may repeat.</summary>
    private const string ForgetfulUnits = """
        drop index redemptions.one_standing_redemption_per_instance;
        drop index redemptions.one_standing_reservation_per_instance;
        create function coupons.forget() returns trigger language plpgsql as $$ begin return old; end $$;
        create trigger forget before update on coupons.instance for each row execute function coupons.forget();
        """;

    /// <summary>No answers kept, and no order known to have used a code.</summary>
    private const string ForgetfulKeys = """
        drop index redemptions.one_standing_use_of_a_shared_code_per_order;
        create function redemptions.forget() returns trigger language plpgsql as
            $$ begin new.order_reference := new.id::text; return new; end $$;
        create trigger forget before insert on redemptions.redemption for each row execute function redemptions.forget();
        create function platform.forget() returns trigger language plpgsql as $$ begin return null; end $$;
        create trigger forget before insert on platform.idempotency for each row execute function platform.forget();
        """;

    /// <summary>A clock that is late, as one read before a lock wait is.</summary>
    private const string LateClock =
        "create or replace function platform.clock() returns timestamptz language sql volatile as 'select clock_timestamp() - interval ''8 seconds'''";

    private TestHost _host = null!;
    private AttackClient _client = null!;
    private Attacks _attacks = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _client = new AttackClient(_host.Address, _host.Key, Clients * 2);
        _attacks = new Attacks(_client, Clients);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_is_broken_by_any_attack()
    {
        using var output = new StringWriter();
        var code = await AttackCommand.RunAsync(_attacks, output);
        Assert.True(code == 0, output.ToString());
        Assert.Equal(9, output.ToString().Split('\n').Count(static l => l.EndsWith("held", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Limits_that_are_not_counted_are_broken()
    {
        await _host.Database.ExecuteAsync(ForgetfulAccounts);
        Assert.True((await _attacks.HotCodeAsync()).IsBreach);
        Assert.True((await _attacks.PerCustomerAsync()).IsBreach);
        Assert.True((await _attacks.BudgetAsync()).IsBreach);
    }

    [Fact]
    public async Task Units_that_do_not_change_state_are_broken()
    {
        await _host.Database.ExecuteAsync(ForgetfulUnits);
        await _host.Database.ExecuteAsync(ForgetfulAccounts);
        await AssertBreaksAsync(_attacks.SingleUseAsync);
        await AssertBreaksAsync(_attacks.HoldAgainstRedeemAsync);
        await AssertBreaksAsync(_attacks.RollBackAgainstRedeemAsync);
    }

    [Fact]
    public async Task Keys_that_are_not_kept_are_broken()
    {
        await _host.Database.ExecuteAsync(ForgetfulKeys);
        Assert.True((await _attacks.ReplayedKeyAsync()).IsBreach);
        Assert.True((await _attacks.ReusedKeyAsync()).IsBreach);
    }

    [Fact]
    public async Task A_clock_that_is_late_is_broken()
    {
        await _host.Database.ExecuteAsync(LateClock);
        Assert.True((await _attacks.ExpiryDuringLockWaitAsync()).IsBreach);
    }

    /// <summary>Whether a race is lost depends on how requests fall into batches: an owner, too, would attack again.</summary>
    private static async Task AssertBreaksAsync(Func<Task<AttackResult>> attack)
    {
        for (var i = 0; i < 20; i++)
        {
            if ((await attack()).IsBreach)
            {
                return;
            }
        }

        Assert.Fail("Twenty attacks broke nothing.");
    }
}
