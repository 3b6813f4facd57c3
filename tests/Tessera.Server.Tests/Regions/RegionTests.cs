using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Access;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Coupons;
using Tessera.Server.Tests.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Regions;

/// <summary>What the law of a region asks of the end of coupons is kept, whichever way they are made and changed (AUD-05).</summary>
[Collection(PostgresCollection.Name)]
public sealed class RegionTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string TooShort = "region_minimum_validity";
    private const string Forward = "region_end_brought_forward";

    private TestHost _host = null!;
    private Catalogue _given = null!;
    private Guid _merchant;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _given = new Catalogue(_host.Database);
        var made = await _host.PostAsync("/api/v1/merchants", new { name = "Vienna", region = "AT-9" });
        Assert.True(made.Status == 201, made.Body);
        _merchant = made.Json.GetProperty("id").GetGuid();
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_rule_is_set_by_who_may_and_the_log_has_it_before_and_after()
    {
        using var limited = _host.ClientOf(
            await _host.KeyAsync([Permissions.DirectoryRead, Permissions.DirectoryWrite])
        );
        var wanted = new { id = "AT", coupons = new { minimum_days = 30, notice_days = 7 } };
        Assert.Equal(403, (await _host.PostAsync("/api/v1/regions", wanted, client: limited)).Status);
        var wrong = await _host.PostAsync(
            "/api/v1/regions",
            new
            {
                id = "UK",
                coupons = new
                {
                    minimum_days = -1,
                    may_shorten = false,
                    shortening_days = 3,
                    notice_days = 366,
                    grace = 1,
                },
            }
        );
        Assert.Equal(
            [
                ("coupons.grace", "unknown_member"),
                ("coupons.minimum_days", "out_of_range"),
                ("coupons.notice_days", "out_of_range"),
                ("coupons.shortening_days", "not_expected"),
                ("id", "unknown_region"),
            ],
            wrong.Errors.Order()
        );
        Assert.Equal(
            ("region", "unknown_region"),
            (await _host.PostAsync("/api/v1/merchants", new { name = "London", region = "UK" })).Errors.Single()
        );

        await RuleAsync("AT", minimum: 30);
        Assert.Equal("region_exists", (await _host.PostAsync("/api/v1/regions", wanted)).Code);
        await RuleAsync("AT", minimum: 14, isNew: false);
        Assert.Equal(
            ["null 30", "30 14"],
            await _host.Database.ColumnAsync<string>(
                """
                select coalesce(payload #>> '{before,coupon_minimum_days}', 'null') || ' '
                    || (payload #>> '{after,coupon_minimum_days}')
                from platform.event where aggregatetype = 'region' and type like 'region.%' and type <> 'region.read'
                order by position
                """
            )
        );
    }

    [Fact]
    public async Task Coupons_that_end_too_soon_are_refused_however_they_are_made()
    {
        await RuleAsync("AT", minimum: 30);
        var coupon = CouponBody.Of(
            "VIENNA",
            new() { ["merchant_id"] = _merchant, ["valid_until"] = await InDaysAsync(29) }
        );
        var refused = await _host.PostAsync("/api/v1/admin/coupons", coupon);
        Assert.Equal((400, ("valid_until", TooShort)), (refused.Status, refused.Errors.Single()));
        Assert.Contains("By the rule of AT,", refused.Body, StringComparison.Ordinal);
        coupon["merchant_id"] = null;
        Assert.Equal(201, (await _host.PostAsync("/api/v1/admin/coupons", coupon)).Status);

        // The part of a country goes before the country, and that before the rest.
        await RuleAsync("default", minimum: 40);
        coupon["code"] = "ANYWHERE";
        Assert.Contains(
            "By the rule for all other regions,",
            (await _host.PostAsync("/api/v1/admin/coupons", coupon)).Body,
            StringComparison.Ordinal
        );
        await RuleAsync("AT-9", minimum: 10);
        coupon["merchant_id"] = _merchant;
        var made = await _host.PostAsync("/api/v1/admin/coupons", coupon);
        Assert.True(made.Status == 201, made.Body);

        var many = await _host.PostAsync(
            "/api/v1/admin/coupons/bulk",
            new { coupons = (object[])[CouponBody.Of("MANY-1", new() { ["valid_until"] = await InDaysAsync(20) })] }
        );
        Assert.Equal(
            TooShort,
            many.Json.GetProperty("results")[0].GetProperty("errors")[0].GetProperty("code").GetString()
        );
        var from = (
            await _host.Database.ScalarAsync<string>("select (clock_timestamp() + interval '2 days')::date::text")
        )!;
        var until = (await InDaysAsync(20))[..10];
        var file = $"code,discount_type,discount_value,valid_from,valid_until\nFILED,percentage,10,{from},{until}\n";
        var preview = await UploadAsync("/api/v1/admin/coupons/import/preview", file);
        Assert.Equal(TooShort, preview.Json.GetProperty("errors")[0].GetProperty("code").GetString());
        var import = await _host.EndOfAsync(
            (await UploadAsync("/api/v1/admin/coupons/import", file)).Header("Location")!
        );
        Assert.Equal(
            (0, 1),
            (
                import.GetProperty("result").GetProperty("created").GetInt32(),
                import.GetProperty("error_count").GetInt32()
            )
        );
    }

    [Fact]
    public async Task An_end_that_was_promised_is_kept_in_edits_and_in_changes_of_many()
    {
        var end = await InDaysAsync(90);
        var made = await _host.PostAsync(
            "/api/v1/admin/coupons",
            CouponBody.Of("PROMISED", new() { ["valid_until"] = end })
        );
        var id = made.Json.GetProperty("id").GetInt64();
        await _host.Database.ExecuteAsync(
            "update coupons.coupon set valid_from = clock_timestamp() - interval '1 hour'"
        );
        await RuleAsync("default", shortening: 30);
        var present = await _host.GetAsync($"/api/v1/admin/coupons/{id}");
        var body = CouponBody.Of(
            "PROMISED",
            new()
            {
                ["valid_from"] = present.Json.GetProperty("valid_from").GetString(),
                ["valid_until"] = await InDaysAsync(20),
            }
        );
        var refused = await PutAsync($"/api/v1/admin/coupons/{id}", body, present);
        Assert.Equal((400, ("valid_until", Forward)), (refused.Status, refused.Errors.Single()));
        body["valid_until"] = await InDaysAsync(40);
        var done = await PutAsync($"/api/v1/admin/coupons/{id}", body, present);
        Assert.True(done.Status == 200, done.Body);

        var edit = new
        {
            action = "edit",
            selection = new { ids = (long[])[id] },
            extend_days = -20,
        };
        var preview = await _host.PostAsync("/api/v1/admin/coupons/bulk/preview", edit);
        Assert.Equal(Forward, preview.Json.GetProperty("reasons")[0].GetProperty("code").GetString());
        var run = await _host.PostAsync("/api/v1/admin/coupons/bulk/plans", edit);
        var ended = await _host.EndOfAsync(run.Header("Location")!);
        Assert.Equal(1, ended.GetProperty("result").GetProperty("refused").GetInt32());

        // Undoing an extension would bring the end forward as well.
        var longer = new
        {
            action = "edit",
            selection = new { ids = (long[])[id] },
            extend_days = 5,
        };
        var extended = await _host.PostAsync("/api/v1/admin/coupons/bulk/plans", longer);
        var changed = await _host.EndOfAsync(extended.Header("Location")!);
        Assert.Equal(1, changed.GetProperty("result").GetProperty("changed").GetInt32());
        await RuleAsync("default", mayShorten: false, isNew: false);
        var undo = await _host.PostAsync($"/api/v1/operations/{changed.GetProperty("id").GetString()}/undo");
        var undone = await _host.EndOfAsync(undo.Header("Location")!);
        Assert.Equal(1, undone.GetProperty("result").GetProperty("refused").GetInt32());
    }

    [Fact]
    public async Task A_unit_is_issued_for_as_long_and_ended_only_as_the_region_of_its_holder_allows()
    {
        var coupon = await _given.CouponAsync(
            "UNITS",
            "valid_until",
            "clock_timestamp() + interval '20 days'",
            kind: "unique"
        );
        var viennese = await CustomerAsync("at-9");
        var other = await CustomerAsync("DE");
        await RuleAsync("AT", minimum: 30, mayShorten: false);
        var path = $"/api/v1/admin/coupons/{coupon}/instances";
        var refused = await _host.PostAsync(path, new { customer_ids = (Guid[])[other, viennese] });
        Assert.Equal(
            (409, TooShort, ("customer_ids", TooShort)),
            (refused.Status, refused.Code, refused.Errors.Single())
        );
        var issued = await _host.PostAsync(path, new { customer_ids = (Guid[])[other] });
        Assert.True(issued.Status == 201, issued.Body);
        var free = issued.Json.GetProperty("data")[0].GetProperty("id").GetInt64();
        var kept = await _given.UnitAsync(
            coupon,
            "VIENNESE",
            viennese,
            until: "(clock_timestamp() + interval '20 days')"
        );
        foreach (var action in (string[])["expire", "cancel"])
        {
            var ended = await _host.PostAsync(
                "/api/v1/expiry/changes",
                new
                {
                    action,
                    reason = "The offer was withdrawn.",
                    coupon_id = coupon,
                    instance_ids = (long[])[kept],
                }
            );
            Assert.Equal(Forward, ended.Json.GetProperty("data")[0].GetProperty("outcome").GetString());
        }

        Assert.Equal(Forward, (await _host.PostAsync($"{path}/{kept}/cancel")).Code);
        Assert.Equal(200, (await _host.PostAsync($"{path}/{free}/cancel")).Status);

        // Two people may, for a reason: one alone may not, however few they are.
        var asked = await _host.PostAsync(
            "/api/v1/approvals",
            new
            {
                kind = "bulk_ending",
                input = new { coupon_id = coupon, to = "revoked" },
                reason = "They were given out by mistake.",
            }
        );
        Assert.Equal("pending", asked.Json.GetProperty("state").GetString());
        Assert.Equal(1, asked.Json.GetProperty("effect").GetProperty("against_region_rules").GetInt32());

        await RuleAsync("default", minimum: 30);
        Assert.Equal(
            TooShort,
            (await _host.PostAsync($"/api/v1/admin/coupons/{coupon}/generate", new { count = 5 })).Code
        );
    }

    [Fact]
    public async Task Customers_are_due_to_be_told_of_an_end_in_time_and_once()
    {
        var coupon = await _given.CouponAsync("TOLD", kind: "unique");
        await _given.CouponAsync(
            "SHARED-7",
            "valid_until, merchant_id",
            $"clock_timestamp() + interval '6 days', '{_merchant}'"
        );
        await _given.CouponAsync(
            "SHARED-8",
            "valid_until, merchant_id",
            $"clock_timestamp() + interval '9 days', '{_merchant}'"
        );
        var (viennese, other) = (await CustomerAsync("AT-9"), await CustomerAsync("DE"));
        var soon = await UnitAsync("SOON", viennese, 6);
        await UnitAsync("LATER", viennese, 9);
        await UnitAsync("ELSEWHERE", other, 6);
        await UnitAsync("NOBODYS", null, 6);
        await RuleAsync("AT", notice: 7);
        using var node = new Pipeline(_host.Database);
        var pass = new Notices(_host.Database.Database, node.Clock, NullLogger<Notices>.Instance);
        await Task.WhenAll(pass.RunOnceAsync(default), pass.RunOnceAsync(default));
        await pass.RunOnceAsync(default);
        Assert.Equal(["AT 7 1", "AT 7 SHARED-7"], await ToldAsync());
        var named = await _host.Database.ScalarAsync<long>(
            "select (payload #>> '{runs,0,0}')::bigint from platform.event where type = 'coupon.expiry_notice_due' and payload ? 'runs'"
        );
        Assert.Equal(soon, named);

        // Issued behind the look: the look of the next day finds it, and tells of nothing again. A later end is told of anew.
        await UnitAsync("BEHIND", viennese, 2);
        await _host.PostAsync(
            "/api/v1/expiry/changes",
            new
            {
                action = "extend",
                valid_until = await InDaysAsync(4),
                @override = false,
                reason = "The shop was closed.",
                coupon_id = coupon,
                instance_ids = (long[])[await UnitAsync("EXTENDED", viennese, 3)],
            }
        );
        await pass.RunOnceAsync(default);
        Assert.Equal(2, (await ToldAsync()).Count);
        await _host.Database.ExecuteAsync(
            "update expiration.notice_look set restarted_at = restarted_at - interval '1 day'"
        );
        await pass.RunOnceAsync(default);
        Assert.Equal(["AT 7 1", "AT 7 2", "AT 7 SHARED-7"], await ToldAsync());

        async Task<long> UnitAsync(string code, Guid? holder, int days) =>
            await _given.UnitAsync(
                coupon,
                "TOLD" + code,
                holder,
                until: string.Create(CultureInfo.InvariantCulture, $"(clock_timestamp() + interval '{days} days')")
            );
    }

    private Task<List<string>> ToldAsync() =>
        _host.Database.ColumnAsync<string>(
            """
            select (e.payload ->> 'region') || ' ' || (e.payload ->> 'notice_days') || ' ' || coalesce(e.payload ->> 'units', c.code)
            from platform.event e join coupons.coupon c on c.id::text = e.aggregateid
            where e.type = 'coupon.expiry_notice_due' order by 1
            """
        );

    private async Task<Guid> CustomerAsync(string region)
    {
        var made = await _host.PostAsync("/api/v1/customers", new { attributes = new { region } });
        return made.Json.GetProperty("id").GetGuid();
    }

    private async Task RuleAsync(
        string id,
        int minimum = 0,
        bool mayShorten = true,
        int shortening = 0,
        int notice = 0,
        bool isNew = true
    )
    {
        var body = new
        {
            id,
            coupons = new
            {
                minimum_days = minimum,
                may_shorten = mayShorten,
                shortening_days = shortening,
                notice_days = notice,
            },
        };
        var reply = isNew
            ? await _host.PostAsync("/api/v1/regions", body)
            : await PutAsync("/api/v1/regions/" + id, body, await _host.GetAsync("/api/v1/regions/" + id));
        Assert.True(reply.Status is 200 or 201, reply.Body);
    }

    private Task<Reply> PutAsync(string path, object body, Reply present) =>
        _host.SendAsync(
            HttpMethod.Put,
            path,
            body,
            headers: new Dictionary<string, string> { ["If-Match"] = present.Header("ETag")! }
        );

    private async Task<Reply> UploadAsync(string path, string csv)
    {
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(Encoding.UTF8.GetBytes(csv)), "file", "coupons.csv" },
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = form };
        request.Headers.Add("Idempotency-Key", Guid.CreateVersion7().ToString());
        using var response = await _host.Client.SendAsync(request);
        return await Reply.OfAsync(response);
    }

    private async Task<string> InDaysAsync(int days) =>
        (
            await _host.Database.ScalarAsync<string>(
                "select to_char((clock_timestamp() + make_interval(days => $1)) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
                days
            )
        )!;
}
