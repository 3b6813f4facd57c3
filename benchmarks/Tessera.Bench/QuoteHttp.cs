using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Server;
using Tessera.Server.Access;
using Tessera.Server.Platform.Http;

namespace Tessera.Bench;

/// <summary>
/// Quotes over HTTP against an endpoint that reads the same body, asks for the same permission and answers as many bytes,
/// in one process, in turns, by the same callers.
/// </summary>
internal static class QuoteHttp
{
    private const int Callers = 16;
    private const int Active = 1_000;

    /// <summary>Measures both.</summary>
    /// <returns>Quotes a second, empty answers a second.</returns>
    public static async Task<(double Quotes, double Empty)> RunAsync(bool quick)
    {
        await using var ground = await Ground.MakeAsync();
        await ground.ExecuteAsync(Promotions, Active);
        var settings = new Settings
        {
            ConnectionString = ground.ConnectionString,
            Port = 0,
            DrainSeconds = 0,
        };
        await using var app = TesseraHost.Build(settings, b => b.Logging.SetMinimumLevel(LogLevel.Error));
        byte[] answer = [];
        app.MapPost(
                "/empty",
                async (HttpContext context) =>
                {
                    await RequestBody.ReadAsync(context);
                    context.Response.ContentType = Wire.MediaType;
                    context.Response.ContentLength = answer.Length;
                    await context.Response.Body.WriteAsync(answer);
                }
            )
            .RequirePermission(Permissions.QuotesPrice);
        await app.StartAsync();
        var address = app
            .Services.GetRequiredService<IServer>()
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First();
        var key = await ApiKeys.BootstrapAsync(ground.Database, CancellationToken.None);
        using var client = new HttpClient { BaseAddress = new Uri(address) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var body = Encoding.UTF8.GetBytes(Cart());
        answer = await SendAsync(client, "/api/v1/quotes", body);
        var seconds = quick ? 0.5 : 2;
        var (quotes, empty) = (new List<double>(), new List<double>());
        await RateAsync(client, "/api/v1/quotes", body, seconds);
        await RateAsync(client, "/empty", body, seconds);
        for (var round = 0; round < (quick ? 1 : 5); round++)
        {
            quotes.Add(await RateAsync(client, "/api/v1/quotes", body, seconds));
            empty.Add(await RateAsync(client, "/empty", body, seconds));
        }

        await app.StopAsync();
        return (quotes.Order().ElementAt(quotes.Count / 2), empty.Order().ElementAt(empty.Count / 2));
    }

    private static async Task<double> RateAsync(HttpClient client, string path, byte[] body, double seconds)
    {
        var done = 0;
        var clock = Stopwatch.StartNew();
        async Task CallAsync()
        {
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                await SendAsync(client, path, body);
                Interlocked.Increment(ref done);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(CallAsync)));
        return done / clock.Elapsed.TotalSeconds;
    }

    private static async Task<byte[]> SendAsync(HttpClient client, string path, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var response = await client.PostAsync(new Uri(path, UriKind.Relative), content);
        response.EnsureSuccessStatusCode();
        return await response.Content.ReadAsByteArrayAsync();
    }

    /// <summary>The cart of the measurement in this process.</summary>
    private static string Cart()
    {
        var lines = Enumerable
            .Range(0, 20)
            .Select(i =>
                string.Create(
                    CultureInfo.InvariantCulture,
                    $$"""{"id":"l{{i}}","sku":"S{{i}}","unit_price":{{1000 + (i * 37)}},"quantity":{{1 + (i % 3)}},"categories":["c{{i % 5}}"]}"""
                )
            );
        return $$"""
            {"currency":"USD","channel":"web","explain":false,"lines":[{{string.Join(',', lines)}}],
             "shipping":[{"id":"s","method":"std","amount":500}]}
            """;
    }

    /// <summary>As many active promotions of mixed kinds, 20 of which name goods of the cart.</summary>
    private const string Promotions = """
        insert into promotions.promotion (id, name, apply_order, state, definition, created_by)
        select gen_random_uuid(), 'p' || i, i + 1, 'active', jsonb_build_object('name', 'p' || i, 'apply_order', i + 1,
            'currency', 'USD', 'effects', jsonb_build_array((case i % 5
                when 0 then '{"type": "percent", "target": "lines", "percent": 10}'
                when 1 then '{"type": "fixed", "target": "lines", "amount": 100, "allocation": "across"}'
                when 2 then '{"type": "percent", "target": "order", "percent": 5}'
                when 3 then '{"type": "fixed_price", "target": "lines", "amount": 900}'
                else '{"type": "buy_get", "target": "lines", "buy": {"quantity": 1}, "get": {"quantity": 1, "percent": 50}}'
            end)::jsonb || jsonb_build_object('filter', jsonb_build_object('skus',
                jsonb_build_array(case when i < 20 then 'S' else 'X' end || i))))), 'job:bench'
        from generate_series(0, $1::integer - 1) i
        """;
}
