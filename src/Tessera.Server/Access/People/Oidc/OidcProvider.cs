using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Tessera.Server.Access.People.Oidc;

/// <summary>The provider refused, or is not the one it should be.</summary>
public sealed class OidcException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// Speaks with the identity provider: reads what it says about itself, exchanges codes for tokens. Its addresses are the
/// deployment's choice, so the guard of calls that users can influence does not apply; redirects are not followed.
/// </summary>
public sealed class OidcProvider : IDisposable
{
    private const int LongestAnswer = 512 * 1024;

    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly OidcOptions _options;
    private readonly TimeProvider _clock;
    private readonly HttpClient _client;
    private readonly SemaphoreSlim _one = new(1);
    private Known? _known;

    /// <summary>Asks nothing yet.</summary>
    public OidcProvider(OidcOptions options, TimeProvider clock)
    {
        (_options, _clock) = (options, clock);
        _client = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                ConnectTimeout = TimeSpan.FromSeconds(3),
            }
        )
        {
            Timeout = Patience,
            MaxResponseContentBufferSize = LongestAnswer,
        };
    }

    /// <summary>Where the browser goes to sign in.</summary>
    /// <exception cref="OidcException">The provider cannot be asked, or names another issuer.</exception>
    public async Task<Uri> AuthorizationAsync(string state, string nonce, string challenge, CancellationToken cancel)
    {
        var known = await LearnAsync(cancel);
        var query = new Dictionary<string, string?>
        {
            ["response_type"] = "code",
            ["client_id"] = _options.ClientId,
            ["redirect_uri"] = _options.RedirectUri,
            ["scope"] = "openid",
            ["state"] = state,
            ["nonce"] = nonce,
            ["code_challenge"] = challenge,
            ["code_challenge_method"] = "S256",
        };
        return new Uri(Microsoft.AspNetCore.WebUtilities.QueryHelpers.AddQueryString(known.Authorization, query));
    }

    /// <summary>The subject behind a code.</summary>
    /// <returns>The subject, or in one word what is wrong.</returns>
    /// <exception cref="OidcException">The provider cannot be asked, or refuses.</exception>
    public async Task<(string? Subject, string? Fault)> ExchangeAsync(
        string code,
        string verifier,
        string nonce,
        CancellationToken cancel
    )
    {
        var known = await LearnAsync(cancel);
        using var request = new HttpRequestMessage(HttpMethod.Post, known.Token);
        request.Content = new FormUrlEncodedContent(
            new Dictionary<string, string>
            {
                ["grant_type"] = "authorization_code",
                ["code"] = code,
                ["redirect_uri"] = _options.RedirectUri,
                ["code_verifier"] = verifier,
            }
        );
        var credentials = Uri.EscapeDataString(_options.ClientId) + ':' + Uri.EscapeDataString(_options.ClientSecret);
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes(credentials))
        );
        using var answer = await AskAsync(request, cancel);
        if (answer is null)
        {
            // The code is forged, was used before, or is not for this verifier.
            return (null, "code");
        }

        var token = answer.RootElement.TryGetProperty("id_token", out var value) ? value.GetString() : null;
        var result = IdToken.Check(token, known.Keys, _options, nonce, _clock.GetUtcNow());
        if (result.Fault != "key")
        {
            return result;
        }

        // The provider may have changed its keys since we read them.
        known = await LearnAsync(cancel, after: known);
        return IdToken.Check(token, known.Keys, _options, nonce, _clock.GetUtcNow());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        _one.Dispose();
    }

    private async Task<Known> LearnAsync(CancellationToken cancel, Known? after = null)
    {
        await _one.WaitAsync(cancel);
        try
        {
            if (_known is { } known && known != after && _clock.GetElapsedTime(known.At) < Freshness)
            {
                return known;
            }

            var at = _clock.GetTimestamp();
            using var about = await GetAsync(
                _options.Issuer.TrimEnd('/') + "/.well-known/openid-configuration",
                cancel
            );
            var json = about.RootElement;
            if (Text(json, "issuer") != _options.Issuer)
            {
                throw new OidcException("The provider names another issuer than the configured one.");
            }

            using var keys = await GetAsync(Address(json, "jwks_uri"), cancel);
            return _known = new Known(
                at,
                Address(json, "authorization_endpoint"),
                Address(json, "token_endpoint"),
                keys.RootElement.Clone()
            );
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException)
        {
            throw new OidcException("The provider's description of itself cannot be read.", error);
        }
        finally
        {
            _one.Release();
        }
    }

    private async Task<JsonDocument> GetAsync(string address, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        return await AskAsync(request, cancel) ?? throw new OidcException("The provider answered 400.");
    }

    /// <summary>The answer; null for 400, with which a token endpoint refuses what it was given (RFC 6749, 5.2).</summary>
    private async Task<JsonDocument?> AskAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        try
        {
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            using var response = await _client.SendAsync(request, cancel);
            return response.StatusCode == HttpStatusCode.BadRequest ? null
                : response.IsSuccessStatusCode ? JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancel))
                : throw new OidcException($"The provider answered {(int)response.StatusCode}.");
        }
        catch (Exception error)
            when (error is HttpRequestException or JsonException
                || (error is OperationCanceledException && !cancel.IsCancellationRequested)
            )
        {
            throw new OidcException("The provider cannot be asked.", error);
        }
    }

    private static string Address(JsonElement json, string name) =>
        Text(json, name) is { } address && OidcOptions.IsSafe(address)
            ? address
            : throw new OidcException($"The provider gives no safe {name}.");

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value.GetString() : null;

    private sealed record Known(long At, string Authorization, string Token, JsonElement Keys);
}
