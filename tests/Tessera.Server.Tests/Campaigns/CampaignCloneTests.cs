using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Campaigns;

[Collection(PostgresCollection.Name)]
public sealed class CampaignCloneTests(PostgresFixture postgres) : IAsyncLifetime
{
    private TestHost _host = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        var made = await _host.PostAsync(
            "/api/v1/campaigns",
            new
            {
                id = "spring-2098",
                name = "Spring",
                start_date = "2098-03-01",
                end_date = "2098-03-31",
                time_zone = "Europe/Vienna",
                budget = new { amount = 100_000, currency = "EUR" },
            }
        );
        Assert.True(made.Status == 201, made.Body);
        foreach (var (code, until) in new (string, string?)[] { ("SPRINGSALE2098", "2098-03-31"), ("OPENEND", null) })
        {
            var coupon = await _host.PostAsync(
                "/api/v1/admin/coupons",
                new
                {
                    code,
                    internal_name = "A coupon",
                    description = new { en = "A coupon" },
                    discount_type = "percentage",
                    discount_value = 10,
                    valid_from = "2098-03-01",
                    valid_until = until,
                    time_zone = "Europe/Vienna",
                    campaign_id = "spring-2098",
                    campaign_role = "primary",
                    currency = "EUR",
                    is_active = true,
                    external_id = "ext-" + code,
                }
            );
            Assert.True(coupon.Status == 201, coupon.Body);
        }
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_clone_has_the_coupons_with_fresh_codes_and_moved_dates_all_of_them_off()
    {
        var clone = await _host.PostAsync(
            "/api/v1/campaigns/spring-2098/clone",
            new
            {
                name = "Spring again",
                start_date = "2099-04-01",
                id = "spring-2099",
            }
        );
        Assert.True(clone.Status == 201, clone.Body);
        Assert.Equal(2, clone.Json.GetProperty("coupons").GetInt32());
        var campaign = (await _host.GetAsync(clone.Header("Location")!)).Json;
        Assert.Equal("Spring again", campaign.GetProperty("name").GetString());
        // By as many days: also over the change of the clock, at midnight of its zone.
        Assert.Equal("2099-03-31T22:00:00Z", campaign.GetProperty("start_date").GetString());
        Assert.Equal("2099-05-01T22:00:00Z", campaign.GetProperty("end_date").GetString());
        Assert.Equal(100_000, campaign.GetProperty("budget").GetProperty("amount").GetInt64());
        Assert.Equal(
            ["OPENEND- false 2099-03-31 infinity -", "SPRINGSALE209- false 2099-03-31 2099-05-01 -"],
            await _host.Database.ColumnAsync<string>(
                """
                select left(code, -6) || ' ' || is_active || ' ' || to_char(valid_from at time zone 'UTC', 'YYYY-MM-DD') || ' '
                    || case when isfinite(valid_until) then to_char(valid_until at time zone 'UTC', 'YYYY-MM-DD') else 'infinity' end
                    || ' ' || coalesce(external_id, '-')
                from coupons.coupon where campaign_id = 'spring-2099' order by code
                """
            )
        );

        var confirmed = await _host.PostAsync("/api/v1/campaigns/spring-2099/activate");
        Assert.Equal(2, confirmed.Json.GetProperty("changed").GetInt32());
    }

