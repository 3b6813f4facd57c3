using System.Globalization;
using System.Text.Json;
using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Coupons;

[Collection(PostgresCollection.Name)]
public sealed class BulkPlanTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/coupons/bulk";

    private TestHost _host = null!;
    private Catalogue _catalogue = null!;

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        _catalogue = new Catalogue(_host.Database);
    }

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task All_that_match_a_filter_are_changed_and_undone_as_a_unit_but_for_what_was_touched_since()
    {
        await SeedAsync(4_500, "WINTER", "true");
        await _catalogue.CouponAsync("SPRING-1");
        var wanted = new { action = "deactivate", selection = new { filter = new { search = "winter" } } };
        var preview = await _host.PostAsync(Path + "/preview", wanted);
        Assert.True(preview.Status == 200, preview.Body);
        Assert.Equal((4_500, 4_500, 0), Counts(preview.Json));

        var ended = await RunAsync(wanted);
        Assert.Equal("succeeded", ended.GetProperty("status").GetString());
        Assert.Equal(4_500, ended.GetProperty("result").GetProperty("changed").GetInt64());
        Assert.Equal(["SPRING-1"], await ActiveAsync());
        Assert.Equal(
            4_500,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where type = 'coupon.deactivated' and payload ->> 'bulk_id' = $1",
                ended.GetProperty("id").GetString()
            )
        );

        var touched = await _host.Database.ScalarAsync<long>(
            "update coupons.coupon set version = version + 1, internal_name = 'Touched' where code = 'WINTER-7' returning id"
        );
        var undone = await UndoAsync(ended);
        Assert.Equal("succeeded", undone.GetProperty("status").GetString());
        Assert.Equal((4_499, 1), (Result(undone, "changed"), undone.GetProperty("error_count").GetInt64()));
        Assert.Equal(4_500, (await ActiveAsync()).Count);
        var errors = await _host.GetAsync(undone.GetProperty("errors_url").GetString()!);
        Assert.Contains(
            $"{touched.ToString(CultureInfo.InvariantCulture)},,changed_since",
            errors.Body,
            StringComparison.Ordinal
        );
        var again = await _host.PostAsync($"/api/v1/operations/{ended.GetProperty("id").GetString()}/undo");
        Assert.Equal((409, "not_undoable"), (again.Status, again.Code));
    }

    [Fact]
    public async Task An_edit_moves_ends_and_sets_limits_and_its_undo_brings_each_former_value_back()
    {
        var ends = await _catalogue.CouponAsync(
            "ENDS",
            "valid_until, max_uses_total, campaign_source",
            "'2099-01-31T23:00:00Z', 7, 'mail'"
        );
        var open = await _catalogue.CouponAsync("OPEN");
        await _catalogue.CouponAsync("LATE", "valid_from", "'2098-01-01T00:00:00Z'");
        var edit = new
        {
            action = "edit",
            selection = new { ids = (long[])[ends, open] },
            set = new { max_uses_total = 50, campaign_source = (string?)null },
            extend_days = 10,
        };
        var preview = await _host.PostAsync(Path + "/preview", edit);
        Assert.Equal((2, 2, 0), Counts(preview.Json));
        var ended = await RunAsync(edit);
        Assert.Equal(["ENDS 2099-02-10 50 -", "OPEN infinity 50 -"], await FieldsAsync());
        Assert.Equal(
            2L,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from balances.account where kind = 'coupon_uses' and bound = 50"
            ) + 1
        );
        await UndoAsync(ended);
        Assert.Equal(["ENDS 2099-01-31 7 mail", "OPEN infinity - -"], await FieldsAsync());

        var refused = await _host.PostAsync(
            Path + "/preview",
            new
            {
                action = "edit",
                selection = new { filter = new { } },
                set = new { valid_until = "2097-12-31" },
            }
        );
        Assert.Equal((3, 2, 1), Counts(refused.Json));
        Assert.Equal("not_after_start", refused.Json.GetProperty("reasons")[0].GetProperty("code").GetString());
        Assert.Equal("LATE", refused.Json.GetProperty("reasons")[0].GetProperty("examples")[0].GetString());
    }

    [Fact]
    public async Task Deleted_coupons_come_back_and_what_is_wrong_is_told_at_once()
    {
        var id = await _catalogue.CouponAsync("GONE");
        var ended = await RunAsync(new { action = "delete", selection = new { ids = (long[])[id] } });
        Assert.Equal(404, (await _host.GetAsync($"/api/v1/admin/coupons/{id}")).Status);
        await UndoAsync(ended);
        Assert.Equal(200, (await _host.GetAsync($"/api/v1/admin/coupons/{id}")).Status);
        Assert.Equal(
            ["coupon.deleted", "coupon.restored"],
            await _host.Database.ColumnAsync<string>(
                "select type from platform.event where aggregatetype = 'coupon' order by position"
            )
        );

        var wrong = await _host.PostAsync(
            Path + "/plans",
            new
            {
                action = "edit",
                selection = new { filter = new { status = "green", colour = "red" } },
                set = new { max_uses_per_user = 11, valid_until = "soon" },
            }
        );
        Assert.Equal(400, wrong.Status);
        Assert.Equal(
            ["selection.filter.colour", "selection.filter.status", "set.max_uses_per_user", "set.valid_until"],
            wrong.Errors.Select(static e => e.Field).Order(StringComparer.Ordinal)
        );
        var stale = await _host.PostAsync(
            Path + "/plans",
            new
            {
                action = "activate",
                selection = new { filter = new { } },
                matching = 2,
            }
        );
        Assert.Equal((409, "selection_changed"), (stale.Status, stale.Code));
    }

    [Fact]
    public async Task A_merchant_changes_only_its_own_and_a_large_change_waits_for_another_person()
    {
        var merchant = Guid.CreateVersion7();
        var key = await _host.KeyAsync([Permissions.CouponsBulk], merchant, merchantExists: false);
        await _catalogue.CouponAsync("THEIRS", "merchant_id", $"'{merchant}'");
        await _catalogue.CouponAsync("OURS");
        using var client = _host.ClientOf(key);
        var own = await _host.PostAsync(
            Path + "/preview",
            new { action = "deactivate", selection = new { filter = new { } } },
            client: client
        );
        Assert.Equal((1, 1, 0), Counts(own.Json));

        await SeedAsync(1_001, "MANY", "true");
        var wanted = new { action = "delete", selection = new { filter = new { search = "many" } } };
        var preview = await _host.PostAsync(Path + "/preview", wanted);
        Assert.True(preview.Json.GetProperty("needs_approval").GetBoolean());
        var waits = await _host.PostAsync(Path + "/plans", wanted);
        Assert.Equal("pending_approval", waits.Json.GetProperty("status").GetString());
        var id = waits.Json.GetProperty("approval_id").GetString();
        var approval = await _host.GetAsync("/api/v1/approvals/" + id);
        using var other = _host.ClientOf(await _host.KeyAsync([.. Permissions.All]));
        var approved = await _host.PostAsync(
            $"/api/v1/approvals/{id}/approve",
            new { effect_hash = approval.Json.GetProperty("effect_hash").GetString() },
            client: other
        );
        Assert.True(approved.Status == 200, approved.Body);
        var ended = await _host.EndOfAsync("/api/v1/operations/" + waits.Json.GetProperty("plan_id").GetString());
        Assert.Equal(1_001, Result(ended, "changed"));
        Assert.Equal(["OURS", "THEIRS"], await ActiveAsync());
    }

    private Task SeedAsync(int count, string prefix, string isActive) =>
        _host.Database.ExecuteAsync(
            $"""
            with made as (
                insert into coupons.coupon (code, internal_name, description, discount_type, discount_percent, valid_from,
                    is_active, created_by)
                select '{prefix}-' || n, 'A coupon', '{"{"}"en": "A coupon"{"}"}', 'percentage', 10, clock_timestamp(),
                    {isActive}, 'job:test' from generate_series(1, {count.ToString(CultureInfo.InvariantCulture)}) n
                returning code, id
            )
            insert into coupons.code (code, coupon_id) select code, id from made
            """
        );

    private Task<List<string>> ActiveAsync() =>
        _host.Database.ColumnAsync<string>(
            "select code from coupons.coupon where is_active and deleted_at is null order by code"
        );

    private Task<List<string>> FieldsAsync() =>
        _host.Database.ColumnAsync<string>(
            """
            select code || ' ' || case when isfinite(valid_until) then to_char(valid_until at time zone 'UTC', 'YYYY-MM-DD')
                else 'infinity' end || ' ' || coalesce(max_uses_total::text, '-') || ' ' || coalesce(campaign_source, '-')
            from coupons.coupon where code in ('ENDS', 'OPEN') order by code
            """
        );

    private static (int, int, int) Counts(JsonElement preview) =>
        (
            preview.GetProperty("matching").GetInt32(),
            preview.GetProperty("changing").GetInt32(),
            preview.GetProperty("refused").GetInt32()
        );

    private static long Result(JsonElement operation, string name) =>
        operation.GetProperty("result").GetProperty(name).GetInt64();

    private async Task<JsonElement> RunAsync(object wanted)
    {
        var accepted = await _host.PostAsync(Path + "/plans", wanted);
        Assert.True(accepted.Status == 202, accepted.Body);
        return await _host.EndOfAsync(accepted.Header("Location")!);
    }

    private async Task<JsonElement> UndoAsync(JsonElement operation)
    {
        var accepted = await _host.PostAsync($"/api/v1/operations/{operation.GetProperty("id").GetString()}/undo");
        Assert.True(accepted.Status == 202, accepted.Body);
        return await _host.EndOfAsync(accepted.Header("Location")!);
    }
}
