using Microsoft.Extensions.Logging;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Jobs;

namespace Tessera.Server.Insights.Marketing;

/// <summary>
/// Notes the bound of each running budget and the most that was held of it on a day (CMP-09): holds leave no trace on
/// the account once they are gone. Any number of nodes may do so.
/// </summary>
public sealed class BudgetWatch(Database database, TimeProvider clock, ILogger<BudgetWatch> log)
    : Worker(clock, log, TimeSpan.FromSeconds(30))
{
    /// <inheritdoc/>
    public override async Task<bool> RunOnceAsync(CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var budgets = await Budget.OfAsync(work, null, cancel);
        if (budgets.Count == 0)
        {
            return false;
        }

        await work.ExecuteAsync(
            """
            insert into insights.budget_day as d (campaign_id, unit, day, bound, most_held)
            select u.id, u.unit, (platform.clock() at time zone 'UTC')::date, u.bound, u.held
            from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) as u (id, unit, bound, held)
            order by 1, 2
            on conflict (campaign_id, unit, day) do update
                set bound = excluded.bound, most_held = greatest(d.most_held, excluded.most_held)
                where d.bound <> excluded.bound or d.most_held < excluded.most_held
            """,
            [
                budgets.Select(static b => b.Campaign).ToArray(),
                budgets.Select(static b => b.Unit).ToArray(),
                budgets.Select(static b => b.Bound).ToArray(),
                budgets.Select(static b => b.Held).ToArray(),
            ],
            cancel
        );
        await work.CommitAsync(cancel);
        return false;
    }
}
