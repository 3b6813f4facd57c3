using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Balances;

/// <summary>What customers have here, and its way back to them (BAL-02, BAL-07, BAL-10, ACC-07).</summary>
[Collection(PostgresCollection.Name)]
public sealed class DepositTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Approvals = "/api/v1/approvals";
    private const string Withdrawals = "/api/v1/withdrawals";
    private const string Own = "/api/v1/own/withdrawals";
    private const string Destination = "ba_Zebra-1Pq7";

    private TestHost _host = null!;
    private HttpClient _other = null!;
    private Guid _customer;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _other = _host.ClientOf(await _host.KeyAsync([.. Permissions.All]));
        _customer = await CustomerAsync();
    }

    public async Task DisposeAsync()
    {
        _other.Dispose();
        await _host.DisposeAsync();
    }

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
        Assert.Equal((403, "same_person"), await CodeAsync(DecideAsync(asked.Json, "approve", _host.Client)));
        var replies = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => DecideAsync(asked.Json, "approve", _other))
        );
        Assert.Single(replies, static r => r.Status == 200);
        Assert.All(replies.Where(static r => r.Status != 200), static r => Assert.Equal("already_decided", r.Code));
        await AssertBalanceAsync(3_800, held: 0);

        var payment = Guid.CreateVersion7().ToString();
        var paid = await PaidAsync(path, payment);
        Assert.Equal("paid", paid.Json.GetProperty("state").GetString());
        Assert.Equal(paid.Body, (await PaidAsync(path, payment)).Body);
        Assert.Equal("withdrawal_state", (await PaidAsync(path)).Code);
        Assert.Equal("withdrawal_state", (await _host.PostAsync(path + "/failed", new { })).Code);
        Assert.Equal(["withdrawal.requested", "withdrawal.approved", "withdrawal.paid"], await EventsAsync(Id(asked)));
        var whole = await HistoryAsync(_host.Client, "withdrawal.paid");
        Assert.Contains("\"balance\":3800", whole, StringComparison.Ordinal);
        using var poor = _host.ClientOf(await _host.KeyAsync([Permissions.AuditRead]));
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

        Assert.Equal(200, (await DecideAsync(first, "reject", _other)).Status);
        await AssertBalanceAsync(1_000, held: 300);
        Assert.Equal(200, (await DecideAsync(second, "withdraw", _host.Client)).Status);
        await AssertBalanceAsync(1_000, held: 0);

        var third = await AskAsync(1_000);
        await _host.Database.ExecuteAsync(
            """
            update approvals.request set requested_at = now() - interval '4 days', expires_at = now() - interval '1 day'
            where state = 'pending'
            """
        );
        Assert.Equal("approval_expired", (await DecideAsync(third, "approve", _other)).Code);
        var worker = _host.Services.GetServices<IHostedService>().OfType<ApprovalWorker>().Single();
        await worker.RunOnceAsync(default);
        await AssertBalanceAsync(1_000, held: 0);
        Assert.Equal(
            ["rejected", "cancelled", "expired"],
            await _host.Database.ColumnAsync<string>("select state from balances.withdrawal order by asked_at")
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
            asked.Where(static r => r.Status == 201).Select(r => DecideAsync(r.Json, "approve", _other))
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
        var block = $"/api/v1/customers/{_customer}/block";
        Assert.Equal(200, (await _host.PostAsync(block, new { reason = "Sold codes on." })).Status);
        Assert.Equal((409, "customer_blocked"), await CodeAsync(SendAsync(Withdrawal(100))));
        Assert.Equal((409, "changed_meanwhile"), await CodeAsync(DecideAsync(asked, "approve", _other)));
        await AssertBalanceAsync(1_000, held: 0);
        Assert.Equal(
            "void",
            (await _host.GetAsync($"{Withdrawals}/{Id(asked)}")).Json.GetProperty("state").GetString()
        );
        Assert.Equal(["withdrawal.requested", "withdrawal.void"], await EventsAsync(Id(asked)));
        await VerifyAsync();
    }

    [Fact]
    public async Task Below_a_limit_that_two_agreed_on_one_person_is_enough_and_split_requests_are_summed()
    {
        await DepositAsync(5_000);
        var policy = await _host.PostAsync(
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
        Assert.Equal(200, (await DecideAsync(policy.Json, "approve", _other)).Status);
        var small = await SendAsync(Withdrawal(600));
        Assert.Equal("below_limit", small.Json.GetProperty("way").GetString());
        Assert.Equal("approved", await StateAsync(small.Json));
        await AssertBalanceAsync(4_400, held: 0);
        var split = await SendAsync(Withdrawal(600));
        Assert.Equal("pending", split.Json.GetProperty("state").GetString());
        await AssertBalanceAsync(4_400, held: 600);

        // What a customer asks for waits, however little it is.
        using var ada = await SignInAsync(_customer, "ada@example.org");
        var own = await ada.PostAsync(Own, Body(1));
        Assert.Equal("requested", own.Json.GetProperty("state").GetString());
        await VerifyAsync();
    }

    [Fact]
    public async Task A_customer_asks_sees_and_cancels_his_own_and_no_other_customer_does()
    {
        await DepositAsync(2_000);
        var zoe = await CustomerAsync();
        using var ada = await SignInAsync(_customer, "ada@example.org");
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
            Assert.Equal((403, "customers_only"), await CodeAsync(_host.GetAsync("/api/v1/own/" + path)));
        }

        var theirs = $"/api/v1/customers/{_customer}/balances";
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
        var shown = await _host.GetAsync($"{Approvals}/{Id(second)}");
        Assert.Equal(200, (await DecideAsync(shown.Json, "approve", _other)).Status);
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
        Assert.Equal(200, (await DecideAsync(asked, "approve", _other)).Status);
        var path = $"{Withdrawals}/{Id(asked)}/failed";
        var replies = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => _host.PostAsync(path, new { })));
        Assert.Single(replies, static r => r.Status == 200);
        Assert.All(replies.Where(static r => r.Status != 200), static r => Assert.Equal("withdrawal_state", r.Code));
        await AssertBalanceAsync(900, held: 0);
        Assert.Equal([("restore", 900L), ("withdraw", -900L), ("deposit", 900L)], await MovementsAsync());
        Assert.Equal((404, "not_found"), await CodeAsync(PaidAsync($"{Withdrawals}/{Guid.CreateVersion7()}")));
        await VerifyAsync();
    }

    [Fact]
    public async Task Of_two_deposits_asked_for_at_once_the_second_is_asked_for_again()
    {
        var first = await SendAsync(Deposit(500));
        var second = await SendAsync(Deposit(500));
        Assert.Equal(200, (await DecideAsync(first.Json, "approve", _other)).Status);
        Assert.Equal((409, "changed_meanwhile"), await CodeAsync(DecideAsync(second.Json, "approve", _other)));
        await AssertBalanceAsync(500, held: 0);
        Assert.Equal((400, "invalid_request"), await CodeAsync(SendAsync(Deposit(0))));
        Assert.Equal((409, "beyond_bound"), await CodeAsync(SendAsync(Deposit((1L << 53) - 1))));
        Assert.Equal((400, "invalid_request"), await CodeAsync(SendAsync(Deposit(5, Guid.CreateVersion7()))));

        // An adjustment counts among them, whichever was asked for first.
        var adjustment = await SendAsync(Adjustment(await AccountAsync(), -100));
        var third = await SendAsync(Deposit(1));
        Assert.Equal(200, (await DecideAsync(adjustment.Json, "approve", _other)).Status);
        Assert.Equal((409, "changed_meanwhile"), await CodeAsync(DecideAsync(third.Json, "approve", _other)));
        await AssertBalanceAsync(400, held: 0);
        await VerifyAsync();
    }

    [Fact]
    public async Task Each_step_takes_its_own_permission_and_merchants_see_nothing()
    {
        await DepositAsync(500);
        var asked = await AskAsync(100);
        using var reader = _host.ClientOf(
            await _host.KeyAsync([Permissions.BalancesRead, Permissions.ApprovalsRequest, Permissions.ApprovalsRead])
        );
        Assert.Equal(200, (await _host.GetAsync($"/api/v1/customers/{_customer}/balances", reader)).Status);
        Assert.Equal(
            (403, "permission_missing"),
            await CodeAsync(_host.PostAsync(Approvals, Withdrawal(1), client: reader))
        );
        Assert.Equal(
            (403, "permission_missing"),
            await CodeAsync(_host.PostAsync(Approvals, Deposit(1), client: reader))
        );
        Assert.Equal((403, "forbidden"), await CodeAsync(PaidAsync($"{Withdrawals}/{Id(asked)}", client: reader)));
        using var merchant = _host.ClientOf(
            await _host.KeyAsync([.. Permissions.All], Guid.CreateVersion7(), merchantExists: false)
        );
        foreach (
            var path in (string[])
                [Withdrawals, $"{Withdrawals}/{Id(asked)}", $"/api/v1/customers/{_customer}/balance-movements"]
        )
        {
            Assert.Equal((403, "staff_only"), await CodeAsync(_host.GetAsync(path, merchant)));
        }

        Assert.Equal((403, "staff_only"), await CodeAsync(_host.PostAsync(Approvals, Withdrawal(1), client: merchant)));
        Assert.Equal(
            (404, "not_found"),
            await CodeAsync(_host.GetAsync($"/api/v1/customers/{Guid.CreateVersion7()}/balances"))
        );
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'settings.read' and payload ->> 'subject' = $1",
                $"customer:{_customer}"
            )
        );
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
        Assert.Equal(200, (await DecideAsync(asked, "approve", _other)).Status);
        Assert.Equal(
            [("payout_reference", "card_number")],
            (
                await _host.PostAsync(
                    $"{Withdrawals}/{Id(asked)}/paid",
                    new { payout_reference = "4111 1111 1111 1111" }
                )
            ).Errors
        );
        var log = await _host.Database.ScalarAsync<string>(
            "select string_agg(aggregateid || payload::text, ' ') from platform.event"
        );
        Assert.Contains(Id(asked), log, StringComparison.Ordinal);
        Assert.DoesNotContain(Destination, log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_customer_with_money_here_is_not_erased_and_after_it_no_trace_of_the_payout_is_left()
    {
        await DepositAsync(300);
        var asked = await AskAsync(300);
        Assert.Equal("balance_stands", (await EraseAsync()).Code);
        Assert.Equal(200, (await DecideAsync(asked, "approve", _other)).Status);
        Assert.Equal("balance_stands", (await EraseAsync()).Code);
        Assert.Equal(200, (await PaidAsync($"{Withdrawals}/{Id(asked)}")).Status);
        Assert.Equal(
            "in_use",
            (await _host.SendAsync(HttpMethod.Delete, $"/api/v1/customers/{_customer}", headers: Any)).Code
        );
        var erased = await EraseAsync();
        Assert.True(erased.Status == 200, erased.Body);
        foreach (var table in (string[])["balances.withdrawal", "approvals.request", "platform.event"])
        {
            Assert.Equal(
                0,
                await _host.Database.ScalarAsync<long>(
                    $"select count(*) from {table} t where strpos(t::text, '{Destination}') > 0"
                )
            );
        }

        Assert.Equal((400, "invalid_request"), await CodeAsync(SendAsync(Deposit(5))));
        await VerifyAsync();
    }

    [Fact]
    public async Task Verification_finds_a_withdrawal_that_is_not_what_its_transfers_say()
    {
        await DepositAsync(300);
        var asked = await AskAsync(300);
        Assert.Equal(200, (await DecideAsync(asked, "approve", _other)).Status);
        await _host.Database.ExecuteAsync("update balances.withdrawal set amount_minor = 200");
        Assert.Contains(await FaultsAsync(), f => f.StartsWith($"withdrawal {Id(asked)}", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
            _host.Database.ExecuteAsync("update balances.account set pending = 1 where kind = 'customer_deposit'")
        );
        Assert.Equal("a_deposit_covers_what_is_held", error.ConstraintName);
    }

    private static Dictionary<string, string> Any { get; } = new() { ["If-Match"] = "*" };

    private static string Id(Reply reply) => Id(reply.Json);

    private static string Id(JsonElement approval) => approval.GetProperty("id").GetString()!;

    private static long Amount(JsonElement balance, string name) =>
        balance.GetProperty(name).GetProperty("amount").GetInt64();

    private static async Task<(int, string?)> CodeAsync(Task<Reply> reply)
    {
        var answer = await reply;
        return (answer.Status, answer.Code);
    }

    private static object Body(long amount) =>
        new { amount = new { amount, currency = "EUR" }, destination = Destination };

    private object Withdrawal(long amount, string currency = "EUR", string destination = Destination) =>
        new
        {
            kind = "balance_withdrawal",
            input = new
            {
                customer_id = _customer,
                amount = new { amount, currency },
                destination,
            },
            reason = "The customer asked for it on the phone.",
        };

    private object Deposit(long amount, Guid? customer = null) =>
        new
        {
            kind = "balance_deposit",
            input = new { customer_id = customer ?? _customer, amount = new { amount, currency = "EUR" } },
            reason = "Paid in cash at the desk.",
        };

    private static object Adjustment(Guid account, long amount) =>
        new
        {
            kind = "balance_adjustment",
            input = new { account_id = account, amount },
            reason = "Booked twice on 1 November.",
        };

    private Task<Reply> SendAsync(object request, string? key = null) => _host.PostAsync(Approvals, request, key);

    private async Task<JsonElement> AskAsync(long amount)
    {
        var reply = await SendAsync(Withdrawal(amount));
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json;
    }

    private async Task DepositAsync(long amount)
    {
        var asked = await SendAsync(Deposit(amount));
        Assert.True(asked.Status == 201, asked.Body);
        var done = await DecideAsync(asked.Json, "approve", _other);
        Assert.True(done.Status == 200, done.Body);
    }

    private Task<Reply> DecideAsync(JsonElement approval, string verb, HttpClient by) =>
        _host.PostAsync(
            $"{Approvals}/{Id(approval)}/{verb}",
            verb == "approve" ? new { effect_hash = approval.GetProperty("effect_hash").GetString() } : (object)new { },
            null,
            by
        );

    private Task<Reply> PaidAsync(string path, string? key = null, HttpClient? client = null) =>
        _host.PostAsync(path + "/paid", new { payout_reference = "po_1Pq8" }, key, client);

    private async Task<Reply> EraseAsync()
    {
        var request = await _host.PostAsync(
            "/api/v1/privacy-requests",
            new { customer_id = _customer, kind = "erasure" }
        );
        Assert.True(request.Status == 201, request.Body);
        return await _host.PostAsync($"/api/v1/privacy-requests/{Id(request)}/complete", new { });
    }

    private async Task<Guid> CustomerAsync()
    {
        var id = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync("insert into access.customer (id) values ($1)", id);
        return id;
    }

    private async Task<Browser> SignInAsync(Guid customer, string email)
    {
        await Person.MakeAsync(_host.Database, "customer", email, ["customer"], null, customer);
        var browser = new Browser(_host.Address);
        var reply = await browser.SignInAsync("customer", email, Person.Password);
        Assert.True(reply.Status == 200, reply.Body);
        return browser;
    }

    private Task<Guid> AccountAsync() =>
        _host.Database.ScalarAsync<Guid>("select id from balances.account where kind = 'customer_deposit'");

    private async Task AssertBalanceAsync(long posted, long held)
    {
        var reply = await _host.GetAsync($"/api/v1/customers/{_customer}/balances");
        var balance = Assert.Single(reply.Json.GetProperty("data").EnumerateArray());
        Assert.Equal((posted, held), (Amount(balance, "balance"), Amount(balance, "held")));
    }

    private async Task<string?> StateAsync(JsonElement withdrawal) =>
        (await _host.GetAsync($"{Withdrawals}/{Id(withdrawal)}")).Json.GetProperty("state").GetString();

    private async Task<(string Kind, long Amount)[]> MovementsAsync() =>
        [
            .. (await _host.GetAsync($"/api/v1/customers/{_customer}/balance-movements"))
                .Json.GetProperty("data")
                .EnumerateArray()
                .Select(static m => (m.GetProperty("kind").GetString()!, Amount(m, "amount"))),
        ];

    /// <summary>The history of the customer, once the index has come to an event of this type.</summary>
    private async Task<string> HistoryAsync(HttpClient reader, string type)
    {
        for (var tries = 0; ; tries++)
        {
            var reply = await _host.GetAsync($"/api/v1/audit/history/customer/{_customer}?limit=100", reader);
            Assert.Equal(200, reply.Status);
            if (reply.Body.Contains(type, StringComparison.Ordinal))
            {
                return reply.Body;
            }

            Assert.True(tries < 600, "The log was not indexed.");
            await Task.Delay(50);
        }
    }

    private Task<List<string>> EventsAsync(string id) =>
        _host.Database.ColumnAsync<string>(
            "select type from platform.event where aggregatetype = 'withdrawal' and aggregateid = $1 order by position",
            id
        );

    private async Task<List<string>> FaultsAsync()
    {
        var faults = new List<string>();
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            if (finding.Fault is { } fault && !finding.Name.Contains("log", StringComparison.Ordinal))
            {
                faults.Add(fault);
            }
        }

        return faults;
    }

    private async Task VerifyAsync()
    {
        Assert.Empty(await FaultsAsync());

        // Every movement balances to zero, and each balance is the sum of its entries (BAL-02).
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                """
                select count(*) from (select transaction_id from verify.ledger group by transaction_id, currency
                    having sum(amount) <> 0) t
                """
            )
        );
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                """
                select count(*) from verify.balances b where b.amount <> coalesce(
                    (select sum(l.amount) from verify.ledger l where l.account_id = b.account_id), 0)
                """
            )
        );
    }
}
