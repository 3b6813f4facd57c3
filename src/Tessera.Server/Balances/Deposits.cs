using Tessera.Core;
using Tessera.Core.Limits;
using Tessera.Server.Platform;

namespace Tessera.Server.Balances;

/// <summary>
/// The SQL of customers' deposits (BAL-02, BAL-07, BAL-10): one account for each customer and currency. What is held of it
/// is on its way out, so what a customer has left is what is posted without what is held.
/// </summary>
internal static class Deposits
{
    /// <summary>Locks a customer's account; everything that moves it by hand waits for the customer first.</summary>
    /// <returns>
    /// What stands on it, nothing where nobody put anything on it yet; null when there is no such customer any more.
    /// </returns>
    public static async Task<Deposit?> HoldAsync(
        UnitOfWork work,
        Guid customerId,
        string currency,
        CancellationToken cancel
    )
    {
        // The locks alone first: what is read is then as it is after the wait, also what other tables say of the two.
        await work.ExecuteAsync("select from access.customer where id = $1 for no key update", [customerId], cancel);
        bool isBlocked;
        await using (
            var customer = work.Command(
                """
                select blocked_at is not null from access.customer c where id = $1
                    and not exists (select from privacy.erased e where e.customer_id = c.id)
                """,
                customerId
            )
        )
        {
            if (await customer.ExecuteScalarAsync(cancel) is not bool found)
            {
                return null;
            }

            isBlocked = found;
        }

        var account = LimitAccount.OfDeposit(customerId, currency);
        await work.ExecuteAsync("select from balances.account where id = $1 for no key update", [account.Id], cancel);
        await using var query = work.Command(
            """
            select a.posted, a.pending, (select count(*) from balances.transfer t
                where t.kind in ('adjust', 'deposit') and t.account_ids[1] = a.id)
            from balances.account a where a.id = $1
            """,
            account.Id
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel)
            ? new Deposit(account, isBlocked, row.GetInt64(0), row.GetInt64(1), row.GetInt64(2))
            : new Deposit(account, isBlocked, 0, 0, 0);
    }

