using System.Diagnostics.Metrics;
using Tessera.Server.Platform.Metrics;

namespace Tessera.Server.Connectors.Partners;

/// <summary>Calls partners, each in the way of its kind, and counts the calls.</summary>
internal sealed class PartnerCalls(RestPartner rest, FilePartner file, InternalPartner house)
{
    private static readonly Meter Meter = new(Measurements.MeterName);

    private static readonly Counter<long> Calls = Meter.CreateCounter<long>(
        "tessera.connector.calls",
        "{call}",
        "Calls to partners, by the kind of connector and outcome."
    );

    /// <summary>Tells a partner.</summary>
    public async Task<PartnerAnswer> TellAsync(Target target, Message message, CancellationToken cancel)
    {
        var answer = await Of(target).TellAsync(target, message, cancel);
        if (Calls.Enabled)
        {
            Calls.Add(
                1,
                new("kind", target.Connector.Kind),
                new("outcome", answer.Outcome.ToString().ToLowerInvariant())
            );
        }

        return answer;
    }

    /// <summary>Asks a partner which coupons it would still take.</summary>
    public Task<(IReadOnlyList<long>? Usable, string? Reason)> QueryAsync(
        Target target,
        IReadOnlyList<long> ids,
        CancellationToken cancel
    ) => Of(target).QueryAsync(target, ids, cancel);

    private IPartner Of(Target target) =>
        target.Connector.Kind switch
        {
            "file" => file,
            "internal" => house,
            _ => rest,
        };
}
