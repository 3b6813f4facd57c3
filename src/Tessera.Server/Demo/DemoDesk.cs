using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Approvals;
using Tessera.Server.Balances;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Demo;

/// <summary>
/// What is on the desks of the demo world: balances that customers were paid on, withdrawals on their way, and requests that
/// wait for a second person. All of it through the path of requests, by two of the house.
/// </summary>
internal static class DemoDesk
{
    private static readonly Requester Asker = By("job:demo");
    private static readonly Requester Decider = By("job:demo-desk");

    /// <summary>Writes it, in the transaction of the demo world.</summary>
    public static async Task WriteAsync(UnitOfWork work, CancellationToken cancel)
    {
        var customers = await CustomersAsync(work, cancel);
        var service = new ApprovalService([new BalanceDeposit(), new BalanceWithdrawal()]);
        foreach (
            var (place, minor, reason) in (IEnumerable<(int, long, string)>)
                [
                    (0, 12_000, "Prize of the autumn raffle"),
                    (1, 4_500, "Ill-baked cake, paid back"),
                    (2, 25_000, "Bonus of the readers' club"),
                    (2, 3_000, "Book that came too late"),
                    (3, 6_800, "Class that did not take place"),
                ]
        )
        {
            var asked = await AskAsync(work, service, Deposit(customers[place], minor), reason, cancel);
            await ApproveAsync(work, service, asked, cancel);
        }

        var paid = await AskAsync(work, service, Withdrawal(customers[0], 5_000, "iban-ref:1001"), OnRequest, cancel);
        await ApproveAsync(work, service, paid, cancel);
        await PayAsync(work, paid.Id, "po_demo_1001", cancel);
        var approved = await AskAsync(
            work,
            service,
            Withdrawal(customers[3], 6_800, "iban-ref:1004"),
            OnRequest,
            cancel
        );
        await ApproveAsync(work, service, approved, cancel);
        await AskAsync(work, service, Withdrawal(customers[2], 10_000, "iban-ref:1003"), OnRequest, cancel);
        await AskAsync(work, service, Withdrawal(customers[1], 4_500, "iban-ref:1002"), OnRequest, cancel);
        await AskAsync(work, service, Deposit(customers[4], 1_500), "Parking at the harbour, paid back", cancel);
    }

    private const string OnRequest = "The customer asked for it at the desk";

    private static Requester By(string actor) => new(actor, actor, Guid.Empty, null, "demo");

    private static (string Kind, string Input) Deposit(Guid customer, long minor) =>
        (
            "balance_deposit",
            JsonSerializer.Serialize(new { CustomerId = customer, Amount = new Money(minor, "EUR") }, Wire.Json)
        );

    private static (string Kind, string Input) Withdrawal(Guid customer, long minor, string destination) =>
        (
            BalanceWithdrawal.Name,
            JsonSerializer.Serialize(new WithdrawalWanted(customer, new Money(minor, "EUR"), destination), Wire.Json)
        );

    private static async Task<Approval> AskAsync(
        UnitOfWork work,
        ApprovalService service,
        (string Kind, string Input) wanted,
        string reason,
        CancellationToken cancel
    )
    {
        var request = new ApprovalRequest(wanted.Kind, wanted.Input, reason);
        var (approval, refusal) = await service.RequestAsync(work, request, Asker, cancel);
        return approval ?? throw new InvalidOperationException(refusal!.Message);
    }

    private static async Task ApproveAsync(
        UnitOfWork work,
        ApprovalService service,
        Approval asked,
        CancellationToken cancel
    )
    {
        var refusal = await service.ApproveAsync(work, asked.Id, asked.EffectHash, null, Decider, cancel);
        if (refusal is not null)
        {
            throw new InvalidOperationException(refusal.Message);
        }
    }

    private static async Task PayAsync(UnitOfWork work, Guid id, string reference, CancellationToken cancel)
    {
        var now = await work.ClockAsync(cancel);
        var paid = (await Deposits.TurnAsync(work, id, "approved", "paid", reference, now, cancel))!;
        var by = (Decider.Actor, Decider.CorrelationId);
        await Deposits.TellAsync(work, id, paid.Wanted, paid.Version, "paid", by, now, cancel);
    }

    private static async Task<List<Guid>> CustomersAsync(UnitOfWork work, CancellationToken cancel)
    {
        var found = new List<Guid>();
        await using var query = work.Command(
            "select id from access.customer where external_id like 'customer-100_' order by external_id limit 5"
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            found.Add(rows.GetGuid(0));
        }

        return found;
    }
}
