using System.Globalization;

namespace Tessera.Bench;

/// <summary>
/// Processor time: what work costs, however busy the machine is otherwise. Wall-clock figures of a shared machine say less.
/// </summary>
internal readonly record struct Cpu(double OwnSeconds, double ServerSeconds)
{
    private const double TicksPerSecond = 100;

    /// <summary>Linux tells the time of a process to the nanosecond here, and elsewhere in ticks of 10 ms.</summary>
    private const string Precise = "/schedstat";

    private static readonly bool IsPrecise = File.Exists("/proc/self" + Precise);

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
                    server += IsPrecise
                        ? Precisely(directory)
                        : (Ticks(fields, 11) + Ticks(fields, 12)) / TicksPerSecond;
                    server += id == postmaster ? (Ticks(fields, 13) + Ticks(fields, 14)) / TicksPerSecond : 0;
                }
            }
            catch (IOException)
            {
                // It ended while we looked; the postmaster has its time.
            }
        }

        return new Cpu(Environment.CpuUsage.TotalTime.TotalSeconds, server);
    }

    public static Cpu operator -(Cpu after, Cpu before) =>
        new(after.OwnSeconds - before.OwnSeconds, after.ServerSeconds - before.ServerSeconds);

    /// <summary>Microseconds of this process and of the server for each of so many operations.</summary>
    public string Per(int operations) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{OwnSeconds / operations * 1e6:F0} µs here, {ServerSeconds / operations * 1e6:F0} µs in PostgreSQL"
        );

    /// <summary>Of a process with one thread, as those of PostgreSQL are.</summary>
    private static double Precisely(string directory) =>
        double.Parse(File.ReadAllText(directory + Precise).Split(' ')[0], CultureInfo.InvariantCulture) / 1e9;

    private static double Ticks(string[] fields, int place) =>
        double.Parse(fields[place], CultureInfo.InvariantCulture);
}
