using System.Diagnostics;
using System.Security.Cryptography;

namespace Tessera.Bench;

/// <summary>
/// One, two and four nodes on one PostgreSQL (PERF-10); then nodes and PostgreSQL are killed and stopped at random while they
/// sweep and callers redeem what is about to end: nothing may be missed, told twice or redeemed late (PERF-06).
/// </summary>
internal static class NodesBench
{
    private const int Nodes = 3;
    private const int RoundUnits = 20_000;
    private const int EndingUnits = 4000;
    private const int CallsPerSecond = 50;

    private static readonly int[] Counts = [1, 2, 4];
    private static readonly TimeSpan DrainWithin = TimeSpan.FromMinutes(5);

    public static async Task<int> RunAsync(bool quick)
    {
        var figures = new Figures();
        await using var ground = await Ground.MakeAsync();
        await ExpiryGround.PrepareAsync(ground);
        var (hours, due) = (1, 0L);
        var units = quick ? 400_000 : 2_000_000;
        foreach (var count in Counts)
        {
            await ground.ExecuteAsync("update expiration.control set mode = 'paused'");
            due += await ExpiryGround.IssueAsync(ground, units, hours + 1, 8);
            hours += 9;
            await ground.SettleAsync();
            var nodes = Enumerable.Range(0, count).Select(_ => ExpiryNode.Start(ground)).ToArray();
            await SeenAsync(ground, count);
            await ground.ExecuteAsync("update expiration.control set mode = 'running'");
            var clock = Stopwatch.StartNew();
            await ExpiryBench.ToldAsync(ground, due, DrainWithin);
            var perSecond = units / clock.Elapsed.TotalSeconds;
            Figures.Say($"{count} nodes: {perSecond:F0} units a second");
            figures.Add($"nodes_{count}_per_second", perSecond);
            foreach (var node in nodes)
            {
                await ExpiryNode.StopAsync(node);
            }

            await ground.ExecuteAsync("delete from expiration.node");
        }

        await DisturbAsync(ground, figures, due, hours, quick ? 10 : 100);
        var faults = await ExpiryBench.VerifyAsync(ground);
        figures.Add("verify_faults", faults);
        figures.Print();
        return faults == 0 ? 0 : 1;
    }

    private static async Task DisturbAsync(Ground ground, Figures figures, long due, int hours, int times)
    {
        var codes = await EndingAsync(ground, times);
        var customers = await ground.CustomersAsync(1000);
        var nodes = Enumerable.Range(0, Nodes).Select(_ => ExpiryNode.Start(ground)).ToArray();
        using var stop = new CancellationTokenSource();
        var calls = Task.Run(() => CallAsync(ground, codes, customers, stop.Token));
        var (kills, stops, restarts) = (0, 0, 0);
        for (var time = 0; time < times; time++)
        {
            due += await IssueAsync(ground, hours);
            hours += 3;
            await Task.Delay(RandomNumberGenerator.GetInt32(50, 600));
            var victim = RandomNumberGenerator.GetInt32(Nodes);
            switch (RandomNumberGenerator.GetInt32(10))
            {
                case 0:
                    await KillPostgresAsync(ground);
                    restarts++;
                    break;
                case < 5:
                    var pid = nodes[victim].Id;
                    await SignalAsync("STOP", pid);
                    await Task.Delay(RandomNumberGenerator.GetInt32(200, time % 10 == 9 ? 25_000 : 2000));
                    await SignalAsync("CONT", pid);
                    stops++;
                    break;
                default:
                    await ExpiryNode.StopAsync(nodes[victim]);
                    nodes[victim] = ExpiryNode.Start(ground);
                    kills++;
                    break;
            }
        }

        await stop.CancelAsync();
        var accepted = await calls;
        var clock = Stopwatch.StartNew();
        await ground.ExecuteAsync(
            "select pg_sleep(greatest(0, extract(epoch from max(valid_until) - clock_timestamp()))) from coupons.instance where code like 'DYING%'"
        );
        await DrainedAsync(ground);
        figures.Add("killed", kills);
        figures.Add("stopped", stops);
        figures.Add("postgres_killed", restarts);
        figures.Add("redeemed_meanwhile", accepted);
        figures.Add("drained_seconds", clock.Elapsed.TotalSeconds);
        figures.Add("missed", await MissedAsync(ground));
        figures.Add(
            "told_twice",
            await ground.ScalarAsync<long>(
                """
                select count(*) from (select unit from expiration.batch b cross join lateral unnest(b.runs) run
                    cross join lateral generate_series(lower(run), upper(run) - 1) unit group by unit having count(*) > 1) t
                """
            )
        );
        figures.Add(
            "redeemed_late",
            await ground.ScalarAsync<long>(
                "select count(*) from redemptions.redemption where decided_at >= instance_end"
            )
        );
        foreach (var node in nodes)
        {
            await ExpiryNode.StopAsync(node);
        }
    }

