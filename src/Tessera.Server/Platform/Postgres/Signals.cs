using System.Runtime.InteropServices;

namespace Tessera.Server.Platform.Postgres;

/// <summary>Signals to processes that are not children of this one.</summary>
internal static partial class Signals
{
    /// <summary>PostgreSQL's fast shutdown.</summary>
    public const int Interrupt = 2;

    public static bool Send(int processId, int signal) => Kill(processId, signal) == 0;

    /// <summary>Whether the process exists and has not ended as a zombie.</summary>
    public static bool IsAlive(int? processId)
    {
        if (processId is not { } id || Kill(id, 0) != 0)
        {
            return false;
        }

        try
        {
            // Field 3 of stat, after the name in brackets; Z is a process that has ended and was not collected.
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
