using Tessera.Server.Platform;

namespace Tessera.Server.Demo;

/// <summary>
/// What was brought back in the year: each such use is rolled back whole (RED-12), with the same rows and events as if it
/// had gone through the path of a roll-back.
/// </summary>
internal static class DemoReturns
{
    private const string Reason = "Brought back.";

    /// <summary>Takes the uses back that were returned.</summary>
    /// <param name="work">The transaction that wrote the uses.</param>
    /// <param name="ids">Of the coupons.</param>
    /// <param name="uses">Of the year.</param>
    /// <param name="cancel">Cancels.</param>
    public static async Task WriteAsync(
        UnitOfWork work,
        IReadOnlyList<long> ids,
        IReadOnlyList<DemoUse> uses,
        CancellationToken cancel
    )
    {
        var returned = uses.Where(static u => u.ReturnedAt is not null).ToList();
        Guid[] own = [.. returned.Select(static u => Guid.CreateVersion7(u.ReturnedAt!.Value))];
        Guid[] redemptions = [.. returned.Select(static u => u.Id)];
        Guid[] accounts = [.. returned.Select(u => DemoHistory.AccountOf(ids[u.Coupon], u.Customer))];
        DateTimeOffset[] times = [.. returned.Select(static u => u.ReturnedAt!.Value)];
        await work.ExecuteAsync(
            """
            insert into redemptions.rollback (id, redemption_id, discount_minor, use_returned, reason, client_id, at)
            select b.id, r.id, r.discount_minor, true, $4, $5, b.at
            from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as b (id, redemption, at)
            join redemptions.redemption r on r.id = b.redemption
            """,
            [own, redemptions, times, Reason, Guid.Empty],
            cancel
        );
        await work.ExecuteAsync(
            """
            update redemptions.redemption r set rolled_back_at = b.at from redemptions.rollback b
            where b.redemption_id = r.id and b.id = any($1)
            """,
            [own],
            cancel
        );
        await work.ExecuteAsync(
            """
            insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
            select id, 'reverse', redemption, array[account], array[-1::bigint], at
            from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[]) as t (id, redemption, account, at)
            """,
            [own, redemptions, accounts, times],
            cancel
        );
        await work.ExecuteAsync(
            """
            update balances.account a set posted = a.posted - b.uses
            from (select account, count(*) as uses from unnest($1::uuid[]) account group by account) b
            where a.id = b.account
            """,
            [accounts],
            cancel
        );

        // A unit of a shared code has no code of its own: given back, it ends.
        await work.ExecuteAsync(
            """
            update coupons.instance i set state = 'cancelled', prior_state = null, version = 4
            from redemptions.redemption r where r.id = any($1) and i.id = r.instance_id and i.valid_until = r.instance_end
            """,
            [redemptions],
            cancel
        );
        await work.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, correlation_id, created_at)
            select gen_random_uuid(), e.aggregate, e.id, e.type, e.sequence, 'job:demo', e.payload, 'demo', b.at
            from redemptions.rollback b join redemptions.redemption r on r.id = b.redemption_id
            cross join lateral (values
                ('redemption', r.id::text, 'redemption.rolled_back', 2, jsonb_build_object('rollback_id', b.id,
                    'coupon_id', r.coupon_id, 'instance_id', r.instance_id, 'discount_minor', r.discount_minor,
                    'currency', r.currency, 'use_returned', true)),
                ('instance', r.instance_id::text, 'coupon.state_changed', 3, jsonb_build_object('from', 'redeemed',
                    'to', 'issued', 'cause', 'rollback', 'coupon_id', r.coupon_id, 'redemption_id', r.id)),
                ('instance', r.instance_id::text, 'coupon.state_changed', 4, jsonb_build_object('from', 'issued',
                    'to', 'cancelled', 'cause', 'given_back', 'coupon_id', r.coupon_id))
            ) as e (aggregate, id, type, sequence, payload)
            where b.id = any($1)
            order by b.at, e.sequence
            """,
            [own],
            cancel
        );
    }
}
