using System.Diagnostics.Metrics;
using Tessera.Server.Platform.Metrics;

namespace Tessera.Server.Redemptions;

/// <summary>Counts what the lanes have committed.</summary>
internal static class RedemptionMeter
{
    private static readonly Meter Meter = new(Measurements.MeterName);

    private static readonly Counter<long> Attempts = Meter.CreateCounter<long>(
        "tessera.redemption.attempts",
        "{attempt}",
        "Commands decided and committed, by operation and outcome."
    );

    /// <summary>Counts one decided command.</summary>
    public static void Count(Operation operation, Answer answer)
    {
        if (Attempts.Enabled)
        {
            Attempts.Add(
                1,
                new("operation", WordOf(operation)),
                new("outcome", answer.Refusal is null ? "accepted" : "refused")
            );
        }
    }

    private static string WordOf(Operation operation) =>
        operation switch
        {
            Operation.Redeem => "redeem",
            Operation.Reserve => "reserve",
            Operation.Validate => "validate",
            _ => operation.ToString().ToLowerInvariant(),
        };
}
