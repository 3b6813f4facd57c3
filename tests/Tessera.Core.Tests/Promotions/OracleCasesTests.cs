using System.Text.Json;
using Tessera.Core.Promotions.Oracle;
using Xunit;

namespace Tessera.Core.Tests.Promotions;

public sealed class OracleCasesTests
{
    public static TheoryData<string> Ids()
    {
        var ids = new TheoryData<string>();
        foreach (var json in OracleReader.Cases(File().RootElement))
        {
            ids.Add(json.GetProperty("id").GetString()!);
        }

        return ids;
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_case_comes_out_as_written(string id)
    {
        using var file = File();
        var json = OracleReader.Cases(file.RootElement).Single(c => c.GetProperty("id").GetString() == id);
        var finding = OracleRun.One(json);
        Assert.Null(finding.Detail);
        Assert.Equal(OracleOutcome.Passed, finding.Outcome);
    }

    [Fact]
    public void A_wrong_expectation_fails_with_the_first_field_that_differs()
    {
        using var file = File();
        var text = OracleReader.Cases(file.RootElement).First().GetRawText();
        using var wrong = JsonDocument.Parse(text.Replace("\"subtotal\": 1000", "\"subtotal\": 1001"));
        var finding = OracleRun.One(wrong.RootElement);
        Assert.Equal(OracleOutcome.Failed, finding.Outcome);
        Assert.Equal("subtotal: expected 1001, got 1000", finding.Detail);
    }

    [Fact]
    public void A_case_that_needs_an_unknown_feature_is_skipped_by_its_name()
    {
        using var file = File();
        var text = OracleReader.Cases(file.RootElement).First().GetRawText();
        using var other = JsonDocument.Parse(text.Replace("\"codeLimit\"", "\"teleport\""));
        Assert.Equal(
            new OracleFinding("tessera-001", OracleOutcome.Skipped, "teleport"),
            OracleRun.One(other.RootElement)
        );
    }

    private static JsonDocument File() =>
        JsonDocument.Parse(System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "promotion-cases.json")));
}
