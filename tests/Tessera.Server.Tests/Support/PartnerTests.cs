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

    /// <summary>Waits for commands in a state.</summary>
    /// <param name="state">Which.</param>
    /// <param name="count">So many, or more.</param>
    /// <param name="hurry">Whether the pauses between attempts are cut short.</param>
    private protected Task UntilCommandsAsync(string state, int count, bool hurry = false) =>
        Patience.UntilAsync(
            async () =>
            {
                var isThere =
                    await Host.Database.ScalarAsync<long>(
                        "select count(*) from connectors.command where state = $1",
                        state
                    ) >= count;
                if (hurry && !isThere)
                {
                    await HurryAsync();
                }

                return isThere;
            },
            async () =>
            {
                var states = await Host.Database.ColumnAsync<string>(
                    "select state || ' ' || coalesce(error, '') from connectors.command"
                );
                return $"{count} commands {state}; they are {string.Join(", ", states)}";
            }
        );

    /// <summary>The pauses between attempts are over.</summary>
    private protected Task HurryAsync() =>
        Host.Database.ExecuteAsync(
            "update connectors.lane set next_attempt_at = clock_timestamp() where leased_by is null"
        );

    /// <summary>Waits for calls of a partner.</summary>
    /// <param name="partner">Whom.</param>
    /// <param name="count">So many, or more.</param>
    /// <param name="hurry">Whether the pauses between attempts are cut short.</param>
    private protected Task UntilCalledAsync(SimulatedPartner partner, int count, bool hurry = false) =>
        Patience.UntilAsync(
            async () =>
            {
                if (hurry && partner.Calls < count)
                {
                    await HurryAsync();
                }

                return partner.Calls >= count;
            },
            () => Task.FromResult($"{count} calls; there were {partner.Calls}")
        );

    /// <summary>Switches a connector off, and waits until no node works its lane: from then on nobody calls.</summary>
    private protected async Task RestAsync(Guid id)
    {
        await Host.Database.ExecuteAsync("update connectors.connector set is_active = false where id = $1", id);
        const string rests = "select leased_until <= clock_timestamp() from connectors.lane where connector_id = $1";
        await Patience.UntilAsync(() => Host.Database.ScalarAsync<bool>(rests, id), "a lane nobody works");
    }

    /// <summary>A connector as its fields say.</summary>
    private protected async Task<Guid> ConnectorAsync(object body)
    {
        var made = await Host.PostAsync("/api/v1/connectors", JsonSerializer.Serialize(body));
        Assert.True(made.Status == 201, made.Body);
        return made.Json.GetProperty("id").GetGuid();
    }
}
