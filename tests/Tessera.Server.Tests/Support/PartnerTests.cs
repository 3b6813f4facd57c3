using System.Text.Json;
using Tessera.Bench.Partners;
using Xunit;

namespace Tessera.Server.Tests.Support;

/// <summary>Tests beside partners: a service with all its workers over a database of its own, and whom it tells, over real HTTP.</summary>
public abstract class PartnerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private protected TestHost Host { get; private set; } = null!;

    private protected PartnerSimulator Simulator { get; private set; } = null!;

    /// <summary>Below which file connectors write, if the tests have any.</summary>
    private protected virtual string? FileDrop => null;

    public async Task InitializeAsync()
    {
        Simulator = await PartnerSimulator.StartAsync();
        Host = await TestHost.StartBesidePartnersAsync(postgres, FileDrop);
    }

    public virtual async Task DisposeAsync()
    {
        await Host.DisposeAsync();
        await Simulator.DisposeAsync();
    }

    /// <summary>A partner that is told of what ends.</summary>
    /// <param name="name">Its name, and that of its connector.</param>
    /// <param name="behaviour">How it answers.</param>
    /// <param name="more">Fields of the connector; a partner's REST API unless it says another kind.</param>
    private protected async Task<(Guid Id, SimulatedPartner Partner)> PartnerAsync(
        string name,
        Behaviour behaviour,
        object? more = null
    )
    {
        var partner = Simulator.Add(name, behaviour);
        var body = JsonSerializer.SerializeToNode(more ?? new { })!.AsObject();
        body["name"] = name;
        body["address"] = partner.Address;
        body["kind"] ??= "partner_rest";
        return (await ConnectorAsync(body), partner);
    }

    /// <summary>A connector as its fields say.</summary>
    private protected async Task<Guid> ConnectorAsync(object body)
    {
        var made = await Host.PostAsync("/api/v1/connectors", JsonSerializer.Serialize(body));
        Assert.True(made.Status == 201, made.Body);
        return made.Json.GetProperty("id").GetGuid();
    }
}
