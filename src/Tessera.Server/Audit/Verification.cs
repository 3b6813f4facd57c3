using System.Globalization;
using Npgsql;

namespace Tessera.Server.Audit;

/// <summary>One promise, recomputed.</summary>
/// <param name="Name">Of the check.</param>
/// <param name="Count">How many rows were looked at.</param>
/// <param name="Fault">The first fault; null when there is none.</param>
public sealed record Finding(string Name, long Count, string? Fault);

/// <summary>
/// Recomputes what the database promises (convention 46): chain, ledger, limits, windows, states. Reads only, from one
/// snapshot, and trusts no figure that a row merely states about itself.
/// </summary>
public sealed class Verification(string connectionString)
{
    /// <summary>Runs all checks; each finding as soon as it is known.</summary>
    public async IAsyncEnumerable<Finding> RunAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel
    )
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false;Command Timeout=0");
        await connection.OpenAsync(cancel);
        await ExecuteAsync(connection, "begin isolation level repeatable read read only", cancel);

        // Every check reads whole tables, and after a crash PostgreSQL has forgotten how large they are: it would go through
        // one of them for each row of the other.
        await ExecuteAsync(
            connection,
            "set local timezone = 'UTC'; set local jit = off; set local enable_nestloop = off",
            cancel
        );
        yield return await ChainAsync(connection, cancel);
        foreach (var (name, count, fault) in Checks)
        {
            yield return await CheckAsync(connection, name, count, fault, cancel);
        }

        await ExecuteAsync(connection, "rollback", cancel);
    }

    private static readonly (string Name, string Count, string Fault)[] Checks =
    [
        (
            "words beside the log are those it marks",
            "select count(*) from platform.event_word",
            """
            select 'the words of mark ' || encode(mark, 'hex') || ' are others' from platform.event_word
            where sha256(salt || convert_to(words, 'UTF8')) <> mark limit 1
            """
        ),
        (
            "accounts equal their transfers",
            "select count(*) from balances.account",
            """
            with moved as (
                select leg.account_id as id,
                    sum(leg.amount) filter (where t.kind in
                        ('post', 'reverse', 'open', 'adjust', 'deposit', 'withdraw', 'restore')) as posted,
                    sum(leg.amount) filter (where t.kind in ('hold', 'void')) as pending
                from balances.transfer t
                cross join lateral unnest(t.account_ids, t.amounts) as leg (account_id, amount)
                group by leg.account_id
            )
            select 'account ' || coalesce(a.id, m.id) || ' says ' || coalesce(a.posted, 0) || ' posted and '
                || coalesce(a.pending, 0) || ' held, its transfers say ' || coalesce(m.posted, 0) || ' and '
                || coalesce(m.pending, 0)
            from balances.account a full join moved m on m.id = a.id
            where coalesce(a.posted, 0) <> coalesce(m.posted, 0) or coalesce(a.pending, 0) <> coalesce(m.pending, 0)
            limit 1
            """
        ),
        (
            "holds equal what is held",
            "select count(*) from balances.hold",
            """
            select 'account ' || a.id || ' holds ' || a.pending || ', its standing holds come to ' || coalesce(h.amount, 0)
            from balances.account a
            left join (select account_id, sum(amount) as amount from balances.hold group by account_id) h on h.account_id = a.id
            where a.pending <> coalesce(h.amount, 0)
            limit 1
            """
        ),
        (
            "no account is beyond its bound",
            "select count(*) from balances.account where bound is not null",
            """
            select 'account ' || id || ' (' || kind || ' of ' || owner_id || ') is at ' || posted + pending || ' of ' || bound
            from balances.account where posted + pending > bound or posted < 0 or pending < 0
            limit 1
            """
        ),
        (
            "no customer has less than nothing",
            "select count(*) from balances.account where kind = 'customer_deposit'",
            """
            select 'account ' || id || ' has ' || posted || ' ' || unit || ' and holds ' || pending
            from balances.account where kind = 'customer_deposit' and pending > posted
            limit 1
            """
        ),
        (
            "withdrawals are where their transfers left them",
            "select count(*) from balances.withdrawal",
            """
            with moved as (
                select reference as id, sum(amounts[1]) filter (where kind = 'withdraw') as taken,
                    sum(amounts[1]) filter (where kind = 'restore') as restored
                from balances.transfer where kind in ('withdraw', 'restore') group by reference
            )
            select 'withdrawal ' || coalesce(w.id, m.id) || ' of ' || coalesce(w.amount_minor, 0) || ' is '
                || coalesce(w.state, 'not there') || ': ' || coalesce(m.taken, 0) || ' was taken, '
                || coalesce(m.restored, 0) || ' put back and ' || coalesce(h.amount, 0) || ' is held'
            from balances.withdrawal w
            full join moved m on m.id = w.id
            left join balances.hold h on h.transfer_id = w.id
            where w.id is null
                or coalesce(-m.taken, 0) <> case when w.state in ('approved', 'paid', 'failed') then w.amount_minor else 0 end
                or coalesce(m.restored, 0) <> case when w.state = 'failed' then w.amount_minor else 0 end
                or coalesce(h.amount, 0) <> case when w.state = 'requested' then w.amount_minor else 0 end
            limit 1
            """
        ),
        (
            "no coupon is used beyond its total",
            "select count(*) from redemptions.redemption",
            """
            select 'coupon ' || c.id || ' allows ' || c.max_uses_total || ' uses and has ' || r.uses
            from coupons.coupon c
            join (select coupon_id, count(*) as uses from redemptions.redemption where rolled_back_at is null
                group by coupon_id) r on r.coupon_id = c.id
            join balances.account a on a.kind = 'coupon_uses' and a.owner_id = c.id::text
            where r.uses > a.posted
            limit 1
            """
        ),
        (
            "no customer uses a coupon beyond his own limit",
            "select count(*) from balances.account where kind = 'coupon_customer_uses'",
            """
            select 'customer ' || r.customer_id || ' used coupon ' || r.coupon_id || ' ' || r.uses || ' times, counted '
                || coalesce(a.posted, 0)
            from (select coupon_id, customer_id, count(*) as uses from redemptions.redemption
                where rolled_back_at is null group by coupon_id, customer_id) r
            left join balances.account a on a.kind = 'coupon_customer_uses' and a.owner_id = r.coupon_id::text
                and a.subject = r.customer_id::text
            where r.uses > coalesce(a.posted, 0)
            limit 1
            """
        ),
        (
            "no instance is redeemed twice",
            "select count(distinct instance_id) from redemptions.redemption",
            """
            select 'instance ' || instance_id || ' has ' || count(*) || ' standing redemptions'
            from redemptions.redemption where rolled_back_at is null
            group by instance_id having count(*) > 1
            limit 1
            """
        ),
        (
            "every redemption was decided within its window",
            "select count(*) from redemptions.redemption",
            """
            select 'redemption ' || id || ' was decided at ' || decided_at || ', outside ' || valid_from || ' to ' || valid_until
            from redemptions.redemption where decided_at < valid_from or decided_at >= valid_until
            limit 1
            """
        ),
        (
            "every redemption has its posting",
            "select count(*) from balances.transfer where kind = 'post'",
            """
            select 'redemption ' || coalesce(r.id, t.id) || ' has ' || case when r.id is null then 'a posting and no row'
                else 'a row and no posting' end
            from (select id from redemptions.redemption union
                select id from redemptions.promotion_use) r
            full join (select * from balances.transfer where kind = 'post') t on t.id = r.id
            where r.id is null or (t.id is null and exists (select from redemptions.redemption k where k.id = r.id))
            limit 1
            """
        ),
        (
            "orders equal what was used on them",
            "select count(*) from redemptions.placed_order where source = 'api'",
            """
            select 'order ' || o.id || ' has a discount of ' || o.discount_minor || ', its promotions gave '
                || coalesce(u.given, 0) || ', on its lines ' || coalesce(u.shared, 0)
            from redemptions.placed_order o
            left join (select order_id, sum(discount_minor) as given,
                    sum((select sum(a) from unnest(amounts) a)) as shared
                from redemptions.promotion_use group by order_id) u on u.order_id = o.id
            where o.source = 'api'
                and (o.discount_minor <> coalesce(u.given, 0) or o.discount_minor <> coalesce(u.shared, 0))
            limit 1
            """
        ),
        (
            "returns add up to what came back",
            "select count(*) from redemptions.order_return",
            """
            select 'order ' || o.id || ' gave back ' || sum(r.discount_minor) || ' and its promotions got '
                || max(u.returned)
            from redemptions.placed_order o
            join redemptions.order_return r on r.order_id = o.id
            join (select order_id, sum(returned_minor) as returned from redemptions.promotion_use group by order_id) u
                on u.order_id = o.id
            group by o.id having sum(r.discount_minor) <> max(u.returned)
            limit 1
            """
        ),
        (
            "every transition is legal and follows the one before",
            "select count(*) from verify.transitions",
            """
            with steps as (
                select instance_id, sequence, from_state, to_state, cause,
                    lag(to_state) over each as before, lag(sequence) over each as previous
                from verify.transitions window each as (partition by instance_id order by sequence)
            )
            select 'instance ' || instance_id || ' went from ' || coalesce(from_state, 'nothing') || ' to ' || to_state
                || ' as step ' || sequence || ' after ' || coalesce(before, 'nothing') || ' as step ' || coalesce(previous, 0)
            from steps
            where sequence <> coalesce(previous, 0) + 1
                or from_state is distinct from before
                or not case
                    when from_state is null then to_state = 'issued'
                    when to_state = 'paid' then from_state in ('issued', 'reserved', 'redeemed')
                    when to_state = 'reserved' then from_state in ('issued', 'paid', 'extended', 'pending_expiration')
                    when from_state = 'reserved' and to_state in ('issued', 'extended', 'pending_expiration') then true
                    when to_state = 'issued' then from_state = 'redeemed'
                    when to_state = 'redeemed' then from_state in
                        ('issued', 'paid', 'reserved', 'extended', 'pending_expiration', 'expired')
                    when to_state in ('cancelled', 'revoked') then from_state in
                        ('issued', 'paid', 'reserved', 'extended', 'pending_expiration')
                    when to_state in ('pending_expiration', 'expired') then from_state in
                        ('issued', 'paid', 'reserved', 'extended', 'pending_expiration', 'redeemed')
                    when to_state = 'extended' then from_state in
                        ('issued', 'paid', 'reserved', 'extended', 'pending_expiration', 'expired', 'redeemed')
                    when to_state = 'refunded' then from_state in ('paid', 'redeemed', 'expired', 'cancelled')
                    when to_state = 'archived' then from_state in
                        ('redeemed', 'expired', 'cancelled', 'revoked', 'refunded')
                    else false end
                and not (coalesce(cause, '') = 'undo' and case
                    when from_state = 'paid' then to_state = 'issued'
                    when from_state in ('cancelled', 'revoked', 'expired', 'extended') then to_state in
                        ('issued', 'paid', 'extended', 'pending_expiration')
                    when from_state = 'refunded' then to_state in ('paid', 'redeemed', 'expired', 'cancelled')
                    when from_state = 'archived' then to_state in
                        ('redeemed', 'expired', 'cancelled', 'revoked', 'refunded')
                    else false end)
            limit 1
            """
        ),
        (
            "every instance is where its last transition left it",
            "select count(*) from coupons.instance",
            """
            with last as (
                select distinct on (instance_id) instance_id, sequence, to_state, from_state, cause, at
                from verify.transitions order by instance_id, sequence desc
            )
            select 'instance ' || coalesce(i.id, l.instance_id) || ' is ' || coalesce(i.state, 'not there') || ' at version '
                || coalesce(i.version, 0) || ', its log ends with ' || coalesce(l.to_state, 'nothing') || ' as step '
                || coalesce(l.sequence, 0)
            from coupons.instance i full join last l on l.instance_id = i.id
            where (i.state is distinct from l.to_state or i.version is distinct from l.sequence)
                -- What the clock has ended is not written to the row: its row is where it was one step before.
                and not coalesce(l.to_state = 'expired' and l.cause = 'end_reached' and i.state = l.from_state
                    and i.version = l.sequence - 1 and i.valid_until <= l.at, false)
            limit 1
            """
        ),
        (
            "what a finished job covers has expired, once",
            "select coalesce(sum(units), 0)::bigint + (select count(*) from coupons.instance) from expiration.batch",
            """
            with due as (
                select i.id, i.state, i.version, i.valid_until from expiration.job j
                join coupons.instance i on i.valid_until >= j.from_at and i.valid_until <= j.done_at
                    and (i.valid_until, i.id) > (j.from_at, j.from_id) and (i.valid_until, i.id) <= (j.done_at, j.done_id)
                    and case when j.merchant_id is not null then i.merchant_id = j.merchant_id
                        else i.merchant_id is null or i.merchant_id <> all (j.except_ids) end
                where i.state in ('issued', 'paid', 'extended', 'pending_expiration')
            ), told as (
                select unit, b.version, count(*) as times from expiration.batch b
                cross join lateral unnest(b.runs) run
                cross join lateral generate_series(lower(run), upper(run) - 1) unit
                group by unit, b.version
            )
            select 'instance ' || coalesce(d.id, t.unit) || case when t.times is null then ' ended and was never told'
                else ' was told ' || t.times || ' times' end
            from due d full join told t on t.unit = d.id and t.version = d.version
            where coalesce(t.times, 0) <> 1 and (d.id is not null or t.times > 1)
                -- A use given back after the end is told one by one, by the near-time path, a moment later.
                and not (t.times is null and exists (select from redemptions.redemption r join redemptions.rollback b
                    on b.redemption_id = r.id where r.instance_id = d.id and b.at > platform.clock() - interval '5 minutes'))
            limit 1
            """
        ),
        (
            "what is redeemed has a redemption",
            "select count(*) from coupons.instance where state = 'redeemed'",
            """
            select 'instance ' || coalesce(i.id, r.instance_id) || ' is ' || coalesce(i.state, 'not redeemed') || ' and has '
                || case when r.id is null then 'no redemption' else 'redemption ' || r.id end
            from (select id, state from coupons.instance where state = 'redeemed') i
            full join (select instance_id, id, rolled_back_at from redemptions.redemption
                where rolled_back_at is null) r on r.instance_id = i.id
            where r.id is null and not exists (select from redemptions.redemption k join redemptions.rollback b
                    on b.redemption_id = k.id where k.instance_id = i.id and not b.use_returned)
                or (i.id is null and exists (select from coupons.instance x where x.id = r.instance_id
                    and x.state not in ('redeemed', 'refunded', 'archived')))
            limit 1
            """
        ),
    ];

    private static async Task<Finding> ChainAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        const string name = "the log is whole and its chain unbroken";
        long expected;
        byte[] head;
        long unsealedFrom;
        await using (var state = new NpgsqlCommand("select seq, hash, next_tx from audit.seal", connection))
        await using (var row = await state.ExecuteReaderAsync(cancel))
        {
            await row.ReadAsync(cancel);
            (expected, head, unsealedFrom) = (row.GetInt64(0), row.GetFieldValue<byte[]>(1), row.GetInt64(2));
        }

        using var check = new ChainCheck(0, new byte[32]);
        await using (
            var entries = new NpgsqlCommand(
                $"select {ChainCheck.Columns} from audit.entry a left join platform.event e "
                    + "on e.created_at = a.created_at and e.tx = a.tx and e.position = a.position order by a.seq",
                connection
            )
        )
        await using (var rows = await entries.ExecuteReaderAsync(cancel))
        {
            while (await rows.ReadAsync(cancel))
            {
                var fault = check.Next(rows) switch
                {
                    null => null,
                    ChainFault.EntryMissing => Text($"entry {check.Seq} is missing; {rows.GetInt64(0)} follows"),
                    ChainFault.EventMissing => Text($"the event of entry {check.Seq} is gone"),
                    _ => Text($"entry {check.Seq} was changed after it had been sealed"),
                };
                if (fault is not null)
                {
                    return new Finding(name, check.Seq, fault);
                }
            }
        }

        var seq = check.Seq;
        if (seq != expected || !check.Link.SequenceEqual(head))
        {
            return new Finding(name, seq, Text($"the chain ends at {seq}, its head says {expected}"));
        }

        await using var extra = new NpgsqlCommand(
            Text($"select count(*) from platform.event where tx < {unsealedFrom}"),
            connection
        );
        var events = (long)(await extra.ExecuteScalarAsync(cancel))!;
        return new Finding(
            name,
            seq,
            events == seq ? null : Text($"{events} events are in the sealed part of the log, the chain has {seq}")
        );
    }

    private static async Task<Finding> CheckAsync(
        NpgsqlConnection connection,
        string name,
        string count,
        string fault,
        CancellationToken cancel
    )
    {
        await using var first = new NpgsqlCommand(fault, connection);
        var found = await first.ExecuteScalarAsync(cancel);
        await using var counted = new NpgsqlCommand(count, connection);
        return new Finding(name, (long)(await counted.ExecuteScalarAsync(cancel))!, found as string);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
