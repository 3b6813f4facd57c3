using Tessera.Server.Audit;
using Tessera.Server.Replay;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Privacy;

/// <summary>
/// A household of the complete-journey data is given a name and forgotten (AUD-06, R-13). The rows are a few of the same
/// form, or those of the folder that <c>TESSERA_TEST_JOURNEY</c> names.
/// </summary>
[Collection(PostgresCollection.Name)]
public sealed class ErasedJourneyTests(PostgresFixture postgres)
{
    private const string Surname = "Featherstonehaugh";
    private const string Email = "a.featherstonehaugh@example.org";

    [Fact]
    public async Task An_erased_household_of_the_real_data_leaves_no_name_in_a_dump_and_every_promise_holds()
    {
        using var small = DataFolder.SmallJourney();
        var folder = Environment.GetEnvironmentVariable("TESSERA_TEST_JOURNEY") ?? small.Path;
        var looked = false;
        await CompleteJourneyReplay.RunAsync(
            postgres.Server.ConnectionString,
            folder,
            default,
            async simulation =>
            {
                await EraseAsync(simulation.ConnectionString);
                looked = true;
            }
        );
        Assert.True(looked);
    }

    private static async Task EraseAsync(string connection)
    {
        await using var host = await TestHost.StartAsync(new TestDatabase(connection));
        var database = host.Database;
        var customer = await database.ScalarAsync<Guid>(
            "select customer_id from redemptions.redemption group by 1 order by count(*) desc, 1 limit 1"
        );
        var path = $"/api/v1/customers/{customer}";
        var named = await host.SendAsync(
            HttpMethod.Put,
            path + "/personal-data",
            new
            {
                first_name = "Ada",
                last_name = Surname,
                email = Email,
            },
            headers: new Dictionary<string, string> { ["If-Match"] = "\"0\"" }
        );
        Assert.True(named.Status == 200, named.Body);
        var known = await host.SendAsync(
            HttpMethod.Patch,
            path,
            new { external_id = "crm-" + Surname, attributes = new { nick = Surname } },
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );
        Assert.True(known.Status == 200, known.Body);
        await new NamedEverywhere(host, customer, "Ada", Surname).WriteAsync();
        Assert.Contains(Surname, await Dump.OfAsync(database), StringComparison.OrdinalIgnoreCase);
        var redemptions = await database.ScalarAsync<long>("select count(*) from redemptions.redemption");

        var asked = await host.PostAsync("/api/v1/privacy-requests", new { customer_id = customer, kind = "erasure" });
        var done = await host.PostAsync(
            $"/api/v1/privacy-requests/{asked.Json.GetProperty("id").GetString()}/complete",
            new { }
        );
        Assert.True(done.Status == 200, done.Body);

        var dump = await Dump.OfAsync(database);
        Assert.DoesNotContain(Surname, dump, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Email, dump, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(redemptions, await database.ScalarAsync<long>("select count(*) from redemptions.redemption"));
        Assert.Equal(404, (await host.GetAsync(path + "/personal-data")).Status);
        await Dump.SealedAsync(database);
        await foreach (var finding in new Verification(database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }
}
