using System.Text.Json;

namespace Tessera.Core.Promotions.Oracle;

/// <summary>Which way a case came out.</summary>
public enum OracleOutcome
{
    /// <summary>All fields agree.</summary>
    Passed,

    /// <summary>A field differs, or the case cannot be read.</summary>
    Failed,

    /// <summary>The engine does not support a feature the case needs.</summary>
    Skipped,
}

/// <summary>The outcome of one case.</summary>
/// <param name="Id">The case.</param>
/// <param name="Outcome">Which way.</param>
/// <param name="Detail">The first differing field, or the feature that is missing.</param>
public sealed record OracleFinding(string Id, OracleOutcome Outcome, string? Detail);

/// <summary>Runs cases on the pure engine.</summary>
public static class OracleRun
{
    /// <summary>Every case of a file, in order.</summary>
    public static IEnumerable<OracleFinding> All(JsonElement file) => OracleReader.Cases(file).Select(One);

    /// <summary>One case.</summary>
    public static OracleFinding One(JsonElement json)
    {
        var id = json.Text("id") ?? "(without id)";
        try
        {
            var missing = (json.Member("features").Texts() ?? []).FirstOrDefault(f =>
                !OracleCase.Supported.Contains(f)
            );
            if (missing is not null)
            {
                return new OracleFinding(id, OracleOutcome.Skipped, missing);
            }

            var of = OracleReader.Read(json);
            var difference = OracleComparison.FirstDifference(of, of.Price());
            return new OracleFinding(id, difference is null ? OracleOutcome.Passed : OracleOutcome.Failed, difference);
        }
        catch (Exception error)
            when (error
                    is FormatException
                        or InvalidOperationException
                        or KeyNotFoundException
                        or ArithmeticException
                        or ArgumentException
            )
        {
            return new OracleFinding(id, OracleOutcome.Failed, error.Message);
        }
    }
}
