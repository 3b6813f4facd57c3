using System.Net;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Platform.Metrics;

/// <summary>What operators see of a node (convention 34).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ManagementPortTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private HttpClient _management = null!;

    public async Task InitializeAsync()
    {
        var port = Ports.Free();
        _host = await TestHost.StartAsync(await postgres.DatabaseAsync(), managementPort: port);
        _management = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
    }

    public async Task DisposeAsync()
    {
        _management.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task The_metrics_count_what_was_redeemed()
    {
        var given = new Catalogue(_host.Database);
        await given.CouponAsync("METER");
        var before = Attempts(await _management.GetStringAsync("/metrics"));
        var redeemed = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code = "METER",
                customer_id = await given.CustomerAsync(),
                order = new { reference = "1", amount = new { amount = 5000, currency = "USD" } },
            }
        );
        Assert.Equal(201, redeemed.Status);
        var text = await _management.GetStringAsync("/metrics");
        Assert.True(Attempts(text) > before);
        Assert.DoesNotContain("METER", text, StringComparison.Ordinal);

        // How long a request took is known when it is over, which its caller may hear of a moment before.
        await Patience.UntilAsync(
            async () =>
            {
                text = await _management.GetStringAsync("/metrics");
                return text.Contains("http_server_request_duration_seconds_bucket{", StringComparison.Ordinal);
            },
            "the time that requests took"
        );
        Assert.Contains("# TYPE http_server_request_duration_seconds histogram\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenMetrics_is_given_to_who_asks_for_it()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.TryAddWithoutValidation("Accept", "application/openmetrics-text; version=1.0.0");
        using var response = await _management.SendAsync(request);
        Assert.Equal("application/openmetrics-text", response.Content.Headers.ContentType!.MediaType);
        Assert.EndsWith("\n# EOF\n", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var plain = await _management.GetAsync("/metrics");
        Assert.Equal("text/plain", plain.Content.Headers.ContentType!.MediaType);
        Assert.DoesNotContain("# EOF", await plain.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_management_port_serves_operators_and_the_other_port_callers()
    {
        Assert.Equal(HttpStatusCode.OK, (await _management.GetAsync("/livez")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _management.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _management.GetAsync("/api/v1/customers")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _management.GetAsync("/openapi/v1.json")).StatusCode);
        Assert.Equal(404, (await _host.GetAsync("/metrics")).Status);
    }

    private static double Attempts(string metrics) =>
        metrics
            .Split('\n')
            .Where(static line => line.StartsWith("tessera_redemption_attempts_total{", StringComparison.Ordinal))
            .Where(static line => line.Contains("operation=\"redeem\",outcome=\"accepted\"", StringComparison.Ordinal))
            .Sum(static line => double.Parse(line.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture));
}
