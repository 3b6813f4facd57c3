using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Unicode;

namespace Tessera.Bench;

/// <summary>
/// Callers over HTTP, each on a connection of its own that it keeps, sending the next redemption when the answer to the
/// one before is there. Bare sockets and buffers made once: the generator shares the processors with what it measures.
/// </summary>
internal sealed class HttpLoad(int port, string key, string path = "/api/v1/redemptions")
{
    private const int BufferSize = 4096;
    private const int StatusAt = 9;

    private int _order;

    /// <summary>Redeems codes, each once, until they or the seconds are used up.</summary>
    /// <returns>Redemptions a second, how many were done, and how many of them were refused.</returns>
    public async Task<(double PerSecond, int Done, int Refused)> RunAsync(
        Func<int, string?> codeAt,
        Guid[] customers,
        int callers,
        double seconds
    )
    {
        var next = -1;
        var done = 0;
        var refused = 0;
        var clock = Stopwatch.StartNew();
        async Task CallAsync()
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            {
                NoDelay = true,
            };
            await socket.ConnectAsync(IPAddress.Loopback, port);
            var request = new byte[BufferSize];
            var answer = new byte[BufferSize];
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                var place = Interlocked.Increment(ref next);
                if (codeAt(place) is not { } code)
                {
                    return;
                }

                var size = Write(request, code, customers);
                await socket.SendAsync(request.AsMemory(0, size));
                var status = await ReadAsync(socket, answer);
                Interlocked.Increment(ref done);
                if (status != "201" && Interlocked.Increment(ref refused) == 1)
                {
                    Console.WriteLine("The first refusal: " + Encoding.UTF8.GetString(answer).TrimEnd('\0'));
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(CallAsync)));
        return (done / clock.Elapsed.TotalSeconds, done, refused);
    }

    private int Write(Span<byte> to, string code, Guid[] customers)
    {
        // Customers in turn, over all runs: each may use a coupon only so often.
        var order = Interlocked.Increment(ref _order);
        var customer = customers[order % customers.Length];

        // Of fixed length, so that the length of the body is known before it is written.
        const string body =
            "{\"code\":\"\",\"customer_id\":\"\",\"order\":{\"reference\":\"\",\"amount\":{\"amount\":5000,\"currency\":\"USD\"}}}";
        var length = body.Length + code.Length + 36 + 16;
        if (
            !Utf8.TryWrite(
                to,
                CultureInfo.InvariantCulture,
                $"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nIdempotency-Key: order-{order:D10}\r\nContent-Length: {length}\r\n\r\n{{\"code\":\"{code}\",\"customer_id\":\"{customer}\",\"order\":{{\"reference\":\"order-{order:D10}\",\"amount\":{{\"amount\":5000,\"currency\":\"USD\"}}}}}}",
                out var written
            )
        )
        {
            throw new InvalidOperationException("The request does not fit its buffer.");
        }

        return written;
    }

    /// <summary>Reads one answer with a body of known length.</summary>
    /// <returns>Its status.</returns>
    private static async ValueTask<string> ReadAsync(Socket socket, byte[] buffer)
    {
        var read = 0;
        while (true)
        {
            var more = await socket.ReceiveAsync(buffer.AsMemory(read));
            if (more == 0)
            {
                throw new IOException("The server closed the connection.");
            }

            read += more;
            if (IsWhole(buffer.AsSpan(0, read)))
            {
                var status = buffer.AsSpan(StatusAt, 3);
                return status.SequenceEqual("201"u8) ? "201" : Encoding.ASCII.GetString(status);
            }
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return false;
        }

        var name = "Content-Length: "u8;
        var place = answer[..head].IndexOf(name);
        return place >= 0
            && Utf8Parser.TryParse(answer[(place + name.Length)..], out int length, out _)
            && answer.Length >= head + 4 + length;
    }
}
