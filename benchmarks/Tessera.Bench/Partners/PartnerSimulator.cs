using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Tessera.Bench.Partners;

/// <summary>How a simulated partner behaves.</summary>
public enum Behaviour
{
    /// <summary>Obeys and confirms.</summary>
    Healthy,

    /// <summary>Obeys, and confirms too late.</summary>
    Slow,

    /// <summary>Says that it is too much: 429.</summary>
    Throttling,

    /// <summary>500.</summary>
    Failing,

    /// <summary>Obeys, and answers with what nobody can read.</summary>
    Garbage,

    /// <summary>Obeys, and answers without end.</summary>
    Endless,

    /// <summary>Hangs up without an answer.</summary>
    Dead,

    /// <summary>Well for some seconds, then 500 for some seconds.</summary>
    Flapping,

    /// <summary>Obeys and hangs up; only the third attempt is answered.</summary>
    Dropping,

    /// <summary>Refuses for good: 422.</summary>
    Refusing,

    /// <summary>Is not there any more: 410.</summary>
    Gone,

    /// <summary>Takes it with 202 and is to confirm later.</summary>
    Accepting,
}

/// <summary>
/// Partners on loopback, as many as are asked for: <c>http://…/&lt;name&gt;</c> behaves as the name was registered. Each
/// records what it did by idempotency key, as a good partner would: a key has one effect, however often it comes.
/// </summary>
public sealed class PartnerSimulator : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, SimulatedPartner> _partners = new(StringComparer.Ordinal);

    private PartnerSimulator(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = new("http://127.0.0.1");

    public TimeProvider Clock { get; } = TimeProvider.System;

    public static async Task<PartnerSimulator> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var simulator = new PartnerSimulator(app);
        app.Run(simulator.AnswerAsync);
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        simulator.Address = new Uri(addresses.First());
        return simulator;
    }

    /// <summary>Adds a partner.</summary>
    /// <returns>It, with its address.</returns>
    public SimulatedPartner Add(string name, Behaviour behaviour) =>
        _partners[name] = new SimulatedPartner(behaviour, new Uri(Address, name).ToString(), Clock);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        var name = path.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "";
        if (!_partners.TryGetValue(name, out var partner))
        {
            context.Response.StatusCode = 404;
            return;
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        partner.Note(context.Request, body.RootElement);
        var key = context.Request.Headers["Idempotency-Key"].ToString();
        await partner.BehaveAsync(context, key, body.RootElement);
    }
}

/// <summary>One partner and what it did.</summary>
public sealed class SimulatedPartner(Behaviour behaviour, string address, TimeProvider clock)
{
    private static readonly byte[] Confirmed = "{\"acknowledged\":true}"u8.ToArray();
    private static readonly TimeSpan Flap = TimeSpan.FromSeconds(4);

    private readonly Lock _lock = new();
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Coupon> _coupons = [];
    private readonly List<(DateTimeOffset At, int Count)> _effects = [];
    private readonly List<string> _keys = [];
    private (DateTimeOffset? Mark, DateTimeOffset At) _marked;
    private (int Calls, IReadOnlyDictionary<string, string> Headers, string Body) _last = (
        0,
        new Dictionary<string, string>(),
        ""
    );

    public string Address { get; } = address;

    public Behaviour Behaviour { get; set; } = behaviour;

    /// <summary>Calls that came, whatever became of them.</summary>
    public int Calls => Last.Calls;

    /// <summary>The highest low-water mark it was told, and when it was told that.</summary>
    public (DateTimeOffset? Mark, DateTimeOffset At) Marked
    {
        get
        {
            lock (_lock)
            {
                return _marked;
            }
        }
    }

    /// <summary>What was told last of each coupon: true for enabled.</summary>
    public Dictionary<long, bool> Enabled
    {
        get
        {
            lock (_lock)
            {
                return _coupons.ToDictionary(static c => c.Key, static c => c.Value.IsEnabled);
            }
        }
    }

