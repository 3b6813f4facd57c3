using System.Text.Json;
using Npgsql;
using Tessera.Core.Limits;
using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Http;

namespace Tessera.Server.Balances;

/// <summary>
/// Moves what stands on an account by hand (ACC-07, BAL-02). What is agreed on is the movement and not the balance, which
/// may move at any moment; but of two adjustments that were asked for at once, the second has to be asked for again.
/// </summary>
internal sealed class BalanceAdjustment : IApprovedAction
{
    private static readonly string[] Counted =
    [
        AccountKinds.CouponUses,
        AccountKinds.CouponCustomerUses,
        AccountKinds.FirstOrder,
    ];

    /// <inheritdoc/>
    public string Kind => "balance_adjustment";

    /// <inheritdoc/>
    public string Permission => Permissions.BalancesAdjust;

    /// <inheritdoc/>
    public long FreeSize => 0;

    /// <inheritdoc/>
    public string? Read(Fields input)
    {
        var account = input.Id("account_id");
        var amount = input.Integer("amount", -Fields.MaximumInteger, Fields.MaximumInteger);
        if (amount == 0)
        {
            input.Add("amount", "out_of_range", "This has to be above or below zero.");
        }

        return account is null || amount is null
            ? null
            : JsonSerializer.Serialize(new Input(account.Value, amount.Value), Wire.Json);
    }

    /// <inheritdoc/>
    public async Task<Shown> ShowAsync(UnitOfWork work, string input, CancellationToken cancel)
    {
        var (id, amount) = JsonSerializer.Deserialize<Input>(input, Wire.Json)!;
        if (await HoldAsync(work, id, cancel) is not { } account)
        {
            return BalanceRefusals.UnknownAccount;
        }

        if (amount < 0 && Counted.Contains(account.Kind))
        {
            return BalanceRefusals.UsesStand;
        }

        if (!account.Takes(amount))
        {
            return BalanceRefusals.BeyondBound;
        }

        var effect = EventLog.Payload(
            ("account_id", id),
            ("kind", account.Kind),
            ("owner_id", account.OwnerId),
            ("unit", account.Unit),
            ("amount", amount),
            ("bound", account.Bound),
            ("adjustment", account.Adjustments + 1)
        );
        return new ActionEffect($"account:{id}", effect, Math.Abs(amount), account.Unit);
    }

    /// <inheritdoc/>
    public async Task<Executed> ExecuteAsync(UnitOfWork work, ApprovedAction action, CancellationToken cancel)
    {
        var (id, amount) = JsonSerializer.Deserialize<Input>(action.Input, Wire.Json)!;
        var account = (await HoldAsync(work, id, cancel))!;
        var now = await work.ClockAsync(cancel);
        await work.ExecuteAsync(
            """
            insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
            values ($1, 'adjust', $1, array[$2], array[$3], $4)
            """,
            [action.Id, id, amount, now],
            cancel
        );
        await work.ExecuteAsync("update balances.account set posted = posted + $2 where id = $1", [id, amount], cancel);
        var result = EventLog.Payload([
            ("transfer_id", action.Id),
            .. Deposits.Moved(account.Posted, amount),
            ("unit", account.Unit),
        ]);
        var entry = new EventEntry(
            "account",
            id.ToString(),
            "account.adjusted",
            account.Adjustments + 1,
            action.ExecutedBy.Actor,
            result,
            action.CorrelationId
        );
        await EventLog.AppendAsync(work, now, [entry], cancel);
        return Executed.Done(result);
    }

    private static async Task<Account?> HoldAsync(UnitOfWork work, Guid id, CancellationToken cancel)
    {
        // The lock alone first: what was moved by hand is then counted as it is after the wait.
        await work.ExecuteAsync("select from balances.account where id = $1 for no key update", [id], cancel);
        await using var command = work.Command(
            """
            select a.kind, a.owner_id, a.unit, a.bound, a.posted, a.pending,
                (select count(*) from balances.transfer t
                    where t.kind in ('adjust', 'deposit') and t.account_ids[1] = a.id)
            from balances.account a where a.id = $1
            """,
            id
        );
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? Account.Read(rows) : null;
    }

    private sealed record Input(Guid AccountId, long Amount);

    private sealed record Account(
        string Kind,
        string OwnerId,
        string Unit,
        long? Bound,
        long Posted,
        long Pending,
        long Adjustments
    )
    {
        public static Account Read(NpgsqlDataReader row) =>
            new(
                row.GetString(0),
                row.GetString(1),
                row.GetString(2),
                row.Value<long>(3),
                row.GetInt64(4),
                row.GetInt64(5),
                row.GetInt64(6)
            );

        /// <summary>Compared in 128 bits: nothing a caller writes can overflow.</summary>
        public bool Takes(long amount) =>
            (Int128)Posted + amount is var after
            && after >= 0
            && after <= long.MaxValue
            && (Kind != AccountKinds.CustomerDeposit || (after >= Pending && after <= Fields.MaximumInteger))
            && (Bound is null || after + Pending <= Bound);
    }
}