    [Fact]
    public async Task A_clone_is_listed_with_the_bulk_operations_and_undone_as_a_unit()
    {
        var operation = await CloneAsync("spring-2099");
        var listed = (await _host.GetAsync("/api/v1/operations?kind=coupons_bulk")).Json.GetProperty("data")[0];
        Assert.Equal(operation, listed.GetProperty("id").GetGuid());
        Assert.Equal(("clone", "succeeded"), (Of(listed, "action"), Of(listed, "status")));
        Assert.Equal(2, listed.GetProperty("result").GetProperty("created").GetInt32());
        Assert.NotEqual(JsonValueKind.Null, listed.GetProperty("undo_until").ValueKind);

        // Asked for twice with the same key it is one undo.
        const string key = "undo-the-clone";
        var undo = await _host.PostAsync($"/api/v1/operations/{operation}/undo", idempotencyKey: key);
        Assert.True(undo.Status == 202, undo.Body);
        Assert.Equal(3, undo.Json.GetProperty("items").GetInt32());
        Assert.Equal(
            undo.Body,
            (await _host.PostAsync($"/api/v1/operations/{operation}/undo", idempotencyKey: key)).Body
        );
        var over = await _host.EndOfAsync(undo.Header("Location")!);
        Assert.Equal(("succeeded", 3, 0), Ended(over));
        Assert.Equal(404, (await _host.GetAsync("/api/v1/campaigns/spring-2099")).Status);
        Assert.Equal(0, await CountAsync("spring-2099"));
        Assert.Equal(2, await CountAsync("spring-2098"));
        Assert.Equal(
            ["campaign.deleted", "coupon.deleted", "coupon.deleted"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where type in ('campaign.deleted', 'coupon.deleted') order by type"
            )
        );
        var file = (await _host.GetAsync(Of(over, "output_url")!)).Body;
        Assert.Contains(",spring-2099,restored,", file, StringComparison.Ordinal);
        Assert.Equal("not_undoable", (await _host.PostAsync($"/api/v1/operations/{operation}/undo")).Code);
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }

