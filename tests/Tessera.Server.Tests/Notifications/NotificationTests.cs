using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Access;
using Tessera.Server.Expiration;
using Tessera.Server.Expiration.Schedules;
using Tessera.Server.Notifications;
using Tessera.Server.Notifications.Mail;
using Tessera.Server.Tests.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Notifications;

/// <summary>Customers are told of an end in time, once, by real mail (AUD-05, NTF-02, NTF-07).</summary>
[Collection(PostgresCollection.Name)]
public sealed class NotificationTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/notifications";

    private TestDatabase _database = null!;
    private MailServer _mail = null!;
    private TestHost _host = null!;
    private Catalogue _given = null!;
    private long _coupon;

    /// <summary>The first node has no mail server, so that what is queued waits until a test starts one that has.</summary>
    public async Task InitializeAsync()
    {
        _database = await postgres.DatabaseAsync();
        _mail = MailServer.Start();
        _host = await TestHost.StartAsync(_database);
        _given = new Catalogue(_database);
        var rule = new { id = "AT", coupons = new { notice_days = 7 } };
        Assert.Equal(201, (await _host.PostAsync("/api/v1/regions", rule)).Status);
        _coupon = await _given.CouponAsync("TOLD", kind: "unique");
    }

    public async Task DisposeAsync()
    {
        await _mail.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Each_holder_is_told_once_however_many_nodes_send()
    {
        const int people = 20;
        for (var i = 0; i < people; i++)
        {
            var holder = await PersonAsync($"p{i}@example.org");
            await UnitAsync("ONE" + i, holder);
            await UnitAsync("TWO" + i, holder);
        }

        await TellAsync();
        await QueuedAsync(people);
        await using var one = await NodeAsync();
        await using var two = await NodeAsync();
        await UntilAsync("state = 'sent'", people);
        Assert.Equal(people, _mail.Taken.Select(static m => m.Header("Message-ID")).Distinct().Count());
        Assert.Equal(people, _mail.Taken.Count);
        foreach (var i in Enumerable.Range(0, people))
        {
            var mail = Assert.Single(_mail.Taken, m => m.To == $"p{i}@example.org");
            Assert.Contains($"TOLDONE{i}:", mail.Text, StringComparison.Ordinal);
            Assert.Contains($"TOLDTWO{i}:", mail.Text, StringComparison.Ordinal);
        }

        // The same ends are not told of again, however often it is looked.
        await _database.ExecuteAsync(
            "update expiration.notice_look set restarted_at = restarted_at - interval '1 day'"
        );
        await TellAsync();
        await FollowedAsync();
        Assert.Equal(people, await _database.ScalarAsync<long>("select count(*) from notifications.message"));
        Assert.Equal(
            ["notification.queued 20", "notification.sent 20", "personal_data.read 20"],
            await _database.ColumnAsync<string>(
                """
                select type || ' ' || count(*) from platform.event
                where aggregatetype = 'notification' or (type = 'personal_data.read' and actor = 'job:notifications')
                group by type order by type
                """
            )
        );

        // Nothing but the encrypted record has an address, and the schema of messages has no code either.
        Assert.DoesNotContain("@example.org", await Dump.OfAsync(_database), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(
            "TOLDONE",
            await _database.ScalarAsync<string>("select string_agg(m::text, ' ') from notifications.message m"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_letter_is_in_the_customers_language_and_time_and_hostile_words_stay_words()
    {
        var merchant = await MerchantAsync("Bäckerei <b>Öttl</b>");
        await _database.ExecuteAsync(
            """
            update coupons.coupon set merchant_id = $2, discount_type = 'fixed_amount', discount_percent = null,
                discount_minor = 1250, currency = 'EUR', time_zone = 'Europe/London',
                description = '{"en": "Bread <script>alert(1)</script>", "de-AT": "Brot & Gebäck"}' where id = $1
            """,
            _coupon,
            merchant
        );
        var german = await PersonAsync("resi@example.org", new { region = "AT-9", time_zone = "Europe/Vienna" });
        var english = await PersonAsync("ann@example.org", new { region = "AT", language = "en-GB" });
        // The end of a day in Vienna, which is an hour before that in London.
        var end = await _database.ScalarAsync<DateTime>(
            "select (date_trunc('day', clock_timestamp() at time zone 'Europe/Vienna') + interval '6 days') at time zone 'Europe/Vienna'"
        );
        await UnitAsync("DE", german, at: end);
        await UnitAsync("EN", english, at: end);
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state = 'sent'", 2);

        // The day before, in any season.
        var day = end.AddHours(-3);
        var de = Assert.Single(_mail.Taken, static m => m.To == "resi@example.org");
        string[] months =
        [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ];
        var spoken = string.Create(CultureInfo.InvariantCulture, $"{day.Day}. {months[day.Month - 1]} {day.Year}");
        Assert.Equal($"Ihr Gutschein endet am {spoken} – Bäckerei <b>Öttl</b>", de.Subject);
        Assert.Equal("de", de.Header("Content-Language"));
        Assert.Contains("Brot & Gebäck", de.Text, StringComparison.Ordinal);
        Assert.Contains("Rabatt: 12,50 EUR", de.Text, StringComparison.Ordinal);
        Assert.Contains($"TOLDDE: bis {spoken}, 24:00 (Europe/Vienna)", de.Text, StringComparison.Ordinal);
        Assert.Contains(
            "Bäckerei &lt;b&gt;",
            de.Html.Replace("&#228;", "ä", StringComparison.Ordinal),
            StringComparison.Ordinal
        );

        var en = Assert.Single(_mail.Taken, static m => m.To == "ann@example.org");
        Assert.StartsWith("Your coupon ends on ", en.Subject, StringComparison.Ordinal);
        Assert.Contains("Discount: 12.50 EUR", en.Text, StringComparison.Ordinal);
        Assert.Contains(", 23:00 (Europe/London)", en.Text, StringComparison.Ordinal);
        Assert.Contains("Bread <script>", en.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", en.Html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_letter_that_is_put_off_goes_later_and_one_that_is_refused_bounces_at_once()
    {
        var isBusy = true;
        _mail.Answer = line =>
            line == "RCPT TO:<gone@example.org>" ? "550 5.1.1 gone@example.org is unknown"
            : line == "RCPT TO:<busy@example.org>" && isBusy ? "451 4.7.1 busy@example.org, later"
            : null;
        await UnitAsync("BUSY", await PersonAsync("busy@example.org"));
        await UnitAsync("GONE", await PersonAsync("gone@example.org"));
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state = 'bounced' and attempts = 1 and cause = 'recipient' and smtp_status = '550 5.1.1'", 1);
        await UntilAsync(
            "state = 'queued' and attempts = 1 and cause = 'recipient' and smtp_status = '451 4.7.1' and next_attempt_at > created_at + interval '3 seconds'",
            1
        );
        isBusy = false;
        await HurryAsync();
        await UntilAsync("state = 'sent' and attempts = 2", 1);
        Assert.Equal("busy@example.org", Assert.Single(_mail.Taken).To);
        Assert.Equal(1, await CountAsync("state = 'bounced' and attempts = 1"));
        Assert.DoesNotContain("@example.org", await Dump.OfAsync(_database), StringComparison.OrdinalIgnoreCase);

        // Staff may have it sent again, who may; what is sent stays sent.
        _mail.Answer = static _ => null;
        var (bounced, sent) = (await IdAsync("bounced"), await IdAsync("sent"));
        using var reader = _host.ClientOf(await _host.KeyAsync([Permissions.NotificationsRead]));
        Assert.Equal(403, (await _host.PostAsync($"{Path}/{bounced}/replay", null, null, reader)).Status);
        Assert.Equal("not_given_up", (await _host.PostAsync($"{Path}/{sent}/replay")).Code);
        Assert.Equal(404, (await _host.PostAsync($"{Path}/{Guid.CreateVersion7()}/replay")).Status);
        var again = await _host.PostAsync($"{Path}/{bounced}/replay");
        Assert.Equal((200, "queued"), (again.Status, again.Json.GetProperty("state").GetString()));
        await UntilAsync("state = 'sent'", 2);
        Assert.Equal(
            ["queued", "bounced", "replayed", "sent"],
            await _database.ColumnAsync<string>(
                "select substring(type from 14) from platform.event where aggregateid = $1 order by sequence",
                bounced.ToString()
            )
        );
    }

    [Fact]
    public async Task A_letter_that_is_never_taken_is_given_up_after_the_last_attempt_and_its_lateness_raises_an_alert()
    {
        _mail.Answer = static line => line.StartsWith("MAIL", StringComparison.Ordinal) ? "550 5.7.1 not you" : null;
        await UnitAsync("NEVER", await PersonAsync("ada@example.org"));
        await TellAsync();
        await QueuedAsync(1);
        await using var node = await NodeAsync();
        var watch = WatchOf(node);
        await watch.RunOnceAsync(default);
        Assert.Empty(await AlertsAsync());
        await _database.ExecuteAsync(
            "update notifications.message set due_at = clock_timestamp() - interval '1 minute'"
        );
        await watch.RunOnceAsync(default);
        Assert.Equal(["notice_late"], await AlertsAsync());
        while (await CountAsync("state = 'failed'") == 0)
        {
            await HurryAsync();
        }

        Assert.Equal(1, await CountAsync("state = 'failed' and attempts = 10 and cause = 'sender'"));
        await watch.RunOnceAsync(default);
        Assert.Equal(["notice_late"], await AlertsAsync());
        var late = (await _host.GetAsync(Path + "?late=true&state=failed")).Json.GetProperty("data")[0];
        Assert.True(late.GetProperty("is_late").GetBoolean());
        Assert.Empty((await _host.GetAsync(Path + "?late=false")).Json.GetProperty("data").EnumerateArray());

        _mail.Answer = static _ => null;
        Assert.Equal(200, (await _host.PostAsync($"{Path}/{await IdAsync("failed")}/replay")).Status);
        await UntilAsync("state = 'sent'", 1);
        await watch.RunOnceAsync(default);
        Assert.Empty(await AlertsAsync());
    }

    [Fact]
    public async Task A_node_that_dies_in_the_middle_costs_a_repeat_that_can_be_recognised_and_no_message()
    {
        var arrived = new TaskCompletionSource<Mail>(TaskCreationOptions.RunContinuationsAsynchronously);
        var never = new TaskCompletionSource();
        _mail.Confirming = mail => arrived.TrySetResult(mail) ? never.Task : Task.CompletedTask;
        await UnitAsync("KILLED", await PersonAsync("ada@example.org"));
        await TellAsync();
        await QueuedAsync(1);
        Mail first;
        await using (await NodeAsync())
        {
            first = await arrived.Task.WaitAsync(TimeSpan.FromMinutes(1));
        }

        // Nobody knows whether it was taken. It is held until its lease is over.
        Assert.Equal(1, await CountAsync("state = 'queued' and leased_until > clock_timestamp()"));
        await using var second = await NodeAsync();
        await _database.ExecuteAsync("update notifications.message set leased_until = clock_timestamp()");
        await UntilAsync("state = 'sent'", 1);
        Assert.Equal(first.Header("Message-ID"), Assert.Single(_mail.Taken).Header("Message-ID"));
        never.SetResult();

        // The same when it is the server that hangs up after it took the letter.
        var hangUps = 1;
        _mail.Confirming = static _ => Task.CompletedTask;
        _mail.Answer = line => line == "." && Interlocked.Decrement(ref hangUps) >= 0 ? "" : null;
        await UnitAsync("CUT", await PersonAsync("bob@example.org"));
        await TellAsync();
        await UntilAsync("state = 'queued' and cause = 'unreachable'", 1);
        await HurryAsync();
        await UntilAsync("state = 'sent'", 2);
        var twice = _mail.Taken.Where(static m => m.To == "bob@example.org").ToList();
        Assert.Equal(2, twice.Count);
        Assert.Equal(twice[0].Header("Message-ID"), twice[1].Header("Message-ID"));
    }

    [Fact]
    public async Task Without_a_mail_server_nothing_is_lost_and_somebody_is_told()
    {
        await UnitAsync("WAITS", await PersonAsync("ada@example.org"));
        await TellAsync();
        await QueuedAsync(1);
        await WatchOf(_host).RunOnceAsync(default);
        Assert.Equal(["mail_missing"], await AlertsAsync());
        Assert.Equal("ready", (await _host.GetAsync("/readyz")).Body);
        Assert.Equal(1, await CountAsync("state = 'queued' and attempts = 0 and fence = 0"));

        await using var node = await NodeAsync();
        await UntilAsync("state = 'sent'", 1);
        await WatchOf(node).RunOnceAsync(default);
        Assert.Empty(await AlertsAsync());
    }

    [Fact]
    public async Task An_erased_person_and_one_without_a_usable_address_are_not_written_to()
    {
        var erased = await PersonAsync("ada@example.org");
        await UnitAsync("ERASED", erased);
        await UnitAsync("SILENT", await PersonAsync(null));
        await UnitAsync("HOSTILE", await PersonAsync("eve@example.org>\nRCPT TO:<all"));
        await TellAsync();
        await QueuedAsync(3);
        var request = await _host.PostAsync("/api/v1/privacy-requests", new { customer_id = erased, kind = "erasure" });
        var done = await _host.PostAsync(
            $"/api/v1/privacy-requests/{request.Json.GetProperty("id").GetString()}/complete",
            new { }
        );
        Assert.True(done.Status == 200, done.Body);
        Assert.Equal(1, await CountAsync($"customer_id = '{erased}' and state = 'suppressed' and cause = 'erased'"));

        await using var node = await NodeAsync();
        await UntilAsync("state = 'suppressed'", 3);
        Assert.Equal(1, await CountAsync("cause = 'no_address'"));
        Assert.Equal(1, await CountAsync("cause = 'address_unusable'"));
        // Sent again by hand it is refused anew: nothing is left to write to.
        Assert.Equal(200, (await _host.PostAsync($"{Path}/{await IdAsync("suppressed", "erased")}/replay")).Status);
        await UntilAsync("state = 'suppressed' and cause = 'erased' and version = 4", 1);
        Assert.Empty(_mail.Taken);
        Assert.DoesNotContain(_mail.Open, static line => line.Contains("RCPT", StringComparison.Ordinal));
        Assert.Equal(
            3,
            await _database.ScalarAsync<long>(
                "select count(distinct aggregateid) from platform.event where type = 'notification.suppressed'"
            )
        );
    }

    [Fact]
    public async Task A_name_that_would_be_a_header_is_refused_until_it_is_set_right()
    {
        var merchant = await MerchantAsync("Shop\nBcc: eve@example.org");
        await _database.ExecuteAsync("update coupons.coupon set merchant_id = $2 where id = $1", _coupon, merchant);
        await UnitAsync("INJECTED", await PersonAsync("ada@example.org"));
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state = 'failed' and cause = 'unsafe_header'", 1);
        Assert.Empty(_mail.Taken);
        await _database.ExecuteAsync("update access.merchant set name = 'Shop' where id = $1", merchant);
        await _host.PostAsync($"{Path}/{await IdAsync("failed")}/replay");
        await UntilAsync("state = 'sent'", 1);
        Assert.EndsWith(" – Shop", Assert.Single(_mail.Taken).Subject, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_used_or_moved_meanwhile_is_not_told_of_and_a_private_code_goes_to_those_who_may_use_it()
    {
        var (ada, bob) = (await PersonAsync("ada@example.org"), await PersonAsync("bob@example.org"));
        var used = await UnitAsync("USED", ada);
        await UnitAsync("KEPT", ada);
        await UnitAsync("BOBS", bob);
        await _database.ExecuteAsync(
            "insert into campaigns.campaign (id, name, start_at, created_by) values ('vip', 'VIP', clock_timestamp(), 'job:test')"
        );
        var merchant = await MerchantAsync("Shop");
        await _given.CouponAsync(
            "VIP-10",
            "valid_until, merchant_id, campaign_id, distribution",
            $"clock_timestamp() + interval '5 days', '{merchant}', 'vip', 'private'"
        );
        await _given.CouponAsync(
            "ANYONE-10",
            "valid_until, merchant_id",
            $"clock_timestamp() + interval '5 days', '{merchant}'"
        );
        await _database.ExecuteAsync(
            "insert into campaigns.audience (campaign_id, customer_id) values ('vip', $1)",
            bob
        );
        // The law does not ask whether somebody wants advertisements.
        await _database.ExecuteAsync(
            "insert into privacy.objection (customer_id, purpose, since) values ($1, 'marketing', clock_timestamp())",
            bob
        );
        await TellAsync();
        await QueuedAsync(3);
        await _database.ExecuteAsync(
            "update coupons.instance set state = 'redeemed' where id = $1 or code = 'TOLDBOBS'",
            used
        );
        await using var node = await NodeAsync();
        await UntilAsync("state <> 'queued'", 3);
        Assert.Equal(1, await CountAsync("state = 'suppressed' and cause = 'superseded' and cardinality(units) = 1"));
        var adas = Assert.Single(_mail.Taken, static m => m.To == "ada@example.org");
        Assert.Contains("TOLDKEPT", adas.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("TOLDUSED", adas.Text, StringComparison.Ordinal);
        var bobs = Assert.Single(_mail.Taken, static m => m.To == "bob@example.org");
        Assert.Contains("VIP-10:", bobs.Text, StringComparison.Ordinal);
        Assert.Equal(2, _mail.Taken.Count);
    }

    [Fact]
    public async Task A_message_that_waited_beyond_the_end_tells_of_what_has_not_ended_or_is_given_up()
    {
        var (ada, bob) = (await PersonAsync("ada@example.org"), await PersonAsync("bob@example.org"));
        var ended = await UnitAsync("ENDED", ada);
        await UnitAsync("OPEN", ada);
        var bobs = await UnitAsync("BOBS", bob);
        await TellAsync();
        await QueuedAsync(2);
        // Their end has come while there was no mail server: unit and message as they would then be.
        await _database.ExecuteAsync(
            "select coupons.ensure_instance_months(array[clock_timestamp() - interval '1 hour'])"
        );
        await _database.ExecuteAsync(
            """
            with past as (select date_trunc('milliseconds', clock_timestamp() - interval '1 hour') as at), moved as (
                update coupons.instance set valid_until = past.at, valid_from = past.at - interval '1 day' from past
                where id in ($1, $2) returning id)
            update notifications.message m set due_at = past.at, ends_at = past.at,
                ends = (select array_agg(case when u in ($1, $2) then past.at else e end order by n)
                    from unnest(m.units, m.ends) with ordinality t (u, e, n))
            from past
            """,
            ended,
            bobs
        );
        await using var node = await NodeAsync();
        await UntilAsync("state = 'failed' and cause = 'too_late' and attempts = 0", 1);
        await UntilAsync("state = 'sent'", 1);
        var mail = Assert.Single(_mail.Taken);
        Assert.Contains("TOLDOPEN:", mail.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("TOLDENDED", mail.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_are_listed_by_state_customer_coupon_and_time_without_an_address()
    {
        var ada = await PersonAsync("ada@example.org");
        await UnitAsync("A", ada);
        await UnitAsync("B", await PersonAsync(null));
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state <> 'queued'", 2);
        var all = (await _host.GetAsync(Path)).Json.GetProperty("data");
        Assert.Equal(2, all.GetArrayLength());
        foreach (
            var (query, count) in ((string, int)[])
                [
                    ("state=sent", 1),
                    ("state=suppressed", 1),
                    ("state=failed", 0),
                    ("kind=coupon_expiry", 2),
                    ($"customer_id={ada}", 1),
                    ($"coupon_id={_coupon}", 2),
                    ("coupon_id=999999", 0),
                    ("late=false", 2),
                    ("from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z", 0),
                    ("from=2020-01-01T00:00:00Z", 2),
                ]
        )
        {
            Assert.Equal(count, (await _host.GetAsync($"{Path}?{query}")).Json.GetProperty("data").GetArrayLength());
        }

        Assert.Equal(400, (await _host.GetAsync(Path + "?state=lost")).Status);
        var sent = (await _host.GetAsync(Path + "?state=sent")).Json.GetProperty("data")[0];
        Assert.Equal("250 2.0.0", sent.GetProperty("smtp_status").GetString());
        Assert.Equal("AT", sent.GetProperty("region").GetString());
        Assert.DoesNotContain("@", all.GetRawText(), StringComparison.Ordinal);
        var page = (await _host.GetAsync(Path + "?limit=1")).Json;
        Assert.True(page.GetProperty("has_more").GetBoolean());
        var next = Uri.EscapeDataString(page.GetProperty("next_cursor").GetString()!);
        Assert.Single(
            (await _host.GetAsync($"{Path}?limit=1&cursor={next}")).Json.GetProperty("data").EnumerateArray()
        );

        using var merchant = _host.ClientOf(
            await _host.KeyAsync(
                [Permissions.NotificationsRead, Permissions.NotificationsManage],
                Guid.CreateVersion7(),
                merchantExists: false
            )
        );
        Assert.Equal(0, (await _host.GetAsync(Path, merchant)).Json.GetProperty("data").GetArrayLength());
        Assert.Equal(
            404,
            (await _host.PostAsync($"{Path}/{await IdAsync("suppressed")}/replay", null, null, merchant)).Status
        );
    }

    private Task<TestHost> NodeAsync() =>
        TestHost.StartAsync(
            new TestDatabase(_database.ConnectionString),
            builder =>
                builder.Services.AddSingleton(
                    new Settings { ConnectionString = _database.ConnectionString, Smtp = _mail.Options }
                )
        );

    private static IScheduledPass WatchOf(TestHost host) =>
        host.Services.GetServices<IScheduledPass>().OfType<NoticeWatch>().Single();

    /// <summary>Has the expiry room say whose ends are due to be told of, those behind its look included.</summary>
    private async Task TellAsync()
    {
        await _database.ExecuteAsync(
            "update expiration.notice_look set restarted_at = restarted_at - interval '1 day'"
        );
        using var node = new Pipeline(_database);
        await new Notices(_database.Database, node.Clock, NullLogger<Notices>.Instance).RunOnceAsync(default);
    }

    private async Task<Guid> PersonAsync(string? email, object? attributes = null)
    {
        var made = await _host.PostAsync("/api/v1/customers", new { attributes = attributes ?? new { region = "AT" } });
        var id = made.Json.GetProperty("id").GetGuid();
        var set = await _host.SendAsync(
            HttpMethod.Put,
            $"/api/v1/customers/{id}/personal-data",
            email is null ? new { first_name = "Ada" } : new { email },
            headers: new Dictionary<string, string> { ["If-Match"] = "\"0\"" }
        );
        Assert.True(set.Status == 200, set.Body);
        return id;
    }

    private async Task<Guid> MerchantAsync(string name)
    {
        var made = await _host.PostAsync("/api/v1/merchants", new { name, region = "AT" });
        Assert.True(made.Status == 201, made.Body);
        return made.Json.GetProperty("id").GetGuid();
    }

    private Task<long> UnitAsync(string code, Guid holder, DateTime? at = null) =>
        _given.UnitAsync(
            _coupon,
            "TOLD" + code,
            holder,
            until: at is { } end
                ? string.Create(CultureInfo.InvariantCulture, $"'{end:yyyy-MM-ddTHH:mm:ss}Z'::timestamptz")
                : "(clock_timestamp() + interval '6 days')"
        );

    /// <summary>What waits for its next attempt waits no more.</summary>
    private Task HurryAsync() =>
        _database.ExecuteAsync(
            "update notifications.message set next_attempt_at = clock_timestamp() where state = 'queued'"
        );

    private Task<long> CountAsync(string which) =>
        _database.ScalarAsync<long>($"select count(*) from notifications.message where {which}");

    private Task<Guid> IdAsync(string state, string? cause = null) =>
        _database.ScalarAsync<Guid>(
            "select id from notifications.message where state = $1 and ($2::text is null or cause = $2) limit 1",
            state,
            (object?)cause ?? DBNull.Value
        );

    private Task<List<string>> AlertsAsync() =>
        _database.ColumnAsync<string>(
            "select kind from expiration.alert where cleared_at is null and subject = 'notifications' order by kind"
        );

    private Task QueuedAsync(int count) => UntilAsync("true", count);

    /// <summary>Everything that is in the log has been read.</summary>
    private async Task FollowedAsync()
    {
        var last = await _database.ScalarAsync<long>("select count(*) from platform.event");
        for (var i = 0; i < 600; i++)
        {
            if (await _database.ScalarAsync<long>("select seq from notifications.feed") >= last)
            {
                return;
            }

            await Task.Delay(50);
        }

        throw new TimeoutException("The log was not followed.");
    }

    private async Task UntilAsync(string which, long count)
    {
        for (var i = 0; i < 600; i++)
        {
            if (await CountAsync(which) == count)
            {
                return;
            }

            await Task.Delay(50);
        }

        var rows = await _database.ColumnAsync<string>("select m::text from notifications.message m");
        throw new TimeoutException($"There were not {count} messages with {which}:\n{string.Join("\n", rows)}");
    }
}
