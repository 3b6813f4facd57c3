using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Tessera.Server.Access.Limits;

/// <summary>
/// Rate limits that hold over all nodes without a round trip of any request: each node counts by itself, and once a second
/// tells the others through the database and learns what they have counted. What passes beyond a limit is at most a
/// second of the other nodes' requests.
/// </summary>
public sealed class RateLimits(TimeProvider clock)
{
    private const int MostBuckets = 100_000;

    private readonly ConcurrentDictionary<(string Policy, Guid Who), Bucket> _buckets = new();

    /// <summary>Counts a request.</summary>
    /// <param name="policy">What is counted.</param>
    /// <param name="who">The caller, or <see cref="Of(IPAddress?)"/>.</param>
    public RateState Count(RatePolicy policy, Guid who)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var seconds = clock.GetUtcNow().ToUnixTimeSeconds();
        var window = seconds / RatePolicy.WindowSeconds;
        long? counted = null;
        while (counted is null)
        {
            if (!_buckets.TryGetValue((policy.Name, who), out var bucket))
            {
                if (_buckets.Count >= MostBuckets)
                {
                    Forget(window);
                }

                bucket = _buckets.GetOrAdd((policy.Name, who), static (_, at) => new Bucket(at), window);
            }

            // One that was forgotten since it was found counts no more.
            counted = bucket.Count(window, policy.Quota);
        }

        var used = counted.Value;
        var left = RatePolicy.WindowSeconds - (int)(seconds % RatePolicy.WindowSeconds);
        return new RateState(used <= policy.Quota, Math.Max(0, policy.Quota - used), left);
    }

    /// <summary>Whether nothing is left, without counting.</summary>
    public bool IsExhausted(RatePolicy policy, Guid who)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return _buckets.TryGetValue((policy.Name, who), out var bucket)
            && bucket.UsedIn(clock.GetUtcNow().ToUnixTimeSeconds() / RatePolicy.WindowSeconds) >= policy.Quota;
    }

    /// <summary>Those of whom nothing is left.</summary>
    public IEnumerable<Guid> Exhausted(RatePolicy policy) =>
        _buckets
            .Keys.Where(key => key.Policy == policy.Name && IsExhausted(policy, key.Who))
            .Select(static key => key.Who);

    /// <summary>An address as somebody who is counted: of IPv6 the network, as one household has many addresses.</summary>
    public static Guid Of(IPAddress? address)
    {
        if (address is null)
        {
            return Guid.Empty;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        plain.TryWriteBytes(bytes, out _);
        if (plain.AddressFamily == AddressFamily.InterNetworkV6)
        {
            bytes[8..].Clear();
        }

        return new Guid(bytes);
    }

    /// <summary>What was counted here since the last time it was asked, by key and window.</summary>
    internal IReadOnlyList<(Bucket Bucket, byte[] Key, long Window, long Used)> Take()
    {
        var window = clock.GetUtcNow().ToUnixTimeSeconds() / RatePolicy.WindowSeconds;
        Forget(window);
        var taken = new List<(Bucket, byte[], long, long)>();
        foreach (var ((policy, who), bucket) in _buckets)
        {
            if (bucket.Take(window) is { } used)
            {
                taken.Add((bucket, SHA256.HashData(Encoding.UTF8.GetBytes(policy + ':' + who)), window, used));
            }
        }

        return taken;
    }

    private void Forget(long window)
    {
        foreach (var (key, bucket) in _buckets)
        {
            if (bucket.TryEnd(window))
            {
                _buckets.TryRemove(new(key, bucket));
            }
        }
    }

    /// <summary>One caller's count of the present window.</summary>
    /// <param name="window">The window counted in.</param>
    internal sealed class Bucket(long window)
    {
        private readonly Lock _lock = new();
        private long _window = window;
        private long _shared;
        private long _own;
        private bool _isOver;

        /// <summary>Counts one.</summary>
        /// <returns>
        /// Used in the window so far, with this one. Beyond the quota nothing more is counted. Null where the bucket is over.
        /// </returns>
        public long? Count(long window, long quota)
        {
            lock (_lock)
            {
                if (_isOver)
                {
                    return null;
                }

                Turn(window);
                var used = _shared + _own + 1;
                _own += used <= quota ? 1 : 0;
                return used;
            }
        }

        /// <summary>Ends a bucket of a window before this one: it takes no count from then on.</summary>
        /// <returns>Whether it is over.</returns>
        public bool TryEnd(long window)
        {
            lock (_lock)
            {
                return _isOver |= _window < window;
            }
        }

        /// <summary>Used in a window so far.</summary>
        public long UsedIn(long window)
        {
            lock (_lock)
            {
                return _window == window ? _shared + _own : 0;
            }
        }

        /// <summary>Hands over what was counted here; null for a bucket of another window.</summary>
        public long? Take(long window)
        {
            lock (_lock)
            {
                if (_window != window)
                {
                    return null;
                }

                var own = _own;
                // Counted on as used by somebody, until the total is known.
                (_shared, _own) = (_shared + own, 0);
                return own;
            }
        }

        /// <summary>Learns what all nodes have counted.</summary>
        public void Learn(long window, long total)
        {
            lock (_lock)
            {
                if (_window == window)
                {
                    _shared = Math.Max(_shared, total);
                }
            }
        }

        /// <summary>Takes back what could not be handed over.</summary>
        public void Return(long window, long used)
        {
            lock (_lock)
            {
                if (_window == window)
                {
                    (_shared, _own) = (_shared - used, _own + used);
                }
            }
        }

        private void Turn(long window)
        {
            if (_window != window)
            {
                (_window, _shared, _own) = (window, 0, 0);
            }
        }
    }
}
