using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Npgsql;
using Tessera.Server.Audit;
using Tessera.Server.Platform.Postgres;

namespace Tessera.Bench;

/// <summary>
/// Kills the server, and PostgreSQL under it, again and again while callers redeem; then looks whether every redemption
/// that was acknowledged is there, once, and whether all promises still hold.
/// </summary>
internal static class CrashBench
{
    private const int Callers = 32;

    /// <summary>A prime: callers meet every pair of code and customer, and uses do not run out before the last kill.</summary>
    private const int Codes = 47;
    private const int Port = 18099;

    private static readonly TimeSpan BetweenKills = TimeSpan.FromSeconds(1.5);

    /// <summary>What an availability of 99.95 % leaves of thirty days (PERF-05): 21.6 minutes.</summary>
    private static readonly TimeSpan UnavailableAMonth = 0.0005 * TimeSpan.FromDays(30);
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(60);

    public static Task<int> RunAsync(Options options) => RunAsync(options.Quick ? 3 : 20);

    private static async Task<int> RunAsync(int times)
    {
        var directory = Path.Combine(Path.GetTempPath(), "tessera-crash-" + Guid.CreateVersion7().ToString("N"));
        var acknowledged = new ConcurrentDictionary<string, string>();
        var doubles = 0;
        var server = await ServerProcess.StartAsync(directory, Port);
        using var http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{Port}"),
            Timeout = TimeSpan.FromSeconds(20),
        };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", server.Key);
        var (codes, customer) = await PrepareAsync(http);

        using var stop = new CancellationTokenSource();
        async Task CallAsync(int caller)
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var key = string.Create(CultureInfo.InvariantCulture, $"crash-{caller}-{i}");
                var body = JsonSerializer.Serialize(
                    new
                    {
                        code = codes[(caller + i) % codes.Length],
                        customer_id = customer[(caller * 7919 + i) % customer.Length],
                        order = new { reference = key, amount = new { amount = 5000, currency = "USD" } },
                    }
                );

                // An unknown outcome is resolved by asking again with the same key, until there is an answer.
                while (await TryAsync(http, key, body) is var id)
                {
                    if (id is { Length: > 0 })
                    {
                        if (!acknowledged.TryAdd(key, id) && acknowledged[key] != id)
                        {
                            Interlocked.Increment(ref doubles);
                        }
                    }

                    if (id is not null || stop.IsCancellationRequested)
                    {
                        break;
                    }

                    await Task.Delay(50);
                }
            }
        }

        var callers = Enumerable.Range(0, Callers).Select(i => Task.Run(() => CallAsync(i))).ToArray();
        var recoveries = new List<TimeSpan>();
        for (var i = 0; i < times * 2; i++)
        {
            await Task.Delay(BetweenKills);
            var clock = Stopwatch.StartNew();
            if (i % 2 == 0)
            {
                server.Kill();
                server = await ServerProcess.StartAsync(directory, Port);
            }
            else
            {
                await ServerProcess.KillPostgresAsync(directory);
            }

            await ReadyAsync(http);
            recoveries.Add(clock.Elapsed);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{(i % 2 == 0 ? "server" : "PostgreSQL")} killed, ready after {clock.Elapsed.TotalSeconds:F1} s, {acknowledged.Count} acknowledged"
                )
            );
        }

        await stop.CancelAsync();
        await Task.WhenAll(callers);
        await server.StopAsync();
        var (missing, faults) = await CheckAsync(directory, acknowledged.Values);
        Directory.Delete(directory, recursive: true);
        Console.WriteLine(
            $"killed {times} times each; {acknowledged.Count} redemptions acknowledged, {missing} missing"
        );
        Console.WriteLine(
            JsonSerializer.Serialize(
                new
                {
                    kills = times * 2,
                    acknowledged = acknowledged.Count,
                    missing,
                    given_twice = doubles,
                    faults,
                    slowest_recovery_seconds = Math.Round(recoveries.Max().TotalSeconds, 2),
                    kills_a_month_at_99_95_percent = (int)(
                        UnavailableAMonth / TimeSpan.FromTicks((long)recoveries.Average(static r => r.Ticks))
                    ),
                }
            )
        );
        return missing == 0 && faults == 0 && doubles == 0 ? 0 : 1;
    }

    /// <returns>The redemption's id; empty for a refusal; null when the outcome is unknown.</returns>
    private static async Task<string?> TryAsync(HttpClient http, string key, string body)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/redemptions");
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            request.Headers.Add("Idempotency-Key", key);
            using var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            if ((int)response.StatusCode >= 500)
            {
                return null;
            }

            using var json = JsonDocument.Parse(text);
            return response.IsSuccessStatusCode ? json.RootElement.GetProperty("id").GetString() : "";
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException or JsonException)
        {
            return null;
        }
    }

    private static async Task<(string[] Codes, string[] Customers)> PrepareAsync(HttpClient http)
    {
        async Task<JsonElement> MakeAsync(string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path);
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
            request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
            using var response = await http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            return response.IsSuccessStatusCode
                ? JsonDocument.Parse(text).RootElement
                : throw new InvalidOperationException($"POST {path}: {text}");
        }

        var codes = new string[Codes];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = "CRASH" + i;
            await MakeAsync(
                "/api/v1/admin/coupons",
                new
                {
                    code = codes[i],
                    internal_name = codes[i],
                    description = new { en = "Crash test" },
                    discount_type = "percentage",
                    discount_value = 10,
                    max_uses_per_user = 10,
                    max_uses_total = i % 2 == 0 ? 1_000_000 : (int?)null,
                    valid_from = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                    is_active = true,
                }
            );
        }

        var made = new List<string>();
        for (var i = 0; i < 2000; i += 50)
        {
            var some = Enumerable
                .Range(i, 50)
                .Select(n => MakeAsync("/api/v1/customers", new { external_id = "crash" + n }));
            made.AddRange((await Task.WhenAll(some)).Select(static c => c.GetProperty("id").GetString()!));
        }

        return (codes, [.. made]);
    }

    private static async Task ReadyAsync(HttpClient http)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < ReadyWithin; await Task.Delay(50))
        {
            try
            {
                using var response = await http.GetAsync(new Uri("/readyz", UriKind.Relative));
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
            {
                // Not yet: it is being started.
            }
        }

        throw new InvalidOperationException("The server was not ready again within a minute.");
    }

    private static async Task<(int Missing, int Faults)> CheckAsync(string directory, ICollection<string> acknowledged)
    {
        var binaries = PostgresBinaries.Find(Environment.GetEnvironmentVariable);
        await using var postgres = await PrivatePostgres.StartAsync(binaries, directory, [], default);
        var connectionString = postgres.ConnectionStringTo("tessera");
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand(
            "select count(*) from unnest($1::uuid[]) id where not exists (select from redemptions.redemption r where r.id = id)"
        );
        command.Parameters.Add(new NpgsqlParameter { Value = acknowledged.Select(Guid.Parse).ToArray() });
        var missing = (int)(long)(await command.ExecuteScalarAsync())!;
        var faults = 0;
        await foreach (var finding in new Verification(connectionString).RunAsync(default))
        {
            Console.WriteLine($"{finding.Fault ?? "holds"}: {finding.Name} ({finding.Count})");
            faults += finding.Fault is null ? 0 : 1;
        }

        return (missing, faults);
    }
}
