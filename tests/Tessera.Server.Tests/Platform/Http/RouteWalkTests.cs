using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Platform.Http;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

/// <summary>What has to hold for every route there is, also for those that nobody thought of here.</summary>
[Collection(PostgresCollection.Name)]
public sealed class RouteWalkTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const int MaximumBody = 1024 * 1024;

    private TestHost _host = null!;

    public async Task InitializeAsync() => _host = await TestHost.StartAsync(postgres);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Nobody_gets_in_without_a_key()
    {
        foreach (var key in (string?[])[null, "tsk_" + new string('A', 43), "nonsense", ""])
        {
            using var stranger = _host.ClientOf(null);
            if (key is not null)
            {
                stranger.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer " + key);
            }

            foreach (var (method, path, permission, _) in Routes().Where(r => r.Permission is not null))
            {
                var reply = await _host.SendAsync(new HttpMethod(method), path, BodyOf(method), client: stranger);
                Assert.True(
                    (401, "not_signed_in") == (reply.Status, reply.Code),
                    $"{method} {path} needs {permission}"
                );
                Assert.Equal("application/problem+json", reply.MediaType);
                Assert.StartsWith("Bearer", reply.Header("WWW-Authenticate"), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Nobody_does_what_his_key_was_not_made_for()
    {
        using var nobody = _host.ClientOf(await _host.KeyAsync([]));
        foreach (var group in Routes().Where(r => r.Permission is not null).GroupBy(r => r.Permission))
        {
            var others = Permissions.All.Where(p => p != group.Key).ToArray();
            using var other = _host.ClientOf(await _host.KeyAsync(others));
            foreach (var (method, path, _, _) in group.Where(r => r.Permission != Permissions.SignedIn))
            {
                foreach (var client in (HttpClient[])[nobody, other])
                {
                    var reply = await _host.SendAsync(new HttpMethod(method), path, BodyOf(method), client: client);
                    Assert.True((403, "forbidden") == (reply.Status, reply.Code), $"{method} {path}: {reply.Status}");
                }
            }
        }
    }

    [Fact]
    public void Only_what_is_meant_to_be_open_is_open()
    {
        // Whoever signs in is nobody yet; a callback is signed, and its tests say what becomes of those that are not.
        string[] meant =
        [
            "POST /api/v1/session",
            "POST /api/v1/invitations/accept",
            "POST /api/v1/sign-in/oidc",
            "GET /api/v1/sign-in/oidc/callback",
            "GET /api/v1/sign-in",
            "POST /api/v1/sign-in/passkey",
            "POST /api/v1/sign-in/passkey/finish",
            "POST /api/v1/sign-in/saml",
            "POST /api/v1/sign-in/saml/callback",
            "GET /api/v1/sign-in/saml/metadata",
            $"POST /api/v1/connectors/{Missing}/acknowledgements",
            $"POST /api/v1/connectors/{Missing}/events",
        ];
        var open = Routes().Where(r => r.Permission is null).Select(r => $"{r.Method} {r.Path}");
        Assert.Equal(meant.Order(), open.Where(r => r.Contains(" /api/", StringComparison.Ordinal)).Order());
        var silent = _host
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.Where(e => e is RouteEndpoint && e.Metadata.GetMetadata<RequiredPermission>() is null);
        Assert.Empty(silent);
    }

    [Fact]
    public async Task Every_write_refuses_a_body_that_is_not_one_json_object()
    {
        (string Name, byte[] Body, string Type, int Status, string Code)[] cases =
        [
            ("empty", [], "application/json", 400, "malformed_json"),
            ("cut", "{\"a\":"u8.ToArray(), "application/json", 400, "malformed_json"),
            ("list", "[]"u8.ToArray(), "application/json", 400, "malformed_json"),
            ("null", "null"u8.ToArray(), "application/json", 400, "malformed_json"),
            ("two", "{}{}"u8.ToArray(), "application/json", 400, "malformed_json"),
            ("comment", "{/**/}"u8.ToArray(), "application/json", 400, "malformed_json"),
            ("NaN", "{\"a\":NaN}"u8.ToArray(), "application/json", 400, "malformed_json"),
            ("trailing comma", "{\"a\":1,}"u8.ToArray(), "application/json", 400, "malformed_json"),
            ("not UTF-8", [.. "{\"a\":\""u8, 0xC3, 0x28, .. "\"}"u8], "application/json", 400, "malformed_json"),
            ("too deep", Deep(33), "application/json", 400, "invalid_request"),
            ("form", "a=1"u8.ToArray(), "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
            ("text", "{}"u8.ToArray(), "text/plain", 415, "unsupported_media_type"),
            ("Latin-1", "{}"u8.ToArray(), "application/json; charset=iso-8859-1", 415, "unsupported_media_type"),
            ("no type", "{}"u8.ToArray(), "", 415, "unsupported_media_type"),
            ("too large", Large(MaximumBody + 1), "application/json", 413, "body_too_large"),
        ];
        foreach (var (method, path, _, _) in Writes())
        {
            foreach (var (name, body, type, status, code) in cases)
            {
                var reply = await SendAsync(method, path, body, type);
                Assert.True((status, code) == (reply.Status, reply.Code), $"{method} {path} {name}: {reply.Body}");
            }
        }
    }

    [Fact]
    public async Task A_body_that_does_not_say_its_length_has_the_same_bound()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/merchants");
        request.Content = new ByteArrayContent(Large(MaximumBody + 1));
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse("application/json");
        request.Headers.TransferEncodingChunked = true;
        using var response = await _host.Client.SendAsync(request);
        Assert.Equal("body_too_large", (await Reply.OfAsync(response)).Code);
    }

    [Fact]
    public async Task Every_write_names_members_it_does_not_know_or_was_given_twice()
    {
        // Those of a record that is not there answer 404 before they look.
        foreach (var (method, path, _, _) in Writes().Where(r => !NamesARecord(r.Path)))
        {
            var body = """{"zz":1,"zz":2,"\ud800":3,"a/b~c":{"deep":{"er":[]}}}"""u8.ToArray();
            var reply = await SendAsync(method, path, body, "application/json");
            Assert.Equal((400, "invalid_request"), (reply.Status, reply.Code));
            Assert.Contains(("zz", "unknown_member"), reply.Errors);
            Assert.Contains(("zz", "duplicate_member"), reply.Errors);
            Assert.Contains(reply.Errors, e => e.Code == "invalid_name");
            Assert.Contains(
                "#/a~1b~0c",
                reply.Json.GetProperty("errors").EnumerateArray().Select(e => e.GetProperty("pointer").GetString())
            );
        }
    }

    [Fact]
    public async Task A_refusal_is_a_whole_problem_document()
    {
        var reply = await _host.SendAsync(
            HttpMethod.Get,
            "/api/v1/nothing",
            headers: new Dictionary<string, string> { ["X-Request-Id"] = "my-id.1" }
        );
        Assert.Equal((404, "application/problem+json"), (reply.Status, reply.MediaType));
        Assert.Equal("my-id.1", reply.Header("X-Request-Id"));
        Assert.Equal(
            """["type","title","status","detail","instance","code","request_id"]""",
            System.Text.Json.JsonSerializer.Serialize(reply.Json.EnumerateObject().Select(m => m.Name))
        );
        Assert.Equal("urn:tessera:problem:not_found", reply.Json.GetProperty("type").GetString());
        Assert.Equal("/api/v1/nothing", reply.Json.GetProperty("instance").GetString());
        Assert.Equal("my-id.1", reply.Json.GetProperty("request_id").GetString());
        var other = await _host.SendAsync(
            HttpMethod.Get,
            "/api/v1/nothing",
            headers: new Dictionary<string, string> { ["X-Request-Id"] = "not an id" }
        );
        Assert.Matches("^[0-9a-f]{32}$", other.Header("X-Request-Id"));
    }

    [Fact]
    public async Task A_method_that_is_not_taken_is_answered_with_those_that_are()
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, "/api/v1/merchants");
        using var response = await _host.Client.SendAsync(request);
        Assert.Equal(405, (int)response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(["GET", "POST"], response.Content.Headers.Allow.Order());
        using var trace = new HttpRequestMessage(HttpMethod.Trace, "/api/v1/merchants");
        using var refused = await _host.Client.SendAsync(trace);
        Assert.Equal(405, (int)refused.StatusCode);
    }

    [Fact]
    public async Task Every_answer_carries_the_security_headers_and_is_not_kept_by_caches()
    {
        foreach (var path in (string[])["/api/v1/merchants", "/api/v1/nothing", "/openapi/v1.json", "/livez"])
        {
            var reply = await _host.GetAsync(path);
            Assert.Equal("nosniff", reply.Header("X-Content-Type-Options"));
            Assert.NotNull(reply.Header("Content-Security-Policy"));
            Assert.NotNull(reply.Header("Referrer-Policy"));
            Assert.NotNull(reply.Header("X-Request-Id"));
            Assert.Null(reply.Header("Server"));
        }

        Assert.Equal("no-store", (await _host.GetAsync("/api/v1/merchants")).Header("Cache-Control"));
    }

    private const string Missing = "01970f3e-8a00-7c3e-9d52-000000000000";
    private const string MissingNumber = "987654321";

    private static bool NamesARecord(string path) =>
        path.Contains(Missing, StringComparison.Ordinal) || path.Contains(MissingNumber, StringComparison.Ordinal);

    private IEnumerable<(string Method, string Path, string? Permission, bool TakesBody)> Routes() =>
        from endpoint in _host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let required = endpoint.Metadata.GetMetadata<RequiredPermission>()
        from method in endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (
            method,
            PathOf(endpoint),
            required?.Permission,
            endpoint.Metadata.GetMetadata<BodyFact>() is { MediaType: Wire.MediaType or RequestBody.MergePatch }
        );

    private IEnumerable<(string Method, string Path, string? Permission, bool TakesBody)> Writes() =>
        Routes().Where(r => r.TakesBody);

    private async Task<Reply> SendAsync(string method, string path, byte[] body, string type)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = type.Length == 0 ? null : MediaTypeHeaderValue.Parse(type);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", Guid.CreateVersion7().ToString());
        request.Headers.TryAddWithoutValidation("If-Match", "\"1\"");
        using var response = await _host.Client.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    private static string PathOf(RouteEndpoint endpoint)
    {
        var path = new StringBuilder();
        foreach (var segment in endpoint.RoutePattern.PathSegments)
        {
            path.Append('/');
            foreach (var part in segment.Parts)
            {
                path.Append(
                    part switch
                    {
                        Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
                        Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart parameter => Value(parameter),
                        _ => "",
                    }
                );
            }
        }

        return path.Length == 0 ? "/" : path.ToString();
    }

    private static string Value(Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart parameter) =>
        parameter.ParameterPolicies is [{ Content: "long" or "int" }, ..] ? MissingNumber : Missing;

    private static string? BodyOf(string method) => method is "GET" or "DELETE" ? null : "{}";

    private static byte[] Deep(int levels) =>
        Encoding.ASCII.GetBytes("{\"a\":" + new string('[', levels - 1) + new string(']', levels - 1) + "}");

    private static byte[] Large(int bytes) => Encoding.ASCII.GetBytes("{\"a\":\"" + new string('x', bytes - 8) + "\"}");
}
