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
            return Missing(json) is { } missing
                ? new OracleFinding(id, OracleOutcome.Skipped, missing)
                : Of(id, Difference(OracleReader.Read(json)));
        }
        catch (Exception error) when (IsOfTheCase(error))
        {
            return new OracleFinding(id, OracleOutcome.Failed, error.Message);
        }
    }

    /// <summary>One case, run elsewhere.</summary>
    /// <param name="json">The case as written.</param>
    /// <param name="difference">Runs it, and says the first field that differs.</param>
    /// <param name="isOfTheCase">Whether an exception says that the case cannot be run, and not that something broke.</param>
    public static async Task<OracleFinding> OneAsync(
        JsonElement json,
        Func<OracleCase, Task<string?>> difference,
        Predicate<Exception> isOfTheCase
    )
    {
        ArgumentNullException.ThrowIfNull(difference);
        ArgumentNullException.ThrowIfNull(isOfTheCase);
        var id = json.Text("id") ?? "(without id)";
        try
        {
            return Missing(json) is { } missing
                ? new OracleFinding(id, OracleOutcome.Skipped, missing)
                : Of(id, await difference(OracleReader.Read(json)).ConfigureAwait(false));
        }
        catch (Exception error) when (IsOfTheCase(error) || isOfTheCase(error))
        {
            return new OracleFinding(id, OracleOutcome.Failed, error.Message);
        }
    }

    private static string? Missing(JsonElement json) =>
        (json.Member("features").Texts() ?? []).FirstOrDefault(f => !OracleCase.Supported.Contains(f));

    private static string? Difference(OracleCase of) => OracleComparison.FirstDifference(of, of.Price());

    private static OracleFinding Of(string id, string? difference) =>
        new(id, difference is null ? OracleOutcome.Passed : OracleOutcome.Failed, difference);

    private static bool IsOfTheCase(Exception error) =>
        error
            is FormatException
                or InvalidOperationException
                or KeyNotFoundException
                or ArithmeticException
                or ArgumentException;
}
