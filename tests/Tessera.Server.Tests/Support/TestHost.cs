using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Server.Access;
using Tessera.Server.Platform;
using Xunit;

namespace Tessera.Server.Tests.Support;

/// <summary>The whole service on a loopback port over a database of its own, and a client with an administrator key.</summary>
public sealed class TestHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestHost(WebApplication app, TestDatabase database, Uri address, string key)
    {
        (_app, Database, Address, Key) = (app, database, address, key);
        Client = ClientOf(key);
    }

    public TestDatabase Database { get; }

    public Uri Address { get; }

    public string Key { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<TestHost> StartAsync(
        PostgresFixture postgres,
        Action<WebApplicationBuilder>? customise = null
    ) => await StartAsync(await postgres.DatabaseAsync(), customise);

    /// <summary>One that may call partners on this machine.</summary>
    /// <param name="postgres">Where its database is made.</param>
    /// <param name="fileDrop">Below which file connectors write.</param>
    public static async Task<TestHost> StartBesidePartnersAsync(PostgresFixture postgres, string? fileDrop = null)
    {
        var database = await postgres.DatabaseAsync();
        var settings = new Settings
        {
            ConnectionString = database.ConnectionString,
            EgressAllow = [IPNetwork.Parse("127.0.0.0/8")],
            FileDrop = fileDrop,
        };
        return await StartAsync(database, builder => builder.Services.AddSingleton(settings));
    }

    public static async Task<TestHost> StartAsync(
        TestDatabase database,
        Action<WebApplicationBuilder>? customise = null,
        int? managementPort = null,
        bool staffSecondFactor = false,
        string? webDirectory = null,
        bool schedules = false
    )
    {
        var settings = new Settings
        {
            ConnectionString = database.ConnectionString,
            Port = 0,
            ManagementPort = managementPort,
            DrainSeconds = 0,
            WebDirectory = webDirectory ?? "no-web-app-here",
            StaffSecondFactor = staffSecondFactor,
            Schedules = schedules,
        };
        var app = TesseraHost.Build(
            settings,
            builder =>
            {
                var isLoud = Environment.GetEnvironmentVariable("TESSERA_TEST_LOG") is not null;
                builder.Logging.SetMinimumLevel(isLoud ? LogLevel.Information : LogLevel.Critical);
                customise?.Invoke(builder);
            }
        );
        await app.StartAsync();
        var address = app
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First();
        var key = await ApiKeys.BootstrapAsync(app.Services.GetRequiredService<Database>(), CancellationToken.None);
        return new TestHost(app, database, new Uri(address), key!);
    }

    /// <summary>A client with another key, or none.</summary>
    public HttpClient ClientOf(string? key)
    {
        var client = new HttpClient { BaseAddress = Address };
        if (key is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return client;
    }

    /// <summary>Makes a key with the given permissions.</summary>
    public async Task<string> KeyAsync(
        IReadOnlyList<string> permissions,
        Guid? merchant = null,
        IReadOnlyList<string>? channels = null,
        bool merchantExists = true
    )
    {
        if (merchant is not null && !merchantExists)
        {
            await Database.ExecuteAsync("insert into access.merchant (id, name) values ($1, 'Merchant')", merchant);
        }

        await using var work = await Database.Database.BeginAsync(default);
        var wanted = new NewApiKey("test", permissions, "job:test", merchant, channels);
        var (_, key) = await ApiKeys.CreateAsync(work, wanted, "test", default);
        await work.CommitAsync(default);
        return key;
    }

    /// <summary>Sends JSON, with an idempotency key of its own unless one is given.</summary>
    public async Task<Reply> SendAsync(
        HttpMethod method,
        string path,
        object? body = null,
        string? idempotencyKey = null,
        HttpClient? client = null,
        IReadOnlyDictionary<string, string>? headers = null
    )
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            var text = body as string ?? JsonSerializer.Serialize(body);
            request.Content = new StringContent(text, Encoding.UTF8, "application/json");
        }

        request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey ?? Guid.CreateVersion7().ToString());
        foreach (var (name, value) in headers ?? new Dictionary<string, string>())
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await (client ?? Client).SendAsync(request);
        return await Reply.OfAsync(response);
    }

    public Task<Reply> PostAsync(
        string path,
        object? body = null,
        string? idempotencyKey = null,
        HttpClient? client = null
    ) => SendAsync(HttpMethod.Post, path, body, idempotencyKey, client);

    public Task<Reply> GetAsync(string path, HttpClient? client = null) =>
        SendAsync(HttpMethod.Get, path, client: client);

    /// <summary>Waits until an operation is over, and reads it.</summary>
    public async Task<JsonElement> EndOfAsync(string location)
    {
        JsonElement operation = default;
        await Patience.UntilAsync(
            async () =>
            {
                operation = (await GetAsync(location)).Json;
                return operation.GetProperty("status").GetString() is "succeeded" or "failed";
            },
            () => Task.FromResult($"the end of an operation: {operation}")
        );
        return operation;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await Database.DisposeAsync();
    }
}

/// <summary>An answer, read whole.</summary>
public sealed record Reply(int Status, string Body, HttpResponseHeaders Headers, string? MediaType)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    /// <summary>The machine-readable code of a problem.</summary>
    public string? Code => Json.TryGetProperty("code", out var code) ? code.GetString() : null;

    /// <summary>Bad fields and their codes, of a problem.</summary>
    public IReadOnlyList<(string Field, string Code)> Errors =>
        Json.TryGetProperty("errors", out var errors)
            ?
            [
                .. errors
                    .EnumerateArray()
                    .Select(e => (e.GetProperty("field").GetString()!, e.GetProperty("code").GetString()!)),
            ]
            : [];

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? values.First() : null;

    public static async Task<Reply> OfAsync(HttpResponseMessage response) =>
        new(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Headers,
            response.Content.Headers.ContentType?.MediaType
        );
}
