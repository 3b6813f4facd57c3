using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Demo;
using Tessera.Server.Platform.Retention;
using Tessera.Server.Privacy;
using Tessera.Server.Tests.Redemptions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Privacy;

[Collection(PostgresCollection.Name)]
public sealed class RetentionTests(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>Tables that are no kind of retention, and why.</summary>
    private static readonly Dictionary<string, string> Kept = new()
    {
        [
            "platform.event platform.event_word access.merchant audit.entry audit.seal balances.account balances.transfer"
        ] = "the log, its chain and the ledger are for ever",
        ["balances.withdrawal"] = "the proof of what was paid out, to nobody any more after an erasure",
        ["redemptions.redemption redemptions.rollback redemptions.booking redemptions.order_return coupons.usage"] =
            "sales: the ledger and what verify proves rest on them",
        ["expiration.bucket expiration.job expiration.batch expiration.coupon_end"] =
            "they prove that each unit and coupon ended, once",
        ["coupons.instance coupons.code expiration.time_to_live"] = "units have a time to live by coupon (EXP-16)",
        [
            "access.customer access.channel access.api_key people.person people.preference people.role people.passkey people.recovery_code"
        ] = "records that people keep and end; a customer's go with an erasure",
        ["people.external campaigns.campaign campaigns.audience campaigns.cost coupons.service coupons.consultant"] =
            "records that people keep and end; a customer's go with an erasure",
        ["coupons.coupon coupons.template coupons.fallback promotions.promotion promotions.version promotions.stamp"] =
            "the catalogue, and the versions that receipts name",
        ["promotions.segment promotions.segment_version promotions.segment_member promotions.category_tree"] =
            "the catalogue, and the versions that receipts name",
        ["connectors.connector connectors.secret connectors.lane connectors.webhook connectors.webhook_secret"] =
            "settings and their present state",
        [
            "notifications.feed connectors.feed connectors.definition expiration.control expiration.merchant_priority expiration.follower"
        ] = "settings and their present state",
        [
            "approvals.policy privacy.retention regions.region platform.secret insights.saved_view insights.marker demo.life"
        ] = "settings and their present state",
        ["privacy.person_key privacy.personal_data privacy.objection privacy.erased"] =
            "of a person until the erasure, and the proof of it",
        ["insights.progress insights.coupon_day insights.refusal_day insights.budget_day insights.day_total"] =
            "sums without persons, counted from the log",
        ["insights.refusal_total insights.view_day insights.view_total coupons.total coupons.live_hour"] =
            "sums without persons, counted from the log",
        ["audit.mention audit.chunk audit.span audit.indexed audit.chain_walk"] = "the index of the log",
        ["access.rate people.challenge people.assertion balances.hold insights.view_note expiration.upload_line"] =
            "gone within minutes, or with what they belong to",
        ["expiration.expected_hour expiration.notice expiration.notice_look"] =
            "gone within minutes, or with what they belong to",
        ["migrations.applied"] = "how the database was made",
    };

    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        // The node's own first pass, so that the test's are alone.
        await Patience.UntilAsync(
            async () =>
                await _host.Database.ScalarAsync<long>(
                    "select count(distinct data_kind) from privacy.retention_run where finished_at is not null"
                ) >= Kinds.All.Count,
            "the node's first pass"
        );
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    private RetainedKinds Kinds => _host.Services.GetRequiredService<RetainedKinds>();

    [Fact]
    public async Task Every_table_is_of_a_kind_with_a_period_or_has_a_reason_to_be_kept()
    {
        var tables = await _host.Database.ColumnAsync<string>(
            """
            select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and not c.relispartition
                and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'quartz')
            """
        );
        string[] aging =
        [
            .. Kinds.All.Select(static k => k.Table),
            .. Kinds
                .All.SelectMany(static k => k.Parts)
                .Where(static p => p.TakenOut is null)
                .Select(static p => p.Table),
            // Who bought is taken out; the sale stays.
            "redemptions.placed_order",
            "redemptions.promotion_use",
        ];
        string[] kept = [.. Kept.Keys.SelectMany(static k => k.Split(' '))];
        Assert.Empty(kept.Intersect(aging));
        Assert.Empty(kept.Except(tables));
        Assert.Empty(tables.Except(aging).Except(kept).Order());
        Assert.Equal(Kinds.Names.Distinct().Count(), Kinds.All.Count);
        Assert.All(Kinds.All, static k => Assert.InRange(k.KeepDays, k.FewestDays, 36_500));
    }

    [Fact]
    public async Task Every_column_of_words_is_looked_through_by_an_erasure_or_has_a_reason_not_to_be()
    {
        var columns = await _host.Database.ColumnAsync<string>(
            """
            select n.nspname || '.' || c.relname || '.' || a.attname
            from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
                and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'quartz', 'migrations')
                and a.atttypid in ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype, 'bytea'::regtype)
                -- A closed list of words, or a pattern without letters of people.
                and not exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'c'
                    and k.conkey = array[a.attnum] and pg_get_constraintdef(k.oid) ~ '(= ANY|~ )')
            """
        );
        var words = _host.Services.GetServices<KeptWords>().ToList();
        bool IsLookedThrough(string column)
        {
            var place = column.LastIndexOf('.');
            return words.Any(w =>
                w.Table == column[..place]
                && w.Words.Split(' ', ',', ':', '(', ')').Contains("t." + column[(place + 1)..])
            );
        }

        string[] left =
        [
            .. columns.Where(c => !IsLookedThrough(c)).Except(Wordless.Columns).Order(StringComparer.Ordinal),
        ];
        Assert.Empty(Wordless.Columns.Except(columns));
        Assert.True(left.Length == 0, string.Join(' ', left));
    }

    [Fact]
    public async Task When_every_period_ends_every_promise_still_holds()
    {
        await DemoWorld.LoadAsync(_host.Database.Database, default);
        await TradeAsync();
        var redemptions = await _host.Database.ScalarAsync<long>("select count(*) from redemptions.redemption");
        var gone = new Dictionary<string, long>();
        await using (var work = await _host.Database.Database.BeginAsync(default))
        {
            var now = await work.ClockAsync(default);
            foreach (var kind in Kinds.All)
            {
                var sql = RetentionSql.Step(kind, archives: kind.MayArchive);
                await using var step = work.Command(sql, now.AddYears(1), "(0,0)", "(100000,0)", kind.Name, now);
                await using var counts = await step.ExecuteReaderAsync();
                await counts.ReadAsync();
                gone[kind.Name] = counts.GetInt64(0);
            }

            await work.CommitAsync(default);
        }

        string[] traded = ["refusal", "reservation", "held_cart", "order_customer", "attempt_receipt", "sale_receipt"];
        Assert.All(traded, kind => Assert.NotEqual(0, gone[kind]));
        Assert.Equal(0, await _host.Database.ScalarAsync<long>("select count(*) from redemptions.refusal"));
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from redemptions.placed_order where customer_id is not null or cart ? 'customer'"
            )
        );
        Assert.Equal(
            redemptions,
            await _host.Database.ScalarAsync<long>("select count(*) from redemptions.redemption")
        );
        await Dump.SealedAsync(_host.Database);
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }

    [Fact]
    public async Task What_was_kept_long_enough_is_deleted_or_archived_with_a_report_unless_it_is_held()
    {
        var customer = await CustomerAsync();
        await RefusedAsync(customer, days: 200);
        await RefusedAsync(Guid.CreateVersion7(), days: 200);
        await RefusedAsync(Guid.CreateVersion7(), days: 100);
        var hold = await _host.PostAsync("/api/v1/legal-holds", new { matter = "2026-C-114", customer_id = customer });

        // An address is kept for 180 days unless told otherwise; refusals are to be archived after 150.
        var archived = await SetAsync("refusal", new { keep_days = 150, action = "archive" });
        Assert.Equal("archive", archived.Json.GetProperty("action").GetString());
        await ForgetRunsAsync();
        await RunAsync();
        Assert.Equal((1, 0, 1), await LastAsync("attempt_origin"));
        Assert.Equal((0, 1, 1), await LastAsync("refusal"));
        Assert.Equal(2, await _host.Database.ScalarAsync<long>("select count(*) from redemptions.origin"));
        Assert.Equal(2, await _host.Database.ScalarAsync<long>("select count(*) from redemptions.refusal"));

        // The hold ended: the other one goes too, and an erasure finds it in the archive.
        await _host.PostAsync($"/api/v1/legal-holds/{hold.Json.GetProperty("id").GetString()}/end");
        await ForgetRunsAsync();
        await RunAsync();
        var reports = (await _host.GetAsync("/api/v1/retention/runs?data_kind=refusal")).Json.GetProperty("data");
        Assert.Equal([1, 1, 0], reports.EnumerateArray().Select(static r => r.GetProperty("archived").GetInt32()));
        var found = (await _host.GetAsync($"/api/v1/retention/archive?customer_id={customer}")).Json;
        var record = Assert.Single(found.GetProperty("data").EnumerateArray());
        Assert.Equal("expired", record.GetProperty("content").GetProperty("reason").GetString());
        using var poor = _host.ClientOf(await _host.KeyAsync([Permissions.RetentionManage]));
        var masked = (await _host.GetAsync("/api/v1/retention/archive", poor)).Json.GetProperty("data");
        Assert.All(masked.EnumerateArray(), static r => Assert.False(r.TryGetProperty("content", out _)));
        var asked = await _host.PostAsync("/api/v1/privacy-requests", new { customer_id = customer, kind = "erasure" });
        await _host.PostAsync($"/api/v1/privacy-requests/{asked.Json.GetProperty("id").GetString()}/complete", new { });
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from privacy.archived where customer_id = $1",
                customer
            )
        );
        Assert.Equal(
            ["retention.changed", "retention.ran", "retention.ran", "retention.ran", "retention.ran"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'retention' order by type, created_at"
            )
        );
    }

    [Fact]
    public async Task A_run_that_was_left_goes_on_where_it_stopped()
    {
        await _host.Database.ExecuteAsync(
            """
            insert into platform.idempotency (key, request_hash, status, body, created_at)
            select gen_random_uuid(), gen_random_uuid(), 200, convert_to(repeat('x', 1800), 'UTF8'),
                now() - interval '8 days' from generate_series(1, 1600)
            """
        );
        const string left = "select count(*) from platform.idempotency where created_at < now() - interval '7 days'";
        var before = await _host.Database.ScalarAsync<long>(
            $"{left} and ctid < '(256,0)'::tid and (select pg_relation_size('platform.idempotency') / 8192) > 300"
        );
        Assert.True(before > 0);
        await ForgetRunsAsync();
        await _host.Database.ExecuteAsync(
            """
            insert into privacy.retention_run (id, data_kind, keep_days, cutoff, deleted, held, at, next_block, end_block)
            select gen_random_uuid(), 'idempotent_answer', 7, now(), 5, 2, now(), 256,
                pg_relation_size('platform.idempotency') / 8192
            """
        );
        await RunAsync();
        Assert.Equal((1600 - before + 5, 0, 2), await LastAsync("idempotent_answer"));
        Assert.Equal(before, await _host.Database.ScalarAsync<long>(left));

        // A run of its own finds the rest, and none of what is young.
        await ForgetRunsAsync();
        await _host.PostAsync("/api/v1/merchants", """{"name":"New"}""", "new");
        await RunAsync();
        Assert.Equal(0, await _host.Database.ScalarAsync<long>(left));
        Assert.Equal(
            "true",
            (await _host.PostAsync("/api/v1/merchants", """{"name":"New"}""", "new")).Header("Idempotency-Replayed")
        );
    }

    [Fact]
    public async Task A_run_that_dies_half_way_is_ended_by_another_which_archives_nothing_twice_and_loses_nothing()
    {
        var customer = await CustomerAsync();
        await _host.Database.ExecuteAsync(
            """
            insert into redemptions.refusal (id, operation, reason, customer_id, client_id, decided_at, order_reference)
            select gen_random_uuid(), 'redeem', 'expired', case when n % 1000 = 0 then $1 end, $1, now() - interval '200 days',
                repeat(md5(n::text), 50)
            from generate_series(1, 4000) n
            """,
            customer
        );
        await _host.PostAsync("/api/v1/legal-holds", new { matter = "2026-C-114", customer_id = customer });
        await SetAsync("refusal", new { keep_days = 150, action = "archive" });
        await ForgetRunsAsync();
        await _host.Database.ExecuteAsync(
            """
            create function privacy.fall() returns trigger language plpgsql as
                $$ begin raise exception 'The node dies.'; end $$;
            create trigger fall before update on privacy.retention_run for each row
                when (new.data_kind = 'refusal' and new.next_block > 512) execute function privacy.fall();
            """
        );
        await Assert.ThrowsAsync<Npgsql.PostgresException>(RunAsync);
        const string counts = """
            select (select count(*) from privacy.archived) || ' ' || (select count(distinct content ->> 'id') from privacy.archived)
                || ' ' || (select archived from privacy.retention_run where data_kind = 'refusal' order by at desc limit 1)
                || ' ' || (select count(*) from redemptions.refusal)
            """;
        var half = (await _host.Database.ScalarAsync<string>(counts)).Split(' ').Select(int.Parse).ToArray();
        Assert.InRange(half[0], 500, 3500);
        Assert.Equal((half[0], half[0], 4000 - half[0]), (half[1], half[2], half[3]));

        // Another node, which knows nothing but the report.
        await _host.Database.ExecuteAsync("drop trigger fall on privacy.retention_run");
        var services = _host.Services;
        using var other = new RetentionWorker(
            services.GetRequiredService<Server.Platform.Database>(),
            Kinds,
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<RetentionWorker>>()
        );
        await other.RunOnceAsync(default);
        Assert.Equal("3996 3996 3996 4", await _host.Database.ScalarAsync<string>(counts));
        Assert.Equal((0, 3996, 4), await LastAsync("refusal"));

        // What it archived is one file, for those who may see money; that it was fetched is in the log.
        var runs = (await _host.GetAsync("/api/v1/retention/runs?has_archived=true")).Json.GetProperty("data");
        var path = $"/api/v1/retention/runs/{Assert.Single(runs.EnumerateArray()).GetProperty("id")}/archive";
        var file = await _host.GetAsync(path);
        Assert.Equal((200, "application/x-ndjson"), (file.Status, file.MediaType));
        var lines = file.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3996, lines.Length);
        using var record = System.Text.Json.JsonDocument.Parse(lines[^1]);
        Assert.Equal("refusal", record.RootElement.GetProperty("data_kind").GetString());
        Assert.Equal("expired", record.RootElement.GetProperty("content").GetProperty("reason").GetString());
        using var poor = _host.ClientOf(await _host.KeyAsync([Permissions.RetentionManage]));
        Assert.Equal((403, "export_with_figures"), await CodeAsync(path, poor));
        using var none = _host.ClientOf(await _host.KeyAsync([Permissions.FinanceRead]));
        Assert.Equal((403, "forbidden"), await CodeAsync(path, none));
        var empty = $"/api/v1/retention/runs/{Guid.CreateVersion7()}/archive";
        Assert.Equal((404, "not_found"), await CodeAsync(empty, _host.Client));
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'retention.archive_downloaded'"
            )
        );
    }

    [Fact]
    public async Task A_period_has_to_be_one_that_the_kind_can_have()
    {
        var first = await SetAsync("attempt_origin", new { keep_days = 30 });
        Assert.Equal(30, first.Json.GetProperty("keep_days").GetInt32());
        Assert.Equal(412, (await SetAsync("attempt_origin", new { keep_days = 40 })).Status);
        Assert.Equal(
            [("keep_days", "out_of_range"), ("action", "not_archived")],
            (await SetAsync("idempotent_answer", new { keep_days = 3, action = "archive" })).Errors
        );
        Assert.Equal(404, (await SetAsync("gossip", new { keep_days = 30 })).Status);
        Assert.Equal(
            [("data_kind", "unknown_value")],
            (await _host.PostAsync("/api/v1/legal-holds", new { matter = "1", data_kind = "gossip" })).Errors
        );
    }

    private async Task<Guid> CustomerAsync()
    {
        var reply = await _host.PostAsync("/api/v1/customers", new { external_id = "kept" });
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").GetGuid();
    }

    private Task RefusedAsync(Guid customer, int days) =>
        _host.Database.ExecuteAsync(
            """
            with r as (
                insert into redemptions.refusal (id, operation, reason, customer_id, client_id, decided_at)
                values (gen_random_uuid(), 'redeem', 'expired', $1, $1, now() - make_interval(days => $2))
                returning id, decided_at
            )
            insert into redemptions.origin (attempt_id, ip, decided_at) select id, '192.0.2.1', decided_at from r
            """,
            customer,
            days
        );

    private async Task<(int, string?)> CodeAsync(string path, HttpClient client)
    {
        var reply = await _host.GetAsync(path, client);
        return (reply.Status, reply.Code);
    }

    private Task<Reply> SetAsync(string kind, object wanted) =>
        _host.SendAsync(
            HttpMethod.Put,
            "/api/v1/retention/" + kind,
            wanted,
            headers: new Dictionary<string, string> { ["If-Match"] = "\"0\"" }
        );

    private Task ForgetRunsAsync() =>
        _host.Database.ExecuteAsync(
            "update privacy.retention_run set at = at - interval '1 day', finished_at = finished_at - interval '1 day'"
        );

    private Task RunAsync() =>
        _host.Services.GetServices<IHostedService>().OfType<RetentionWorker>().Single().RunOnceAsync(default);

    private async Task<(long Deleted, long Archived, long Held)> LastAsync(string kind)
    {
        var kinds = (await _host.GetAsync("/api/v1/retention")).Json.GetProperty("data");
        var one = kinds.EnumerateArray().Single(k => k.GetProperty("data_kind").GetString() == kind);
        Assert.False(one.GetProperty("is_running").GetBoolean());
        long Count(string name) => one.GetProperty("last_" + name).GetInt64();
        return (Count("deleted"), Count("archived"), Count("held"));
    }

    /// <summary>A use, a refusal, a hold that was released, an order and a cart that was held for it.</summary>
    private async Task TradeAsync()
    {
        var customer = await _host.Database.ScalarAsync<Guid>("select id from access.customer order by id limit 1");
        var given = new Catalogue(_host.Database);
        await given.CouponAsync("KEPT");
        await given.CouponAsync("HELD");
        object Wanted(string code, string reference) =>
            new
            {
                code,
                customer_id = customer,
                order = new { reference, amount = new { amount = 1000, currency = "USD" } },
            };
        Assert.Equal(201, (await _host.PostAsync("/api/v1/redemptions", Wanted("KEPT", "one"))).Status);
        Assert.Equal(409, (await _host.PostAsync("/api/v1/redemptions", Wanted("KEPT", "one"))).Status);
        var held = await _host.PostAsync("/api/v1/reservations", Wanted("HELD", "two"));
        Assert.Equal(201, held.Status);
        var id = held.Json.GetProperty("id").GetString();
        var released = await _host.PostAsync($"/api/v1/reservations/{id}/release");
        Assert.True(released.Status == 200, released.Body);
        var shop = new Shop(_host);
        await shop.PromotionAsync("percent", "order", ("percent", 10));
        foreach (var path in (string[])["reservations", "redemptions"])
        {
            var reply = await _host.PostAsync(
                "/api/v1/orders/" + path,
                new
                {
                    reference = "cart",
                    currency = "USD",
                    customer_id = customer,
                    customer = new { email = "somebody@example.org" },
                    lines = new[]
                    {
                        new
                        {
                            id = "l",
                            sku = "S",
                            unit_price = 1000,
                            quantity = 1,
                        },
                    },
                }
            );
            Assert.True(reply.Status == 201, reply.Body);
        }

        await _host.Database.ExecuteAsync(
            "update redemptions.order_reservation set ended_at = clock_timestamp(), ending = 'lapsed' where ended_at is null"
        );
        await _host.Database.ExecuteAsync("update redemptions.promotion_hold set ended_at = clock_timestamp()");
    }
}
