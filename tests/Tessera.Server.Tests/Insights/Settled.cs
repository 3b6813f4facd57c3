using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Coupons;
using Tessera.Server.Insights;
using Tessera.Server.Tests.Support;

namespace Tessera.Server.Tests.Insights;

/// <summary>Waits for the figures.</summary>
internal static class Settled
{
    /// <summary>Until the log is sealed and counted; refusals, and how far they were, are made old enough to count.</summary>
    public static async Task UntilCountedAsync(TestHost host)
    {
        await host.Database.ExecuteAsync(
            """
            with young as (
                update insights.progress set refusal_at = refusal_at - interval '1 minute'
                where exists (select from redemptions.refusal where decided_at > clock_timestamp() - interval '30 seconds')
                returning true
            )
            update redemptions.refusal set decided_at = decided_at - interval '1 minute' where exists (select from young)
            """
        );
        var rollup = host.Services.GetRequiredService<Rollup>();
        await Patience.UntilAsync(
            async () =>
            {
                await rollup.RunOnceAsync(default);
                return await IsCountedAsync(host.Database);
            },
            "the log to be counted"
        );
    }

    /// <summary>Whether the figures have all that happened.</summary>
    public static Task<bool> IsCountedAsync(TestDatabase database) =>
        database.ScalarAsync<bool>(
            """
            select (select count(*) from platform.event) = (select count(*) from audit.entry)
                and (select seq from insights.progress) = (select coalesce(max(seq), 0) from audit.entry)
                and not exists (select from redemptions.refusal f, insights.progress p
                    where (f.decided_at, f.id) > (p.refusal_at, p.refusal_id))
                and not exists (select from insights.view_note)
            """
        );

    /// <summary>Until the totals of coupons, by which lists are sorted and active coupons counted, are those of their uses.</summary>
    public static Task UntilTotalledAsync(TestHost host)
    {
        const string behind = """
            select count(*) from coupons.total t left join coupons.usage_total u on u.coupon_id = t.coupon_id
            where (t.redeemed_count, t.refused_count, t.revenue_minor)
                is distinct from (coalesce(u.redeemed_count, 0), coalesce(u.refused_count, 0), coalesce(u.revenue_minor, 0))
            """;
        return Patience.UntilAsync(
            async () =>
            {
                // One that has seen nothing yet looks at all, whatever the statistics of the server have heard of.
                using var worker = ActivatorUtilities.CreateInstance<TotalsWorker>(host.Services);
                await worker.RunOnceAsync(default);
                return await host.Database.ScalarAsync<long>(behind) == 0;
            },
            "the totals of coupons"
        );
    }
}
