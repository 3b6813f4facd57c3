using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using Tessera.Server.Audit;

namespace Tessera.Bench;

/// <summary>
/// A log as deep as one of 100 million entries: its index has all the chunks such a log has, and each of them holds as many
/// entries as there is time for. A look-up asks every chunk, so that its cost follows their number; filling them up adds at
/// most one level to their trees.
/// </summary>
internal static class AuditHistory
{
    /// <summary>Chunks of a log of 100 million entries.</summary>
    public const int Chunks = 24;

    private const int ChunkSize = 4_194_304;
    private const int Questions = 400;
    private const int Coupons = 1000;

    /// <summary>Writes events like those of redemptions, their links and their mentions, set by set.</summary>
    /// <returns>How many.</returns>
    public static async Task<long> FillAsync(Ground ground, int each)
    {
        for (var chunk = 0; chunk < Chunks; chunk++)
        {
            await ground.ExecuteAsync(FillSql(chunk, each));
            Figures.Say($"chunk {chunk + 1} of {Chunks} holds {each:N0} entries");
        }

        await ground.ExecuteAsync("vacuum analyze");
        return (long)Chunks * each;
    }

    /// <summary>Reads histories of units, customers, balances and coupons over HTTP.</summary>
    /// <returns>How long each took, in milliseconds, and how many blocks of the database one looked at.</returns>
    public static async Task<(double[] Times, double Blocks)> AskAsync(Uri address, string key, Ground ground, int each)
    {
        using var client = new HttpClient { BaseAddress = address };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        var things = await ground.ScalarAsync<string[]>(
            $"select array_agg(md5((n * 37 % {Customers(each)})::text)::uuid::text order by n) from generate_series(1, {Questions}) n"
        );
        var times = new double[Questions];
        var before = 0L;
        for (var i = -20; i < Questions; i++)
        {
            before = i == 0 ? await BlocksAsync(ground) : before;
            var n = i + 20;
            var thing = (n % 4) switch
            {
                0 => string.Create(CultureInfo.InvariantCulture, $"instance/{n * 997L % Customers(each)}"),
                1 => "customer/" + things[n % Questions],
                2 => "account/" + things[n % Questions],
                _ => string.Create(CultureInfo.InvariantCulture, $"coupon/{n * 31 % Coupons}"),
            };
            var sort = n / 4 % 2 == 0 ? "seq" : "-seq";
            var clock = Stopwatch.StartNew();
            using var answer = await client.GetAsync(
                new Uri($"/api/v1/audit/history/{thing}?sort={sort}", UriKind.Relative)
            );
            await answer.Content.ReadAsByteArrayAsync();
            answer.EnsureSuccessStatusCode();
            if (i >= 0)
            {
                times[i] = clock.Elapsed.TotalMilliseconds;
            }
        }

        // The server says what its sessions did when they have been idle for a moment.
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        return (times, (await BlocksAsync(ground) - before) / (double)Questions);
    }

    private static int Customers(int each) => Chunks * each / 2;

    private static Task<long> BlocksAsync(Ground ground) =>
        ground.ScalarAsync<long>(
            "select sum(idx_blks_hit + idx_blks_read + heap_blks_hit + heap_blks_read)::bigint from pg_statio_user_tables "
                + "where schemaname in ('audit', 'platform') and relname ~ '^(mention|entry|event|request_origin)'"
        );

    private static string FillSql(int chunk, int each) =>
        $$"""
            do $do$
            declare
                first bigint := {{chunk}}::bigint * {{ChunkSize}} + 1;
                month timestamptz := date_trunc('month', now()) - interval '{{Chunks - chunk}} months';
            begin
                perform platform.ensure_event_months(month), audit.ensure_mention_chunk(first);
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'instance', (random() * {{Customers(
                each
            )}})::bigint::text, 'coupon.state_changed', n,
                    'key:' || md5((n % 100)::text)::uuid, jsonb_build_object('from', 'issued', 'to', 'redeemed',
                    'cause', 'redemption', 'coupon_id', n % {{Coupons}}, 'redemption_id', gen_random_uuid(),
                    'customer_id', md5((random() * {{Customers(each)}})::int::text)::uuid,
                    'order_minor', 5000, 'discount_minor', 500, 'currency', 'USD'),
                    month + n * interval '1 ms'
                from generate_series(1, {{each}}) n;

                insert into audit.entry (seq, tx, position, created_at, hash)
                select first - 1 + row_number() over (order by position), tx, position, created_at,
                    sha256(int8send(position))
                from platform.event where tx = pg_current_xact_id()::text::bigint;

                insert into audit.mention (thing, seq, more)
                select thing, head, nullif((array_agg((seq - head)::smallint order by seq))[2:], '{}')
                from (
                    select thing, seq, min(seq) over (partition by thing, step, run) as head
                    from (
                        select thing, seq, seq / {{Indexer.StepSize}} as step,
                            (row_number() over (partition by thing, seq / {{Indexer.StepSize}} order by seq) - 1)
                                / {{Indexer.RunLength}} as run
                        from (
                            select a.seq, ('x' || encode(substr(sha256(convert_to(name, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
                                as thing
                            from audit.entry a
                            join platform.event e on e.tx = a.tx and e.position = a.position and e.created_at = a.created_at
                            cross join lateral (values ('instance:' || e.aggregateid), ('actor:' || e.actor), ('type:' || e.type),
                                ('coupon:' || (e.payload ->> 'coupon_id')), ('redemption:' || (e.payload ->> 'redemption_id')),
                                ('customer:' || (e.payload ->> 'customer_id')), ('account:' || (e.payload ->> 'customer_id')))
                                as said (name)
                            where a.seq >= first
                        ) m
                    ) r
                ) h
                group by thing, head order by thing, head;

                insert into audit.span (first_seq, last_seq, first_at, last_at)
                values (first, first + {{each}} - 1, month, month + {{each}} * interval '1 ms');
                update audit.indexed set seq = first + {{each}} - 1;
                update audit.seal set seq = first + {{each}} - 1, next_tx = pg_current_xact_id()::text::bigint + 1;
            end $do$
            """;
}