    /// <summary>Units with codes that end one after the other while the nodes are disturbed.</summary>
    private static async Task<string[]> EndingAsync(Ground ground, int times)
    {
        var coupon = await ground.CouponAsync("DYING", "unique");
        await ground.ExecuteAsync(
            "select coupons.ensure_instance_months(array[clock_timestamp(), clock_timestamp() + interval '1 hour'])"
        );
        await ground.ExecuteAsync(
            $"""
            with b as (select (setval('coupons.instance_block', nextval('coupons.instance_block') + 8) - 7) * 1024 as first), e as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', first, 'job:bench',
                    jsonb_build_object('first_id', first, 'last_id', first + {EndingUnits} - 1), clock_timestamp() from b
            ), i as (
                insert into coupons.instance (id, valid_until, coupon_id, code, valid_from)
                select first + n, clock_timestamp() + n * interval '1 second' * $2::integer / {EndingUnits}, $1, 'DYING' || (first + n),
                    clock_timestamp() - interval '1 day'
                from b cross join lateral generate_series(0, {EndingUnits} - 1) n
                returning id, code, coupon_id, valid_until
            )
            insert into coupons.code (code, coupon_id, instance_id, valid_until) select code, coupon_id, id, valid_until from i
            """,
            coupon,
            Math.Max(60, times * 4)
        );
        await using var command = ground.Owner.CreateCommand(
            "select code from coupons.code where code like 'DYING%' and instance_id is not null"
        );
        await using var rows = await command.ExecuteReaderAsync();
        var codes = new List<string>();
        while (await rows.ReadAsync())
        {
            codes.Add(rows.GetString(0));
        }

        return [.. codes];
    }

    private static async Task<double> CallAsync(Ground ground, string[] codes, Guid[] customers, CancellationToken stop)
    {
        await using var load = new ExpiryLoad(ground, codes, customers);
        await load.RunAsync(CallsPerSecond, stop);
        return await ground.ScalarAsync<long>("select count(*) from redemptions.redemption");
    }

    /// <summary>Issues into the past, as often as PostgreSQL is away.</summary>
    private static async Task<long> IssueAsync(Ground ground, int hours)
    {
        await RetryAsync(async () => await ExpiryGround.IssueAsync(ground, RoundUnits, hours + 1, 3));
        return RoundUnits;
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
            catch (Exception error) when (attempt < 100 && Tessera.Server.Platform.Database.IsOutage(error))
            {
                await Task.Delay(100);
            }
        }
    }

    private static async Task SeenAsync(Ground ground, int count)
    {
        while (await ground.ScalarAsync<long>("select count(*) from expiration.node") < count)
        {
            await Task.Delay(50);
        }
    }

    /// <summary>Waits until nothing that has ended is untold.</summary>
    private static async Task DrainedAsync(Ground ground)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < DrainWithin; await Task.Delay(500))
        {
            if (await MissedAsync(ground) == 0)
            {
                return;
            }
        }
    }

    private static Task<long> MissedAsync(Ground ground) =>
        ground.ScalarAsync<long>(
            """
            with told as materialized (select unit from expiration.batch b cross join lateral unnest(b.runs) run
                cross join lateral generate_series(lower(run), upper(run) - 1) unit)
            select count(*) from coupons.instance i left join told t on t.unit = i.id
            where i.valid_until <= clock_timestamp() and t.unit is null
                and i.state in ('issued', 'paid', 'reserved', 'extended', 'pending_expiration')
            """
        );

    private static async Task KillPostgresAsync(Ground ground)
    {
        await ground.KillServerAsync();
        await RetryAsync(async () => await ground.ScalarAsync<long>("select 1::bigint"));
    }

    private static async Task SignalAsync(string signal, int pid)
    {
        using var kill = Process.Start(
            "kill",
            ["-" + signal, pid.ToString(System.Globalization.CultureInfo.InvariantCulture)]
        );
        await kill.WaitForExitAsync();
    }
}
