using Tessera.Server.Access;
using Tessera.Server.Approvals;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Approvals;

/// <summary>Who is the same person, and whose account is too young to decide.</summary>
[Collection(PostgresCollection.Name)]
public sealed class ApprovalPersonTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_person_and_all_keys_made_by_or_for_the_person_are_one()
    {
        var person = await PersonAsync();
        await using var work = await _host.Database.Database.BeginAsync(default);
        var own = await KeyAsync("person:" + person, null);
        var second = await KeyAsync("key:" + own, null);
        var given = await KeyAsync("job:test", "person:" + person);
        foreach (var caller in (Caller[])[Of(person) with { PersonId = person }, Of(own), Of(second), Of(given)])
        {
            var requester = await Requester.OfAsync(work, caller, "test", default);
            Assert.Equal("person:" + person, requester.Person);
        }

        var stranger = await KeyAsync("job:test", null);
        Assert.Equal("key:" + stranger, (await Requester.OfAsync(work, Of(stranger), "test", default)).Person);
    }

    [Fact]
    public async Task An_account_that_is_younger_than_a_request_cannot_approve_it()
    {
        var person = await PersonAsync();
        await using var work = await _host.Database.Database.BeginAsync(default);
        var requester = await Requester.OfAsync(work, Of(person) with { PersonId = person }, "test", default);
        var now = await work.ClockAsync(default);
        Assert.True(await requester.IsOlderThanAsync(work, now, default));
        Assert.False(await requester.IsOlderThanAsync(work, now.AddDays(-1), default));
    }

    private static Caller Of(Guid client) => new(client, null, null, Permissions.All);

    private async Task<Guid> PersonAsync()
    {
        var id = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync(
            "insert into people.person (id, realm, email, name) values ($1, 'staff', $2, 'Somebody')",
            id,
            id + "@example.org"
        );
        return id;
    }

    private async Task<Guid> KeyAsync(string maker, string? subject)
    {
        var id = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync(
            """
            insert into access.api_key (id, name, prefix, hash, permissions, created_by, subject)
            values ($1, 'test', 'tsk_', sha256(convert_to($1::text, 'UTF8')), '{}', $2, $3)
            """,
            id,
            maker,
            subject
        );
        return id;
    }
}
