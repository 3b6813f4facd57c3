using System.Text.Json;
using Tessera.Core.Promotions.Oracle;
using Tessera.Server.Replay;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Replay;

[Collection(PostgresCollection.Name)]
public sealed class OracleReplayTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_case_of_the_test_kit_comes_out_as_written_when_its_cart_is_redeemed()
    {
        using var file = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Samples(), "cases.json")));
        await using var replay = await OracleReplay.StartAsync(postgres.Server.ConnectionString, default);
        var cases = 0;
        var wrong = new List<string>();
        await foreach (var finding in replay.AllAsync(file.RootElement, default))
        {
            cases++;
            if (finding.Outcome != OracleOutcome.Passed)
            {
                wrong.Add($"{finding.Id}: {finding.Detail}");
            }
        }

        Assert.Empty(wrong);
        Assert.Equal(OracleReader.Cases(file.RootElement).Count(), cases);
    }

    [Theory]
    [InlineData("\"total\": 9000", "\"total\": 9001", "total: expected 9001, got 9000")]
    [InlineData("\"redeemed\": 1", "\"redeemed\": 2", "usage.p1.redeemed: expected 2, got 1")]
    public async Task What_is_redeemed_otherwise_than_written_is_told_by_its_first_field(
        string written,
        string changed,
        string detail
    )
    {
        using var file = JsonDocument.Parse(Case.Replace(written, changed, StringComparison.Ordinal));
        await using var replay = await OracleReplay.StartAsync(postgres.Server.ConnectionString, default);
        var findings = new List<OracleFinding>();
        await foreach (var finding in replay.AllAsync(file.RootElement, default))
        {
            findings.Add(finding);
        }

        Assert.Equal([new OracleFinding("a", OracleOutcome.Failed, detail)], findings);
    }

    private const string Case = """
        [{"id": "a", "now": "2026-03-10T12:00:00Z", "settings": {},
          "cart": {"currency": "EUR", "codes": ["TENOFF"],
            "lines": [{"id": "l", "sku": "S", "unitPrice": 10000, "quantity": 1}]},
          "promotions": [{"id": "p1", "code": "TENOFF", "applyOrder": 1, "maxUsesTotal": 2,
            "effects": [{"type": "percent", "target": "order", "percent": 10}]}],
          "history": [{"event": "redeem", "promotion": "p1", "order": "o1", "at": "2026-03-01T10:00:00Z"}],
          "expected": {"total": 9000, "applied": [{"promotion": "p1", "amount": 1000}],
            "usage": {"p1": {"redeemed": 1, "held": 0}}}}]
        """;

    private static string Samples()
    {
        for (var place = new DirectoryInfo(AppContext.BaseDirectory); place is not null; place = place.Parent)
        {
            if (Directory.Exists(Path.Combine(place.FullName, "samples", "promotions")))
            {
                return Path.Combine(place.FullName, "samples", "promotions");
            }
        }

        throw new InvalidOperationException("The tests do not run in a checkout.");
    }
}
