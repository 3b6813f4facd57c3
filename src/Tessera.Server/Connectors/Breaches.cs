using Tessera.Server.Platform;

namespace Tessera.Server.Connectors;

/// <summary>Partners with whom something agreed is not kept at the moment (CON-03).</summary>
public static class Breaches
{
    /// <summary>Who is told later than agreed, and whose calls of the day are used up.</summary>
    /// <param name="work">Where it is read.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>Each with <c>partner_late</c> or <c>quota_exhausted</c>, and since when.</returns>
    public static async Task<List<(Guid ConnectorId, string Kind, DateTimeOffset Since)>> ReadAsync(
        UnitOfWork work,
        CancellationToken cancel
    )
    {
        ArgumentNullException.ThrowIfNull(work);
        await using var query = work.Command(
            """
            select l.connector_id, 'partner_late', l.sla_breached_at from connectors.lane l
            join connectors.connector c on c.id = l.connector_id
            where c.is_active and l.sla_breached_at is not null
            union all
            select l.connector_id, 'quota_exhausted', l.quota_told_on::timestamp at time zone 'UTC' from connectors.lane l
            join connectors.connector c on c.id = l.connector_id
            where c.is_active and l.quota_told_on = ((select platform.clock()) at time zone 'UTC')::date
            """
        );
        var breaches = new List<(Guid ConnectorId, string Kind, DateTimeOffset Since)>();
        await using var row = await query.ExecuteReaderAsync(cancel);
        while (await row.ReadAsync(cancel))
        {
            breaches.Add((row.GetGuid(0), row.GetString(1), row.GetFieldValue<DateTimeOffset>(2)));
        }

        return breaches;
    }
}
