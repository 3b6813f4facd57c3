using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Tessera.Cli.Attack;

/// <summary>Speaks to an installation as any integrator would, over HTTP.</summary>
internal sealed class AttackClient : IDisposable
{
    private readonly HttpClient _http;
    private readonly string _run = Guid.CreateVersion7().ToString("N")[^10..].ToUpperInvariant();
    private int _names;
    private long _ahead = long.MinValue;

    public AttackClient(Uri url, string key, int connections)
    {
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                MaxConnectionsPerServer = connections,
                UseProxy = false,
                AllowAutoRedirect = false,
            }
        )
        {
            BaseAddress = url,
            Timeout = TimeSpan.FromSeconds(60),
        };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>
    /// How far the server's clock is ahead of ours, at least and exact to a second. An answer tells the second in which it began, and
    /// comes later than that: whichever came soonest says most, so no later one makes what was sent by then earlier.
    /// </summary>
    public TimeSpan ServerAhead =>
        Interlocked.Read(ref _ahead) is var ahead and not long.MinValue ? new TimeSpan(ahead) : TimeSpan.Zero;

    /// <summary>A code nobody has.</summary>
    public string NewCode() =>
        string.Create(CultureInfo.InvariantCulture, $"ATK{_run}{Interlocked.Increment(ref _names):0000}");

    public Task<AttackReply> PostAsync(string path, object? body, string? idempotencyKey = null) =>
        SendAsync(HttpMethod.Post, path, body, idempotencyKey);

    public async Task<AttackReply> SendAsync(
        HttpMethod method,
        string path,
        object? body = null,
        string? idempotencyKey = null,
        string? match = null
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        }

        request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey ?? Guid.CreateVersion7().ToString());
        if (match is not null)
        {
            request.Headers.TryAddWithoutValidation("If-Match", match);
        }

        var sentAt = TimeProvider.System.GetUtcNow();
        using var response = await _http.SendAsync(request);
        if (response.Headers.Date is { } date)
        {
            Hear((date - TimeProvider.System.GetUtcNow()).Ticks);
        }

        var text = await response.Content.ReadAsStringAsync();
        return new AttackReply((int)response.StatusCode, Parse(text), sentAt + ServerAhead);
    }

    /// <summary>Makes what an attack needs; an installation that refuses it cannot be attacked.</summary>
    /// <exception cref="InvalidOperationException">It was refused.</exception>
    public async Task<JsonElement> MakeAsync(string path, object body)
    {
        var reply = await PostAsync(path, body);
        return reply.IsAccepted
            ? reply.Json
            : throw new InvalidOperationException($"POST {path} was answered with {reply.Status}: {reply.Json}");
    }

    /// <summary>A live coupon of 10 percent; members given replace those of the same name.</summary>
    public async Task<AttackCoupon> CouponAsync(string kind, Dictionary<string, object?>? more = null)
    {
        var code = NewCode();
        var draft = new Dictionary<string, object?>
        {
            ["code"] = code,
            ["code_kind"] = kind,
            ["internal_name"] = "Attack " + code,
            ["description"] = new { en = "Made by tessera attack" },
            ["discount_type"] = "percentage",
            ["discount_value"] = 10,
            ["max_uses_per_user"] = 10,
            ["valid_from"] = (TimeProvider.System.GetUtcNow() + ServerAhead).ToString(
                "yyyy-MM-dd",
                CultureInfo.InvariantCulture
            ),
            ["is_active"] = true,
        };
        foreach (var (name, value) in more ?? [])
        {
            draft[name] = value;
        }

        var made = await MakeAsync("/api/v1/admin/coupons", draft);
        return new AttackCoupon(made.GetProperty("id").GetInt64(), code, draft);
    }

    /// <summary>Unique codes of a coupon.</summary>
    public async Task<string[]> UnitsAsync(AttackCoupon coupon, int count)
    {
        var made = await MakeAsync($"/api/v1/admin/coupons/{coupon.Id}/instances", new { count });
        return [.. made.GetProperty("data").EnumerateArray().Select(static u => u.GetProperty("code").GetString()!)];
    }

    public async Task<string[]> CustomersAsync(int count)
    {
        var made = await Task.WhenAll(
            Enumerable.Range(0, count).Select(_ => MakeAsync("/api/v1/customers", new { external_id = NewCode() }))
        );
        return [.. made.Select(static c => c.GetProperty("id").GetString()!)];
    }

    public static object Use(string code, string customer, string? reservation = null, string? order = null)
    {
        var body = new Dictionary<string, object?>
        {
            ["code"] = code,
            ["customer_id"] = customer,
            ["order"] = new
            {
                reference = order ?? Guid.CreateVersion7().ToString(),
                amount = new { amount = 2000, currency = "USD" },
            },
        };
        if (reservation is not null)
        {
            body["reservation_id"] = reservation;
        }

        return body;
    }

    public Task<AttackReply> RedeemAsync(string code, string customer, string? reservation = null) =>
        PostAsync("/api/v1/redemptions", Use(code, customer, reservation));

    public void Dispose() => _http.Dispose();

    private void Hear(long ahead)
    {
        long known;
        do
        {
            known = Interlocked.Read(ref _ahead);
        } while (known < ahead && Interlocked.CompareExchange(ref _ahead, ahead, known) != known);
    }

    private static JsonElement Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text.Length == 0 ? "{}" : text).RootElement;
        }
        catch (JsonException)
        {
            return default;
        }
    }
}

/// <summary>A coupon made for an attack.</summary>
internal sealed record AttackCoupon(long Id, string Code, IReadOnlyDictionary<string, object?> Draft);

/// <summary>An answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Json">Its body.</param>
/// <param name="SentAt">When the request was sent, by the server's clock, exact to a second.</param>
internal sealed record AttackReply(int Status, JsonElement Json, DateTimeOffset SentAt)
{
    public bool IsAccepted => Status is >= 200 and < 300;

    public string? Id =>
        Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("id", out var id) ? id.ToString() : null;
}
