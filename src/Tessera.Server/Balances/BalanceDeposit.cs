using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Balances;

/// <summary>
/// Puts money on a customer's balance (BAL-07). Of two that were asked for at once, the second has to be asked for again,
/// so that one payment is not booked twice by two people.
/// </summary>
internal sealed class BalanceDeposit : IApprovedAction
{
    /// <inheritdoc/>
    public string Kind => "balance_deposit";

    /// <inheritdoc/>
    public string Permission => Permissions.BalancesDeposit;

    /// <inheritdoc/>
    public long FreeSize => 0;

    /// <inheritdoc/>
    public string? Read(Fields input)
    {
        var customer = input.Id("customer_id");
        var amount = BalanceRefusals.Positive(input);
        return customer is null || amount is null
            ? null
            : JsonSerializer.Serialize(new Input(customer.Value, amount.Value), Wire.Json);
    }

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var (customer, amount) = JsonSerializer.Deserialize<Input>(input, Wire.Json)!;
        if (await Deposits.HoldAsync(work, customer, amount.Currency, cancel) is not { } deposit)
        {
            return BalanceRefusals.UnknownCustomer;
        }

        if (amount.Minor > Fields.MaximumInteger - deposit.Posted)
        {
            return BalanceRefusals.BeyondBound;
        }

        var effect = EventLog.Payload(
            ("account_id", deposit.Account.Id),
            ("customer_id", customer),
            ("unit", amount.Currency),
            ("amount", amount.Minor),
            ("entry", deposit.Entries + 1)
        );
        return new ActionEffect($"account:{deposit.Account.Id}", effect, amount.Minor, amount.Currency);
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var (customer, amount) = JsonSerializer.Deserialize<Input>(action.Input, Wire.Json)!;
        var deposit = (await Deposits.HoldAsync(work, customer, amount.Currency, cancel))!;
        var now = await work.ClockAsync(cancel);
        var account = deposit.Account;
        var transfer = new Transfer(action.Id, "deposit", action.Id, [account.Id], [amount.Minor]);
        await Deposits.MoveAsync(work, transfer, account, now, cancel);
        var result = EventLog.Payload([
            ("transfer_id", action.Id),
            ("customer_id", customer),
            .. Deposits.Moved(deposit.Posted, amount.Minor),
            ("unit", amount.Currency),
        ]);
        var entry = new EventEntry(
            "account",
            account.Id.ToString(),
            "account.deposited",
            deposit.Entries + 1,
            action.ExecutedBy.Actor,
            result,
            action.CorrelationId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
        return Executed.Done(result);
    }

    private sealed record Input(Guid CustomerId, Money Amount);
}
