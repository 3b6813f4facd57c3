using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Audit;

/// <summary>Full chunks of the index of mentions become fewer, and nothing is ever missed (AUD-03).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ChunkMergerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const long ChunkSize = 4_194_304;

    /// <summary>Shares of keys at once: all that a step takes.</summary>
    private const string Step = "select audit.merge_mentions(128)";

    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await postgres.DatabaseAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Every_mention_is_found_at_every_step_and_what_is_full_becomes_sixteen_and_four()
    {
        // Twenty chunks are full, and another is still written to.
        var mentions = await FillAsync(chunks: 21, things: 120);
        await FilledToAsync(20 * ChunkSize - 1);
        await HasAllAsync(mentions);
        Assert.Equal(21, await ChunksAsync());
        var steps = 0;
        for (; await StepAsync(); steps++)
        {
            await HasAllAsync(mentions);
        }

        // Five times four and once four of those: each begun, copied and put in its place.
        Assert.Equal(5 * (8 + 2) + (32 + 2), steps);
        Assert.Equal(
            ["0 16", "16 4", "20 1"],
            await _database.ColumnAsync<string>("select first || ' ' || size from audit.chunk order by first")
        );
        Assert.Equal(3, await ChunksAsync());
        Assert.Equal(
            0,
            await _database.ScalarAsync<long>(
                "select count(*) from pg_class where relname ~ '^mention_\\d' and relkind = 'r' and not relispartition"
            )
        );

        // The chunk that is written to goes on, and the next one begins.
        await WriteAsync(new Mention(7, 20 * ChunkSize + 9, null));
        await _database.ExecuteAsync(
            $"select audit.ensure_mention_chunk({21 * ChunkSize}), audit.ensure_mention_chunk(5)"
        );
        Assert.Equal(4, await ChunksAsync());
    }

    [Fact]
    public async Task A_step_that_breaks_off_is_as_if_it_had_not_been_and_the_next_goes_on()
    {
        var mentions = await FillAsync(chunks: 4, things: 60);
        await FilledToAsync(4 * ChunkSize - 1);
        for (var isMore = true; isMore; )
        {
            // A process that is killed takes its transaction with it.
            await using (var dying = new NpgsqlConnection(_database.ConnectionString + ";Pooling=false"))
            {
                await dying.OpenAsync();
                await using var begin = new NpgsqlCommand("begin; " + Step, dying);
                await begin.ExecuteNonQueryAsync();
                Assert.False(await StepAsync(), "Two merge at once.");
                await _database.ExecuteAsync($"select pg_terminate_backend({dying.ProcessID})");
            }

            await Patience.UntilAsync(
                () =>
                    _database.ScalarAsync<bool>("select not exists (select from pg_locks where locktype = 'advisory')"),
                "the end of a session that was killed"
            );
            await HasAllAsync(mentions);
            isMore = await StepAsync();
            await HasAllAsync(mentions);
        }

        Assert.Equal(1, await ChunksAsync());
    }

    [Fact]
    public async Task Nothing_is_merged_before_the_fourth_chunk_is_full_and_readers_are_waited_for()
    {
        var mentions = await FillAsync(chunks: 4, things: 20);
        await FilledToAsync(4 * ChunkSize - 2);
        Assert.False(await StepAsync());
        await FilledToAsync(4 * ChunkSize - 1);
        await using (var reader = new NpgsqlConnection(_database.ConnectionString + ";Pooling=false"))
        {
            await reader.OpenAsync();
            await using var reading = await reader.BeginTransactionAsync();
            await using var read = new NpgsqlCommand("select count(*) from audit.mention", reader, reading);
            await read.ExecuteScalarAsync();
            while (await StepAsync())
            {
                // Until it would have to wait for the reader.
            }

            Assert.Equal(4, await ChunksAsync());
            await HasAllAsync(mentions);
            // The server has heard of this end when it is answered; of a client that hangs up it hears later.
            await reading.RollbackAsync();
        }

        Assert.True(await StepAsync());
        Assert.Equal(1, await ChunksAsync());
        await HasAllAsync(mentions);
    }

    [Fact]
    public async Task A_history_is_the_same_after_its_chunk_was_merged()
    {
        await using var host = await TestHost.StartAsync(await postgres.DatabaseAsync());
        var merchant = await host.PostAsync("/api/v1/merchants", new { name = "Merged" });
        Assert.Equal(201, merchant.Status);
        await Patience.UntilAsync(
            () =>
                host.Database.ScalarAsync<bool>(
                    "select seq = (select count(*) from platform.event) from audit.indexed"
                ),
            "the log to be indexed"
        );
        var path = $"/api/v1/audit/history/merchant/{merchant.Json.GetProperty("id").GetString()}";
        var before = (await host.GetAsync(path)).Json.GetProperty("data").GetRawText();
        Assert.Contains("merchant.created", before, StringComparison.Ordinal);
        await host.Database.ExecuteAsync(
            $"""
            select audit.ensure_mention_chunk(n * {ChunkSize}) from generate_series(0, 3) n;
            update audit.indexed set seq = 4 * {ChunkSize};
            """
        );
        var merger = new ChunkMerger(host.Database.Database, TimeProvider.System, NullLogger<ChunkMerger>.Instance);
        await Patience.UntilAsync(
            async () =>
            {
                await merger.RunOnceAsync(default);
                return await host.Database.ScalarAsync<bool>(
                    "select exists (select from audit.chunk where size = 4 and copied is null)"
                );
            },
            "four chunks to be merged"
        );
        Assert.Equal(before, (await host.GetAsync(path)).Json.GetProperty("data").GetRawText());
        await Verified.AssertAsync(host);
    }

    /// <summary>Writes mentions of things in a third of the chunks, of keys at the ends of shares too.</summary>
    private async Task<List<Mention>> FillAsync(int chunks, int things)
    {
        long[] ends = [long.MinValue, long.MinValue + 1, -1, 0, 1, (1L << 54) - 1, 1L << 54, long.MaxValue];
        var mentions = new List<Mention>();
        for (var n = 0; n < things; n++)
        {
            var thing = n < ends.Length ? ends[n] : Mentions.KeyOf($"thing {n}");
            for (var chunk = 0; chunk < chunks; chunk++)
            {
                var any = Mentions.KeyOf($"mention {n} {chunk}") & long.MaxValue;
                if (any % 3 != 0)
                {
                    continue;
                }

                // The first and the last place of a chunk, and one between.
                var place = (any / 3 % 3) switch
                {
                    0 => 0,
                    1 => ChunkSize - 1,
                    _ => any / 9 % ChunkSize,
                };
                short[]? more = any / 16 % 2 == 0 ? null : [1, 2, 4095];
                mentions.Add(new Mention(thing, chunk * ChunkSize + place, more));
            }
        }

        await _database.ExecuteAsync(
            $"select audit.ensure_mention_chunk(n * {ChunkSize}) from generate_series(0, {chunks - 1}) n"
        );
        foreach (var mention in mentions)
        {
            await WriteAsync(mention);
        }

        return mentions;
    }

    private Task<int> WriteAsync(Mention mention) =>
        _database.ExecuteAsync(
            "insert into audit.mention (thing, seq, more) values ($1, $2, $3)",
            mention.Thing,
            mention.Seq,
            mention.More
        );

    private Task<int> FilledToAsync(long seq) => _database.ExecuteAsync("update audit.indexed set seq = $1", seq);

    private Task<bool> StepAsync() => _database.ScalarAsync<bool>(Step);

    private Task<long> ChunksAsync() =>
        _database.ScalarAsync<long>("select count(*) from pg_inherits where inhparent = 'audit.mention'::regclass");

    /// <summary>All of them, each once, asked for thing by thing as a look-up does.</summary>
    private async Task HasAllAsync(List<Mention> mentions)
    {
        var found = await _database.ColumnAsync<string>(
            """
            select m.thing || ' ' || m.seq || ' ' || coalesce(m.more::text, '') from unnest($1::bigint[]) k (thing)
            cross join lateral (select * from audit.mention m where m.thing = k.thing) m
            """,
            mentions.Select(static m => m.Thing).Distinct().ToArray()
        );
        Assert.Equal(
            mentions
                .Select(static m => $"{m.Thing} {m.Seq} {(m.More is null ? "" : $"{{{string.Join(',', m.More)}}}")}")
                .Order(StringComparer.Ordinal),
            found.Order(StringComparer.Ordinal)
        );
        Assert.Equal(mentions.Count, await _database.ScalarAsync<long>("select count(*) from audit.mention"));
    }

    private sealed record Mention(long Thing, long Seq, short[]? More);
}
