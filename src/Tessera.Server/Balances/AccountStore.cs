using Npgsql;
using NpgsqlTypes;
using Tessera.Core.Limits;
using Tessera.Server.Platform;

namespace Tessera.Server.Balances;

/// <summary>The one way limits, budgets and balances are written: accounts and the transfers that moved them.</summary>
public static class AccountStore
{
    /// <summary>Adds the statements that write the changes of a book and the transfers behind them.</summary>
    /// <param name="batch">Of the transaction that holds the accounts.</param>
    /// <param name="book">What was decided.</param>
    /// <param name="transfers">In the order they happened.</param>
    /// <param name="at">The database clock of the decision.</param>
    public static void Write(NpgsqlBatch batch, LimitBook book, List<Transfer> transfers, DateTimeOffset at)
    {
        var changes = book.Changes.ToList();

        // Rows known to be there change in place. Others are new, or counted without a bound, and only ever grow: an
        // upsert; the checks of the table hold should another node have made the row meanwhile.
        var there = changes.FindAll(IsThere);
        if (there.Count > 0)
        {
            Add(
                batch,
                """
                update balances.account a set posted = a.posted + d.posted, pending = a.pending + d.pending,
                    bound = case when d.is_used then d.bound else a.bound end
                from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[])
                    as d (id, posted, pending, bound, is_used)
                where a.id = d.id
                """,
                Column(there, c => c.Id),
                Column(there, c => c.Posted),
                Column(there, c => c.Pending),
                Column(there, c => c.Account?.Bound),
                Column(there, c => c.Account is not null)
            );
        }

        var grown = changes.Where(c => !IsThere(c)).OrderBy(c => c.Account!, LockOrder.Comparer).ToList();
        if (grown.Count > 0)
        {
            Add(
                batch,
                """
                insert into balances.account as a (id, kind, owner_id, subject, unit, bound, posted, pending)
                select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
                    $8::bigint[])
                on conflict (id) do update set posted = a.posted + excluded.posted, pending = a.pending + excluded.pending,
                    bound = excluded.bound
                """,
                Column(grown, c => c.Id),
                Column(grown, c => c.Account!.Kind),
                Column(grown, c => c.Account!.OwnerId),
                Column(grown, c => c.Account!.Subject),
                Column(grown, c => c.Account!.Unit),
                Column(grown, c => c.Account!.Bound),
                Column(grown, c => c.Posted),
                Column(grown, c => c.Pending)
            );
        }

        if (transfers.Count > 0)
        {
            AddTransfers(batch, transfers, at);
        }
    }

    /// <summary>
    /// Locks accounts by counting uses on them, where these fit: one visit to each row instead of two. Parameters:
    /// <see cref="UsesAhead"/>. Returns id, posted, pending, and whether the uses fitted, so that posted includes them.
    /// </summary>
    public const string UseAheadSql = """
        with ahead as (
            insert into balances.account as a (id, kind, owner_id, subject, unit, bound, posted)
            select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
            on conflict (id) do update set posted = a.posted + excluded.posted, bound = excluded.bound
                where a.posted + a.pending + excluded.posted <= excluded.bound
            returning id, posted, pending
        ), rest as (
            select a.id, a.posted, a.pending from unnest($1::uuid[]) k (id) join balances.account a on a.id = k.id
            where k.id not in (select id from ahead) for update of a
        )
        select *, true from ahead union all select *, false from rest
        """;

    /// <summary>Makes accounts that are not there, with nothing on them. Parameters: <see cref="Opened"/>.</summary>
    public const string OpenSql = """
        insert into balances.account (id, kind, owner_id, subject, unit)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) on conflict (id) do nothing
        """;

    /// <summary>The parameters of <see cref="OpenSql"/>.</summary>
    /// <param name="accounts">In <see cref="LockOrder.Comparer"/>.</param>
    public static IEnumerable<NpgsqlParameter> Opened(List<LimitAccount> accounts) =>
        [
            Column(accounts, static a => a.Id),
            Column(accounts, static a => a.Kind),
            Column(accounts, static a => a.OwnerId),
            Column(accounts, static a => a.Subject),
            Column(accounts, static a => a.Unit),
        ];

