using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;
using Tessera.Server.Audit;

namespace Tessera.Bench;

/// <summary>
/// A log as deep as one of 100 million entries: its index has all the chunks such a log has, and each of them holds as many
/// entries as are asked for, up to all it can. A look-up asks every chunk, so that its cost follows their number; how full
/// they are decides how much of them stays in memory.
/// </summary>
internal static class AuditHistory
{
    /// <summary>Chunks of a log of 100 million entries.</summary>
    public const int Chunks = 24;

    /// <summary>Histories that are asked for, those of the warm-up included.</summary>
    public const int Asked = WarmUp + Questions;

    private const int ChunkSize = 4_194_304;
    private const int Questions = 400;
    private const int WarmUp = 200;
    private const int Searches = 200;
    private const int Coupons = 1000;
    private const int Keys = 100;

    private static readonly string[] Actors =
    [
        .. Enumerable.Range(0, Keys).Select(static n => $"key:{IdOf((ulong)n)}"),
    ];

    /// <summary>
    /// Writes events like those of redemptions, their links and their mentions, chunk by chunk, in one transaction: tables
    /// that it made itself it fills as if they had been vacuumed, and without a log of their own where PostgreSQL keeps none.
    /// </summary>
    /// <returns>How many.</returns>
    public static async Task<long> FillAsync(Ground ground, int each)
    {
        if (each >= ChunkSize)
        {
            throw new ArgumentOutOfRangeException(nameof(each), each, $"A chunk holds fewer than {ChunkSize} entries.");
        }

        var last = (long)(Chunks - 1) * ChunkSize + each;
        if (await ground.ScalarAsync<long>("select seq from audit.indexed") >= last)
        {
            Figures.Say($"{each:N0} entries a chunk are there from before");
            await KeepUpAsync(ground);
            await MergeAsync(ground);
            return (long)Chunks * each;
        }

        var watch = Stopwatch.StartNew();
        await using var connection = await ground.Owner.OpenConnectionAsync();
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await RunAsync(connection, "set local maintenance_work_mem = '1GB'");
            // Setting the database up has left entries of its own.
            await RunAsync(connection, "truncate audit.entry, audit.span");
            var now = await ScalarAsync<DateTime>(connection, "select date_trunc('month', now())");
            var place = new Place(
                connection,
                await ScalarAsync<long>(connection, "select pg_current_xact_id()::text::bigint")
            );
            for (var chunk = 0; chunk < Chunks; chunk++)
            {
                var entries = new Entries(
                    (long)chunk * ChunkSize + 1,
                    now.AddMonths(chunk - Chunks),
                    each,
                    Customers(each)
                );
                await RunAsync(connection, $"select platform.ensure_event_months('{entries.From:O}')");
                await WriteEventsAsync(place, entries);
                await WriteEntriesAsync(place, entries);
                await WriteMentionsAsync(place, entries, chunk);
                await NoteAsync(place, entries);
                Figures.Say($"chunk {chunk + 1} of {Chunks} holds {each:N0} entries after {watch.Elapsed:m\\:ss}");
            }

            await transaction.CommitAsync();
        }

