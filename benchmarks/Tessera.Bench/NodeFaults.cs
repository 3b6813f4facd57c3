using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using RabbitMQ.Client;
using Tessera.Server.Platform;
using Tessera.Server.Tests.Support;

namespace Tessera.Bench;

/// <summary>
/// Kills and stops of random nodes, of PostgreSQL and RabbitMQ while they sweep, tell partners and publish, and while
/// callers redeem what is about to end: nothing may be missed, told twice, redeemed late or left over (PERF-06).
/// </summary>
internal sealed class NodeFaults(Ground ground, NodeSet nodes, RabbitServer? broker, Figures figures, int hoursAgo)
{
    private const int RoundUnits = 30_000;
    private const int RoundHours = 3;
    private const int CallsPerSecond = 50;

    /// <summary>More than are called for, so that a code is rarely named twice.</summary>
    private const int EndingPerSecond = 60;

    /// <summary>The queue that keeps all published events until a reader takes them.</summary>
    private const string Feed = "tessera.events.all";

    /// <summary>Longer than the lease of a job, and longer than that of a partner's lane.</summary>
    private static readonly TimeSpan[] LongStops = [TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(65)];

    private static readonly TimeSpan DrainWithin = TimeSpan.FromMinutes(5);

    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private int _hoursAgo = hoursAgo;
    private Task _broker = Task.CompletedTask;

    /// <summary>Whether nothing was missed, told twice, redeemed late or left over.</summary>
    public bool IsClean { get; private set; } = true;

    /// <summary>Runs so many faults, lets everything drain and counts what went wrong.</summary>
    public async Task RunAsync(int times)
    {
        await ground.ExecuteAsync("update expiration.control set mode = 'running'");
        var published = broker is null ? 0 : await ground.ScalarAsync<long>("select seq from audit.seal");
        var (codes, first) = await EndingAsync(Math.Max(25, times * 3));
        var customers = await ground.CustomersAsync(10_000);
        await using var load = new ExpiryLoad(ground, _ => Pick(codes, first), customers);
        using var stop = new CancellationTokenSource();
        var calls = Task.Run(() => load.RunAsync(CallsPerSecond, Stopwatch.StartNew(), stop.Token));
        for (var time = 0; time < times; time++)
        {
            await RetryAsync(() => ExpiryGround.IssueAsync(ground, RoundUnits, _hoursAgo + 1, RoundHours));
            _hoursAgo += RoundHours;
            await SweepingAsync();
            await FaultAsync(time);
        }

        await _broker;
        await nodes.SettledAsync();
        await ground.ExecuteAsync(
            "select pg_sleep(greatest(0, extract(epoch from max(valid_until) - clock_timestamp()))) from coupons.instance where code like 'DYING%'"
        );
        await stop.CancelAsync();
        await calls;
        var clock = Stopwatch.StartNew();
        await DrainedAsync();
        foreach (var (name, count) in _counts)
        {
            figures.Add(name, count);
        }

        figures.Add("redeemed_meanwhile", load.Answers.Accepted);
        figures.Add("refused_meanwhile", load.Answers.Refused);
        figures.Add("drained_seconds", clock.Elapsed.TotalSeconds);
        Judge("missed", await MissedAsync());
        Judge("told_twice", await ground.ScalarAsync<long>(Twice));
        Judge(
            "redeemed_late",
            await ground.ScalarAsync<long>(
                "select count(*) from redemptions.redemption where decided_at >= instance_end"
            )
        );
        Judge("commands_left", await OpenAsync());
        if (broker is not null)
        {
            Judge("not_published", await UnpublishedAsync(broker, published));
        }
    }

    private const string Told = """
        select unit from expiration.batch b cross join lateral unnest(b.runs) run
            cross join lateral generate_series(lower(run), upper(run) - 1) unit
        """;

    private const string Twice =
        $"select count(*) from (select unit from ({Told}) t group by unit having count(*) > 1) twice";

    private void Judge(string name, long count)
    {
        figures.Add(name, count);
        IsClean &= count == 0;
    }