    /// <summary>The parameters of <see cref="UseAheadSql"/>.</summary>
    /// <param name="uses">In <see cref="LockOrder.Comparer"/>; counts at most the bound.</param>
    public static IEnumerable<NpgsqlParameter> UsesAhead(List<(LimitAccount Account, long Count)> uses) =>
        [
            Column(uses, u => u.Account.Id),
            Column(uses, u => u.Account.Kind),
            Column(uses, u => u.Account.OwnerId),
            Column(uses, u => u.Account.Subject),
            Column(uses, u => u.Account.Unit),
            Column(uses, u => u.Account.Bound),
            Column(uses, u => u.Count),
        ];

    /// <summary>What stands on accounts; those nothing was moved on are left out.</summary>
    public static async Task<IReadOnlyDictionary<Guid, Standing>> StandingAsync(
        UnitOfWork work,
        IReadOnlyCollection<Guid> ids,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        var standings = new Dictionary<Guid, Standing>();
        await using var query = work.Command(
            "select id, unit, posted, pending from balances.account where id = any($1)",
            new NpgsqlParameter<Guid[]> { TypedValue = [.. ids] }
        );
        await using var rows = await query.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            standings[rows.GetGuid(0)] = new Standing(rows.GetString(1), rows.GetInt64(2), rows.GetInt64(3));
        }

