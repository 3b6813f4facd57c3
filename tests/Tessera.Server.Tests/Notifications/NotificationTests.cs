using System.Globalization;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Notifications;

/// <summary>Customers are told of an end in time, once, of what is true then (AUD-05, NTF-02).</summary>
[Collection(PostgresCollection.Name)]
public sealed class NotificationTests(PostgresFixture postgres) : ToldCustomers(postgres)
{
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
        Assert.Equal(people, Smtp.Taken.Select(static m => m.Header("Message-ID")).Distinct().Count());
        Assert.Equal(people, Smtp.Taken.Count);
        foreach (var i in Enumerable.Range(0, people))
        {
            var mail = Assert.Single(Smtp.Taken, m => m.To == $"p{i}@example.org");
            Assert.Contains($"TOLDONE{i}:", mail.Text, StringComparison.Ordinal);
            Assert.Contains($"TOLDTWO{i}:", mail.Text, StringComparison.Ordinal);
        }

        // The same ends are not told of again, however often it is looked.
        await Database.ExecuteAsync("update expiration.notice_look set restarted_at = restarted_at - interval '1 day'");
        await TellAsync();
        await FollowedAsync();
        Assert.Equal(people, await Database.ScalarAsync<long>("select count(*) from notifications.message"));
        Assert.Equal(
            ["notification.queued 20", "notification.sent 20", "personal_data.read 20"],
            await Database.ColumnAsync<string>(
                """
                select type || ' ' || count(*) from platform.event
                where aggregatetype = 'notification' or (type = 'personal_data.read' and actor = 'job:notifications')
                group by type order by type
                """
            )
        );

        await Verified.AssertAsync(Host);

