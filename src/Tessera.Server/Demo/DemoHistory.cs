using Tessera.Core.Coupons;
using Tessera.Core.Limits;
using Tessera.Server.Campaigns;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;

namespace Tessera.Server.Demo;

/// <summary>
/// A year that the demo world can look back on: coupons that came and went, some thousand uses and refusals, more at
/// weekends and before the holidays. Written in a few statements, whole: units, postings, events and figures agree, so
/// that <c>verify</c> finds nothing. The same seed makes the same year.
/// </summary>
public static class DemoHistory
{
    private const int Days = 365;
    private const int Customers = 600;
    private const ulong Seed = 20260101;

    private static readonly CatalogueActor Actor = new("job:demo", "demo");

    /// <summary>Writes the year into a demo world that has none yet.</summary>
    /// <returns>How many uses; 0 when there is a year already, or no demo world.</returns>
    public static async Task<int> LoadAsync(Database database, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(database);
        await using var work = await database.BeginAsync(cancel);
        await work.ExecuteAsync("select pg_advisory_xact_lock(hashtextextended('demo', 0))", [], cancel);
        var merchants = await MerchantsAsync(work, cancel);
        if (merchants is null)
        {
            return 0;
        }

        var now = await work.ClockAsync(cancel);
        var start = now.AddDays(-Days - 5);
        for (var month = start; month <= now; month = month.AddMonths(1))
        {
            await work.ExecuteAsync("select platform.ensure_event_months($1)", [month], cancel);
        }

        await MakeCampaignsAsync(work, now, start, cancel);
        var drafts = DemoYear.Coupons(merchants, now);
        var ids = await CouponStore.InsertAsync(work, [.. drafts.Select(static d => d.Draft)], Actor, start, cancel);
        await work.ExecuteAsync(
            "select coupons.ensure_instance_months($1)",
            [drafts.Select(static d => d.Draft.ValidUntil).OfType<DateTimeOffset>().ToArray()],
            cancel
        );
        var customers = await MakeCustomersAsync(work, start, cancel);
        var uses = DemoYear.Uses(drafts, ids, customers, now, Days, Seed);
        await WriteUsesAsync(work, drafts, ids, uses, cancel);
        await DemoReturns.WriteAsync(work, ids, uses, cancel);
        await WriteUsageAsync(work, ids, cancel);
        await WriteRefusalsAsync(work, drafts, ids, uses, cancel);
        await DemoFunnel.WriteYearAsync(work, ids, cancel);
        await DemoPartners.WriteAsync(work, now, cancel);
        await DemoDesk.WriteAsync(work, cancel);
        await work.CommitAsync(cancel);
        return uses.Count;
    }

    private static async Task<DemoMerchants?> MerchantsAsync(UnitOfWork work, CancellationToken cancel)
    {
        await using var command = work.Command(
            """
            select b.id, k.id, y.id from access.merchant b, access.merchant k, access.merchant y
            where b.external_id = 'demo-bakery' and k.external_id = 'demo-books' and y.external_id = 'demo-yoga'
                and not exists (select from coupons.coupon where code = 'LOYAL10')
            """
        );
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? new DemoMerchants(row.GetGuid(0), row.GetGuid(1), row.GetGuid(2)) : null;
    }

    private static async Task MakeCampaignsAsync(
        UnitOfWork work,
        DateTimeOffset now,
        DateTimeOffset start,
        CancellationToken cancel
    )
    {
        foreach (var (id, name, text, from, until, channel) in DemoYear.Campaigns)
        {
            var attribution = new Attribution(channel == "email" ? "newsletter" : "feed", channel, id, channel);
            var (begins, ends) = (now.AddDays(from), now.AddDays(until));
            var wanted = new CampaignWanted(
                id,
                name,
                text,
                begins,
                ends,
                "Europe/Vienna",
                null,
                attribution,
                null,
                null
            );
            await CampaignStore.TryInsertAsync(work, wanted, id, Actor, start, cancel);
        }
    }

    private static async Task<Guid[]> MakeCustomersAsync(UnitOfWork work, DateTimeOffset at, CancellationToken cancel)
    {
        var ids = Enumerable.Range(0, Customers).Select(_ => Guid.CreateVersion7(at)).ToArray();
        await work.ExecuteAsync(
            """
            insert into access.customer (id, external_id)
            select id, 'customer-' || 2000 + place from unnest($1::uuid[]) with ordinality as c (id, place)
            """,
            [ids],
            cancel
        );
        return ids;
    }