    /// <summary>The keys that came, in order, repeats included.</summary>
    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_lock)
            {
                return [.. _keys];
            }
        }
    }

    /// <summary>Headers of the last call.</summary>
    public IReadOnlyDictionary<string, string> LastHeaders => Last.Headers;

    /// <summary>Body of the last call.</summary>
    public string LastBody => Last.Body;

    /// <summary>Ids it says it still accepts, when it is asked.</summary>
    public IReadOnlyList<long> Usable { get; set; } = [];

    /// <summary>Ids the next calls reject.</summary>
    public IReadOnlyList<long> Rejects { get; set; } = [];

    /// <summary>Waited for before a call that has come is answered.</summary>
    public Task Answering { get; set; } = Task.CompletedTask;

    /// <summary>When which effects were had.</summary>
    public IReadOnlyList<(DateTimeOffset At, int Count)> Effects
    {
        get
        {
            lock (_lock)
            {
                return [.. _effects];
            }
        }
    }

    /// <summary>Whether a coupon was told, by id.</summary>
    public bool HasApplied(long id)
    {
        lock (_lock)
        {
            return _coupons.ContainsKey(id);
        }
    }

    /// <summary>Coupons that were told, and those that were told under more than one key.</summary>
    public (int Once, int Twice) Count()
    {
        lock (_lock)
        {
            return (_coupons.Count, _coupons.Values.Count(static c => c.Disabled > 1));
        }
    }

    /// <summary>How many calls came, and the last of them: whoever sees that it came sees what came.</summary>
    private (int Calls, IReadOnlyDictionary<string, string> Headers, string Body) Last
    {
        get
        {
            lock (_lock)
            {
                return _last;
            }
        }
    }

    internal void Note(HttpRequest request, JsonElement body)
    {
        lock (_lock)
        {
            _keys.Add(request.Headers["Idempotency-Key"].ToString());
            _last = (
                _last.Calls + 1,
                request.Headers.ToDictionary(
                    static header => header.Key,
                    static header => header.Value.ToString(),
                    StringComparer.OrdinalIgnoreCase
                ),
                body.GetRawText()
            );
        }
    }

    internal async Task BehaveAsync(HttpContext context, string key, JsonElement body)
    {
        var response = context.Response;
        await Answering.WaitAsync(context.RequestAborted);
        switch (Behaviour)
        {
            case Behaviour.Throttling:
                response.StatusCode = 429;
                response.Headers.RetryAfter = "2";
                return;
            case Behaviour.Failing:
            case Behaviour.Flapping when clock.GetUtcNow().Ticks / Flap.Ticks % 2 == 1:
                response.StatusCode = 500;
                return;
            case Behaviour.Refusing:
                response.StatusCode = 422;
                return;
            case Behaviour.Gone:
                response.StatusCode = 410;
                return;
            case Behaviour.Dead:
                context.Abort();
                return;
            default:
                break;
        }

        if (context.Request.Path.Value!.EndsWith("/queries", StringComparison.Ordinal))
        {
            response.ContentType = "application/json";
            await response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(new { usable = Usable }));
            return;
        }

        var attempt = Apply(key, body);
        switch (Behaviour)
        {
            case Behaviour.Slow:
                await Task.Delay(TimeSpan.FromSeconds(30), clock, context.RequestAborted);
                break;
            case Behaviour.Garbage:
                await response.Body.WriteAsync("<html>\0\x1b[31m it works"u8.ToArray());
                return;
            case Behaviour.Endless:
                var page = Encoding.ASCII.GetBytes(new string('x', 16 * 1024));
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await response.Body.WriteAsync(page, context.RequestAborted);
                    // A write to somebody who hung up ends at once: without a rest this would spin until the pool of
                    // threads, which the node shares, gets to say so.
                    await Task.Delay(1, context.RequestAborted);
                }

                return;
            case Behaviour.Dropping when attempt < 3:
                context.Abort();
                return;
            case Behaviour.Accepting:
                response.StatusCode = 202;
                return;
            default:
                break;
        }

        response.ContentType = "application/json";
        await response.Body.WriteAsync(
            Rejects.Count == 0
                ? Confirmed
                : JsonSerializer.SerializeToUtf8Bytes(
                    new { rejected = Rejects.Select(static id => new { id, reason = "unknown coupon" }) }
                )
        );
    }

    /// <summary>Has the effect of a call, unless its key had it before.</summary>
    /// <returns>How often the key came.</returns>
    private int Apply(string key, JsonElement body)
    {
        lock (_lock)
        {
            var attempt = _attempts[key] = _attempts.GetValueOrDefault(key) + 1;
            if (!_done.Add(key))
            {
                return attempt;
            }

            var count = ApplyPart(body, body.TryGetProperty("type", out var type) ? type.GetString() : null);
            if (body.TryGetProperty("exceptions", out var exceptions))
            {
                foreach (var exception in exceptions.EnumerateArray())
                {
                    count += ApplyPart(exception, "coupons." + exception.GetProperty("type").GetString());
                }
            }

            if (body.TryGetProperty("mark", out var mark) && !(_marked.Mark >= mark.GetDateTimeOffset()))
            {
                _marked = (mark.GetDateTimeOffset(), clock.GetUtcNow());
            }

            if (count > 0)
            {
                _effects.Add((clock.GetUtcNow(), count));
            }

            return attempt;
        }
    }

    private int ApplyPart(JsonElement part, string? type)
    {
        var count = 0;
        var isEnable = type == "coupons.enable";
        void One(long id)
        {
            ref var coupon = ref CollectionsMarshal.GetValueRefOrAddDefault(_coupons, id, out _);
            coupon = new Coupon(coupon.Disabled + (isEnable ? 0 : 1), isEnable);
            count++;
        }

        if (part.TryGetProperty("id", out var single) && single.ValueKind == JsonValueKind.Number)
        {
            One(single.GetInt64());
        }

        if (part.TryGetProperty("ids", out var ids))
        {
            foreach (var id in ids.EnumerateArray())
            {
                One(id.GetInt64());
            }
        }

        return count;
    }

    private readonly record struct Coupon(int Disabled, bool IsEnabled);
}