        // Nothing but the encrypted record has an address, and the schema of messages has no code either.
        Assert.DoesNotContain("@example.org", await Dump.OfAsync(Database), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(
            "TOLDONE",
            await Database.ScalarAsync<string>("select string_agg(m::text, ' ') from notifications.message m"),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task What_was_used_or_moved_meanwhile_is_not_told_of_and_a_private_code_goes_to_those_who_may_use_it()
    {
        var (ada, bob) = (await PersonAsync("ada@example.org"), await PersonAsync("bob@example.org"));
        var used = await UnitAsync("USED", ada);
        await UnitAsync("KEPT", ada);
        await UnitAsync("BOBS", bob);
        await Database.ExecuteAsync(
            "insert into campaigns.campaign (id, name, start_at, created_by) values ('vip', 'VIP', clock_timestamp(), 'job:test')"
        );
        var merchant = await MerchantAsync("Shop");
        await Given.CouponAsync(
            "VIP-10",
            "valid_until, merchant_id, campaign_id, distribution",
            $"clock_timestamp() + interval '5 days', '{merchant}', 'vip', 'private'"
        );
        await Given.CouponAsync(
            "ANYONE-10",
            "valid_until, merchant_id",
            $"clock_timestamp() + interval '5 days', '{merchant}'"
        );
        await Database.ExecuteAsync(
            "insert into campaigns.audience (campaign_id, customer_id) values ('vip', $1)",
            bob
        );
        // The law does not ask whether somebody wants advertisements.
        await Database.ExecuteAsync(
            "insert into privacy.objection (customer_id, purpose, since) values ($1, 'marketing', clock_timestamp())",
            bob
        );
        await TellAsync();
        await QueuedAsync(3);
        await Database.ExecuteAsync(
            "update coupons.instance set state = 'redeemed' where id = $1 or code = 'TOLDBOBS'",
            used
        );
        await using var node = await NodeAsync();
        await UntilAsync("state <> 'queued'", 3);
        Assert.Equal(1, await CountAsync("state = 'suppressed' and cause = 'superseded' and cardinality(units) = 1"));
        var adas = Assert.Single(Smtp.Taken, static m => m.To == "ada@example.org");
        Assert.Contains("TOLDKEPT", adas.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("TOLDUSED", adas.Text, StringComparison.Ordinal);
        var bobs = Assert.Single(Smtp.Taken, static m => m.To == "bob@example.org");
        Assert.Contains("VIP-10:", bobs.Text, StringComparison.Ordinal);
        Assert.Equal(2, Smtp.Taken.Count);
    }

    [Fact]
    public async Task A_message_that_waited_beyond_the_end_tells_of_what_has_not_ended_or_isGiven_up()
    {
        var (ada, bob) = (await PersonAsync("ada@example.org"), await PersonAsync("bob@example.org"));
        var ended = await UnitAsync("ENDED", ada);
        await UnitAsync("OPEN", ada);
        var bobs = await UnitAsync("BOBS", bob);
        await TellAsync();
        await QueuedAsync(2);
        // Their end has come while there was no mail server: unit and message as they would then be.
        await Database.ExecuteAsync(
            "select coupons.ensure_instance_months(array[clock_timestamp() - interval '1 hour'])"
        );
        await Database.ExecuteAsync(
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
        var mail = Assert.Single(Smtp.Taken);
        Assert.Contains("TOLDOPEN:", mail.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("TOLDENDED", mail.Text, StringComparison.Ordinal);
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
        var request = await Host.PostAsync("/api/v1/privacy-requests", new { customer_id = erased, kind = "erasure" });
        var done = await Host.PostAsync(
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
        Assert.Equal(200, (await Host.PostAsync($"{Path}/{await IdAsync("suppressed", "erased")}/replay")).Status);
        await UntilAsync("state = 'suppressed' and cause = 'erased' and version = 4", 1);
        Assert.Empty(Smtp.Taken);
        Assert.DoesNotContain(Smtp.Open, static line => line.Contains("RCPT", StringComparison.Ordinal));
        Assert.Equal(
            3,
            await Database.ScalarAsync<long>(
                "select count(distinct aggregateid) from platform.event where type = 'notification.suppressed'"
            )
        );
    }

    [Fact]
    public async Task The_letter_is_in_the_customers_language_and_time_andHostile_words_stay_words()
    {
        var merchant = await MerchantAsync("Bäckerei <b>Öttl</b>");
        await Database.ExecuteAsync(
            """
            update coupons.coupon set merchant_id = $2, discount_type = 'fixed_amount', discount_percent = null,
                discount_minor = 1250, currency = 'EUR', time_zone = 'Europe/London',
                description = '{"en": "Bread <script>alert(1)</script>", "de-AT": "Brot & Gebäck"}' where id = $1
            """,
            Coupon,
            merchant
        );
        var german = await PersonAsync("resi@example.org", new { region = "AT-9", time_zone = "Europe/Vienna" });
        var english = await PersonAsync("ann@example.org", new { region = "AT", language = "en-GB" });
        // The end of a day in Vienna, which is an hour before that in London.
        var end = await Database.ScalarAsync<DateTime>(
            "select (date_trunc('day', clock_timestamp() at time zone 'Europe/Vienna') + interval '6 days') at time zone 'Europe/Vienna'"
        );
        await UnitAsync("DE", german, at: end);
        await UnitAsync("EN", english, at: end);
        await TellAsync();
        await using var node = await NodeAsync();
        await UntilAsync("state = 'sent'", 2);

        // The day before, in any season.
        var day = end.AddHours(-3);
        var de = Assert.Single(Smtp.Taken, static m => m.To == "resi@example.org");
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

        var en = Assert.Single(Smtp.Taken, static m => m.To == "ann@example.org");
        Assert.StartsWith("Your coupon ends on ", en.Subject, StringComparison.Ordinal);
        Assert.Contains("Discount: 12.50 EUR", en.Text, StringComparison.Ordinal);
        Assert.Contains(", 23:00 (Europe/London)", en.Text, StringComparison.Ordinal);
        Assert.Contains("Bread <script>", en.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", en.Html, StringComparison.Ordinal);
    }
}
