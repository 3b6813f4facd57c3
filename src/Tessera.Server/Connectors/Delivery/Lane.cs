using Tessera.Core.Connectors;

namespace Tessera.Server.Connectors.Delivery;

/// <summary>A lane as its holder has it: one connector, one node at a time.</summary>
/// <param name="ConnectorId">Whose.</param>
/// <param name="Fence">Of the lease; every write names it.</param>
/// <param name="Breaker">As it was claimed; half open when this is a probe.</param>
/// <param name="Forced">open or closed, when staff holds it so.</param>
/// <param name="Rate">Calls a second; null for unbounded.</param>
/// <param name="QuotaLeft">Calls that are left for today; null for no quota.</param>
/// <param name="Attempted">End and mark of the low-water mark that is being told.</param>
internal sealed record Lane(
    Guid ConnectorId,
    long Fence,
    Breaker Breaker,
    string? Forced,
    double? Rate,
    int? QuotaLeft,
    (long To, DateTimeOffset? Mark)? Attempted
)
{
    /// <summary>Whether its last round was bad: it is asked one thing at a time until it answers.</summary>
    public bool IsSick => Breaker.Failures > 0 || Breaker.State != BreakerState.Closed;
}
