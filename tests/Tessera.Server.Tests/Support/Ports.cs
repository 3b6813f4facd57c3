using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Tessera.Server.Tests.Support;

/// <summary>Ports for servers that have to be told theirs before they listen.</summary>
internal static class Ports
{
    private static readonly ConcurrentDictionary<int, bool> Given = new();

    /// <summary>
    /// A port nobody listens on. It lies below those the system gives to connections of its own choice, as one of these is
    /// soon taken by another test. It is given once: the one who gets it listens a moment later.
    /// </summary>
    public static int Free()
    {
        for (var tries = 0; ; tries++)
        {
            var port = RandomNumberGenerator.GetInt32(20_000, 32_000);
            if (!Given.TryAdd(port, true))
            {
                continue;
            }

            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException) when (tries < 100)
            {
                // Somebody listens there.
            }
        }
    }
}
