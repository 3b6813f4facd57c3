using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform.Metrics;

namespace Tessera.Server.Coupons;

/// <summary>Counts changes of state that were refused, and writes them to the node's log (CPN-06).</summary>
internal static partial class TransitionMeter
{
    private static readonly Meter Meter = new(Measurements.MeterName);

    private static readonly Counter<long> RefusedTransitions = Meter.CreateCounter<long>(
        "tessera.instance.transitions_refused",
        "{transition}",
        "Changes of state refused, by present state, wanted state and reason."
    );

    /// <summary>Counts and logs one refused change.</summary>
    public static void Refused(
        ILogger log,
        long unit,
        string from,
        InstanceState to,
        Refusal refusal,
        CatalogueActor actor
    )
    {
        RefusedTransitions.Add(1, new("from", from), new("to", to.Name()), new("reason", refusal.Code));
        LogRefused(log, unit, from, to.Name(), refusal.Code, actor.Actor, actor.RequestId);
    }

    /// <summary>Counts and logs changes of several units that were refused for one reason, in one line.</summary>
    /// <param name="log">The node's log.</param>
    /// <param name="units">Which.</param>
    /// <param name="from">The state all of them were in.</param>
    /// <param name="to">The state they were to have.</param>
    /// <param name="refusal">Why not.</param>
    /// <param name="actor">Who asked.</param>
    /// <param name="requestId">Of the request; null for work of the platform's own.</param>
    public static void Refused(
        ILogger log,
        IReadOnlyCollection<long> units,
        InstanceState from,
        InstanceState to,
        Refusal refusal,
        string actor,
        string? requestId
    )
    {
        RefusedTransitions.Add(
            units.Count,
            new("from", from.Name()),
            new("to", to.Name()),
            new("reason", refusal.Code)
        );
        LogRefusedUnits(log, units.Count, units.First(), from.Name(), to.Name(), refusal.Code, actor, requestId);
    }

    [LoggerMessage(
        2202,
        LogLevel.Information,
        "Refused {Reason}: {Units} units, unit {First} the first, from {From} to {To}, asked by {Who}, request {RequestId}"
    )]
    private static partial void LogRefusedUnits(
        ILogger log,
        int units,
        long first,
        string from,
        string to,
        string reason,
        string who,
        string? requestId
    );

    [LoggerMessage(
        2201,
        LogLevel.Information,
        "Refused {Reason}: unit {Unit} from {From} to {To}, asked by {Who}, request {RequestId}"
    )]
    private static partial void LogRefused(
        ILogger log,
        long unit,
        string from,
        string to,
        string reason,
        string who,
        string requestId
    );
}
