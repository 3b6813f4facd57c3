using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Balances;

/// <summary>A customer with money here, somebody who may ask for anything, and another person who decides.</summary>
public abstract class CustomerMoney(PostgresFixture postgres) : IAsyncLifetime
{
    protected const string Approvals = "/api/v1/approvals";
    protected const string Withdrawals = "/api/v1/withdrawals";
    protected const string Destination = "ba_Zebra-1Pq7";

    protected TestHost Host { get; private set; } = null!;

    /// <summary>Another person than that of the host's own client.</summary>
    protected HttpClient Other { get; private set; } = null!;

    protected Guid Customer { get; private set; }

    public async Task InitializeAsync()
    {
        Host = await TestHost.StartAsync(postgres);
        Other = Host.ClientOf(await Host.KeyAsync([.. Permissions.All]));
        Customer = await CustomerAsync();
    }

    public async Task DisposeAsync()
    {
        Other.Dispose();
        await Host.DisposeAsync();
    }

    protected static Dictionary<string, string> Any { get; } = new() { ["If-Match"] = "*" };

    protected static string Id(Reply reply) => Id(reply.Json);

    protected static string Id(JsonElement approval) => approval.GetProperty("id").GetString()!;

    protected static long Amount(JsonElement balance, string name) =>
        balance.GetProperty(name).GetProperty("amount").GetInt64();

    protected static async Task<(int, string?)> CodeAsync(Task<Reply> reply)
    {
        var answer = await reply;
        return (answer.Status, answer.Code);
    }

    protected static object Body(long amount) =>
        new { amount = new { amount, currency = "EUR" }, destination = Destination };

    protected object Withdrawal(long amount, string currency = "EUR", string destination = Destination) =>
        new
        {
            kind = "balance_withdrawal",
            input = new
            {
                customer_id = Customer,
                amount = new { amount, currency },
                destination,
            },
            reason = "The customer asked for it on the phone.",
        };

    protected object Deposit(long amount, Guid? customer = null) =>
        new
        {
            kind = "balance_deposit",
            input = new { customer_id = customer ?? Customer, amount = new { amount, currency = "EUR" } },
            reason = "Paid in cash at the desk.",
        };

    protected static object Adjustment(Guid account, long amount) =>
        new
        {
            kind = "balance_adjustment",
            input = new { account_id = account, amount },
            reason = "Booked twice on 1 November.",
        };

    protected Task<Reply> SendAsync(object request, string? key = null) => Host.PostAsync(Approvals, request, key);

    protected async Task<JsonElement> AskAsync(long amount)
    {
        var reply = await SendAsync(Withdrawal(amount));
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json;
    }

    protected async Task DepositAsync(long amount)
    {
        var asked = await SendAsync(Deposit(amount));
        Assert.True(asked.Status == 201, asked.Body);
        var done = await DecideAsync(asked.Json, "approve", Other);
        Assert.True(done.Status == 200, done.Body);
    }

    protected Task<Reply> DecideAsync(JsonElement approval, string verb, HttpClient by) =>
        Host.PostAsync(
            $"{Approvals}/{Id(approval)}/{verb}",
            verb == "approve" ? new { effect_hash = approval.GetProperty("effect_hash").GetString() } : (object)new { },
            null,
            by
        );

    protected Task<Reply> PaidAsync(string path, string? key = null, HttpClient? client = null) =>
        Host.PostAsync(path + "/paid", new { payout_reference = "po_1Pq8" }, key, client);

    protected async Task<Reply> EraseAsync()
    {
        var request = await Host.PostAsync(
            "/api/v1/privacy-requests",
            new { customer_id = Customer, kind = "erasure" }
        );
        Assert.True(request.Status == 201, request.Body);
        return await Host.PostAsync($"/api/v1/privacy-requests/{Id(request)}/complete", new { });
    }

    protected async Task<Guid> CustomerAsync()
    {
        var id = Guid.CreateVersion7();
        await Host.Database.ExecuteAsync("insert into access.customer (id) values ($1)", id);
        return id;
    }

    protected async Task<Browser> SignInAsync(Guid customer, string email)
    {
        await Person.MakeAsync(Host.Database, "customer", email, ["customer"], null, customer);
        var browser = new Browser(Host.Address);
        var reply = await browser.SignInAsync("customer", email, Person.Password);
        Assert.True(reply.Status == 200, reply.Body);
        return browser;
    }

    protected Task<Guid> AccountAsync() =>
        Host.Database.ScalarAsync<Guid>("select id from balances.account where kind = 'customer_deposit'");

    protected async Task AssertBalanceAsync(long posted, long held)
    {
        var reply = await Host.GetAsync($"/api/v1/customers/{Customer}/balances");
        var balance = Assert.Single(reply.Json.GetProperty("data").EnumerateArray());
        Assert.Equal((posted, held), (Amount(balance, "balance"), Amount(balance, "held")));
    }

    protected async Task<string?> StateAsync(JsonElement withdrawal) =>
        (await Host.GetAsync($"{Withdrawals}/{Id(withdrawal)}")).Json.GetProperty("state").GetString();

    protected async Task<(string Kind, long Amount)[]> MovementsAsync() =>
        [
            .. (await Host.GetAsync($"/api/v1/customers/{Customer}/balance-movements"))
                .Json.GetProperty("data")
                .EnumerateArray()
                .Select(static m => (m.GetProperty("kind").GetString()!, Amount(m, "amount"))),
        ];

    /// <summary>The history of the customer, once the index has come to an event of this type.</summary>
    protected async Task<string> HistoryAsync(HttpClient reader, string type)
    {
        var history = "";
        await Patience.UntilAsync(
            async () =>
            {
                var reply = await Host.GetAsync($"/api/v1/audit/history/customer/{Customer}?limit=100", reader);
                Assert.Equal(200, reply.Status);
                history = reply.Body;
                return history.Contains(type, StringComparison.Ordinal);
            },
            "the log to be indexed"
        );
        return history;
    }

    protected Task<List<string>> EventsAsync(string id) =>
        Host.Database.ColumnAsync<string>(
            "select type from platform.event where aggregatetype = 'withdrawal' and aggregateid = $1 order by position",
            id
        );

    protected async Task<List<string>> FaultsAsync()
    {
        var faults = new List<string>();
        await foreach (var finding in new Verification(Host.Database.ConnectionString).RunAsync(default))
        {
            if (finding.Fault is { } fault && !finding.Name.Contains("log", StringComparison.Ordinal))
            {
                faults.Add(fault);
            }
        }

        return faults;
    }

    protected async Task VerifyAsync()
    {
        Assert.Empty(await FaultsAsync());

        // Every movement balances to zero, and each balance is the sum of its entries (BAL-02).
        Assert.Equal(
            0,
            await Host.Database.ScalarAsync<long>(
                """
                select count(*) from (select transaction_id from verify.ledger group by transaction_id, currency
                    having sum(amount) <> 0) t
                """
            )
        );
        Assert.Equal(
            0,
            await Host.Database.ScalarAsync<long>(
                """
                select count(*) from verify.balances b where b.amount <> coalesce(
                    (select sum(l.amount) from verify.ledger l where l.account_id = b.account_id), 0)
                """
            )
        );
    }
}