    /// <summary>Moves what is posted on an account that is locked, with the transfer that says so.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="transfer">Of one leg.</param>
    /// <param name="account">The account; it is made where it is not there yet.</param>
    /// <param name="at">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task MoveAsync(
        UnitOfWork work,
        Transfer transfer,
        LimitAccount account,
        DateTimeOffset at,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(AccountStore.OpenSql, [.. AccountStore.Opened([account])], cancel);
        await work.ExecuteAsync(
            """
            with told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                values ($1, $2, $3, $4, $5, $6)
            )
            update balances.account set posted = posted + $5[1] where id = $4[1]
            """,
            [transfer.Id, transfer.Kind, transfer.Reference, transfer.AccountIds, transfer.Amounts, at],
            cancel
        );
    }

    /// <summary>Holds what a withdrawal will take, and writes down that it was asked for.</summary>
    public static Task KeepAsync(
        UnitOfWork work,
        Guid id,
        WithdrawalWanted wanted,
        DateTimeOffset expiresAt,
        DateTimeOffset at,
        CancellationToken cancel
    ) =>
        work.ExecuteAsync(
            $"""
            with held as (
                insert into balances.hold (account_id, transfer_id, amount, expires_at) values ($2, $1, $4, $8)
            ), told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                values ($9, 'hold', $1, array[$2::uuid], array[$4::bigint], $7)
            ), asked as (
                {InsertSql("requested")}
            )
            update balances.account set pending = pending + $4 where id = $2
            """,
            [.. Row(id, wanted, at), expiresAt, Guid.CreateVersion7()],
            cancel
        );

    /// <summary>Frees what is held for a withdrawal, once.</summary>
    public static Task LetGoAsync(UnitOfWork work, Guid id, DateTimeOffset at, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            with freed as (
                delete from balances.hold where transfer_id = $1 returning account_id, amount
            ), told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select $2, 'void', $1, array[account_id], array[-amount], $3 from freed
            )
            update balances.account a set pending = a.pending - f.amount from freed f where a.id = f.account_id
            """,
            [id, Guid.CreateVersion7(), at],
            cancel
        );

    /// <summary>Writes down that a withdrawal is approved; one that nobody had to wait for is new.</summary>
    /// <returns>Its version.</returns>
    public static async Task<int> ApproveAsync(
        UnitOfWork work,
        Guid id,
        WithdrawalWanted wanted,
        DateTimeOffset at,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            {InsertSql("approved")}
            on conflict (id) do update set state = 'approved', changed_at = excluded.changed_at, version = w.version + 1
                where w.state = 'requested'
            returning version
            """,
            [.. Row(id, wanted, at)]
        );
        return (int)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Moves a withdrawal on from a state it has to be in.</summary>
    /// <returns>It, as it is since; null when it was in another state, or is not there.</returns>
    public static async Task<Withdrawal?> TurnAsync(
        UnitOfWork work,
        Guid id,
        string from,
        string to,
        string? payoutReference,
        DateTimeOffset at,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"""
            update balances.withdrawal set state = $3, payout_reference = nullif($4, ''), changed_at = $5,
                version = version + 1
            where id = $1 and state = $2
            returning {Withdrawal.Columns}
            """,
            id,
            from,
            to,
            payoutReference ?? "",
            at
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Withdrawal.Read(row) : null;
    }

    /// <summary>A withdrawal.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="id">Of the withdrawal.</param>
    /// <param name="customerId">Whose it has to be; null for anybody's.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task<Withdrawal?> FindAsync(
        UnitOfWork work,
        Guid id,
        Guid? customerId,
        CancellationToken cancel
    )
    {
        await using var command = work.Command(
            $"select {Withdrawal.Columns} from balances.withdrawal where id = $1 and customer_id = coalesce($2, customer_id)",
            id,
            new Npgsql.NpgsqlParameter
            {
                Value = customerId ?? (object)DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid,
            }
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? Withdrawal.Read(row) : null;
    }

    /// <summary>Tells of a withdrawal. Where it goes is not told: the log is for ever.</summary>
    public static Task TellAsync(
        UnitOfWork work,
        Guid id,
        WithdrawalWanted wanted,
        int version,
        string what,
        (string Actor, string? CorrelationId) by,
        DateTimeOffset at,
        CancellationToken cancel,
        params (string, object?)[] more
    )
    {
        var payload = EventLog.Payload([
            ("account_id", wanted.Account.Id),
            ("customer_id", wanted.CustomerId),
            ("amount", wanted.Amount.Minor),
            ("unit", wanted.Amount.Currency),
            .. more,
        ]);
        var entry = new EventEntry(
            "withdrawal",
            id.ToString(),
            "withdrawal." + what,
            version,
            by.Actor,
            payload,
            by.CorrelationId
        );
        return EventLog.AppendAsync(work, at, [entry], cancel);
    }

    /// <summary>What stood on an account and stands there, as events tell it: money, which not everybody sees (ACC-03).</summary>
    public static (string, object?)[] Moved(long posted, long amount) =>
        [("before", new { balance = posted }), ("after", new { balance = posted + amount })];

    private static string InsertSql(string state) =>
        $"""
            insert into balances.withdrawal as w (id, account_id, customer_id, amount_minor, currency, destination, state, asked_at, changed_at)
            values ($1, $2, $3, $4, $5, $6, '{state}', $7, $7)
            """;

    private static object?[] Row(Guid id, WithdrawalWanted wanted, DateTimeOffset at) =>
        [id, wanted.Account.Id, wanted.CustomerId, wanted.Amount.Minor, wanted.Amount.Currency, wanted.Destination, at];
}

/// <summary>What a customer has in one currency.</summary>
/// <param name="Account">Whose and which.</param>
/// <param name="IsBlocked">Whether the customer is kept from using what is here.</param>
/// <param name="Posted">All of it, in minor units.</param>
/// <param name="Pending">Held for withdrawals that wait.</param>
/// <param name="Entries">Deposits and adjustments so far.</param>
internal sealed record Deposit(LimitAccount Account, bool IsBlocked, long Posted, long Pending, long Entries)
{
    /// <summary>What may still be withdrawn.</summary>
    public long Available => Posted - Pending;
}

/// <summary>A withdrawal, as it is asked for.</summary>
/// <param name="CustomerId">Whose money.</param>
/// <param name="Amount">How much.</param>
/// <param name="Destination">Where to, as the payment system names it.</param>
internal sealed record WithdrawalWanted(Guid CustomerId, Money Amount, string Destination)
{
    /// <summary>Where it is taken from.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public LimitAccount Account => LimitAccount.OfDeposit(CustomerId, Amount.Currency);
}
