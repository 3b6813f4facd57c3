using System.IO.Compression;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Demo;
using Tessera.Server.Privacy;
using Tessera.Server.Promotions;
using Tessera.Server.Tests.Redemptions;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Privacy;

[Collection(PostgresCollection.Name)]
public sealed class PrivacyTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Surname = "Featherstonehaugh";
    private const string Email = "a.featherstonehaugh@example.org";
    private const string Street = "17 Marmalade Crescent";

    private TestHost _host = null!;
    private Guid _customer;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        await DemoWorld.LoadAsync(_host.Database.Database, default);
        _customer = await _host.Database.ScalarAsync<Guid>("select id from access.customer order by id limit 1");
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task Personal_data_is_masked_and_revealed_for_a_reason_that_is_logged()
    {
        await SetAsync();
        var masked = (await _host.GetAsync(Path)).Body;
        Assert.DoesNotContain(Surname, masked, StringComparison.Ordinal);
        Assert.Contains("a•••@example.org", masked, StringComparison.Ordinal);
        var reason = new { reason = "The customer called to correct the address." };
        var key = Guid.CreateVersion7().ToString();
        var revealed = await _host.PostAsync(Path + "/reveal", reason, key);
        Assert.Equal(Surname, revealed.Json.GetProperty("data").GetProperty("last_name").GetString());

        // A repeat is masked, and nothing of the answer is kept.
        Assert.DoesNotContain(
            Surname,
            (await _host.PostAsync(Path + "/reveal", reason, key)).Body,
            StringComparison.Ordinal
        );
        Assert.Equal(
            [("reason", "too_short")],
            (await _host.PostAsync(Path + "/reveal", new { reason = "why" })).Errors
        );
        using var weak = _host.ClientOf(await _host.KeyAsync([Permissions.PersonalDataRead]));
        Assert.Equal(403, (await _host.PostAsync(Path + "/reveal", reason, null, weak)).Status);
        Assert.Equal(200, (await _host.GetAsync(Path, weak)).Status);
        var found = await _host.PostAsync(
            "/api/v1/personal-data/find",
            new { email = Email.ToUpperInvariant() },
            null,
            weak
        );
        Assert.Equal(_customer.ToString(), found.Json.GetProperty("customer_ids")[0].GetString());
        Assert.Equal(
            [
                "personal_data.updated",
                "personal_data.read",
                "personal_data.revealed",
                "personal_data.read",
                "personal_data.found",
            ],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'personal_data' order by position"
            )
        );
        Assert.DoesNotContain(Surname, await Dump.OfAsync(_host.Database), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task An_erased_customer_of_the_demo_leaves_no_name_and_every_promise_holds()
    {
        await SetAsync();
        await _host.Database.ExecuteAsync(
            """
            insert into people.person (id, realm, email, name, customer_id)
            values ($1, 'customer', $2, $3, $4)
            """,
            Guid.CreateVersion7(),
            Email,
            "Ada " + Surname,
            _customer
        );
        await _host.Database.ExecuteAsync(
            """
            with p as (select id from people.person where customer_id = $1), k as (
                insert into people.passkey (id, person_id, credential_id, name, public_key, sign_count,
                    is_backup_eligible, is_backed_up)
                select gen_random_uuid(), id, 'c', $2, 'k', 0, false, false from p
            ), e as (insert into people.external (issuer, subject, person_id) select 'i', $2, id from p)
            insert into people.challenge (id, kind, hash, content, expires_at)
            select gen_random_uuid(), 'passkey_new', 'h', $2 || id, clock_timestamp() from p
            """,
            _customer,
            Surname
        );
        var patched = await _host.SendAsync(
            HttpMethod.Patch,
            $"/api/v1/customers/{_customer}",
            new
            {
                external_id = "crm-" + Surname,
                groups = new[] { Surname },
                attributes = new { nick = Surname },
            },
            headers: new Dictionary<string, string> { ["If-Match"] = "*" }
        );
        Assert.True(patched.Status == 200, patched.Body);
        await ApprovalAsync();
        await RedeemAsync();
        var receipt = await OrderAsync();
        var named = new NamedEverywhere(_host, _customer, "Ada", Surname);
        await named.WriteAsync();
        Assert.InRange((await named.ToldAsync()).Split(Surname).Length, 9, int.MaxValue);
        Assert.Contains(Surname, await Dump.OfAsync(_host.Database), StringComparison.OrdinalIgnoreCase);

        var request = await RequestAsync("erasure");
        var hold = await _host.PostAsync("/api/v1/legal-holds", new { matter = "2026-C-114", customer_id = _customer });
        Assert.Equal("legal_hold", (await CompleteAsync(request)).Code);
        await _host.PostAsync($"/api/v1/legal-holds/{hold.Json.GetProperty("id").GetString()}/end");
        await _host.Database.ExecuteAsync(
            "insert into platform.operation (id, kind, status, input, actor) values ($1, 'bulk', 'paused', to_jsonb($2::text), 'key:x')",
            _customer,
            "for " + Surname
        );
        Assert.Equal("still_running", (await CompleteAsync(request)).Code);
        await _host.Database.ExecuteAsync(
            "update platform.operation set status = 'cancelled' where id = $1",
            _customer
        );
        var done = await CompleteAsync(request);
        Assert.True(done.Status == 200, done.Body);
        Assert.Equal(64, done.Json.GetProperty("proof").GetProperty("destroyed_key").GetString()!.Length);
        Assert.Equal("already_decided", (await CompleteAsync(request)).Code);
        // The refused rows of the import and the workbook of the export; uploads went when their import was over.
        Assert.Equal(2, done.Json.GetProperty("proof").GetProperty("removed").GetProperty("files").GetInt32());
        Assert.Empty(done.Json.GetProperty("proof").GetProperty("to_look_at").EnumerateArray());
        var shown = await named.ToldAsync();
        Assert.DoesNotContain(Surname, shown, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("[erased]", shown, StringComparison.Ordinal);

        var dump = await Dump.OfAsync(_host.Database);
        foreach (var trace in (string[])[Surname, Email, Street, "Addie"])
        {
            Assert.DoesNotContain(trace, dump, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Contains(_customer.ToString(), dump, StringComparison.Ordinal);
        const string known =
            "select count(*) from redemptions.placed_order o, redemptions.promotion_use u where u.order_id = o.id and (o.cart ? 'customer' or u.email_hash is not null)";
        Assert.Equal(0, await _host.Database.ScalarAsync<long>(known));
        var told = await Receipts.TellAsync(_host.Database.Database, receipt, german: false, replay: true, default);
        Assert.Equal("What was known of the customer has been erased.", told!.Difference);
        Assert.NotEmpty(told.Sentences);
        Assert.Equal(404, (await _host.GetAsync(Path)).Status);
        Assert.Equal("erased", (await PutAsync()).Code);
        await Dump.SealedAsync(_host.Database);
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }

    [Fact]
    public async Task A_hold_that_is_placed_while_its_customer_is_erased_does_not_stand_before_the_erasure_is_over()
    {
        await SetAsync();
        var request = await RequestAsync("erasure");
        await using var work = await _host.Database.Database.BeginAsync(default);
        await work.ExecuteAsync("select from privacy.personal_data for update", [], default);
        var erased = CompleteAsync(request);
        await WaitingAsync(1);
        var placed = _host.PostAsync("/api/v1/legal-holds", new { matter = "2026-C-115", customer_id = _customer });
        await WaitingAsync(2, placed);
        Assert.False(placed.IsCompleted);
        await work.CommitAsync(default);
        Assert.Equal((200, 201), ((await erased).Status, (await placed).Status));

        Task WaitingAsync(long count, Task? unless = null) =>
            Patience.UntilAsync(
                async () =>
                    unless is { IsCompleted: true }
                    || await _host.Database.ScalarAsync<long>(
                        """
                        select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
                            and query ~ 'privacy\.personal_data|access\.customer'
                        """
                    ) >= count,
                $"{count} who wait"
            );
    }

    [Fact]
    public async Task A_copy_is_fetched_once_and_holds_what_is_known()
    {
        await SetAsync();
        await RedeemAsync();
        var request = await RequestAsync("access");
        var open = (await _host.GetAsync("/api/v1/privacy-requests?state=open&is_overdue=false")).Json;
        var listed = Assert.Single(open.GetProperty("data").EnumerateArray());
        var received = listed.GetProperty("received_at").GetDateTimeOffset();
        Assert.Equal(received.AddMonths(1), listed.GetProperty("due_at").GetDateTimeOffset());
        Assert.Equal("no_export", (await _host.PostAsync($"/api/v1/privacy-requests/{request}/export")).Code);
        Assert.Equal(200, (await CompleteAsync(request)).Status);
        using var fetched = await _host.Client.PostAsync(
            new Uri($"/api/v1/privacy-requests/{request}/export", UriKind.Relative),
            null
        );
        Assert.Equal("application/zip", fetched.Content.Headers.ContentType!.MediaType);
        using var zip = new ZipArchive(await fetched.Content.ReadAsStreamAsync());
        Assert.Contains(Surname, await TextAsync(zip, "personal_data.jsonl"), StringComparison.Ordinal);
        Assert.Contains("order_reference", await TextAsync(zip, "redemptions.csv"), StringComparison.Ordinal);
        Assert.NotEmpty(await TextAsync(zip, "README.txt"));
        Assert.Equal("no_export", (await _host.PostAsync($"/api/v1/privacy-requests/{request}/export")).Code);
    }

    [Fact]
    public async Task Rectification_and_objection_are_done_with_proof_or_refused_on_a_ground()
    {
        await SetAsync();
        var wrong = await RequestAsync("rectification");
        Assert.Equal([("corrected", "required")], (await CompleteAsync(wrong)).Errors);
        var right = await CompleteAsync(wrong, new { corrected = new { first_name = "Ada", last_name = "Byron" } });
        Assert.Equal(2, right.Json.GetProperty("proof").GetProperty("version").GetInt32());
        var campaign = new
        {
            id = "letter",
            name = "Letter",
            start_date = "2026-01-01",
        };
        Assert.Equal(201, (await _host.PostAsync("/api/v1/campaigns", campaign)).Status);
        const string audience = "/api/v1/campaigns/letter/audience";
        var added = new { customer_ids = new[] { _customer } };
        Assert.Equal(200, (await _host.PostAsync(audience, added)).Status);
        Assert.Equal(1, (await _host.GetAsync(audience)).Json.GetProperty("data").GetArrayLength());
        await RedeemAsync();
        var objection = await RequestAsync("objection", ["marketing", "analytics"]);
        Assert.Equal(200, (await CompleteAsync(objection)).Status);

        // By which link the person comes is kept no more.
        await RedeemAsync("AGAIN");
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from redemptions.arrival"));

        // Whoever writes letters from now on does not find the person, in this campaign or in another.
        Assert.Equal(0, (await _host.GetAsync(audience)).Json.GetProperty("data").GetArrayLength());
        await _host.PostAsync("/api/v1/campaigns", campaign with { id = "next" });
        await _host.PostAsync("/api/v1/campaigns/next/audience", added);
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from campaigns.audience where campaign_id in ('letter', 'next')"
            )
        );
        Assert.Equal(
            "marketing",
            await _host.Database.ScalarAsync<string>("select max(purpose) from privacy.objection")
        );
        var refused = await RequestAsync("erasure");
        var path = $"/api/v1/privacy-requests/{refused}/refuse";
        Assert.Equal([("ground", "unknown_value")], (await _host.PostAsync(path, new { ground = "mood" })).Errors);
        Assert.Equal(
            "refused",
            (await _host.PostAsync(path, new { ground = "legal_claims" })).Json.GetProperty("state").GetString()
        );
        var bad = await _host.PostAsync("/api/v1/privacy-requests", new { customer_id = Guid.Empty, kind = "access" });
        Assert.Equal([("customer_id", "unknown_customer")], bad.Errors);
    }

    private string Path => $"/api/v1/customers/{_customer}/personal-data";

    private async Task SetAsync()
    {
        var reply = await PutAsync();
        Assert.True(reply.Status == 200, reply.Body);
        Assert.DoesNotContain(Surname, reply.Body, StringComparison.Ordinal);
    }

    private Task<Reply> PutAsync() =>
        _host.SendAsync(
            HttpMethod.Put,
            Path,
            new
            {
                first_name = "Ada",
                last_name = Surname,
                email = Email,
                phone = "+44 20 7946 0018",
                street = Street,
                country = "GB",
            },
            headers: new Dictionary<string, string> { ["If-Match"] = "\"0\"" }
        );

    private async Task<string> RequestAsync(string kind, string[]? purposes = null)
    {
        var reply = await _host.PostAsync(
            "/api/v1/privacy-requests",
            new
            {
                customer_id = _customer,
                kind,
                purposes,
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").GetString()!;
    }

    private Task<Reply> CompleteAsync(string request, object? body = null) =>
        _host.PostAsync($"/api/v1/privacy-requests/{request}/complete", body ?? new { });

    private async Task ApprovalAsync()
    {
        var account = Guid.CreateVersion7();
        await _host.Database.ExecuteAsync(
            "insert into balances.account (id, kind, owner_id, unit) values ($1, 'campaign_budget', 'x', 'EUR')",
            account
        );
        var asked = await _host.PostAsync(
            "/api/v1/approvals",
            new
            {
                kind = "balance_adjustment",
                input = new { account_id = account, amount = 5 },
                reason = $"Mrs {Surname} complained.",
            }
        );
        Assert.True(asked.Status == 201, asked.Body);
    }

    private async Task RedeemAsync(string code = "FORGET")
    {
        Assert.True(await new Catalogue(_host.Database).CouponAsync(code) > 0);
        var order = new
        {
            reference = Guid.CreateVersion7().ToString(),
            amount = new { amount = 1000, currency = "USD" },
        };
        var reply = await _host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = _customer,
                order,
                attribution = new { utm_source = "letter" },
            }
        );
        Assert.True(reply.Status == 201, reply.Body);
    }

    /// <summary>An order with a promotion that counts uses by address.</summary>
    /// <returns>Of its receipt.</returns>
    private async Task<Guid> OrderAsync()
    {
        var shop = new Shop(_host);
        await shop.PromotionAsync("percent", "order", ("percent", 10), ("max_uses_per_user", 3));
        var reply = await _host.PostAsync(
            "/api/v1/orders/redemptions",
            new
            {
                reference = "forgotten",
                currency = "USD",
                customer_id = _customer,
                customer = new { email = Email },
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
        Assert.Equal(
            1,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from redemptions.promotion_use where email_hash <> ''"
            )
        );
        return await _host.Database.ScalarAsync<Guid>("select id from promotions.receipt");
    }

    private static async Task<string> TextAsync(ZipArchive zip, string name)
    {
        using var reader = new StreamReader(zip.GetEntry(name)!.Open());
        return await reader.ReadToEndAsync();
    }
}
