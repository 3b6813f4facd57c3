using Npgsql;
using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Balances;

/// <summary>What customers have here: put there by two, bounded, guarded, gone only when it is paid out (BAL-02, BAL-07, ACC-07).</summary>
[Collection(PostgresCollection.Name)]
public sealed class DepositTests(PostgresFixture postgres) : CustomerMoney(postgres)
{
    [Fact]
    public async Task Of_two_deposits_asked_for_at_once_the_second_is_asked_for_again()
    {
        var first = await SendAsync(Deposit(500));
        var second = await SendAsync(Deposit(500));
        Assert.Equal(200, (await DecideAsync(first.Json, "approve", Other)).Status);
        Assert.Equal((409, "changed_meanwhile"), await CodeAsync(DecideAsync(second.Json, "approve", Other)));
        await AssertBalanceAsync(500, held: 0);
        Assert.Equal((400, "invalid_request"), await CodeAsync(SendAsync(Deposit(0))));
        Assert.Equal((409, "beyond_bound"), await CodeAsync(SendAsync(Deposit((1L << 53) - 1))));
        Assert.Equal((400, "invalid_request"), await CodeAsync(SendAsync(Deposit(5, Guid.CreateVersion7()))));

        // An adjustment counts among them, whichever was asked for first.
        var adjustment = await SendAsync(Adjustment(await AccountAsync(), -100));
        var third = await SendAsync(Deposit(1));
        Assert.Equal(200, (await DecideAsync(adjustment.Json, "approve", Other)).Status);
        Assert.Equal((409, "changed_meanwhile"), await CodeAsync(DecideAsync(third.Json, "approve", Other)));
        await AssertBalanceAsync(400, held: 0);
        await VerifyAsync();
    }

    /// <summary>Both are let go on at once, after both had begun to wait for the account.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_two_that_are_approved_at_once_one_is_asked_for_again(bool isDeposit)
    {
        await DepositAsync(1_000);
        var account = await AccountAsync();
        var adjustment = await SendAsync(Adjustment(account, -100));
        var other = await SendAsync(isDeposit ? Deposit(50) : Adjustment(account, -100));
        Task<Reply>[] decided;
        await using (var holder = new NpgsqlConnection(Host.Database.ConnectionString + ";Pooling=false"))
        {
            await holder.OpenAsync();
            await using var hold = new NpgsqlCommand(
                $"begin; select from balances.account where id = '{account}' for update",
                holder
            );
            await hold.ExecuteNonQueryAsync();
            decided = [DecideAsync(adjustment.Json, "approve", Other), DecideAsync(other.Json, "approve", Other)];
            await Patience.UntilAsync(
                async () =>
                    await Host.Database.ScalarAsync<long>(
                        """
                        select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
                            and query like '%balances.account%for no key update%'
                        """
                    ) == 2,
                "two approvals that wait for an account"
            );
        }

        var replies = await Task.WhenAll(decided);
        Assert.Equal([200, 409], replies.Select(static r => r.Status).Order());
        Assert.Equal("changed_meanwhile", replies.Single(static r => r.Status == 409).Code);
        await AssertBalanceAsync(
            replies[0].Status == 200 ? 900
                : isDeposit ? 1_050
                : 900,
            held: 0
        );
        await VerifyAsync();
    }

    [Fact]
    public async Task Each_step_takes_its_own_permission_and_merchants_see_nothing()
    {
        await DepositAsync(500);
        var asked = await AskAsync(100);
        using var reader = Host.ClientOf(
            await Host.KeyAsync([Permissions.BalancesRead, Permissions.ApprovalsRequest, Permissions.ApprovalsRead])
        );
        Assert.Equal(200, (await Host.GetAsync($"/api/v1/customers/{Customer}/balances", reader)).Status);
        Assert.Equal(
            (403, "permission_missing"),
            await CodeAsync(Host.PostAsync(Approvals, Withdrawal(1), client: reader))
        );
        Assert.Equal(
            (403, "permission_missing"),
            await CodeAsync(Host.PostAsync(Approvals, Deposit(1), client: reader))
        );
        Assert.Equal((403, "forbidden"), await CodeAsync(PaidAsync($"{Withdrawals}/{Id(asked)}", client: reader)));
        using var merchant = Host.ClientOf(
            await Host.KeyAsync([.. Permissions.All], Guid.CreateVersion7(), merchantExists: false)
        );
        foreach (
            var path in (string[])
                [Withdrawals, $"{Withdrawals}/{Id(asked)}", $"/api/v1/customers/{Customer}/balance-movements"]
        )
        {
            Assert.Equal((403, "staff_only"), await CodeAsync(Host.GetAsync(path, merchant)));
        }

        Assert.Equal((403, "staff_only"), await CodeAsync(Host.PostAsync(Approvals, Withdrawal(1), client: merchant)));
        Assert.Equal(
            (404, "not_found"),
            await CodeAsync(Host.GetAsync($"/api/v1/customers/{Guid.CreateVersion7()}/balances"))
        );
        Assert.Equal(
            1,
            await Host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'settings.read' and payload ->> 'subject' = $1",
                $"customer:{Customer}"
            )
        );
    }

    [Fact]
    public async Task A_customer_with_money_here_is_not_erased_and_after_it_no_trace_of_the_payout_is_left()
    {
        await DepositAsync(300);
        var asked = await AskAsync(300);
        Assert.Equal("balance_stands", (await EraseAsync()).Code);
        Assert.Equal(200, (await DecideAsync(asked, "approve", Other)).Status);
        Assert.Equal("balance_stands", (await EraseAsync()).Code);
        Assert.Equal(200, (await PaidAsync($"{Withdrawals}/{Id(asked)}")).Status);
        Assert.Equal(
            "in_use",
            (await Host.SendAsync(HttpMethod.Delete, $"/api/v1/customers/{Customer}", headers: Any)).Code
        );
        var erased = await EraseAsync();
        Assert.True(erased.Status == 200, erased.Body);
        foreach (var table in (string[])["balances.withdrawal", "approvals.request", "platform.event"])
        {
            Assert.Equal(
                0,
                await Host.Database.ScalarAsync<long>(
                    $"select count(*) from {table} t where strpos(t::text, '{Destination}') > 0"
                )
            );
        }

        Assert.Equal((400, "invalid_request"), await CodeAsync(SendAsync(Deposit(5))));
        await VerifyAsync();
    }
}
