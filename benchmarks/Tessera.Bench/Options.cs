using System.Globalization;

namespace Tessera.Bench;

/// <summary>What the command line asks for.</summary>
/// <param name="Quick">Within a minute, with less to work on.</param>
/// <param name="Lanes">Lanes of a server.</param>
/// <param name="Instances">Units there are; null for the benchmark's own choice.</param>
/// <param name="Minutes">How long a run over time lasts; null for none.</param>
internal sealed record Options(bool Quick, int Lanes, int? Instances, double? Minutes)
{
    public static Options Of(string[] arguments)
    {
        string? Value(string name)
        {
            var start = "--" + name + "=";
            return arguments.FirstOrDefault(a => a.StartsWith(start, StringComparison.Ordinal))?[start.Length..];
        }

        int? Number(string name) =>
            Value(name) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
        return new Options(
            arguments.Contains("--quick"),
            Number("lanes") ?? 2,
            Number("instances"),
            Value("minutes") is { } minutes ? double.Parse(minutes, CultureInfo.InvariantCulture) : null
        );
    }
}