        return standings;
    }

    /// <summary>Moves what is posted on accounts, under their locks. Those that are not there are left out: nothing bounds them.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="transfer">Of kind <c>post</c> or <c>reverse</c>.</param>
    /// <param name="at">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    /// <exception cref="PostgresException">Constraint never_beyond_the_bound: an account has no room for it.</exception>
    public static async Task MoveAsync(UnitOfWork work, Transfer transfer, DateTimeOffset at, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(transfer);
        await work.ExecuteAsync(
            $"select a.id from balances.account a where a.id = any($1) order by {LockOrder.Sql} for no key update",
            [transfer.AccountIds],
            cancel
        );
        await work.ExecuteAsync(
            """
            with leg as (
                select l.id, l.amount from unnest($4::uuid[], $5::bigint[]) as l (id, amount)
                join balances.account a on a.id = l.id
            ), told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select $1, $2, $3, coalesce(array_agg(id), '{}'), coalesce(array_agg(amount), '{}'), $6 from leg
            )
            update balances.account a set posted = a.posted + leg.amount from leg where a.id = leg.id
            """,
            [transfer.Id, transfer.Kind, transfer.Reference, transfer.AccountIds, transfer.Amounts, at],
            cancel
        );
    }

    /// <summary>
    /// Begins to count what was not limited before: the account stands at what has been used, and its bound is never
    /// below that.
    /// </summary>
    /// <param name="work">Of a transaction that keeps further uses out.</param>
    /// <param name="account">With the bound that was set.</param>
    /// <param name="used">Uses so far.</param>
    /// <param name="reference">What set the limit.</param>
    /// <param name="at">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task OpenAsync(
        UnitOfWork work,
        LimitAccount account,
        long used,
        Guid reference,
        DateTimeOffset at,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(account);
        await OpenAsync(work, [(account, used)], at, cancel, reference);
    }

    /// <summary>Begins to count many at once.</summary>
    /// <param name="work">Of a transaction that keeps further uses out.</param>
    /// <param name="opened">Accounts with the bounds that were set, and the uses so far.</param>
    /// <param name="at">The database clock.</param>
    /// <param name="cancel">Cancels.</param>
    /// <param name="reference">What set the limit of the one account; each has its own otherwise.</param>
    public static async Task OpenAsync(
        UnitOfWork work,
        List<(LimitAccount Account, long Used)> opened,
        DateTimeOffset at,
        CancellationToken cancel,
        Guid? reference = null
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentNullException.ThrowIfNull(opened);
        if (opened.Count == 0)
        {
            return;
        }

        var ordered = opened.OrderBy(static o => o.Account, LockOrder.Comparer).ToList();
        await work.ExecuteAsync(OpenSql, [.. Opened(ordered.ConvertAll(static o => o.Account))], cancel);
        await work.ExecuteAsync(
            $"""
            with wanted as (
                select * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[]) as w (id, used, bound, reference)
            ), before as (
                select a.id, a.posted, w.used, w.bound, w.reference from wanted w join balances.account a on a.id = w.id
                order by {LockOrder.Sql} for update of a
            ), told as (
                insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
                select reference, 'open', reference, array[id], array[used - posted], $5 from before where posted <> used
            )
            update balances.account a set posted = b.used, bound = greatest(b.bound, b.used + a.pending)
            from before b where a.id = b.id
            """,
            [
                Column(ordered, static o => o.Account.Id),
                Column(ordered, static o => o.Used),
                Column(ordered, static o => o.Account.Bound),
                Column(ordered, _ => reference ?? Guid.CreateVersion7()),
                at,
            ],
            cancel
        );
    }

    /// <summary>Locked, or something is taken back from it: either way it has a row.</summary>
    private static bool IsThere(AccountChange change) =>
        change.Exists || change.Account is null || change.Posted < 0 || change.Pending < 0;

    /// <summary>
    /// Transfers have as many legs as they have, and PostgreSQL's arrays of arrays must be even: the legs travel as one
    /// flat array each, cut again by their counts.
    /// </summary>
    private static void AddTransfers(NpgsqlBatch batch, List<Transfer> transfers, DateTimeOffset at) =>
        Add(
            batch,
            """
            insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
            select d.id, d.kind, d.reference, ($4::uuid[])[d.first : d.last], ($5::bigint[])[d.first : d.last], $8
            from unnest($1::uuid[], $2::text[], $3::uuid[], $6::integer[], $7::integer[]) as d (id, kind, reference, first, last)
            """,
            Column(transfers, t => t.Id),
            Column(transfers, t => t.Kind),
            Column(transfers, t => t.Reference),
            Flat(transfers, t => t.AccountIds),
            Flat(transfers, t => t.Amounts),
            new NpgsqlParameter<int[]> { TypedValue = Bounds(transfers, last: false) },
            new NpgsqlParameter<int[]> { TypedValue = Bounds(transfers, last: true) },
            new NpgsqlParameter<DateTimeOffset> { TypedValue = at, NpgsqlDbType = NpgsqlDbType.TimestampTz }
        );

    private static int[] Bounds(List<Transfer> transfers, bool last)
    {
        var bounds = new int[transfers.Count];
        var place = 1;
        for (var i = 0; i < bounds.Length; i++)
        {
            var legs = transfers[i].AccountIds.Length;
            bounds[i] = last ? place + legs - 1 : place;
            place += legs;
        }

        return bounds;
    }

    private static NpgsqlParameter<T[]> Flat<T>(List<Transfer> transfers, Func<Transfer, T[]> legs) =>
        new() { TypedValue = [.. transfers.SelectMany(legs)] };

    private static NpgsqlParameter<TValue[]> Column<TRow, TValue>(List<TRow> rows, Func<TRow, TValue> value)
    {
        var values = new TValue[rows.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = value(rows[i]);
        }

        return new NpgsqlParameter<TValue[]> { TypedValue = values };
    }

    private static void Add(NpgsqlBatch batch, string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
    }
}

/// <summary>What stands on an account.</summary>
/// <param name="Unit"><c>use</c>, or a currency.</param>
/// <param name="Posted">Used.</param>
/// <param name="Pending">Held.</param>
public sealed record Standing(string Unit, long Posted, long Pending);

/// <summary>One movement, whole.</summary>
/// <param name="Id">Of the redemption, reservation or rollback, where it makes it.</param>
/// <param name="Kind"><c>post</c>, <c>hold</c>, <c>void</c> or <c>reverse</c>.</param>
/// <param name="Reference">The redemption or reservation it belongs to.</param>
/// <param name="AccountIds">The accounts moved.</param>
/// <param name="Amounts">Change of posted (post, reverse) or pending (hold, void), one an account.</param>
public sealed record Transfer(Guid Id, string Kind, Guid Reference, Guid[] AccountIds, long[] Amounts);
