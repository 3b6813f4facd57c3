using Tessera.Server.Connectors.Delivery;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors;

/// <summary>
/// Lets partners that are not critical wait while the pipeline is under pressure (EXP-12). What ends is refused by our own
/// redemptions all the same, and critical partners are told first.
/// </summary>
public static class Deferral
{
    /// <summary>What pressure is judged by, and whether it stood at the last look.</summary>
    /// <param name="work">Where it is read.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>
    /// Share: the longest that a critical partner has waited, as a share of its service level, of those that are well, not
    /// held to a rate and not waiting of themselves: telling others less would not help the rest. Stands: whether one waits.
    /// </returns>
    public static async Task<(double Share, bool Stands)> ReadAsync(UnitOfWork work, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            """
            select (select coalesce(max(extract(epoch from k.now - p.due_at) / c.sla_seconds), 0)::float8
                from connectors.connector c join connectors.lane l on l.connector_id = c.id
                cross join lateral (select due_at from connectors.command p where p.connector_id = c.id
                    and p.state in ('pending', 'sent') and p.state = 'pending' and p.due_at <= k.now
                    order by p.due_at limit 1) p
                where c.is_active and c.is_critical and c.rate_per_second is null and l.rate is null
                    and l.breaker = 'closed' and l.failures = 0 and l.forced is null and l.next_attempt_at <= k.now),
                exists (select from connectors.lane where deferred_at is not null)
            from (select platform.clock() as now) k
            """
        );
        await using var row = await query.ExecuteReaderAsync(cancel);
        await row.ReadAsync(cancel);
        return (row.GetDouble(0), row.GetBoolean(1));
    }

    /// <summary>Defers those who may wait, or lets them go on, with an event each. Lanes that run end their round first.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="isUnderPressure">Whether they have to wait.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>For how many that changed.</returns>
    public static async Task<int> MoveAsync(UnitOfWork work, bool isUnderPressure, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var command = work.Command(
            """
            with moved as (
                select l.connector_id from connectors.lane l join connectors.connector c on c.id = l.connector_id
                where ($1 and c.is_active and not c.is_critical) <> (l.deferred_at is not null)
                order by l.connector_id for update of l skip locked
            )
            update connectors.lane l set told = told + 1,
                deferred_at = case when l.deferred_at is null then platform.clock() end,
                resumed_at = case when l.deferred_at is null then l.resumed_at else platform.clock() end
            from moved m where m.connector_id = l.connector_id
            returning l.connector_id, l.told, l.deferred_at is not null
            """,
            isUnderPressure
        );
        return await LaneEvents.AppendAsync(work, command, "connector.deferred", "connector.resumed", cancel);
    }
}
