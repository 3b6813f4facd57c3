using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>What is looked after beside the rounds: breaches of service levels, and lanes that staff holds open.</summary>
internal static class LaneWatch
{
    /// <summary>One look.</summary>
    public static async Task RunAsync(Database database, CancellationToken cancel)
    {
        await GiveUpHeldAsync(database, cancel);
        await WatchServiceLevelsAsync(database, cancel);
    }

    /// <summary>A lane whose breaker is held open makes no rounds, so its commands are given up here.</summary>
    private static async Task GiveUpHeldAsync(Database database, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        var given = await work.ExecuteAsync(
            """
            with held as (
                select l.connector_id, c.manual_after_seconds
                from connectors.lane l join connectors.connector c on c.id = l.connector_id
                where l.forced = 'open' and l.leased_until <= platform.clock()
                for update of l skip locked
            ), given_up as (
                update connectors.command p set state = 'manual' from held h
                where p.connector_id = h.connector_id and p.state in ('pending', 'sent') and p.state = 'pending'
                    and p.due_at <= (select platform.clock()) - h.manual_after_seconds * interval '1 second'
                returning p.connector_id, p.position
            )
            insert into connectors.task (id, connector_id, position, cause)
            select gen_random_uuid(), connector_id, position, 'undelivered: breaker held open' from given_up
            """,
            [],
            cancel
        );
        if (given > 0)
        {
            await work.CommitAsync(cancel);
        }
    }

    /// <summary>Says once when a partner falls behind its service level, and once when it has caught up (CON-03).</summary>
    private static async Task WatchServiceLevelsAsync(Database database, CancellationToken cancel)
    {
        await using var work = await database.BeginAsync(cancel);
        await using var command = work.Command(
            """
            with state as (
                select l.connector_id, exists (
                    select from connectors.command p where p.connector_id = l.connector_id
                        and p.state in ('pending', 'sent')
                        and p.due_at <= (select platform.clock()) - c.sla_seconds * interval '1 second') as is_behind
                from connectors.lane l join connectors.connector c on c.id = l.connector_id
                where c.is_active
            )
            update connectors.lane l set told = told + 1,
                sla_breached_at = case when s.is_behind then platform.clock() end
            from state s
            where s.connector_id = l.connector_id and s.is_behind <> (l.sla_breached_at is not null)
            returning l.connector_id, l.told, s.is_behind
            """
        );
        if (
            await LaneEvents.AppendAsync(work, command, "connector.sla_breached", "connector.sla_recovered", cancel) > 0
        )
        {
            await work.CommitAsync(cancel);
        }
    }
}
