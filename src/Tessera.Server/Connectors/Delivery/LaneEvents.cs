using Npgsql;
using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>The events of lanes, and their numbers.</summary>
internal static class LaneEvents
{
    /// <summary>The next number; the row of the lane is held until the transaction ends.</summary>
    public static async Task<long> NextAsync(UnitOfWork work, Guid connectorId, CancellationToken cancel)
    {
        await using var command = work.Command(
            "update connectors.lane set told = told + 1 where connector_id = $1 returning told",
            connectorId
        );
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }

    /// <summary>Says of each lane that changed sides which side it is on now.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="changed">Returns the connector, its number of events and whether what was asked has begun.</param>
    /// <param name="begun">The event's name if it has.</param>
    /// <param name="ended">Otherwise.</param>
    /// <param name="cancel">Cancels.</param>
    /// <returns>How many lanes.</returns>
    public static async Task<int> AppendAsync(
        UnitOfWork work,
        NpgsqlCommand changed,
        string begun,
        string ended,
        CancellationToken cancel
    )
    {
        var entries = new List<EventEntry>();
        await using (var row = await changed.ExecuteReaderAsync(cancel))
        {
            while (await row.ReadAsync(cancel))
            {
                var (lane, type) = (row.GetGuid(0).ToString(), row.GetBoolean(2) ? begun : ended);
                entries.Add(new EventEntry("connector_lane", lane, type, row.GetInt64(1), "job:delivery", "{}", null));
            }
        }

        if (entries.Count > 0)
        {
            await EventLog.AppendAsync(work, await work.ClockAsync(cancel), entries, cancel);
        }

        return entries.Count;
    }
}
