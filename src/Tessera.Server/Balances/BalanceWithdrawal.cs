using System.Collections.Frozen;
using System.Text.Json;
using Tessera.Core;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Balances;

/// <summary>
/// Takes money off a customer's balance, to be paid out (BAL-10, ACC-07). The amount is held from the request on, so that
/// what was asked for is there when it is approved, and no two requests count on the same money.
/// </summary>
internal sealed class BalanceWithdrawal : IApprovedAction
{
    /// <summary>Names the kind in requests and policies.</summary>
    public const string Name = "balance_withdrawal";

    private const int LongestDestination = 100;

    /// <summary>Where the money goes leads to a person: the request keeps it, the log has the hash of the whole alone.</summary>
    private static readonly FrozenSet<string> Words = new[] { "destination" }.ToFrozenSet(StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Kind => Name;

    /// <inheritdoc/>
    public string Permission => Permissions.BalancesWithdraw;

    /// <inheritdoc/>
    public long FreeSize => 0;

    /// <inheritdoc/>
    public string? Read(Fields input)
    {
        var customer = input.Id("customer_id");
        return Read(input, customer) is { } wanted ? JsonSerializer.Serialize(wanted, Wire.Json) : null;
    }

    /// <summary>Reads what a customer, or somebody for a customer, wants withdrawn.</summary>
    /// <returns>Null when something is wrong, which is added to the fields.</returns>
    public static WithdrawalWanted? Read(Fields input, Guid? customer)
    {
        var amount = BalanceRefusals.Positive(input);
        var destination = input.Text("destination", LongestDestination);
        if (destination is not null && CardNumbers.AreIn(destination))
        {
            input.Add(
                "destination",
                "card_number",
                "Card numbers are not taken: give the payment system's own reference."
            );
            return null;
        }

        if (destination is not null && !destination.All(static c => char.IsAsciiLetterOrDigit(c) || "_.:-".Contains(c)))
        {
            input.Add(
                "destination",
                "invalid_text",
                "This has to be letters, digits and any of _ . : - without spaces."
            );
            return null;
        }

        return customer is null || amount is null || destination is null
            ? null
            : new WithdrawalWanted(customer.Value, amount.Value, destination);
    }

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var wanted = Of(input);
        if (await Deposits.HoldAsync(work, wanted.CustomerId, wanted.Amount.Currency, cancel) is not { } deposit)
        {
            return BalanceRefusals.UnknownCustomer;
        }

        if (deposit.IsBlocked)
        {
            return BalanceRefusals.CustomerBlocked;
        }

        if (wanted.Amount.Minor > deposit.Available)
        {
            return BalanceRefusals.NotCovered;
        }

        var effect = EventLog.Payload(
            ("account_id", deposit.Account.Id),
            ("customer_id", wanted.CustomerId),
            ("unit", wanted.Amount.Currency),
            ("amount", -wanted.Amount.Minor),
            ("destination", wanted.Destination)
        );
        return new ActionEffect($"account:{deposit.Account.Id}", effect, wanted.Amount.Minor, wanted.Amount.Currency)
        {
            Words = Words,
        };
    }

    /// <inheritdoc/>
    public async Task KeepAsync(UnitOfWork work, WaitingRequest request, CancellationToken cancel)
    {
        var wanted = Of(request.Input);
        var now = await work.ClockAsync(cancel);
        await Deposits.KeepAsync(work, request.Id, wanted, request.ExpiresAt, now, cancel);
        await Deposits.TellAsync(work, request.Id, wanted, 1, "requested", By(request), now, cancel);
    }

    /// <inheritdoc/>
    public async Task LetGoAsync(UnitOfWork work, WaitingRequest request, string? end, CancellationToken cancel)
    {
        var wanted = Of(request.Input);
        await Deposits.HoldAsync(work, wanted.CustomerId, wanted.Amount.Currency, cancel);
        var now = await work.ClockAsync(cancel);
        await Deposits.LetGoAsync(work, request.Id, now, cancel);
        if (end is null)
        {
            return;
        }

        var state = end == "withdrawn" ? "cancelled" : end;
        if (await Deposits.TurnAsync(work, request.Id, "requested", state, null, now, cancel) is { } over)
        {
            await Deposits.TellAsync(work, request.Id, wanted, over.Version, state, By(request), now, cancel);
        }
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var wanted = Of(action.Input);
        var account = wanted.Account;
        var amount = wanted.Amount.Minor;
        var deposit = (await Deposits.HoldAsync(work, wanted.CustomerId, wanted.Amount.Currency, cancel))!;
        var now = await work.ClockAsync(cancel);

        // Under the id of the request: it cannot be posted twice.
        var transfer = new Transfer(action.Id, "withdraw", action.Id, [account.Id], [-amount]);
        await Deposits.MoveAsync(work, transfer, account, now, cancel);
        var version = await Deposits.ApproveAsync(work, action.Id, wanted, now, cancel);
        (string, object?)[] moved = Deposits.Moved(deposit.Posted, -amount);
        var by = (action.ExecutedBy.Actor, action.CorrelationId);
        await Deposits.TellAsync(work, action.Id, wanted, version, "approved", by, now, cancel, moved);
        return Executed.Done(
            EventLog.Payload([("transfer_id", action.Id), .. moved, ("unit", wanted.Amount.Currency)])
        );
    }

    private static (string, string?) By(WaitingRequest request) => (request.Actor, request.CorrelationId);

    private static WithdrawalWanted Of(string input) => JsonSerializer.Deserialize<WithdrawalWanted>(input, Wire.Json)!;
}
