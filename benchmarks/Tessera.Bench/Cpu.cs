using System.Diagnostics;
using System.Globalization;

namespace Tessera.Bench;

/// <summary>
/// Processor time: what work costs, however busy the machine is otherwise. Wall-clock figures of a shared machine say less.
/// </summary>
internal readonly record struct Cpu(double OwnSeconds, double ServerSeconds)
{
    private const double TicksPerSecond = 100;

    /// <summary>Time so far of this process and of the PostgreSQL server with all its processes, ended ones included.</summary>
    public static Cpu Now(int postmaster)
    {
        var server = 0.0;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                continue;
            }

            try
            {
                var stat = File.ReadAllText(directory + "/stat");
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                var parent = int.Parse(fields[1], CultureInfo.InvariantCulture);
                if (id == postmaster || parent == postmaster)
                {
                    server += Ticks(fields, 11) + Ticks(fields, 12);
                    server += id == postmaster ? Ticks(fields, 13) + Ticks(fields, 14) : 0;
                }
            }
            catch (IOException)
            {
                // It ended while we looked; the postmaster has its time.
            }
        }

        return new Cpu(Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds, server / TicksPerSecond);
    }

    public static Cpu operator -(Cpu after, Cpu before) =>
        new(after.OwnSeconds - before.OwnSeconds, after.ServerSeconds - before.ServerSeconds);

    /// <summary>Microseconds of this process and of the server for each of so many operations.</summary>
    public string Per(int operations) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{OwnSeconds / operations * 1e6:F0} µs here, {ServerSeconds / operations * 1e6:F0} µs in PostgreSQL"
        );

    private static double Ticks(string[] fields, int place) =>
        double.Parse(fields[place], CultureInfo.InvariantCulture);
}
