using System.Globalization;

namespace Tessera.Bench;

/// <summary>What the command line asks for.</summary>
/// <param name="Name">The benchmark; null where usage is asked for, or nothing.</param>
/// <param name="Quick">Within a minute, with less to work on.</param>
/// <param name="Lanes">Lanes of a server.</param>
/// <param name="Instances">Units there are; null for the benchmark's own choice.</param>
/// <param name="Entries">Entries of the log; null for the benchmark's own choice.</param>
/// <param name="Minutes">How long a run over time lasts; null for none.</param>
/// <param name="Keep">Directory of a database that is kept for the next run; null for none.</param>
/// <param name="Wrong">What cannot be understood; null if everything can.</param>
internal sealed record Options(
    string? Name,
    bool Quick,
    int Lanes,
    int? Instances,
    int? Entries,
    double? Minutes,
    string? Keep,
    string? Wrong = null
)
{
    private const int StandardLanes = 2;

    /// <summary>Reads the command line. Whatever is unknown is named, as a run for nothing may last an hour.</summary>
    public static Options Of(string[] arguments)
    {
        var options = new Options(null, false, StandardLanes, null, null, null, null);
        foreach (var argument in arguments)
        {
            var (name, value) = argument.Split('=', 2) is [var option, var given] ? (option, given) : (argument, "");
            var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number);
            var isLength = double.TryParse(
                value,
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out var length
            );
            options = name switch
            {
                "--help" or "-h" => options with { Name = null },
                "--quick" when argument == name => options with { Quick = true },
                "--lanes" when isNumber => options with { Lanes = number },
                "--instances" when isNumber => options with { Instances = number },
                "--entries" when isNumber => options with { Entries = number },
                "--minutes" when isLength => options with { Minutes = length },
                "--keep" when value.Length > 0 => options with { Keep = value },
                _ when !argument.StartsWith('-') && options.Name is null => options with { Name = argument },
                _ => options with { Wrong = argument },
            };
            if (name is "--help" or "-h")
            {
                return options;
            }
        }

        return options;
    }
}
