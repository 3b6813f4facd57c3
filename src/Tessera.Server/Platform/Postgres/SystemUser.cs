using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Tessera.Server.Platform.Postgres;

/// <summary>The user a server runs as when the node itself is root.</summary>
internal sealed record SystemUser(int Id, int GroupId)
{
    private static readonly string[] Preferred = [PrivatePostgres.UserName, "postgres", "nobody"];

    /// <summary>Arguments for setpriv, before the program.</summary>
    public IEnumerable<string> SetprivArguments =>
        [
            string.Create(CultureInfo.InvariantCulture, $"--reuid={Id}"),
            string.Create(CultureInfo.InvariantCulture, $"--regid={GroupId}"),
            "--clear-groups",
            "--",
        ];

    /// <summary>The user to run a server as; null when the node is not root and simply runs it itself.</summary>
    public static SystemUser? ToRunServers()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return null;
        }

        var users = File.ReadLines("/etc/passwd").Select(static line => line.Split(':')).ToList();
        foreach (var name in Preferred)
        {
            if (users.Find(u => u.Length > 3 && u[0] == name) is { } user)
            {
                return new SystemUser(
                    int.Parse(user[2], CultureInfo.InvariantCulture),
                    int.Parse(user[3], CultureInfo.InvariantCulture)
                );
            }
        }

        throw new InvalidOperationException(
            "PostgreSQL does not run as root, and this system has no user named " + string.Join(", ", Preferred) + "."
        );
    }

    /// <summary>Whether every user may pass through the directories above a path.</summary>
    public static bool IsReachable(string path)
    {
        for (var parent = Path.GetDirectoryName(path); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            if (Directory.Exists(parent) && !File.GetUnixFileMode(parent).HasFlag(UnixFileMode.OtherExecute))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A place for the state of a directory that only root may enter.</summary>
    public static string ReachableInstead(string directory)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(directory)))[..12];
        return Path.Combine("/var/lib/tessera", name);
    }

    /// <summary>Makes this user the owner of a directory.</summary>
    public void Own(string path)
    {
        using var chown =
            Process.Start(
                new ProcessStartInfo("chown")
                {
                    ArgumentList = { string.Create(CultureInfo.InvariantCulture, $"{Id}:{GroupId}"), path },
                }
            ) ?? throw new InvalidOperationException("chown could not be started.");
        chown.WaitForExit();
        if (chown.ExitCode != 0)
        {
            throw new InvalidOperationException($"The owner of {path} could not be changed.");
        }
    }
}
