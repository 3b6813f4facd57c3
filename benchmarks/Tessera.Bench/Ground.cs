using System.Globalization;
using Npgsql;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Postgres;

namespace Tessera.Bench;

/// <summary>A durable PostgreSQL of the benchmark's own, with the product's schema and the rows a benchmark works on.</summary>
internal sealed class Ground : IAsyncDisposable
{
    private readonly PrivatePostgres _server;

    // Null where another one has made the server.
    private readonly string? _directory;
    private bool _isKept;

    private Ground(PrivatePostgres server, string? directory, string name)
    {
        (_server, _directory, Name) = (server, directory, name);
        ConnectionString = server.ConnectionStringTo(name);
        Database = new Database(ConnectionString);
        Owner = NpgsqlDataSource.Create(ConnectionString + ";Command Timeout=0");
    }

    /// <summary>Of the database.</summary>
    public string Name { get; }

    public string ConnectionString { get; }

    public Database Database { get; }

    public NpgsqlDataSource Owner { get; }

    public Cpu Cpu => Cpu.Now(_server.ProcessId);

    /// <summary>Socket directory, for pgbench.</summary>
    public string Host => new NpgsqlConnectionStringBuilder(ConnectionString).Host!;

    public static Task<Ground> MakeAsync() => MakeAsync(null);

    /// <param name="kept">Directory that stays behind, and is used again if it is there; null for one that is deleted.</param>
    /// <param name="options">More settings of PostgreSQL, <c>name=value</c>.</param>
    public static async Task<Ground> MakeAsync(string? kept, params string[] options)
    {
        var directory =
            kept ?? Path.Combine(Path.GetTempPath(), "tessera-bench-" + Guid.CreateVersion7().ToString("N"));
        var binaries = PostgresBinaries.Find(Environment.GetEnvironmentVariable);
        var server = await PrivatePostgres.StartAsync(
            binaries,
            directory,
            ["max_connections=400", .. options],
            default
        );
        var ground = await OnAsync(server, directory, "bench");
        ground._isKept = kept is not null;
        return ground;
    }

    /// <summary>Another database of the same server; to be disposed first.</summary>
    public Task<Ground> BesideAsync(string name) => OnAsync(_server, null, name);

    private static async Task<Ground> OnAsync(PrivatePostgres server, string? directory, string name)
    {
        await server.EnsureDatabaseAsync(name, default);
        await Migrations.ApplyAsync(server.ConnectionStringTo(name));
        return new Ground(server, directory, name);
    }

    /// <summary>A node of the product on this database, in a process of its own.</summary>
    public Task<ServerProcess> ServeAsync(int port, int lanes, params (string Name, string Value)[] more) =>
        ServerProcess.StartAsync(
            _directory ?? Path.GetTempPath(),
            port,
            [
                ("TESSERA_DATABASE_URL", ConnectionString),
                ("TESSERA_LANES", lanes.ToString(CultureInfo.InvariantCulture)),
                .. more,
            ]
        );

    /// <summary>Waits until a node has sealed every event, so that it has no work left from before.</summary>
    public async Task SealedAsync()
    {
        while (
            await ScalarAsync<bool>(
                "select exists (select from platform.event e where e.tx >= (select next_tx from audit.seal))"
            )
        )
        {
            await Task.Delay(50);
        }
    }

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Owner.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Owner.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>A coupon of 10 percent, live and without an end.</summary>
    public async Task<long> CouponAsync(string code, string kind)
    {
        await using var command = Owner.CreateCommand(
            """
            with c as (
                insert into coupons.coupon (code, code_kind, internal_name, description, discount_type, discount_percent,
                    max_uses_per_user, valid_from, is_active, created_by)
                values ($1, $2, 'Bench', '{"en": "Bench"}', 'percentage', 10, 10, clock_timestamp() - interval '1 day', true, 'job:bench')
                returning id, code
            ), m as (insert into coupons.code (code, coupon_id) select code, id from c)
            select id from c
            """
        );
        command.Parameters.Add(new NpgsqlParameter { Value = code });
        command.Parameters.Add(new NpgsqlParameter { Value = kind });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Units of a coupon, ending on days spread over a quarter.</summary>
    /// <returns>Their codes, or so many of them.</returns>
    public async Task<string[]> UnitsAsync(long coupon, int count, int keep = int.MaxValue)
    {
        var codes = new List<string>(Math.Min(count, keep));
        var made = 0;
        var actor = new CatalogueActor("job:bench", "bench");
        const int days = 90;
        var now = await ScalarAsync<DateTime>("select date_trunc('day', clock_timestamp())");
        var share = (count + days - 1) / days;
        for (var day = 0; day < days && made < count; day++)
        {
            var end = new DateTimeOffset(now.AddDays(day + 2).AddHours(12));
            await CodeGeneration.RunAsync(
                Database,
                new InstanceTerms(coupon, new DateTimeOffset(now.AddDays(-1)), end),
                Math.Min(share, count - made),
                "",
                actor,
                units =>
                {
                    // As many of each batch as keep the share.
                    made += units.Count;
                    var wanted = (int)((long)Math.Min(count, keep) * made / count) - codes.Count;
                    codes.AddRange(units.Take(wanted).Select(static u => u.Code));
                    return Task.CompletedTask;
                },
                default
            );
        }

        // The order in which they are used has nothing to do with where they lie.
        codes.Sort(StringComparer.Ordinal);
        return [.. codes];
    }

    public async Task<Guid[]> CustomersAsync(int count)
    {
        var ids = new Guid[count];
        for (var i = 0; i < count; i++)
        {
            ids[i] = Guid.CreateVersion7();
        }

        await ExecuteAsync("insert into access.customer (id) select unnest($1::uuid[])", ids);
        return ids;
    }

    /// <summary>Quiet before a measurement: what loading left behind is written out.</summary>
    public async Task SettleAsync()
    {
        await ExecuteAsync("vacuum analyze");
        await ExecuteAsync("checkpoint");
    }

    /// <summary>Kills PostgreSQL; it is started again by itself.</summary>
    public async Task KillServerAsync()
    {
        var id = _server.ProcessId;
        using (var process = System.Diagnostics.Process.GetProcessById(id))
        {
            process.Kill();
        }

        while (_server.ProcessId is var now && (now == id || now == 0))
        {
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await Owner.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        if (_directory is not null)
        {
            await _server.DisposeAsync();
            if (!_isKept)
            {
                Directory.Delete(_directory, recursive: true);
            }
        }
    }
}
