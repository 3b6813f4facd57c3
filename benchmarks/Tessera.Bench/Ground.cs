using Npgsql;
using Tessera.Server.Coupons;
using Tessera.Server.Platform;
using Tessera.Server.Platform.Postgres;

namespace Tessera.Bench;

/// <summary>A durable PostgreSQL of the benchmark's own, with the product's schema and the rows a benchmark works on.</summary>
internal sealed class Ground : IAsyncDisposable
{
    private const string DatabaseName = "bench";

    private readonly PrivatePostgres _server;
    private readonly string _directory;

    private Ground(PrivatePostgres server, string directory)
    {
        (_server, _directory) = (server, directory);
        ConnectionString = server.ConnectionStringTo(DatabaseName);
        Database = new Database(ConnectionString);
        Owner = NpgsqlDataSource.Create(ConnectionString + ";Command Timeout=0");
    }

    public string ConnectionString { get; }

    public Database Database { get; }

    public NpgsqlDataSource Owner { get; }

    public Cpu Cpu => Cpu.Now(_server.ProcessId);

    /// <summary>Socket directory, for pgbench.</summary>
    public string Host => new NpgsqlConnectionStringBuilder(ConnectionString).Host!;

    public static async Task<Ground> MakeAsync()
    {
        var directory = Path.Combine(Path.GetTempPath(), "tessera-bench-" + Guid.CreateVersion7().ToString("N"));
        var binaries = PostgresBinaries.Find(Environment.GetEnvironmentVariable);
        var server = await PrivatePostgres.StartAsync(binaries, directory, ["max_connections=400"], default);
        await server.EnsureDatabaseAsync(DatabaseName, default);
        await Migrations.ApplyAsync(server.ConnectionStringTo(DatabaseName));
        return new Ground(server, directory);
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
    public async Task<string[]> UnitsAsync(long coupon, int count)
    {
        var codes = new List<string>(count);
        var actor = new CatalogueActor("job:bench", "bench");
        const int days = 90;
        var now = await ScalarAsync<DateTime>("select date_trunc('day', clock_timestamp())");
        var share = (count + days - 1) / days;
        for (var day = 0; day < days && codes.Count < count; day++)
        {
            var end = new DateTimeOffset(now.AddDays(day + 2).AddHours(12));
            await CodeGeneration.RunAsync(
                Database,
                new InstanceTerms(coupon, new DateTimeOffset(now.AddDays(-1)), end),
                Math.Min(share, count - codes.Count),
                "",
                actor,
                units =>
                {
                    codes.AddRange(units.Select(static u => u.Code));
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

    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        await Owner.DisposeAsync();
        NpgsqlConnection.ClearAllPools();
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