    [Fact]
    public async Task What_was_touched_since_stays_with_its_campaign_and_is_listed()
    {
        var operation = await CloneAsync("spring-2099");
        var touched = await _host.Database.ScalarAsync<long>(
            "select min(id) from coupons.coupon where campaign_id = 'spring-2099'"
        );
        Assert.Equal(200, (await _host.PostAsync($"/api/v1/admin/coupons/{touched}/activate")).Status);
        var over = await UndoneAsync(operation);
        Assert.Equal(("succeeded", 1, 2), Ended(over));
        Assert.Equal(1, await CountAsync("spring-2099"));
        Assert.Equal(200, (await _host.GetAsync("/api/v1/campaigns/spring-2099")).Status);
        var errors = (await _host.GetAsync(Of(over, "errors_url")!)).Body;
        Assert.Contains("changed_since", errors, StringComparison.Ordinal);
        Assert.Contains("campaign_has_coupons", errors, StringComparison.Ordinal);
        Assert.Contains("spring-2099", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("budget")]
    [InlineData("cost")]
    public async Task A_campaign_that_somebody_changed_or_paid_for_stays_without_the_coupons(string change)
    {
        var operation = await CloneAsync("spring-2099");
        if (change == "cost")
        {
            var cost = await _host.PostAsync(
                "/api/v1/campaigns/spring-2099/costs",
                new { day = "2026-01-01", amount = new { amount = 100, currency = "EUR" } }
            );
            Assert.True(cost.Status == 201, cost.Body);
        }
        else
        {
            var changed = await _host.SendAsync(
                HttpMethod.Put,
                "/api/v1/campaigns/spring-2099",
                new
                {
                    name = "Mine now",
                    start_date = "2099-04-01",
                    end_date = "2099-05-01",
                    time_zone = "Europe/Vienna",
                },
                headers: new Dictionary<string, string> { ["If-Match"] = "*" }
            );
            Assert.True(changed.Status == 200, changed.Body);
        }

        Assert.Equal(("succeeded", 2, 1), Ended(await UndoneAsync(operation)));
        Assert.Equal(0, await CountAsync("spring-2099"));
        Assert.Equal(200, (await _host.GetAsync("/api/v1/campaigns/spring-2099")).Status);
    }

    [Fact]
    public async Task A_clone_is_undone_by_those_who_may_make_one()
    {
        var operation = await CloneAsync("spring-2099");
        using var bulk = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsBulk, Permissions.Operations]));
        Assert.Equal(
            "undo_forbidden",
            (await _host.PostAsync($"/api/v1/operations/{operation}/undo", client: bulk)).Code
        );
        using var merchant = _host.ClientOf(
            await _host.KeyAsync([.. Permissions.All], Guid.CreateVersion7(), merchantExists: false)
        );
        Assert.Equal(404, (await _host.PostAsync($"/api/v1/operations/{operation}/undo", client: merchant)).Status);
        Assert.Equal(2, await CountAsync("spring-2099"));
    }

    private async Task<Guid> CloneAsync(string id)
    {
        var clone = await _host.PostAsync(
            "/api/v1/campaigns/spring-2098/clone",
            new
            {
                name = "Spring again",
                start_date = "2099-04-01",
                id,
            }
        );
        Assert.True(clone.Status == 201, clone.Body);
        return clone.Json.GetProperty("operation_id").GetGuid();
    }

    private async Task<JsonElement> UndoneAsync(Guid operation)
    {
        var undo = await _host.PostAsync($"/api/v1/operations/{operation}/undo");
        Assert.True(undo.Status == 202, undo.Body);
        return await _host.EndOfAsync(undo.Header("Location")!);
    }

    private Task<long> CountAsync(string campaign) =>
        _host.Database.ScalarAsync<long>(
            "select count(*) from coupons.coupon where campaign_id = $1 and deleted_at is null",
            campaign
        );

    private static string? Of(JsonElement operation, string name) => operation.GetProperty(name).GetString();

    private static (string? Status, int Changed, int Errors) Ended(JsonElement operation) =>
        (
            Of(operation, "status"),
            operation.GetProperty("result").GetProperty("changed").GetInt32(),
            operation.GetProperty("error_count").GetInt32()
        );

    [Fact]
    public async Task A_clone_that_would_begin_in_the_past_or_under_a_taken_id_leaves_nothing_behind()
    {
        var past = await _host.PostAsync(
            "/api/v1/campaigns/spring-2098/clone",
            new { name = "Too late", start_date = "2020-03-01" }
        );
        Assert.Equal((400, "start_date"), (past.Status, past.Errors[0].Field));
        var taken = await _host.PostAsync(
            "/api/v1/campaigns/spring-2098/clone",
            new
            {
                name = "Taken",
                start_date = "2099-03-01",
                id = "spring-2098",
            }
        );
        Assert.Equal(409, taken.Status);
        Assert.Equal(
            404,
            (
                await _host.PostAsync("/api/v1/campaigns/none/clone", new { name = "x", start_date = "2099-01-01" })
            ).Status
        );
        Assert.Equal(1, await _host.Database.ScalarAsync<long>("select count(*) from campaigns.campaign"));
        Assert.Equal(2, await _host.Database.ScalarAsync<long>("select count(*) from coupons.coupon"));
    }

    [Fact]
    public async Task A_template_keeps_field_values_and_refuses_what_each_coupon_has_of_its_own()
    {
        var fields = new
        {
            discount_type = "fixed_amount",
            discount_value = 7.5,
            currency = "EUR",
            max_uses_total = 100,
        };
        var made = await _host.PostAsync(
            "/api/v1/templates",
            new
            {
                name = "Seven fifty",
                fields,
                valid_days = 30,
            }
        );
        Assert.True(made.Status == 201, made.Body);
        var listed = (await _host.GetAsync("/api/v1/templates")).Json.GetProperty("data")[0];
        Assert.Equal(7.5m, listed.GetProperty("fields").GetProperty("discount_value").GetDecimal());
        Assert.Equal(30, listed.GetProperty("valid_days").GetInt32());
        Assert.Equal(409, (await _host.PostAsync("/api/v1/templates", new { name = "Seven fifty", fields })).Status);
        var wrong = await _host.PostAsync(
            "/api/v1/templates",
            new
            {
                name = "Wrong",
                fields = new
                {
                    code = "MINE",
                    discount_value = "much",
                    colour = "red",
                },
            }
        );
        Assert.Equal(
            ["fields.code", "fields.colour", "fields.discount_value"],
            wrong.Errors.Select(static e => e.Field).Order(StringComparer.Ordinal)
        );
        Assert.Equal(JsonValueKind.Object, listed.GetProperty("fields").ValueKind);
    }
}
