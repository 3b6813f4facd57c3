using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Tessera.Server.Coupons;
using Tessera.Server.Insights;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Insights;

/// <summary>Waits for the figures.</summary>
internal static class Settled
{
    /// <summary>Until the log is sealed and counted; refusals are made old enough to count.</summary>
    public static async Task UntilCountedAsync(TestHost host)
    {
        await host.Database.ExecuteAsync(
            "update redemptions.refusal set decided_at = decided_at - interval '1 minute' where decided_at > clock_timestamp() - interval '30 seconds'"
        );
        var rollup = host.Services.GetRequiredService<Rollup>();
        for (var attempt = 0; attempt < 200; attempt++)
        {
            await rollup.RunOnceAsync(CancellationToken.None);
            var isDone = await host.Database.ScalarAsync<bool>(
                """
                select (select count(*) from platform.event) = (select count(*) from audit.entry)
                    and (select seq from insights.progress) = (select coalesce(max(seq), 0) from audit.entry)
                    and (select refusal_id from insights.progress) >= all (select id from redemptions.refusal)
                    and not exists (select from insights.view_note)
                """
            );
            if (isDone)
            {
                return;
            }

            await Task.Delay(100);
        }

        Assert.Fail("The log was not counted in time.");
    }

    /// <summary>Until the totals of coupons, by which lists are sorted and active coupons counted, are those of their uses.</summary>
    public static async Task UntilTotalledAsync(TestHost host)
    {
        const string behind = """
            select count(*) from coupons.total t left join coupons.usage_total u on u.coupon_id = t.coupon_id
            where (t.redeemed_count, t.refused_count, t.revenue_minor)
                is distinct from (coalesce(u.redeemed_count, 0), coalesce(u.refused_count, 0), coalesce(u.revenue_minor, 0))
            """;
        var worker = host.Services.GetServices<IHostedService>().OfType<TotalsWorker>().Single();
        for (var tries = 0; tries < 300 && await host.Database.ScalarAsync<long>(behind) > 0; tries++)
        {
            await worker.RunOnceAsync(default);
            await Task.Delay(100);
        }
    }
}
