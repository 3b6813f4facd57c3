using System.Diagnostics.Metrics;
using Tessera.Core;
using Tessera.Core.Coupons;
using Tessera.Server.Platform.Metrics;

namespace Tessera.Server.Coupons;

/// <summary>Counts changes of state that were refused (CPN-06).</summary>
internal static class TransitionMeter
{
    private static readonly Meter Meter = new(Measurements.MeterName);

    private static readonly Counter<long> RefusedTransitions = Meter.CreateCounter<long>(
        "tessera.instance.transitions_refused",
        "{transition}",
        "Changes of state refused, by present state, wanted state and reason."
    );

    /// <summary>Counts one refused change.</summary>
    public static void Refused(string from, InstanceState to, Refusal refusal) =>
        RefusedTransitions.Add(1, new("from", from), new("to", to.Name()), new("reason", refusal.Code));
}