    private static async Task WriteUsesAsync(
        UnitOfWork work,
        IReadOnlyList<DemoTerms> drafts,
        IReadOnlyList<long> ids,
        List<DemoUse> uses,
        CancellationToken cancel
    )
    {
        var units = await TakeUnitsAsync(work, uses.Count, cancel);
        CouponDraft Of(DemoUse use) => drafts[use.Coupon].Draft;
        T[] Column<T>(Func<DemoUse, T> of) => [.. uses.Select(of)];
        await work.ExecuteAsync(
            """
            insert into coupons.instance (id, valid_until, coupon_id, customer_id, merchant_id, campaign_id, channel, valid_from,
                state, prior_state, version)
            select id, coalesce(valid_until, 'infinity'), coupon, customer, nullif(merchant, $9), nullif(campaign, ''), channel,
                valid_from, 'redeemed', 'issued', 2
            from unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::text[],
                $8::timestamptz[]) as u (id, valid_until, coupon, customer, merchant, campaign, channel, valid_from)
            """,
            [
                units,
                Column(u => Of(u).ValidUntil ?? DateTimeOffset.MaxValue),
                Column(u => ids[u.Coupon]),
                Column(u => u.Customer),
                Column(u => Of(u).MerchantId ?? Guid.Empty),
                Column(u => Of(u).CampaignId ?? ""),
                Column(u => u.Channel),
                Column(u => Of(u).ValidFrom),
                Guid.Empty,
            ],
            cancel
        );
        await work.ExecuteAsync(
            """
            insert into redemptions.redemption (id, coupon_id, coupon_version, instance_id, instance_end, by_shared_code,
                customer_id, client_id, channel, order_reference, order_minor, discount_minor, currency, valid_from,
                valid_until, decided_at, idempotency_key)
            select u.id, u.coupon, 1, u.unit, i.valid_until, true, u.customer, $10, u.channel, u.reference, u.minor, u.discount,
                'EUR', i.valid_from, i.valid_until, u.at, u.id
            from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
                $9::timestamptz[]) as u (id, coupon, unit, customer, channel, reference, minor, discount, at)
            join coupons.instance i on i.id = u.unit
            """,
            [
                Column(u => u.Id),
                Column(u => ids[u.Coupon]),
                units,
                Column(u => u.Customer),
                Column(u => u.Channel),
                Column(u => u.Order),
                Column(u => u.Minor),
                Column(u => u.Discount),
                Column(u => u.At),
                Guid.Empty,
            ],
            cancel
        );
        await WritePostingsAsync(work, drafts, ids, uses, cancel);
        await WriteEventsAsync(work, ids, units, uses, cancel);
    }

    private static Task WriteUsageAsync(UnitOfWork work, IReadOnlyList<long> ids, CancellationToken cancel) =>
        work.ExecuteAsync(
            """
            insert into coupons.usage (coupon_id, shard, redeemed_count, revenue_minor, discount_minor, last_used_at)
            select coupon_id, 0, count(*) filter (where rolled_back_at is null),
                coalesce(sum(order_minor - discount_minor) filter (where rolled_back_at is null), 0),
                coalesce(sum(discount_minor) filter (where rolled_back_at is null), 0), max(decided_at)
            from redemptions.redemption where coupon_id = any($1) group by coupon_id
            """,
            [ids.ToArray()],
            cancel
        );

    /// <summary>What each customer used of each coupon, and the posting of each use.</summary>
    private static async Task WritePostingsAsync(
        UnitOfWork work,
        IReadOnlyList<DemoTerms> drafts,
        IReadOnlyList<long> ids,
        List<DemoUse> uses,
        CancellationToken cancel
    )
    {
        LimitAccount Of(DemoUse use) =>
            LimitAccount.OfCustomer(ids[use.Coupon], use.Customer, drafts[use.Coupon].Draft.MaxUsesPerUser);
        var accounts = uses.GroupBy(u => Of(u).Id).Select(g => (Account: Of(g.First()), Uses: g.LongCount())).ToList();
        await work.ExecuteAsync(
            """
            insert into balances.account (id, kind, owner_id, subject, unit, bound, posted)
            select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[])
            """,
            [
                accounts.Select(static a => a.Account.Id).ToArray(),
                accounts.Select(static a => a.Account.Kind).ToArray(),
                accounts.Select(static a => a.Account.OwnerId).ToArray(),
                accounts.Select(static a => a.Account.Subject!).ToArray(),
                accounts.Select(static a => a.Account.Unit).ToArray(),
                accounts.Select(static a => a.Account.Bound!.Value).ToArray(),
                accounts.Select(static a => a.Uses).ToArray(),
            ],
            cancel
        );
        await work.ExecuteAsync(
            """
            insert into balances.transfer (id, kind, reference, account_ids, amounts, at)
            select id, 'post', id, array[account], array[1::bigint], at
            from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as t (id, account, at)
            """,
            [
                uses.Select(static u => u.Id).ToArray(),
                uses.Select(u => Of(u).Id).ToArray(),
                uses.Select(static u => u.At).ToArray(),
            ],
            cancel
        );
    }

