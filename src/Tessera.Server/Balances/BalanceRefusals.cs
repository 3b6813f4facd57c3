using Tessera.Core;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Balances;

/// <summary>Why a balance is not moved.</summary>
internal static class BalanceRefusals
{
    public static readonly Refusal UnknownAccount = Problems.Invalid([
        new("input.account_id", "#/input/account_id", "unknown_account", "There is no such account."),
    ]);

    public static readonly Refusal UnknownCustomer = Problems.Invalid([
        new("input.customer_id", "#/input/customer_id", "unknown_customer", "There is no such customer."),
    ]);

    public static readonly Refusal UsesStand = new(
        "uses_stand",
        "This account counts uses that stand. Roll the redemptions back instead; it follows by itself."
    );

    public static readonly Refusal BeyondBound = new(
        "beyond_bound",
        "The account would go below zero, below what is held of it, or beyond its bound."
    );

    public static readonly Refusal NotCovered = new(
        "balance_too_low",
        "The balance, without what is held for withdrawals that wait, is less than this."
    );

    public static readonly Refusal CustomerBlocked = new(
        "customer_blocked",
        "This customer is blocked: nothing is withdrawn until that is cleared up."
    );

    public static readonly Refusal CustomersOnly = new(
        "customers_only",
        "Only a customer has a balance of his own here.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal StaffOnly = new(
        "staff_only",
        "Only staff sees the balances of customers.",
        RefusalKind.Forbidden
    );

    public static readonly Refusal NotApproved = new(
        "withdrawal_state",
        "Only a withdrawal that is approved, and neither paid nor failed yet, can be paid out or fail."
    );

    /// <summary>An amount above zero.</summary>
    public static Money? Positive(Fields input)
    {
        var amount = input.Money("amount");
        if (amount is { Minor: 0 })
        {
            input.Add("amount", "not_positive", "This has to be more than nothing.");
            return null;
        }

        return amount;
    }
}
