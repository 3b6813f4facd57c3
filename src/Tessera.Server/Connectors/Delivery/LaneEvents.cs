using Tessera.Server.Platform;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>Numbers the events of a lane.</summary>
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
}