        await KeepUpAsync(ground);
        await MergeAsync(ground);
        await ground.ExecuteAsync("vacuum analyze");
        await ground.ExecuteAsync("checkpoint");
        return (long)Chunks * each;
    }

    /// <summary>Whoever follows the log has kept up with it, as where it grew day by day.</summary>
    private static async Task KeepUpAsync(Ground ground)
    {
        await ground.ExecuteAsync("update insights.progress set seq = (select seq from audit.indexed)");
        await ground.ExecuteAsync("update notifications.feed set seq = (select seq from audit.indexed)");
        await ground.ExecuteAsync("update expiration.follower set place = (select seq from audit.indexed)");
        await ground.ExecuteAsync("update connectors.feed set seq = (select seq from audit.indexed)");
    }

    /// <summary>Full chunks have been merged, as where the log grew day by day.</summary>
    private static async Task MergeAsync(Ground ground)
    {
        var watch = Stopwatch.StartNew();
        var before = ground.Cpu;
        var steps = 0;
        while (await ground.ScalarAsync<bool>("select audit.merge_mentions(128)"))
        {
            steps++;
        }

        if (steps > 0)
        {
            var cost = (ground.Cpu - before).Per(steps);
            Figures.Say($"chunks are merged after {watch.Elapsed:m\\:ss}; each of {steps:N0} steps took {cost}");
        }
    }

    /// <summary>
    /// Reads histories of units, customers, balances and coupons over HTTP, after a warm-up that asks for others: no unit,
    /// customer or balance is asked for twice.
    /// </summary>
    /// <returns>How long each took, in milliseconds, and how many blocks of the database one looked at.</returns>
    public static async Task<(double[] Times, double Blocks)> AskAsync(Uri address, string key, Ground ground, int each)
    {
        using var client = ClientOf(address, key);
        var customers = Customers(each);
        var times = new double[Questions];
        var before = 0L;
        for (var i = -WarmUp; i < Questions; i++)
        {
            before = i == 0 ? await BlocksAsync(ground) : before;
            var n = i + WarmUp;
            var thing = (n % 4) switch
            {
                0 => string.Create(CultureInfo.InvariantCulture, $"instance/{n * 99_991L % customers}"),
                1 => $"customer/{IdOf((ulong)(n * 99_991L % customers))}",
                2 => $"account/{IdOf((ulong)(n * 99_991L % customers))}",
                _ => string.Create(CultureInfo.InvariantCulture, $"coupon/{n * 31 % Coupons}"),
            };
            var taken = await TimeAsync(client, $"history/{thing}?sort={(n / 4 % 2 == 0 ? "seq" : "-seq")}");
            if (i >= 0)
            {
                times[i] = taken;
            }
        }

        // The server says what its sessions did when they have been idle for a moment.
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        return (times, (await BlocksAsync(ground) - before) / (double)Questions);
    }

    /// <summary>
    /// Searches by actor and type, within a day, by subject, and for words within a minute: the first page of each.
    /// </summary>
    /// <returns>How long each took, in milliseconds.</returns>
    public static async Task<double[]> SearchAsync(Uri address, string key, int each)
    {
        using var client = ClientOf(address, key);
        var customers = Customers(each);
        var times = new double[Searches];
        var now = TimeProvider.System.GetUtcNow();
        var month = new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero);
        for (var i = -Searches / 4; i < Searches; i++)
        {
            var n = i + Searches / 4;
            var from = month.AddMonths(-1 - n % Chunks);
            var to = from.AddMilliseconds(each / 2.0);
            var asked = (n % 4) switch
            {
                0 => $"actor={Uri.EscapeDataString(Actors[n % Keys])}&type=coupon.state_changed",
                1 =>
                    $"actor={Uri.EscapeDataString(Actors[n % Keys])}&from={from:yyyy-MM-ddTHH:mm:ss.fffZ}&to={to:yyyy-MM-ddTHH:mm:ss.fffZ}",
                2 => $"subject=customer:{IdOf((ulong)(n * 7_919L % customers))}&type=coupon.state_changed",
                _ =>
                    $"text=redemption%20{n % Coupons}&from={from:yyyy-MM-ddTHH:mm:ss.fffZ}&to={to:yyyy-MM-ddTHH:mm:ss.fffZ}",
            };
            var taken = await TimeAsync(client, "entries?" + asked);
            if (i >= 0)
            {
                times[i] = taken;
            }
        }

        return times;
    }

    private static HttpClient ClientOf(Uri address, string key) =>
        new()
        {
            BaseAddress = address,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) },
        };

    private static async Task<double> TimeAsync(HttpClient client, string path)
    {
        var clock = Stopwatch.StartNew();
        using var answer = await client.GetAsync(new Uri("/api/v1/audit/" + path, UriKind.Relative));
        await answer.Content.ReadAsByteArrayAsync();
        answer.EnsureSuccessStatusCode();
        return clock.Elapsed.TotalMilliseconds;
    }

    private static int Customers(int each) => Chunks * each / 2;

    /// <summary>An id for a number: always the same one.</summary>
    private static Guid IdOf(ulong number)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Mix(number));
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Mix(~number));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>Spreads numbers over all there are: SplitMix64 (Steele, Lea and Flood, 2014).</summary>
    private static ulong Mix(ulong number)
    {
        unchecked
        {
            number += 0x9e3779b97f4a7c15;
            number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
            number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
            return number ^ (number >> 31);
        }
    }

    private static Task<long> BlocksAsync(Ground ground) =>
        ground.ScalarAsync<long>(
            "select sum(idx_blks_hit + idx_blks_read + heap_blks_hit + heap_blks_read)::bigint from pg_statio_user_tables "
                + "where schemaname in ('audit', 'platform') and relname ~ '^(mention|entry|event|request_origin)'"
        );

    private static async Task WriteEventsAsync(Place place, Entries entries)
    {
        await using var rows = await place.Connection.BeginBinaryImportAsync(
            $"copy platform.event_{entries.From:yyyyMM} (position, tx, id, aggregatetype, aggregateid, type, sequence, actor, "
                + "payload, created_at) from stdin (format binary, freeze)"
        );
        for (var i = 0; i < entries.Count; i++)
        {
            rows.StartRow();
            rows.Write(entries.First + i, NpgsqlDbType.Bigint);
            rows.Write(place.Transaction, NpgsqlDbType.Bigint);
            rows.Write(entries.EventOf(i), NpgsqlDbType.Uuid);
            rows.Write("instance", NpgsqlDbType.Text);
            rows.Write(entries.UnitOf(i).ToString(CultureInfo.InvariantCulture), NpgsqlDbType.Text);
            rows.Write("coupon.state_changed", NpgsqlDbType.Text);
            rows.Write((long)i + 1, NpgsqlDbType.Bigint);
            rows.Write(Actors[i % Keys], NpgsqlDbType.Text);
            rows.Write(entries.PayloadOf(i), NpgsqlDbType.Jsonb);
            rows.Write(entries.At(i), NpgsqlDbType.TimestampTz);
        }

        await rows.CompleteAsync();
    }

    private static async Task WriteEntriesAsync(Place place, Entries entries)
    {
        await using var rows = await place.Connection.BeginBinaryImportAsync(
            "copy audit.entry (seq, tx, position, created_at, hash) from stdin (format binary, freeze)"
        );
        var hash = new byte[SHA256.HashSizeInBytes];
        for (var i = 0; i < entries.Count; i++)
        {
            entries.HashOf(i, hash);
            rows.StartRow();
            rows.Write(entries.First + i, NpgsqlDbType.Bigint);
            rows.Write(place.Transaction, NpgsqlDbType.Bigint);
            rows.Write(entries.First + i, NpgsqlDbType.Bigint);
            rows.Write(entries.At(i), NpgsqlDbType.TimestampTz);
            rows.Write(hash, NpgsqlDbType.Bytea);
        }

        await rows.CompleteAsync();
    }

    /// <summary>The index, as the indexer makes it: in runs, step by step, each in the order of its keys.</summary>
    private static async Task WriteMentionsAsync(Place place, Entries entries, int chunk)
    {
        var table = string.Create(CultureInfo.InvariantCulture, $"audit.mention_{chunk}");
        await RunAsync(place.Connection, $"drop table if exists {table}");
        await RunAsync(place.Connection, $"create table {table} (like audit.mention including constraints)");
        await using (
            var rows = await place.Connection.BeginBinaryImportAsync(
                $"copy {table} (thing, seq, more) from stdin (format binary, freeze)"
            )
        )
        {
            var said = new List<(long Thing, long Seq)>(7 * Indexer.StepSize);
            for (var step = 0; step < entries.Count; step += Indexer.StepSize)
            {
                said.Clear();
                for (var i = step; i < Math.Min(step + Indexer.StepSize, entries.Count); i++)
                {
                    foreach (var thing in entries.ThingsOf(i))
                    {
                        said.Add((Mentions.KeyOf(thing), entries.First + i));
                    }
                }

                said.Sort();
                WriteRuns(rows, CollectionsMarshal.AsSpan(said));
            }

            await rows.CompleteAsync();
        }

        await RunAsync(place.Connection, $"alter table {table} add primary key (thing, seq)");
        await RunAsync(
            place.Connection,
            $"alter table audit.mention attach partition {table} "
                + $"for values from ({(long)chunk * ChunkSize}) to ({(chunk + 1L) * ChunkSize})"
        );
        await RunAsync(
            place.Connection,
            $"insert into audit.chunk (first, size) values ({chunk}, 1) on conflict do nothing"
        );
    }

    private static void WriteRuns(NpgsqlBinaryImporter rows, ReadOnlySpan<(long Thing, long Seq)> said)
    {
        for (var head = 0; head < said.Length; )
        {
            var next = head + 1;
            while (next < said.Length && next - head < Indexer.RunLength && said[next].Thing == said[head].Thing)
            {
                next++;
            }

            rows.StartRow();
            rows.Write(said[head].Thing, NpgsqlDbType.Bigint);
            rows.Write(said[head].Seq, NpgsqlDbType.Bigint);
            if (next == head + 1)
            {
                rows.WriteNull();
            }
            else
            {
                var more = new short[next - head - 1];
                for (var i = head + 1; i < next; i++)
                {
                    more[i - head - 1] = (short)(said[i].Seq - said[head].Seq);
                }

                rows.Write(more, NpgsqlDbType.Array | NpgsqlDbType.Smallint);
            }

            head = next;
        }
    }

    /// <summary>How far sealing and indexing have come.</summary>
    private static Task NoteAsync(Place place, Entries entries)
    {
        var last = entries.First + entries.Count - 1;
        return RunAsync(
            place.Connection,
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                insert into audit.span (first_seq, last_seq, first_at, last_at)
                values ({entries.First}, {last}, '{entries.At(0):O}', '{entries.At(entries.Count - 1):O}');
                update audit.indexed set seq = {last};
                update audit.seal set seq = {last}, next_tx = {place.Transaction} + 1;
                """
            )
        );
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<T> ScalarAsync<T>(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Where it is written, and by which transaction.</summary>
    private sealed record Place(NpgsqlConnection Connection, long Transaction);

    /// <summary>What the entries of one chunk say: all of it follows from their places in the log.</summary>
    private sealed record Entries(long First, DateTime From, int Count, int Customers)
    {
        public DateTime At(int place) => From.AddMilliseconds(place + 1);

        public long UnitOf(int place) => (long)(Mix(Number(place, 0)) % (ulong)Customers);

        public Guid EventOf(int place) => IdOf(Number(place, 1));

        public void HashOf(int place, Span<byte> hash)
        {
            // Nothing here reads the links; they are as long, and as little to be pressed together, as real ones.
            IdOf(Number(place, 2)).TryWriteBytes(hash);
            IdOf(Number(place, 3)).TryWriteBytes(hash[16..]);
        }

        public string PayloadOf(int place) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                {"from": "issued", "to": "redeemed", "cause": "redemption", "coupon_id": {{CouponOf(place)}},
                "redemption_id": "{{RedemptionOf(place)}}", "customer_id": "{{CustomerOf(place)}}",
                "order_minor": 5000, "discount_minor": 500, "currency": "USD"}
                """
            );

        public IEnumerable<string> ThingsOf(int place)
        {
            var customer = CustomerOf(place);
            yield return string.Create(CultureInfo.InvariantCulture, $"instance:{UnitOf(place)}");
            yield return "actor:" + Actors[place % Keys];
            yield return "type:coupon.state_changed";
            yield return string.Create(CultureInfo.InvariantCulture, $"coupon:{CouponOf(place)}");
            yield return $"redemption:{RedemptionOf(place)}";
            yield return $"customer:{customer}";
            yield return $"account:{customer}";
        }

        private static int CouponOf(int place) => (place + 1) % Coupons;

        private Guid CustomerOf(int place) => IdOf(Mix(Number(place, 4)) % (ulong)Customers);

        private Guid RedemptionOf(int place) => IdOf(Number(place, 5));

        // Above the numbers of customers, so that no id is met twice.
        private ulong Number(int place, int what) => (ulong)(8 * (First + place) + what) << 32;
    }
}
