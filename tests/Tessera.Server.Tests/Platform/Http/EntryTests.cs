using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tessera.Server.Platform.Http;
using Tessera.Server.Platform.Lanes;
using Xunit;

namespace Tessera.Server.Tests.Platform.Http;

public sealed class EntryTests
{
    [Fact]
    public async Task A_database_that_is_away_is_said_to_be_with_the_time_to_come_again()
    {
        Exception[] outages =
        [
            new NpgsqlException("secret host", new System.Net.Sockets.SocketException(111)),
            new PostgresException("secret", "FATAL", "FATAL", "57P01"),
            new PostgresException("secret", "FATAL", "FATAL", "53300"),
            new NpgsqlException("secret", new TimeoutException()),
            new LaneUnavailableException("secret", new NpgsqlException("secret")),
        ];
        foreach (var outage in outages)
        {
            var (response, body) = await RunAsync(_ => throw outage);
            Assert.Equal(503, response.StatusCode);
            Assert.Equal("1", response.Headers.RetryAfter);
            Assert.Equal("database_unavailable", body.GetProperty("code").GetString());
            Assert.DoesNotContain("secret", body.GetRawText(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("40001")]
    [InlineData("40P01")]
    [InlineData("55P03")]
    [InlineData("23503")]
    [InlineData("23505")]
    [InlineData("23P01")]
    public async Task A_transaction_that_lost_a_contest_may_be_sent_again(string state)
    {
        var (response, body) = await RunAsync(_ => throw new PostgresException("secret", "ERROR", "ERROR", state));
        Assert.Equal((503, "1"), (response.StatusCode, response.Headers.RetryAfter.ToString()));
        Assert.Equal("too_busy", body.GetProperty("code").GetString());
        Assert.DoesNotContain("secret", body.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_defect_tells_nothing_but_the_request_id()
    {
        var (response, body) = await RunAsync(_ => throw new InvalidOperationException("select secret from /etc"));
        Assert.Equal(500, response.StatusCode);
        Assert.Equal("internal_error", body.GetProperty("code").GetString());
        Assert.Equal(response.Headers["X-Request-Id"], body.GetProperty("request_id").GetString());
        Assert.DoesNotContain("secret", body.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", body.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_statement_that_is_wrong_is_a_defect_and_not_an_outage()
    {
        var (response, _) = await RunAsync(_ => throw new PostgresException("secret", "ERROR", "ERROR", "42703"));
        Assert.Equal(500, response.StatusCode);
    }

    [Fact]
    public async Task A_bare_status_becomes_a_problem()
    {
        foreach (var status in (int[])[400, 404, 405, 413, 415, 500])
        {
            var (response, body) = await RunAsync(context =>
            {
                context.Response.StatusCode = status;
                return Task.CompletedTask;
            });
            Assert.Equal((status, status), (response.StatusCode, body.GetProperty("status").GetInt32()));
            Assert.Equal("application/problem+json", response.ContentType);
        }
    }

    private static async Task<(HttpResponse Response, JsonElement Body)> RunAsync(RequestDelegate next)
    {
        var context = new DefaultHttpContext();
        using var body = new MemoryStream();
        context.Response.Body = body;
        await new Entry(next, NullLogger<Entry>.Instance).InvokeAsync(context);
        return (context.Response, JsonDocument.Parse(body.ToArray()).RootElement);
    }
}
