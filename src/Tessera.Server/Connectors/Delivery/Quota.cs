using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>What happens when a partner's calls of the day are used up (CON-03).</summary>
internal static class Quota
{
    /// <summary>Waits until the next day (UTC), and says so once a day.</summary>
    public static Task PauseAsync(LaneStore store, Lane lane, CancellationToken cancel) =>
        store.InLaneAsync(
            lane,
            async work =>
            {
                var now = await work.ClockAsync(cancel);
                var tomorrow = new DateTimeOffset(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero);
                await using var command = work.Command(
                    """
                    update connectors.lane l set next_attempt_at = $2, quota_told_on = l.quota_day
                    from connectors.lane old where l.connector_id = $1 and old.connector_id = $1
                    returning old.quota_told_on is distinct from l.quota_day
                    """,
                    lane.ConnectorId,
                    tomorrow
                );
                if (await command.ExecuteScalarAsync(cancel) is true)
                {
                    var number = await LaneEvents.NextAsync(work, lane.ConnectorId, cancel);
                    var entry = new EventEntry(
                        "connector_lane",
                        lane.ConnectorId.ToString(),
                        "connector.quota_exhausted",
                        number,
                        "job:delivery",
                        "{}",
                        null
                    );
                    await EventLog.AppendAsync(work, now, [entry], cancel);
                }
            },
            cancel
        );
}
