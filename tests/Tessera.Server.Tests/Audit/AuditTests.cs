using Tessera.Server.Audit;
using Tessera.Server.Tests.Redemptions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Audit;

[Collection(PostgresCollection.Name)]
public sealed class AuditTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;
    private Catalogue _given = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Everything_holds_after_work_of_every_kind()
    {
        await WorkAsync();
        await OrderAsync();
        await MoneyAsync();
        var campaign = new
        {
            id = "told",
            name = "Told",
            start_date = "2026-01-01",
        };
        Assert.Equal(201, (await _host.PostAsync("/api/v1/campaigns", campaign)).Status);
        await SealedAsync();
        var findings = await VerifyAsync();
        Assert.All(findings, f => Assert.Null(f.Fault));
        Assert.All(
            findings,
            f => Assert.True(f.Count > 0 || f.Name.Contains("hold", StringComparison.Ordinal), f.Name)
        );

        // What lies beside the log is held by it.
        await _host.Database.ExecuteAsync("update platform.event_word set words = 'Other'");
        Assert.EndsWith("are others", Assert.Single(await VerifyAsync(), static f => f.Fault is not null).Fault);
    }

    [Theory]
    [InlineData(
        "update platform.event set payload = payload || '{\"x\": 1}' where position = 3",
        "entry 3 was changed"
    )]
    [InlineData("delete from platform.event where position = 3", "the event of entry 3 is gone")]
    [InlineData("delete from audit.entry where seq = (select max(seq) from audit.entry)", "the chain ends")]
    [InlineData("update balances.account set posted = posted + 1 where kind = 'coupon_uses'", "its transfers say")]
    [InlineData(
        "alter table balances.account drop constraint never_beyond_the_bound; update balances.account set bound = 1 where kind = 'coupon_uses' and bound = 100",
        "is at 2 of 1"
    )]
    [InlineData("update coupons.instance set state = 'cancelled' where state = 'redeemed'", "its log ends with")]
    [InlineData("delete from balances.transfer where kind = 'post'", "its transfers say")]
    [InlineData(
        "alter table redemptions.redemption drop constraint within_the_window; update redemptions.redemption set decided_at = valid_from - interval '1 second'",
        "outside"
    )]
    public async Task What_was_tampered_with_is_found_and_named(string sql, string fault)
    {
        await WorkAsync();
        await SealedAsync();

        // The walk that goes on by itself has been here and does not come again for a day: what it found it would tell in an entry
        // more, behind what was changed.
        await Patience.UntilAsync(
            () =>
                _host.Database.ScalarAsync<bool>(
                    "select coalesce(w.whole_seq = s.seq, false) from audit.chain_walk w cross join audit.seal s"
                ),
            "the chain to be recomputed"
        );
        await _host.Database.ExecuteAsync(sql);
        var found = (await VerifyAsync()).Select(f => f.Fault).FirstOrDefault(f => f is not null);
        Assert.Contains(fault, found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_database_writes_the_same_document_and_hash_as_the_sealer()
    {
        await WorkAsync();
        await _host.Database.ExecuteAsync(
            """
            insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
            values (gen_random_uuid(), 'test', 'ü"\', 'test', 1, 'job:test',
                '{"b": [1, true, null, "a\u0001\n\"\\/é€"], "a": {"": "", "Z": -5, "z": "😀"}}', clock_timestamp())
            """
        );
        await SealedAsync();
        Assert.Equal(
            0,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from verify.audit where hash <> sha256(prev_hash || convert_to(document, 'UTF8'))"
            )
        );
        Assert.True(await _host.Database.ScalarAsync<long>("select count(*) from verify.audit") > 5);
    }

    [Fact]
    public async Task The_feed_is_followed_without_gaps()
    {
        await WorkAsync();
        await SealedAsync();
        var seen = new List<long>();
        var after = "0";
        while (true)
        {
            var page = (await _host.GetAsync($"/api/v1/events?limit=3&after={after}")).Json;
            var rows = page.GetProperty("data").EnumerateArray().ToList();
            seen.AddRange(rows.Select(r => r.GetProperty("seq").GetInt64()));
            after = page.GetProperty("next_cursor").GetString()!;
            if (!page.GetProperty("has_more").GetBoolean())
            {
                break;
            }
        }

        Assert.Equal(Enumerable.Range(1, seen.Count).Select(i => (long)i), seen);
        Assert.Equal(await _host.Database.ScalarAsync<long>("select count(*) from platform.event"), seen.Count);
    }

    [Fact]
    public async Task The_service_cannot_rewrite_what_it_wrote()
    {
        await WorkAsync();
        await SealedAsync();
        await _host.Database.ExecuteAsync(
            """
            insert into approvals.emergency (id, person, actor, reason, started_at, ends_at)
            values (gen_random_uuid(), 'p', 'p', 'why', now(), now() + interval '1 hour');
            insert into approvals.request (id, kind, subject, input, effect, effect_hash, size, unit, reason, state, requester,
                requested_by, requested_at, expires_at, decided_at)
            values (gen_random_uuid(), 'k', 's', '{}', '{}', sha256('x'), 1, 'item', 'why', 'rejected', 'p', 'p',
                now() - interval '80 days', now(), now() - interval '79 days')
            """
        );
        foreach (
            var sql in (string[])
                [
                    "update platform.event set actor = 'x'",
                    "delete from platform.event",
                    "truncate platform.event",
                    "update audit.entry set seq = seq + 1",
                    "delete from audit.entry",
                    "update balances.transfer set amounts = amounts",
                    "delete from balances.transfer",
                    "delete from redemptions.redemption",
                    "update redemptions.rollback set reason = ''",
                    "update audit.mention set seq = 1",
                    "delete from audit.mention",
                    "delete from approvals.request",
                    "delete from approvals.emergency",
                ]
        )
        {
            await using var command = _host.Database.Database.Source.CreateCommand(sql);
            var error = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal("42501", error.SqlState);
        }
    }

    private async Task WorkAsync()
    {
        await _given.CouponAsync("ALL", "max_uses_per_user, max_uses_total", "10, 100");
        var unique = await _given.CouponAsync("UNIT", "max_uses_per_user", "10", "unique");
        await _given.UnitAsync(unique, "U1");
        await _given.UnitAsync(unique, "U2");
        var customer = await _given.CustomerAsync();
        var first = await _host.PostAsync("/api/v1/redemptions", Body("ALL", customer));
        await _host.PostAsync("/api/v1/redemptions", Body("ALL", customer));
        await _host.PostAsync("/api/v1/redemptions", Body("U1", customer));
        var held = await _host.PostAsync("/api/v1/reservations", Body("U2", customer));
        await _host.PostAsync($"/api/v1/reservations/{held.Json.GetProperty("id").GetString()}/release");
        await _host.PostAsync("/api/v1/reservations", Body("ALL", customer));
        var undo = $"/api/v1/redemptions/{first.Json.GetProperty("id").GetString()}/rollback";
        Assert.Equal(201, (await _host.PostAsync(undo, new { reason = "test" })).Status);
    }

    /// <summary>A cart that uses a code, and a part of it given back.</summary>
    /// <summary>A customer's money comes and goes, by one person who may do that much alone.</summary>
    private async Task MoneyAsync()
    {
        var customer = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync("insert into access.customer (id) values ($1)", customer);
        await _host.Database.ExecuteAsync(
            """
            insert into approvals.policy (kind, free_size, expires_after)
            values ('balance_deposit', 1000, '1 day'), ('balance_withdrawal', 1000, '1 day')
            """
        );
        var amount = new { amount = 700, currency = "EUR" };
        foreach (
            var (kind, input) in ((string, object)[])
                [
                    ("balance_deposit", new { customer_id = customer, amount }),
                    (
                        "balance_withdrawal",
                        new
                        {
                            customer_id = customer,
                            amount,
                            destination = "ba_1",
                        }
                    ),
                ]
        )
        {
            var reply = await _host.PostAsync(
                "/api/v1/approvals",
                new
                {
                    kind,
                    input,
                    reason = "Work of every kind.",
                }
            );
            Assert.Equal("executed", reply.Json.GetProperty("state").GetString());
        }
    }

    private async Task OrderAsync()
    {
        await _given.CouponAsync("CART");
        var order = await new Shop(_host).RedeemAsync("O-1", await _given.CustomerAsync(), ["CART"], [(1000, 2)]);
        var part = new { reason = "test", lines = new[] { new { id = "l0", quantity = 1 } } };
        Assert.Equal(201, (await _host.PostAsync(order.Header("Location")! + "/returns", part)).Status);
    }

    private static object Body(string code, Guid customer) =>
        new
        {
            code,
            customer_id = customer,
            order = new
            {
                reference = Guid.CreateVersion7().ToString(),
                amount = new { amount = 1000, currency = "USD" },
            },
        };

    /// <summary>Waits until all events are sealed, as other transactions of the server hold it back.</summary>
    private Task SealedAsync() => Dump.SealedAsync(_host.Database);

    private async Task<List<Finding>> VerifyAsync()
    {
        var findings = new List<Finding>();
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            findings.Add(finding);
        }

        return findings;
    }
}