    /// <summary>The account of a customer's uses of a coupon.</summary>
    internal static Guid AccountOf(long coupon, Guid customer) => LimitAccount.OfCustomer(coupon, customer, 1).Id;

    private static async Task WriteEventsAsync(
        UnitOfWork work,
        IReadOnlyList<long> ids,
        long[] units,
        List<DemoUse> uses,
        CancellationToken cancel
    )
    {
        await work.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, correlation_id, created_at)
            select gen_random_uuid(), 'instance', unit::text, 'coupon.state_changed', 2, 'job:demo',
                jsonb_build_object('from', 'issued', 'to', 'redeemed', 'cause', 'redemption', 'coupon_id', coupon,
                    'redemption_id', id, 'customer_id', customer, 'order_minor', minor, 'discount_minor', discount,
                    'currency', 'EUR', 'new', true), 'demo', at
            from unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[], $7::timestamptz[])
                as u (unit, coupon, id, customer, minor, discount, at)
            order by at
            """,
            [
                units,
                uses.Select(u => ids[u.Coupon]).ToArray(),
                uses.Select(static u => u.Id).ToArray(),
                uses.Select(static u => u.Customer).ToArray(),
                uses.Select(static u => u.Minor).ToArray(),
                uses.Select(static u => u.Discount).ToArray(),
                uses.Select(static u => u.At).ToArray(),
            ],
            cancel
        );
    }

    /// <summary>About one attempt in nine was refused.</summary>
    private static async Task WriteRefusalsAsync(
        UnitOfWork work,
        IReadOnlyList<DemoTerms> drafts,
        IReadOnlyList<long> ids,
        List<DemoUse> uses,
        CancellationToken cancel
    )
    {
        string[] reasons = ["below_minimum", "user_limit_reached", "wrong_channel"];
        var refused = uses.Where(static (_, place) => place % 8 == 3).ToList();
        await work.ExecuteAsync(
            """
            insert into redemptions.refusal (id, operation, reason, coupon_id, customer_id, client_id, channel, order_reference,
                order_minor, currency, code_hint, decided_at)
            select id, 'redeem', reason, coupon, customer, $9, channel, reference, minor, 'EUR', hint, at
            from unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::bigint[],
                $8::timestamptz[], $10::text[]) as r (id, reason, coupon, customer, channel, reference, minor, at, hint)
            """,
            [
                refused.Select(static u => Guid.CreateVersion7(u.At)).ToArray(),
                refused.Select((_, place) => reasons[place % reasons.Length]).ToArray(),
                refused.Select(u => ids[u.Coupon]).ToArray(),
                refused.Select(static u => u.Customer).ToArray(),
                refused.Select(static u => u.Channel).ToArray(),
                refused.Select(static u => u.Order + "-r").ToArray(),
                refused.Select(static u => u.Minor / 3).ToArray(),
                refused.Select(static u => u.At).ToArray(),
                Guid.Empty,
                refused.Select(u => drafts[u.Coupon].Draft.Code![..4]).ToArray(),
            ],
            cancel
        );
        await work.ExecuteAsync(
            """
            update coupons.usage u set refused_count = r.refused
            from (select coupon_id, count(*) as refused from redemptions.refusal where coupon_id = any($1) group by coupon_id) r
            where u.coupon_id = r.coupon_id and u.shard = 0
            """,
            [ids.ToArray()],
            cancel
        );
    }

    private static async Task<long[]> TakeUnitsAsync(UnitOfWork work, int count, CancellationToken cancel)
    {
        const int block = 1024;
        await using var command = work.Command(
            "select nextval('coupons.instance_block') from generate_series(1, $1)",
            (count / block) + 1
        );
        var units = new List<long>(count + block);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            var first = rows.GetInt64(0) * block;
            units.AddRange(Enumerable.Range(0, block).Select(offset => first + offset));
        }

        return [.. units.Take(count)];
    }
}
