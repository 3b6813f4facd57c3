using System.Text.Json;
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
