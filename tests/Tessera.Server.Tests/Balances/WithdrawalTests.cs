using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Balances;

/// <summary>The way of money back to customers: asked for, held, decided by another, paid out or put back (BAL-02, BAL-10).</summary>
[Collection(PostgresCollection.Name)]
public sealed class WithdrawalTests(PostgresFixture postgres) : CustomerMoney(postgres)
{
    private const string Own = "/api/v1/own/withdrawals";

    [Fact]
    public async Task A_withdrawal_that_another_person_approves_is_held_posted_once_and_paid()
    {
        await DepositAsync(5_000);
        var key = Guid.CreateVersion7().ToString();
        var asked = await SendAsync(Withdrawal(1_200), key);
        Assert.Equal((201, "pending"), (asked.Status, asked.Json.GetProperty("state").GetString()));
        Assert.Equal(-1_200, asked.Json.GetProperty("effect").GetProperty("amount").GetInt64());
        Assert.Equal(asked.Body, (await SendAsync(Withdrawal(1_200), key)).Body);
        await AssertBalanceAsync(5_000, held: 1_200);
        var path = $"{Withdrawals}/{Id(asked)}";
        Assert.Equal("withdrawal_state", (await PaidAsync(path)).Code);

        // Nobody approves his own, not even with another key of his.
        Assert.Equal((403, "same_person"), await CodeAsync(DecideAsync(asked.Json, "approve", Host.Client)));
        var replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => DecideAsync(asked.Json, "approve", Other)));
        Assert.Single(replies, static r => r.Status == 200);
        Assert.All(replies.Where(static r => r.Status != 200), static r => Assert.Equal("already_decided", r.Code));
        await AssertBalanceAsync(3_800, held: 0);

        var payment = Guid.CreateVersion7().ToString();
        var paid = await PaidAsync(path, payment);
        Assert.Equal("paid", paid.Json.GetProperty("state").GetString());
        Assert.Equal(paid.Body, (await PaidAsync(path, payment)).Body);
        Assert.Equal("withdrawal_state", (await PaidAsync(path)).Code);
        Assert.Equal("withdrawal_state", (await Host.PostAsync(path + "/failed", new { })).Code);
        Assert.Equal(["withdrawal.requested", "withdrawal.approved", "withdrawal.paid"], await EventsAsync(Id(asked)));
        var whole = await HistoryAsync(Host.Client, "withdrawal.paid");
        Assert.Contains("\"balance\":3800", whole, StringComparison.Ordinal);
        using var poor = Host.ClientOf(await Host.KeyAsync([Permissions.AuditRead]));
        var hidden = await HistoryAsync(poor, "withdrawal.paid");
        Assert.Contains("account.deposited", hidden, StringComparison.Ordinal);
        Assert.DoesNotContain("balance\":", hidden, StringComparison.Ordinal);
        Assert.Contains("amount\":", whole, StringComparison.Ordinal);
        Assert.DoesNotContain("amount\":", hidden, StringComparison.Ordinal);
        Assert.DoesNotContain("size\":", hidden, StringComparison.Ordinal);
        var moved = await MovementsAsync();
        Assert.Equal([("withdraw", -1_200L), ("deposit", 5_000L)], moved);
        await VerifyAsync();
    }

    [Fact]
    public async Task What_is_held_is_not_there_for_anything_else_until_it_is_let_go()
    {
        await DepositAsync(1_000);
        var first = await AskAsync(700);
        Assert.Equal((409, "balance_too_low"), await CodeAsync(SendAsync(Withdrawal(301))));
        Assert.Equal((409, "balance_too_low"), await CodeAsync(SendAsync(Withdrawal(1, currency: "USD"))));
        Assert.Equal((409, "beyond_bound"), await CodeAsync(SendAsync(Adjustment(await AccountAsync(), -301))));
        var second = await AskAsync(300);
        await AssertBalanceAsync(1_000, held: 1_000);

        Assert.Equal(200, (await DecideAsync(first, "reject", Other)).Status);
        await AssertBalanceAsync(1_000, held: 300);
        Assert.Equal(200, (await DecideAsync(second, "withdraw", Host.Client)).Status);
        await AssertBalanceAsync(1_000, held: 0);

        var third = await AskAsync(1_000);
        await Host.Database.ExecuteAsync(
            """
            update approvals.request set requested_at = now() - interval '4 days', expires_at = now() - interval '1 day'
            where state = 'pending'
            """
        );
        Assert.Equal("approval_expired", (await DecideAsync(third, "approve", Other)).Code);
        var worker = Host.Services.GetServices<IHostedService>().OfType<ApprovalWorker>().Single();
        await Patience.UntilAsync(
            async () =>
            {
                // The one that runs by itself may have it already: it is then done when that one is.
                await worker.RunOnceAsync(default);
                return await StateAsync(third) == "expired";
            },
            "the end of a withdrawal nobody decided on"
        );
        await AssertBalanceAsync(1_000, held: 0);
        Assert.Equal(
            ["rejected", "cancelled", "expired"],
            await Host.Database.ColumnAsync<string>("select state from balances.withdrawal order by asked_at")
        );
        Assert.Equal(["withdrawal.requested", "withdrawal.expired"], await EventsAsync(Id(third)));
        Assert.Equal([("deposit", 1_000L)], await MovementsAsync());
        await VerifyAsync();
    }

    [Fact]
    public async Task Many_withdrawals_at_once_never_take_more_than_there_is()
    {
        await DepositAsync(1_000);
        var asked = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => SendAsync(Withdrawal(300))));
        Assert.Equal(3, asked.Count(static r => r.Status == 201));
        Assert.All(asked.Where(static r => r.Status != 201), static r => Assert.Equal("balance_too_low", r.Code));
        var decided = await Task.WhenAll(
            asked.Where(static r => r.Status == 201).Select(r => DecideAsync(r.Json, "approve", Other))
        );
        Assert.All(decided, static r => Assert.Equal(200, r.Status));
        await AssertBalanceAsync(100, held: 0);
        await VerifyAsync();
    }

    [Fact]
    public async Task A_customer_who_was_blocked_meanwhile_gets_nothing_and_nothing_is_held_any_more()
    {
        await DepositAsync(1_000);
        var asked = await AskAsync(400);
        var block = $"/api/v1/customers/{Customer}/block";
        Assert.Equal(200, (await Host.PostAsync(block, new { reason = "Sold codes on." })).Status);
        Assert.Equal((409, "customer_blocked"), await CodeAsync(SendAsync(Withdrawal(100))));
        Assert.Equal((409, "changed_meanwhile"), await CodeAsync(DecideAsync(asked, "approve", Other)));
        await AssertBalanceAsync(1_000, held: 0);
        Assert.Equal("void", (await Host.GetAsync($"{Withdrawals}/{Id(asked)}")).Json.GetProperty("state").GetString());
        Assert.Equal(["withdrawal.requested", "withdrawal.void"], await EventsAsync(Id(asked)));
        await VerifyAsync();
    }

    [Fact]
    public async Task Below_a_limit_that_two_agreed_on_one_person_is_enough_and_split_requests_are_summed()
    {
        await DepositAsync(5_000);
        var policy = await Host.PostAsync(
            Approvals,
            new
            {
                kind = "approval_policy",
                input = new
                {
                    kind = "balance_withdrawal",
                    free_size = 1_000,
                    expires_after_hours = 24,
                },
                reason = "Small change is paid at the desk.",
            }
        );
        Assert.Equal(200, (await DecideAsync(policy.Json, "approve", Other)).Status);
        var small = await SendAsync(Withdrawal(600));
        Assert.Equal("below_limit", small.Json.GetProperty("way").GetString());
        Assert.Equal("approved", await StateAsync(small.Json));
        await AssertBalanceAsync(4_400, held: 0);
        var split = await SendAsync(Withdrawal(600));
        Assert.Equal("pending", split.Json.GetProperty("state").GetString());
        await AssertBalanceAsync(4_400, held: 600);

        // What a customer asks for waits, however little it is.
        using var ada = await SignInAsync(Customer, "ada@example.org");
        var own = await ada.PostAsync(Own, Body(1));
        Assert.Equal("requested", own.Json.GetProperty("state").GetString());
        await VerifyAsync();
    }

    [Fact]
    public async Task A_customer_asks_sees_and_cancels_his_own_and_no_other_customer_does()
    {
        await DepositAsync(2_000);
        var zoe = await CustomerAsync();
        using var ada = await SignInAsync(Customer, "ada@example.org");
        using var other = await SignInAsync(zoe, "zoe@example.org");
        var asked = await ada.PostAsync(Own, Body(500));
        Assert.True(asked.Status == 201, asked.Body);
        Assert.Equal((409, "balance_too_low"), await CodeAsync(ada.PostAsync(Own, Body(1_501))));
        Assert.Equal((409, "balance_too_low"), await CodeAsync(other.PostAsync(Own, Body(1))));
        var balance = (await ada.GetAsync("/api/v1/own/balances")).Json.GetProperty("data")[0];
        Assert.Equal(
            (2_000, 500, 1_500),
            (Amount(balance, "balance"), Amount(balance, "held"), Amount(balance, "available"))
        );

        foreach (var path in (string[])["balances", "balance-movements", "withdrawals"])
        {
            Assert.Equal(1, (await ada.GetAsync("/api/v1/own/" + path)).Json.GetProperty("data").GetArrayLength());
            Assert.Equal(0, (await other.GetAsync("/api/v1/own/" + path)).Json.GetProperty("data").GetArrayLength());
            Assert.Equal((403, "customers_only"), await CodeAsync(Host.GetAsync("/api/v1/own/" + path)));
        }

        var theirs = $"/api/v1/customers/{Customer}/balances";
        Assert.Equal((403, "forbidden"), await CodeAsync(other.GetAsync(theirs)));
        Assert.Equal((404, "not_found"), await CodeAsync(other.PostAsync($"{Own}/{Id(asked)}/cancel", new { })));
        Assert.Equal("requested", await StateAsync(asked.Json));
        Assert.Equal(
            (403, "forbidden"),
            await CodeAsync(ada.PostAsync($"{Approvals}/{Id(asked)}/approve", new { effect_hash = "" }))
        );
        var cancelled = await ada.PostAsync($"{Own}/{Id(asked)}/cancel", new { });
        Assert.Equal("cancelled", cancelled.Json.GetProperty("state").GetString());
        Assert.Equal((409, "already_decided"), await CodeAsync(ada.PostAsync($"{Own}/{Id(asked)}/cancel", new { })));

        // Staff decides on what a customer asked for; what staff asked for a customer is not the customer's to cancel.
        var second = await ada.PostAsync(Own, Body(2_000));
        var shown = await Host.GetAsync($"{Approvals}/{Id(second)}");
        Assert.Equal(200, (await DecideAsync(shown.Json, "approve", Other)).Status);
        await AssertBalanceAsync(0, held: 0);
        await DepositAsync(10);
        var byStaff = await AskAsync(10);
        Assert.Equal(
            (403, "not_the_requester"),
            await CodeAsync(ada.PostAsync($"{Own}/{Id(byStaff)}/cancel", new { }))
        );
        await VerifyAsync();
    }

    [Fact]
    public async Task What_could_not_be_paid_out_is_back_on_the_balance_once()
    {
        await DepositAsync(900);
        var asked = await AskAsync(900);
        Assert.Equal(200, (await DecideAsync(asked, "approve", Other)).Status);
        var path = $"{Withdrawals}/{Id(asked)}/failed";
        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Host.PostAsync(path, new { })));
        Assert.Single(replies, static r => r.Status == 200);
        Assert.All(replies.Where(static r => r.Status != 200), static r => Assert.Equal("withdrawal_state", r.Code));
        await AssertBalanceAsync(900, held: 0);
        Assert.Equal([("restore", 900L), ("withdraw", -900L), ("deposit", 900L)], await MovementsAsync());
        Assert.Equal((404, "not_found"), await CodeAsync(PaidAsync($"{Withdrawals}/{Guid.CreateVersion7()}")));
        await VerifyAsync();
    }

    [Fact]
    public async Task Card_numbers_are_not_taken_and_where_money_goes_is_not_in_the_log()
    {
        await DepositAsync(500);
        foreach (var card in (string[])["4111111111111111", "4111-1111-1111-1111", "x:5500.0055.5555.5559"])
        {
            var reply = await SendAsync(Withdrawal(1, destination: card));
            Assert.Equal([("input.destination", "card_number")], reply.Errors);
        }

        Assert.Equal(
            [("input.destination", "invalid_text")],
            (await SendAsync(Withdrawal(1, destination: "a b"))).Errors
        );
        var asked = await AskAsync(100);
        Assert.Equal(200, (await DecideAsync(asked, "approve", Other)).Status);
        Assert.Equal(
            [("payout_reference", "card_number")],
            (
                await Host.PostAsync(
                    $"{Withdrawals}/{Id(asked)}/paid",
                    new { payout_reference = "4111 1111 1111 1111" }
                )
            ).Errors
        );
        var log = await Host.Database.ScalarAsync<string>(
            "select string_agg(aggregateid || payload::text, ' ') from platform.event"
        );
        Assert.Contains(Id(asked), log, StringComparison.Ordinal);
        Assert.DoesNotContain(Destination, log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verification_finds_a_withdrawal_that_is_not_what_its_transfers_say()
    {
        await DepositAsync(300);
        var asked = await AskAsync(300);
        Assert.Equal(200, (await DecideAsync(asked, "approve", Other)).Status);
        await Host.Database.ExecuteAsync("update balances.withdrawal set amount_minor = 200");
        Assert.Contains(await FaultsAsync(), f => f.StartsWith($"withdrawal {Id(asked)}", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            Host.Database.ExecuteAsync("update balances.account set pending = 1 where kind = 'customer_deposit'")
        );
        Assert.Equal("a_deposit_covers_what_is_held", error.ConstraintName);
    }
}