    /// <summary>Each kind as often as it deserves: mostly nodes, of every ten one PostgreSQL and one RabbitMQ.</summary>
    private async Task FaultAsync(int time)
    {
        switch (time % 10)
        {
            case 3:
                await ground.KillServerAsync();
                Count("postgres_killed");
                break;
            case 7 when broker is not null:
                // The others go on while it comes back.
                await _broker;
                _broker = broker.KillAsync();
                Count("rabbitmq_killed");
                break;
            case 1 when time % 20 == 1:
                await nodes.PauseAsync(LongStops[time / 20 % LongStops.Length]);
                Count("stopped_past_lease");
                break;
            case 1 or 5 or 9:
                await nodes.PauseAsync(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(200, 3000)));
                Count("stopped");
                break;
            default:
                await nodes.KillAsync();
                Count("killed");
                break;
        }
    }

    private void Count(string name) => _counts[name] = _counts.GetValueOrDefault(name) + 1;

    /// <summary>Until somebody works on what has been issued, so that the fault meets work.</summary>
    private async Task SweepingAsync()
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(2); await Task.Delay(10))
        {
            var isSweeping = false;
            await RetryAsync(async () =>
                isSweeping = await ground.ScalarAsync<bool>(
                    "select exists (select from expiration.job where state = 'waiting' and leased_until > clock_timestamp())"
                )
            );
            if (isSweeping)
            {
                return;
            }
        }
    }

    /// <summary>A code that ends about now: some just have, most are just about to.</summary>
    private static string Pick(string[] codes, long first)
    {
        var seconds = Stopwatch.GetElapsedTime(first).TotalSeconds - 1 + RandomNumberGenerator.GetInt32(4000) / 1000.0;
        return codes[Math.Clamp((int)(seconds * EndingPerSecond), 0, codes.Length - 1)];
    }

    /// <summary>Units with codes that end one after the other while the nodes are disturbed.</summary>
    /// <returns>In the order they end, and the time stamp at which the first does.</returns>
    private async Task<(string[] Codes, long First)> EndingAsync(int seconds)
    {
        var coupon = await ground.CouponAsync("DYING", "unique");
        var count = seconds * EndingPerSecond;
        await ground.ExecuteAsync(
            "select coupons.ensure_instance_months(array[clock_timestamp(), clock_timestamp() + interval '1 hour'])"
        );
        await ground.ExecuteAsync(
            """
            with b as (select nextval('coupons.instance_block') * 1024 as first), e as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', first, 'job:bench',
                    jsonb_build_object('first_id', first, 'last_id', first + $2 - 1), clock_timestamp() from b
            ), i as (
                insert into coupons.instance (id, valid_until, coupon_id, code, valid_from)
                select first + n, k.now + (n + 1) * interval '1 second' / $3, $1, 'DYING' || (first + n), k.now - interval '1 day'
                from b cross join (select clock_timestamp() as now offset 0) k cross join lateral generate_series(0, $2 - 1) n
                returning id, code, coupon_id, valid_until
            ), c as (
                insert into coupons.code (code, coupon_id, instance_id, valid_until) select code, coupon_id, id, valid_until from i
            )
            select setval('coupons.instance_block', (select first / 1024 + $2 / 1024 + 1 from b))
            """,
            coupon,
            (long)count,
            EndingPerSecond
        );
        var codes = new List<string>(count);
        await using var command = ground.Owner.CreateCommand(
            "select code from coupons.instance where coupon_id = $1 order by valid_until, id"
        );
        command.Parameters.Add(new() { Value = coupon });
        await using var rows = await command.ExecuteReaderAsync();
        while (await rows.ReadAsync())
        {
            codes.Add(rows.GetString(0));
        }

        return ([.. codes], Stopwatch.GetTimestamp());
    }

    private static async Task RetryAsync(Func<Task> run)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await run();
                return;
            }
            catch (Exception error) when (attempt < 200 && Database.IsOutage(error))
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Until nothing that has ended is untold and no command waits, or for as long as that may take.</summary>
    private async Task DrainedAsync()
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < DrainWithin; await Task.Delay(1000))
        {
            // What costs the server least is asked first, and the look through all units only when it can be the last.
            if (await WaitingAsync() == 0 && await OpenAsync() == 0 && await MissedAsync() == 0)
            {
                return;
            }
        }

        Figures.Say($"not drained within {DrainWithin}: {await WaitingAsync()} jobs still wait");
    }

    private Task<long> WaitingAsync() =>
        ground.ScalarAsync<long>(
            // The hour that still runs has its job to its end.
            "select count(*) from expiration.job where state = 'waiting' and bucket < date_trunc('hour', clock_timestamp())"
        );

    private Task<long> OpenAsync() =>
        ground.ScalarAsync<long>("select count(*) from connectors.command where state in ('pending', 'sent')");

    private Task<long> MissedAsync() =>
        ground.ScalarAsync<long>(
            $"""
            with told as materialized ({Told})
            select count(*) from coupons.instance i left join told t on t.unit = i.id
            where i.valid_until <= clock_timestamp() and t.unit is null
                and i.state in ('issued', 'paid', 'reserved', 'extended', 'pending_expiration')
            """
        );

    /// <summary>Events of the log that the broker never got. More than once is allowed: readers know them by their id.</summary>
    private async Task<long> UnpublishedAsync(RabbitServer server, long since)
    {
        var head = await ground.ScalarAsync<long>("select seq from audit.seal");
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < DrainWithin; await Task.Delay(500))
        {
            if (await ground.ScalarAsync<long>("select coalesce(min(seq), 0) from connectors.feed") >= head)
            {
                break;
            }
        }

        var published = new HashSet<string>(StringComparer.Ordinal);
        await using var connection = await new ConnectionFactory { Uri = server.Address }.CreateConnectionAsync();
        await using var channel = await connection.CreateChannelAsync();
        while (await channel.BasicGetAsync(Feed, autoAck: true) is { } message)
        {
            published.Add(message.BasicProperties.MessageId!);
        }

        figures.Add("published", published.Count);
        await using var query = ground.Owner.CreateCommand(
            """
            select e.id::text from audit.entry a
            join platform.event e on e.created_at = a.created_at and e.tx = a.tx and e.position = a.position
            where a.seq > $1 and a.seq <= $2
            """
        );
        query.Parameters.Add(new() { Value = since });
        query.Parameters.Add(new() { Value = head });
        await using var rows = await query.ExecuteReaderAsync();
        var missing = 0L;
        while (await rows.ReadAsync())
        {
            missing += published.Contains(rows.GetString(0)) ? 0 : 1;
        }

        return missing;
    }
}
