using System.Net;
using System.Text;
using System.Text.Json;

namespace Tessera.Server.Tests.Support;

/// <summary>What a browser does with a session: keeps the cookie, and sends the page's token with every change.</summary>
public sealed class Browser : IDisposable
{
    public const string CookieName = "tessera_session";

    private readonly HttpClient _client;
    private readonly CookieContainer _cookies = new();
    private readonly Uri _address;

    public Browser(Uri address)
    {
        _address = address;
        var handler = new HttpClientHandler { CookieContainer = _cookies, AllowAutoRedirect = false };
        _client = new HttpClient(handler) { BaseAddress = address };
    }

    /// <summary>As the latest sign-in told it.</summary>
    public string? CsrfToken { get; set; }

    /// <summary>The ticket in the cookie.</summary>
    public string? Ticket
    {
        get => _cookies.GetCookies(_address)[CookieName]?.Value;
        set => _cookies.Add(_address, new Cookie(CookieName, value, "/"));
    }

    public async Task<Reply> SignInAsync(string realm, string email, string password, string? code = null)
    {
        var reply = await SendAsync(
            HttpMethod.Post,
            "/api/v1/session",
            code is null
                ? new
                {
                    realm,
                    email,
                    password,
                }
                : (object)
                    new
                    {
                        realm,
                        email,
                        password,
                        code,
                    }
        );
        CsrfToken = reply.Status == 200 ? reply.Json.GetProperty("csrf_token").GetString() : CsrfToken;
        return reply;
    }

    public async Task<Reply> SendAsync(
        HttpMethod method,
        string path,
        object? body = null,
        IReadOnlyDictionary<string, string>? headers = null
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            var text = body as string ?? JsonSerializer.Serialize(body);
            request.Content = new StringContent(text, Encoding.UTF8, "application/json");
        }

        if (CsrfToken is not null && headers?.ContainsKey("X-CSRF-Token") != true)
        {
            request.Headers.Add("X-CSRF-Token", CsrfToken);
        }

        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        foreach (var (name, value) in headers ?? new Dictionary<string, string>())
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await _client.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    public Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Reply> PostAsync(string path, object? body = null) => SendAsync(HttpMethod.Post, path, body);

    public void Dispose() => _client.Dispose();
}
