using Npgsql;
using Tessera.Core;

namespace Tessera.Server.Balances;

/// <summary>A customer's money on its way out (BAL-10).</summary>
/// <param name="CustomerId">Whose money.</param>
/// <param name="Id">UUIDv7; also of the request for approval.</param>
/// <param name="AccountId">The balance it is taken from.</param>
/// <param name="Amount">How much.</param>
/// <param name="Destination">Where to, as the payment system names it.</param>
/// <param name="State">
/// <c>requested</c> while the amount is held and another person has to agree; then <c>approved</c>, when it has left the
/// balance, and <c>paid</c> or <c>failed</c>, when it is back; or <c>rejected</c>, <c>cancelled</c>, <c>expired</c>,
/// <c>void</c>.
/// </param>
/// <param name="AskedAt">When.</param>
/// <param name="ChangedAt">Since when it is in this state.</param>
/// <param name="PayoutReference">Of the payment, when it was paid.</param>
/// <param name="Version">Counts its changes.</param>
internal sealed record Withdrawal(
    Guid CustomerId,
    Guid Id,
    Guid AccountId,
    Money Amount,
    string Destination,
    string State,
    DateTimeOffset AskedAt,
    DateTimeOffset ChangedAt,
    string? PayoutReference,
    int Version
)
{
    /// <summary>Its states.</summary>
    public static readonly string[] States =
    [
        "requested",
        "approved",
        "paid",
        "failed",
        "rejected",
        "cancelled",
        "expired",
        "void",
    ];

    /// <summary>What <see cref="Read"/> takes.</summary>
    public const string Columns =
        "customer_id, id, account_id, amount_minor, currency, destination, state, asked_at, changed_at, payout_reference, version";

    /// <summary>As it was asked for.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public WithdrawalWanted Wanted => new(CustomerId, Amount, Destination);

    public static Withdrawal Read(NpgsqlDataReader row) =>
        new(
            row.GetGuid(0),
            row.GetGuid(1),
            row.GetGuid(2),
            new Money(row.GetInt64(3), row.GetString(4)),
            row.GetString(5),
            row.GetString(6),
            row.GetFieldValue<DateTimeOffset>(7),
            row.GetFieldValue<DateTimeOffset>(8),
            row.IsDBNull(9) ? null : row.GetString(9),
            row.GetInt32(10)
        );
}
