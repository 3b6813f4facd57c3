using System.Net;
using System.Net.Sockets;

namespace Tessera.Server.Platform.Outbound;

/// <summary>A call that is not made, because of where it would have gone.</summary>
public sealed class EgressRefusedException(string reason, Exception? cause = null) : IOException(reason, cause);

/// <summary>
/// The one way out to addresses a user can influence (convention 61): https on 443 and 8443, no redirects, no proxy, no
/// cookies. The address is checked when the connection is made, after the name was resolved, so that a name cannot
/// point elsewhere in between. Private networks are opened by the setting <c>TESSERA_EGRESS_ALLOW</c> alone; there, any
/// port and plain http are allowed too.
/// </summary>
public sealed class Egress : IDisposable
{
    /// <summary>The most of an answer that is read (convention 24).</summary>
    public const int MaximumAnswer = 64 * 1024;

    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(3);

    /// <summary>What is no public unicast address (RFC 6890 and later registrations).</summary>
    private static readonly IPNetwork[] NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "::/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        }.Select(static n => IPNetwork.Parse(n)),
    ];

    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    private readonly IReadOnlyList<IPNetwork> _allowed;
    private readonly HttpMessageInvoker _client;
    private readonly Dictionary<string, IHouseHost> _house;

    /// <summary>Makes the client; it opens nothing yet.</summary>
    /// <param name="settings">Which private networks are open.</param>
    /// <param name="house">Hosts that are answered inside of this process.</param>
    public Egress(Settings settings, IEnumerable<IHouseHost>? house = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _allowed = settings.EgressAllow;
        _house = (house ?? []).ToDictionary(static h => h.Name, StringComparer.OrdinalIgnoreCase);
        _client = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                AutomaticDecompression = DecompressionMethods.None,
                ConnectTimeout = ConnectWithin,
                MaxResponseHeadersLength = 16,
                MaxResponseDrainSize = 0,
                // No bound by host: whoever calls bounds his own calls, and a sick partner must not hold up a healthy one
                // that is reached through the same gateway.
                MaxConnectionsPerServer = int.MaxValue,
                PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
                PooledConnectionLifetime = TimeSpan.FromMinutes(5),
                ConnectCallback = ConnectAsync,
            }
        );
    }

    /// <summary>Why text cannot be the address of a call; null if it can.</summary>
    /// <param name="address">As given.</param>
    /// <param name="hasPrivateNetworks">Whether the deployment has opened private networks.</param>
    public static string? WhyNot(string address, bool hasPrivateNetworks)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var url) || url.HostNameType == UriHostNameType.Unknown)
        {
            return "This has to be a URL such as https://coupons.example.com/v2.";
        }

        if (url.UserInfo.Length > 0 || url.Fragment.Length > 0 || url.Query.Length > 0)
        {
            return "A URL with user, query or fragment cannot be called.";
        }

        if (hasPrivateNetworks && url.Scheme is "http" or "https")
        {
            return null;
        }

        return url is { Scheme: "https", Port: 443 or 8443 } ? null : "This has to be https, on port 443 or 8443.";
    }

    /// <summary>Sends a request and reads the answer, at most <see cref="MaximumAnswer"/> bytes of it.</summary>
    /// <param name="request">Its address is checked.</param>
    /// <param name="timeout">For all of it.</param>
    /// <param name="cancel">Cancels.</param>
    /// <exception cref="EgressRefusedException">The address is not allowed.</exception>
    /// <exception cref="HttpRequestException">No answer came, or it broke off.</exception>
    /// <exception cref="TimeoutException">It took too long; whether it had an effect is unknown.</exception>
    public async Task<OutboundAnswer> SendAsync(HttpRequestMessage request, TimeSpan timeout, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(request);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        deadline.CancelAfter(timeout);
        try
        {
            using var response = _house.TryGetValue(request.RequestUri!.Host, out var host)
                ? await host.AnswerAsync(request, deadline.Token)
                : await _client.SendAsync(request, deadline.Token);
            var (body, isWhole) = await ReadAsync(response.Content, deadline.Token);
            return new OutboundAnswer((int)response.StatusCode, body, isWhole, RetryAfterOf(response));
        }
        catch (OperationCanceledException late) when (!cancel.IsCancellationRequested)
        {
            throw new TimeoutException("No answer came in time.", late);
        }
        catch (HttpRequestException error) when (error.InnerException is EgressRefusedException)
        {
            throw new EgressRefusedException(error.InnerException.Message, error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>Whether calls may go to an address, whatever form it has.</summary>
    internal static bool IsPublic(IPAddress address)
    {
        var plain = Plain(address);
        return !NotPublic.Any(network => network.Contains(plain));
    }

    /// <summary>The IPv4 address inside a mapped or NAT64 one, else the address itself.</summary>
    private static IPAddress Plain(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        // Also the deprecated "compatible" form, ::a.b.c.d.
        return Nat64.Contains(address) || bytes.AsSpan(0, 12).IndexOfAnyExcept((byte)0) < 0 && bytes[12] != 0
            ? new IPAddress(bytes.AsSpan(12))
            : address;
    }

    private static async Task<(ReadOnlyMemory<byte> Body, bool IsWhole)> ReadAsync(
        HttpContent content,
        CancellationToken cancel
    )
    {
        var buffer = new MemoryStream();
        var chunk = new byte[8 * 1024];
        await using var stream = await content.ReadAsStreamAsync(cancel);
        while (await stream.ReadAsync(chunk, cancel) is > 0 and var read)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > MaximumAnswer)
            {
                return (buffer.GetBuffer().AsMemory(0, MaximumAnswer), false);
            }
        }

        return (buffer.GetBuffer().AsMemory(0, (int)buffer.Length), true);
    }

    private static TimeSpan? RetryAfterOf(HttpResponseMessage response) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } when response.Headers.Date is { } now => date - now,
            _ => null,
        };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancel)
    {
        var url = context.InitialRequestMessage.RequestUri!;
        var target = context.DnsEndPoint;
        var isUsual = url is { Scheme: "https", Port: 443 or 8443 };
        var resolved = IPAddress.TryParse(target.Host, out var literal)
            ? [literal]
            : await Dns.GetHostAddressesAsync(target.Host, cancel);
        IPAddress[] usable =
        [
            .. resolved.Where(a => (isUsual && IsPublic(a)) || _allowed.Any(network => network.Contains(Plain(a)))),
        ];
        if (usable.Length == 0)
        {
            throw new EgressRefusedException(
                isUsual
                    ? "The address is in a network that calls may not reach (TESSERA_EGRESS_ALLOW)."
                    : "Only https on port 443 or 8443 is called outside of the allowed private networks."
            );
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(usable, target.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A host that is answered inside of this process: a call to it leaves nothing and reaches no network.</summary>
public interface IHouseHost
{
    /// <summary>Its name, below <c>.invalid</c>, which no network resolves (RFC 6761).</summary>
    string Name { get; }

    /// <summary>Answers a request.</summary>
    Task<HttpResponseMessage> AnswerAsync(HttpRequestMessage request, CancellationToken cancel);
}

/// <summary>An answer from outside.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">As received; its beginning when it was too long.</param>
/// <param name="IsWhole">Whether all of it was read.</param>
/// <param name="RetryAfter">When the other side asks to come back.</param>
public sealed record OutboundAnswer(int Status, ReadOnlyMemory<byte> Body, bool IsWhole, TimeSpan? RetryAfter);
