using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>Extensions, forced ends, cancellations and archivings of many are undone as a unit (BLK-07, R-10).</summary>
[Collection(PostgresCollection.Name)]
public sealed class ChangeUndoTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/expiry/changes";
    private const string Reason = "The shop was closed for a week";

    private TestHost _host = null!;
    private Catalogue _given = null!;
    private long _coupon;

    public async Task InitializeAsync()
    {
        // The worker of these changes is started by the tests.
        _host = await TestHost.StartAsync(
            postgres,
            static builder =>
                builder.Services.Remove(
                    builder.Services.Single(static s => s.ImplementationType == typeof(ChangeWorker))
                )
        );
        _given = new Catalogue(_host.Database);
        await _host.Database.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, start_at, created_by, budget_minor, budget_currency)
            values ('summer', 'Summer', clock_timestamp(), 'test', 100000, 'USD')
            """
        );
        _coupon = await _given.CouponAsync("CHANGED", "max_discount_minor, campaign_id", "500, 'summer'", "unique");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData("expire", "expired")]
    [InlineData("cancel", "cancelled")]
    public async Task What_was_ended_lives_again_while_its_window_is_open_and_what_it_freed_is_taken_back(
        string action,
        string to
    )
    {
        long[] units =
        [
            await UnitAsync("END-1"),
            await UnitAsync("END-2"),
            await UnitAsync("END-3"),
            await UnitAsync("END-4"),
        ];
        await _given.PayAsync(units[1]);
        var before = (await RowAsync(units[0]), await RowAsync(units[1]));
        var operation = await AcceptedAsync(
            new
            {
                action,
                reason = Reason,
                campaign_id = "summer",
            }
        );
        Assert.True(await RunAsync());
        Assert.Equal([to, to, to, to], await StatesAsync(units));
        Assert.Equal((4, 2000), (await PostedAsync("freed_units"), await PostedAsync("freed_budget")));

        // What it is worth by now is not what it has freed.
        await _host.Database.ExecuteAsync("update coupons.coupon set max_discount_minor = 700 where id = $1", _coupon);
        await ChangedAsync(
            new
            {
                action = "archive",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = (long[])[units[2]],
            }
        );
        await _given.EndAsync(units[3]);
        await EndedBeforeAsync(units[3]);
        var undo = await UndoneAsync(operation);
        Assert.Equal((4, 2), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(before, (await RowAsync(units[0]), await RowAsync(units[1])));
        Assert.Equal(["archived", to], await StatesAsync(units[2..]));
        Assert.Equal((2, 1000), (await PostedAsync("freed_units"), await PostedAsync("freed_budget")));
        var releases = (await _host.GetAsync("/api/v1/expiry/releases")).Json.GetProperty("data").EnumerateArray();
        Assert.Equal(
            (2, 1000),
            (
                releases.Sum(static r => r.GetProperty("units").GetInt32()),
                releases.Sum(static r => r.GetProperty("budget").GetProperty("amount").GetInt32())
            )
        );
        var errors = (await _host.GetAsync(undo.GetProperty("errors_url").GetString()!)).Body;
        Assert.Contains($"{units[2]},instance_id,changed_since,", errors, StringComparison.Ordinal);
        Assert.Contains($"{units[3]},instance_id,window_over,", errors, StringComparison.Ordinal);
        Assert.Equal(
            [$"{units[0]}", $"{units[1]}"],
            await _host.Database.ColumnAsync<string>(
                "select unnest(ids)::text from connectors.batch where kind = 'enable' order by 1"
            )
        );
        await AssertVerifiedAsync();

        Assert.Equal((409, "not_undoable"), CodeOf(await _host.PostAsync($"/api/v1/operations/{operation}/undo")));
        Assert.Equal(201, (await RedeemAsync("END-1")).Status);
        await AssertVerifiedAsync();

        // It can be ended again, and that be undone again.
        var again = await AcceptedAsync(
            new
            {
                action,
                reason = Reason,
                coupon_id = _coupon,
            }
        );
        Assert.True(await RunAsync());
        Assert.Equal(to, (await StatesAsync([units[1]]))[0]);
        Assert.Equal(0, (await UndoneAsync(again)).GetProperty("error_count").GetInt32());
        Assert.Equal("paid", (await StatesAsync([units[1]]))[0]);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task An_extension_is_taken_back_and_what_has_its_former_end_behind_it_ends_by_the_clock()
    {
        var live = await UnitAsync("EXT-1", "(clock_timestamp() + interval '5 hours')");
        var used = await UnitAsync("EXT-2", "(clock_timestamp() + interval '6 hours')");
        var dead = await UnitAsync("EXT-3", "(clock_timestamp() - interval '1 hour')");
        var passing = await UnitAsync("EXT-4", "(clock_timestamp() + interval '7 hours')");
        var before = await RowAsync(live);
        var ends = await _host.Database.ScalarAsync<string>(
            "select string_agg(valid_until::text, ' ' order by code) from coupons.code where code like 'EXT%'"
        );
        var list = $"instance_id\n{live}\n{used}\n{dead}\n{passing}\n";
        var operation = await UploadAsync($"extend&override=true&valid_until={await InDaysAsync(20)}", list);
        Assert.True(await RunAsync());
        Assert.Equal(["extended", "extended", "extended", "extended"], await StatesAsync([live, used, dead, passing]));
        Assert.Equal(201, (await RedeemAsync("EXT-2")).Status);

        // The end it had passes meanwhile.
        await EndedBeforeAsync(passing);
        var undo = await UndoneAsync(operation);
        Assert.Equal((4, 1), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(before, await RowAsync(live));
        Assert.Equal(["issued", "redeemed", "expired"], await StatesAsync([live, used, dead]));
        Assert.Equal("expired", (await RedeemAsync("EXT-4")).Code);
        Assert.Equal("expired", (await RedeemAsync("EXT-3")).Code);
        Assert.Equal(201, (await RedeemAsync("EXT-1")).Status);
        Assert.Equal(
            ends.Split(' ')[..2],
            (
                await _host.Database.ScalarAsync<string>(
                    "select valid_until::text from coupons.code where code = 'EXT-1'"
                )
            ).Split(' ')[..2]
        );

        // The pipeline tells of what ended so, once.
        using var pipeline = new Pipeline(_host.Database);
        await pipeline.LookAhead.RunOnceAsync(default);
        await UntilAsync(
            """
            select exists (select from verify.transitions where instance_id = $1 and to_state = 'expired' and cause = 'end_reached')
            """,
            passing,
            pipeline
        );
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_was_put_away_comes_back_as_it_was()
    {
        long[] units = [await UnitAsync("OLD-1"), await UnitAsync("OLD-2"), await UnitAsync("OLD-3")];
        await ChangedAsync(
            new
            {
                action = "expire",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = (long[])[units[0]],
            }
        );
        await ChangedAsync(
            new
            {
                action = "cancel",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = (long[])[units[1]],
            }
        );
        Assert.Equal(201, (await RedeemAsync("OLD-3")).Status);
        await _given.EndAsync(units[2]);
        var before = new List<string>();
        foreach (var unit in units)
        {
            before.Add(await RowAsync(unit));
        }

        var operation = await AcceptedAsync(
            new
            {
                action = "archive",
                reason = Reason,
                coupon_id = _coupon,
            }
        );
        Assert.True(await RunAsync());
        Assert.Equal(["archived", "archived", "archived"], await StatesAsync(units));
        Assert.Equal(0, (await UndoneAsync(operation)).GetProperty("error_count").GetInt32());
        var after = new List<string>();
        foreach (var unit in units)
        {
            after.Add(await RowAsync(unit));
        }

        Assert.Equal(before, after);
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task Units_that_were_named_are_undone_too_and_only_by_who_may_change_them()
    {
        long[] units = [await UnitAsync("NAME-1"), await UnitAsync("NAME-2")];
        var done = await ChangedAsync(
            new
            {
                action = "cancel",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = units,
            }
        );
        var operation = done.GetProperty("operation_id").GetGuid();
        var view = (await _host.GetAsync("/api/v1/operations/" + operation)).Json;
        Assert.Equal(
            ("succeeded", "cancel", 2),
            (
                view.GetProperty("status").GetString(),
                view.GetProperty("action").GetString(),
                view.GetProperty("done").GetInt32()
            )
        );
        Assert.NotEqual(JsonValueKind.Null, view.GetProperty("undo_until").ValueKind);
        using var bulk = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsBulk, Permissions.Operations]));
        Assert.Equal(
            (403, "undo_forbidden"),
            CodeOf(await _host.PostAsync($"/api/v1/operations/{operation}/undo", null, null, bulk))
        );
        Assert.Equal(0, (await UndoneAsync(operation)).GetProperty("error_count").GetInt32());
        Assert.Equal(["issued", "issued"], await StatesAsync(units));
        await AssertVerifiedAsync();
    }

    [Fact]
    public async Task What_was_issued_is_withdrawn_as_far_as_nobody_touched_it()
    {
        var issued = Ok(
            await _host.PostAsync($"/api/v1/admin/coupons/{_coupon}/instances", new { count = 4 }),
            201
        ).Json;
        var codes = issued
            .GetProperty("data")
            .EnumerateArray()
            .Select(static u => u.GetProperty("code").GetString()!)
            .ToList();
        long[] units =
        [
            .. issued.GetProperty("data").EnumerateArray().Select(static u => u.GetProperty("id").GetInt64()),
        ];
        Assert.Equal(201, (await RedeemAsync(codes[1])).Status);
        await ChangedAsync(
            new
            {
                action = "cancel",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = (long[])[units[2]],
            }
        );
        var undo = await UndoneAsync(issued.GetProperty("operation_id").GetGuid());
        Assert.Equal((4, 2), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(["revoked", "redeemed", "cancelled", "revoked"], await StatesAsync(units));
        Assert.NotEqual(201, (await RedeemAsync(codes[0])).Status);
        Assert.Equal(
            units.Except([units[1]]).Order(),
            await _host.Database.ColumnAsync<long>(
                "select unnest(ids) from connectors.batch where kind = 'disable' order by 1"
            )
        );
        await AssertVerifiedAsync();

        // So are codes that an operation has generated.
        var generated = Ok(
            await _host.PostAsync($"/api/v1/admin/coupons/{_coupon}/generate", new { count = 6000 }),
            202
        );
        await _host.EndOfAsync(generated.Header("Location")!);
        Assert.Equal(6000, await LiveAsync());
        var rest = await UndoneAsync(generated.Json.GetProperty("operation_id").GetGuid());
        Assert.Equal((6000, 0), (rest.GetProperty("done").GetInt32(), rest.GetProperty("error_count").GetInt32()));
        Assert.Equal(0, await LiveAsync());
        await AssertVerifiedAsync();

        // One unit alone is withdrawn by hand, like anything that is one alone.
        var one = Ok(await _host.PostAsync($"/api/v1/admin/coupons/{_coupon}/instances", new { count = 1 }), 201).Json;
        Assert.Equal(JsonValueKind.Null, one.GetProperty("operation_id").ValueKind);
    }

    [Fact]
    public async Task For_how_many_days_is_the_deployments_to_say_and_then_it_is_over()
    {
        await using var three = new Tessera.Server.Platform.Database(_host.Database.ConnectionString, undoDays: 3);
        await using var left = three.Source.CreateCommand(
            "select round(extract(epoch from platform.undo_until() - platform.clock()) / 86400)::int"
        );
        Assert.Equal(3, await left.ExecuteScalarAsync());

        long[] units = [await UnitAsync("LATE-1"), await UnitAsync("LATE-2")];
        var done = await ChangedAsync(
            new
            {
                action = "cancel",
                reason = Reason,
                coupon_id = _coupon,
                instance_ids = units,
            }
        );
        await _host.Database.ExecuteAsync(
            "update expiration.change set undo_until = clock_timestamp() - interval '1 second'"
        );
        var operation = done.GetProperty("operation_id").GetString();
        Assert.Equal((409, "not_undoable"), CodeOf(await _host.PostAsync($"/api/v1/operations/{operation}/undo")));
        Assert.Equal(["cancelled", "cancelled"], await StatesAsync(units));
    }

    [Fact]
    public async Task An_undo_that_was_stopped_between_batches_goes_on_behind_them_with_each_unit_once()
    {
        const int count = UnitChanges.UnitsPerBatch + 300;
        await _host.Database.ExecuteAsync(
            $$"""
            with b as (select nextval('coupons.instance_block') * 1024 as first from generate_series(1, 6)), f as (select min(first) as first from b),
            e as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', first, 'job:test',
                    jsonb_build_object('first_id', first, 'last_id', first + {{count - 1}}), clock_timestamp() from f
            )
            insert into coupons.instance (id, valid_until, coupon_id, code, valid_from)
            select first + n, 'infinity', $1, 'L' || (first + n), clock_timestamp() - interval '1 day' from f, generate_series(0, {{count
            - 1}}) n
            """,
            _coupon
        );
        var operation = await AcceptedAsync(
            new
            {
                action = "cancel",
                reason = Reason,
                coupon_id = _coupon,
            }
        );
        Assert.True(await RunAsync());
        Assert.Equal(0, await LiveAsync());

        var undo = Ok(await _host.PostAsync($"/api/v1/operations/{operation}/undo"), 202)
            .Json.GetProperty("operation_id")
            .GetGuid();
        Task run;
        await using (var holder = new NpgsqlConnection(_host.Database.ConnectionString + ";Pooling=false"))
        {
            await holder.OpenAsync();
            await using var hold = new NpgsqlCommand(
                "begin; select from coupons.instance where id = (select max(id) from coupons.instance) for update",
                holder
            );
            await hold.ExecuteNonQueryAsync();
            run = RunAsync();
            await UntilAsync(
                $"""
                select done = {UnitChanges.UnitsPerBatch} and exists (select from pg_locks where not granted) and $1 = 0
                from platform.operation where id = '{undo}'
                """
            );
            Ok(await _host.PostAsync($"/api/v1/operations/{undo}/cancel"), 200);
        }

        await run;
        Assert.Equal(UnitChanges.UnitsPerBatch, await LiveAsync());
        var rest = Ok(await _host.PostAsync($"/api/v1/operations/{operation}/undo"), 202).Json;
        Assert.Equal(300, rest.GetProperty("coupons").GetInt32());
        Assert.True(await RunAsync());
        Assert.Equal(count, await LiveAsync());
        Assert.Equal(
            $"{count} {count}",
            await _host.Database.ScalarAsync<string>(
                "select count(*) || ' ' || count(distinct instance_id) from verify.transitions where cause = 'undo'"
            )
        );
        Assert.Equal((0, 0), (await PostedAsync("freed_units"), await PostedAsync("freed_budget")));
        await AssertVerifiedAsync();
    }

    private async Task<long> UnitAsync(string code, string until = "'infinity'")
    {
        var unit = await _given.UnitAsync(_coupon, code, until: until, from: "clock_timestamp() - interval '2 days'");
        await _host.Database.ExecuteAsync("update coupons.instance set campaign_id = 'summer' where id = $1", unit);
        return unit;
    }

    /// <summary>As if the end a unit had before its change were a minute ago.</summary>
    private Task EndedBeforeAsync(long unit) =>
        _host.Database.ExecuteAsync(
            """
            update expiration.change_part p set ends = array(
                select case when u.id <> $1 then u.at
                    else coalesce((select i.valid_until from coupons.instance i where i.id = $1 and i.valid_until < clock_timestamp()),
                        clock_timestamp() - interval '1 minute') end
                from unnest(p.ids, p.ends) with ordinality u (id, at, place) order by place)
            """,
            unit
        );

    private async Task<JsonElement> ChangedAsync(object body) => Ok(await _host.PostAsync(Path, body), 200).Json;

    private async Task<Guid> AcceptedAsync(object body) =>
        Ok(await _host.PostAsync(Path, body), 202).Json.GetProperty("operation_id").GetGuid();

    private async Task<Guid> UploadAsync(string query, string list)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            $"{Path}/upload?action={query}&reason={Uri.EscapeDataString(Reason)}"
        );
        request.Content = new StringContent(list, Encoding.UTF8, "text/csv");
        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        using var response = await _host.Client.SendAsync(request);
        return Ok(await Reply.OfAsync(response), 202).Json.GetProperty("operation_id").GetGuid();
    }

    private async Task<JsonElement> UndoneAsync(Guid operation)
    {
        var undo = Ok(await _host.PostAsync($"/api/v1/operations/{operation}/undo"), 202);
        Assert.True(await RunAsync());
        return await _host.EndOfAsync(undo.Header("Location")!);
    }

    private Task<bool> RunAsync() =>
        new ChangeWorker(
            _host.Services.GetRequiredService<Tessera.Server.Platform.Database>(),
            TimeProvider.System,
            NullLogger<ChangeWorker>.Instance
        ).RunOnceAsync(default);

    private async Task<Reply> RedeemAsync(string code) =>
        await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = await _given.CustomerAsync(),
                order = new
                {
                    reference = Guid.CreateVersion7().ToString(),
                    amount = new { amount = 1000, currency = "USD" },
                },
            }
        );

    private static Reply Ok(Reply reply, int status)
    {
        Assert.True(reply.Status == status, reply.Body);
        return reply;
    }

    private static (int, string?) CodeOf(Reply reply) => (reply.Status, reply.Code);

    private async Task<string[]> StatesAsync(long[] units)
    {
        var states = new string[units.Length];
        for (var i = 0; i < units.Length; i++)
        {
            states[i] = await _host.Database.ScalarAsync<string>(
                "select state from coupons.instance where id = $1",
                units[i]
            );
        }

        return states;
    }

    /// <summary>All of a unit but the count of its transitions.</summary>
    private Task<string> RowAsync(long unit) =>
        _host.Database.ScalarAsync<string>(
            "select (to_jsonb(i) - 'version')::text from coupons.instance i where id = $1",
            unit
        );

    private Task<long> LiveAsync() =>
        _host.Database.ScalarAsync<long>("select count(*) from coupons.instance where state = 'issued'");

    private Task<long> PostedAsync(string kind) =>
        _host.Database.ScalarAsync<long>(
            "select coalesce(sum(posted), 0)::bigint from balances.account where kind = $1",
            kind
        );

    private Task<string> InDaysAsync(int days) =>
        _host.Database.ScalarAsync<string>(
            "select to_char((clock_timestamp() + $1 * interval '1 day') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            days
        );

    private async Task UntilAsync(string condition, long unit = 0, Pipeline? pipeline = null)
    {
        while (!await _host.Database.ScalarAsync<bool>(condition, unit))
        {
            if (pipeline is not null)
            {
                await pipeline.SweepAsync();
            }

            await Task.Delay(20);
        }
    }

    private async Task AssertVerifiedAsync()
    {
        await _host
            .Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>()
            .OfType<Sealer>()
            .Single()
            .SealAsync(default);
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }
}
