using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Access;
using Tessera.Server.Audit;
using Tessera.Server.Operations.Units;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Operations;

/// <summary>Changes of the state of many units: shown first, agreed on, run in batches, undone as a unit (BLK-05).</summary>
[Collection(PostgresCollection.Name)]
public sealed partial class UnitPlanTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Path = "/api/v1/admin/instances/bulk";
    private const string Approvals = "/api/v1/approvals";

    private TestHost _host = null!;
    private Catalogue _given = null!;
    private HttpClient _other = null!;
    private Guid _customer;
    private long _coupon;

    public async Task InitializeAsync()
    {
        // The worker of these changes is started by the tests.
        _host = await TestHost.StartAsync(
            postgres,
            static builder =>
                builder.Services.Remove(builder.Services.Single(static s => s.ImplementationType == typeof(UnitWorker)))
        );
        _given = new Catalogue(_host.Database);
        _other = _host.ClientOf(await _host.KeyAsync([.. Permissions.All]));
        _customer = await _given.CustomerAsync();
        _coupon = await _given.CouponAsync("UNIT", "max_uses_per_user, max_uses_total", "9, 4", "unique");
    }

    public async Task DisposeAsync()
    {
        _other.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Redemptions_of_a_list_are_shown_agreed_on_recorded_and_undone_as_a_unit()
    {
        var first = await PaidAsync("REC-1");
        var second = await PaidAsync("REC-2");
        var late = await PaidAsync("REC-3");
        await _given.UnitAsync(_coupon, "REC-4", _customer);
        var wanted = Recorded(
            "code,order_reference,redeemed_at\r\nrec-1,SLIP-1,\r\nREC-2,SLIP-2,\r\n"
                + $"REC-3,SLIP-3,{At(-72)}\r\nREC-4,SLIP-4,\r\nNOBODY,SLIP-5,\r\n REC-1,SLIP-6,\r\n!,,\r\n"
        );
        var shown = await PreviewAsync(wanted);
        Assert.Equal((7, 2, 0, 5), Counts(shown));
        Assert.Equal(
            "illegal_transition invalid_code named_twice not_found outside_window",
            string.Join(' ', Reasons(shown).Order(StringComparer.Ordinal))
        );
        Assert.True(shown.GetProperty("needs_approval").GetBoolean());
        Assert.Equal("paid", await StateAsync(first));

        var id = await ApprovedAsync(wanted);
        Assert.Equal("paid", await StateAsync(first));
        Assert.True(await RunAsync());
        Assert.Equal(
            ("redeemed", "redeemed", "paid"),
            (await StateAsync(first), await StateAsync(second), await StateAsync(late))
        );
        var job = (await _host.GetAsync("/api/v1/operations/" + id)).Json;
        Assert.Equal("succeeded", job.GetProperty("status").GetString());
        Assert.Equal((7, 5), (job.GetProperty("done").GetInt32(), job.GetProperty("error_count").GetInt32()));
        var errors = (await _host.GetAsync(job.GetProperty("errors_url").GetString()!)).Body;
        Assert.Contains("4,,outside_window,", errors, StringComparison.Ordinal);
        Assert.Contains("6,,not_found,", errors, StringComparison.Ordinal);
        var output = (await _host.GetAsync(job.GetProperty("output_url").GetString()!)).Body;
        Assert.Contains($"2,{_coupon},{first},changed,,", output, StringComparison.Ordinal);
        Assert.Equal((2, 2), (await PostedAsync("coupon_uses"), await PostedAsync("coupon_customer_uses")));
        Assert.Equal(
            ["SLIP-1", "SLIP-2"],
            await _host.Database.ColumnAsync<string>(
                "select order_reference from redemptions.redemption order by order_reference"
            )
        );
        await VerifyAsync();

        // What somebody changed since stays, and is listed.
        await OverrideAsync(second);
        var undo = await UndoAsync(id);
        Assert.Equal((2, 1), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        Assert.Equal(("paid", "refunded"), (await StateAsync(first), await StateAsync(second)));
        Assert.Equal(1, await PostedAsync("coupon_uses"));
        Assert.Equal((409, "not_undoable"), CodeOf(await _host.PostAsync($"/api/v1/operations/{id}/undo")));
        await VerifyAsync();
        Assert.Equal(
            2,
            await _host.Database.ScalarAsync<long>(
                "select count(*) from platform.event where payload ->> 'bulk_id' = $1::text",
                id.ToString()
            )
        );
    }

    [Fact]
    public async Task Redemptions_are_taken_back_and_their_undo_records_them_again_within_the_limits()
    {
        var units = new List<long>();
        for (var i = 0; i < 3; i++)
        {
            units.Add(await _given.UnitAsync(_coupon, "BACK-" + i, _customer));
            await RedeemAsync("BACK-" + i);
        }

        var free = await _given.UnitAsync(_coupon, "BACK-9", _customer);
        var wanted = Wanted("former", new { coupon_id = _coupon }, "wrong_redemption");
        var shown = await PreviewAsync(wanted);
        Assert.Equal((4, 3, 0, 1), Counts(shown));
        Assert.Equal(["not_redeemed"], Reasons(shown));
        var id = await ApprovedAsync(wanted);
        Assert.True(await RunAsync());
        Assert.Equal(0, await PostedAsync("coupon_uses"));
        Assert.All(await StatesAsync(units), static state => Assert.Equal("issued", state));
        await VerifyAsync();

        // Two of the four uses are taken meanwhile: only two of three fit again.
        await RedeemAsync("BACK-9");
        await _given.UnitAsync(_coupon, "BACK-8", _customer);
        await RedeemAsync("BACK-8");
        var undo = await UndoAsync(id);
        Assert.Equal((3, 1), (undo.GetProperty("done").GetInt32(), undo.GetProperty("error_count").GetInt32()));
        var errors = (await _host.GetAsync(undo.GetProperty("errors_url").GetString()!)).Body;
        Assert.Contains("limit_reached", errors, StringComparison.Ordinal);
        Assert.Equal(2, (await StatesAsync(units)).Count(static state => state == "redeemed"));
        Assert.Equal("redeemed", await StateAsync(free));
        Assert.Equal(4, await PostedAsync("coupon_uses"));
        await VerifyAsync();
    }

    [Fact]
    public async Task A_limit_leaves_out_the_lines_that_no_longer_fit_in_the_preview_as_in_the_run()
    {
        var units = new List<long>();
        for (var i = 0; i < 6; i++)
        {
            units.Add(await PaidAsync("FIT-" + i));
        }

        var wanted = Recorded(null, new { coupon_id = _coupon, state = "paid" });
        var shown = await PreviewAsync(wanted);
        Assert.Equal((6, 4, 0, 2), Counts(shown));
        Assert.Equal(["limit_reached"], Reasons(shown));
        await ApprovedAsync(wanted);
        Assert.True(await RunAsync());
        Assert.Equal(4, (await StatesAsync(units)).Count(static state => state == "redeemed"));
        Assert.Equal(4, await PostedAsync("coupon_uses"));
        await VerifyAsync();
    }

    [Fact]
    public async Task A_unit_that_changed_between_request_and_run_is_left_out_and_named()
    {
        var unit = await PaidAsync("SINCE-1");
        var other = await PaidAsync("SINCE-2");
        var id = await ApprovedAsync(Wanted("refunded", new { coupon_id = _coupon }, "payment_dispute"));
        await RedeemAsync("SINCE-1");
        Assert.True(await RunAsync());
        Assert.Equal(("redeemed", "refunded"), (await StateAsync(unit), await StateAsync(other)));
        var errors = (await _host.GetAsync($"/api/v1/operations/{id}/errors")).Body;
        Assert.Contains("changed_since", errors, StringComparison.Ordinal);
        await VerifyAsync();
    }

    [Fact]
    public async Task Who_may_not_override_may_still_end_units_and_what_is_asked_wrongly_is_said()
    {
        await PaidAsync("MAY-1");
        using var bulk = _host.ClientOf(await _host.KeyAsync([Permissions.CouponsBulk, Permissions.CouponsRead]));
        var refund = Wanted("refunded", new { coupon_id = _coupon }, "payment_dispute");
        Assert.Equal(
            (403, "override_forbidden"),
            CodeOf(await _host.PostAsync(Path + "/preview", Unreasoned(refund), null, bulk))
        );
        Assert.Equal((403, "override_forbidden"), CodeOf(await _host.PostAsync(Path + "/plans", refund, null, bulk)));
        var cancel = Wanted("cancelled", new { coupon_id = _coupon }, null);
        var taken = await _host.PostAsync(Path + "/plans", cancel, null, bulk);
        Assert.Equal((202, "accepted"), (taken.Status, taken.Json.GetProperty("status").GetString()));

        var wrong = await _host.PostAsync(
            Path + "/plans",
            new
            {
                to = "redeemed",
                selection = new { coupon_id = _coupon, list = "code\nA" },
                reason = "short",
            }
        );
        Assert.Equal([("cause", "required"), ("selection.coupon_id", "one_of"), ("reason", "too_short")], wrong.Errors);
        var headless = await _host.PostAsync(
            Path + "/preview",
            Unreasoned(Wanted("paid", new { list = "A\nB" }, "technical_fault"))
        );
        Assert.Equal([("selection.list", "no_header")], headless.Errors);
        Assert.Equal(
            (409, "nothing_selected"),
            CodeOf(
                await _host.PostAsync(
                    Path + "/plans",
                    Wanted("paid", new { coupon_id = _coupon, state = "archived" }, "technical_fault")
                )
            )
        );
    }

    private static (int, int, int, int) Counts(JsonElement shown)
    {
        int Of(string name) => shown.GetProperty(name).GetInt32();
        return (Of("matching"), Of("changing"), Of("unchanged"), Of("refused"));
    }

    private static IEnumerable<string> Reasons(JsonElement shown) =>
        shown.GetProperty("reasons").EnumerateArray().Select(static r => r.GetProperty("code").GetString()!);

    private static object Wanted(string to, object selection, string? cause) =>
        new
        {
            to,
            selection,
            cause,
            reason = "The merchant sent the slips.",
        };

    private static object Recorded(string? list, object? selection = null) =>
        new
        {
            to = "redeemed",
            cause = "merchant_support",
            selection = selection ?? new { list },
            redemption = new
            {
                redeemed_at = At(-1),
                order_reference = "SLIPS",
                order = new { amount = 2000, currency = "USD" },
                discount = new { amount = 200, currency = "USD" },
            },
            reason = "The merchant sent the slips.",
        };

    private static string At(int hours) =>
        TimeProvider
            .System.GetUtcNow()
            .AddHours(hours)
            .ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>A preview takes no reason.</summary>
    private static JsonObject Unreasoned(object wanted)
    {
        var body = JsonSerializer.SerializeToNode(wanted)!.AsObject();
        body.Remove("reason");
        return body;
    }

    private async Task<JsonElement> PreviewAsync(object wanted) =>
        Ok(await _host.PostAsync(Path + "/preview", Unreasoned(wanted)), 200).Json;

    private async Task<Guid> ApprovedAsync(object wanted)
    {
        var taken = Ok(await _host.PostAsync(Path + "/plans", wanted), 202);
        Assert.Equal("pending_approval", taken.Json.GetProperty("status").GetString());
        await ApproveAsync(taken.Json.GetProperty("approval_id").GetGuid());
        return taken.Json.GetProperty("plan_id").GetGuid();
    }

    private async Task ApproveAsync(Guid id)
    {
        var approval = (await _host.GetAsync($"{Approvals}/{id}")).Json;
        var reply = await _host.PostAsync(
            $"{Approvals}/{id}/approve",
            new { effect_hash = approval.GetProperty("effect_hash").GetString() },
            null,
            _other
        );
        Ok(reply, 200);
    }

    private async Task<JsonElement> UndoAsync(Guid id)
    {
        var undo = Ok(await _host.PostAsync($"/api/v1/operations/{id}/undo"), 202);
        Assert.True(await RunAsync());
        return await _host.EndOfAsync(undo.Header("Location")!);
    }

    private async Task OverrideAsync(long unit)
    {
        var asked = await _host.PostAsync(
            Approvals,
            new
            {
                kind = "instance_status",
                input = new
                {
                    coupon_id = _coupon,
                    instance_id = unit,
                    to = "refunded",
                    cause = "payment_dispute",
                },
                reason = "The customer was paid back.",
            }
        );
        await ApproveAsync(Ok(asked, 201).Json.GetProperty("id").GetGuid());
    }

    private Task<bool> RunAsync() =>
        new UnitWorker(
            _host.Services.GetRequiredService<Tessera.Server.Platform.Database>(),
            TimeProvider.System,
            NullLogger<UnitWorker>.Instance
        ).RunOnceAsync(default);

    private async Task<long> PaidAsync(string code)
    {
        var unit = await _given.UnitAsync(_coupon, code, _customer);
        await _given.PayAsync(unit);
        return unit;
    }

    private async Task RedeemAsync(string code)
    {
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
            }
        );
        Ok(reply, 201);
    }

    private static Reply Ok(Reply reply, int status)
    {
        Assert.True(reply.Status == status, reply.Body);
        return reply;
    }

    private static (int, string?) CodeOf(Reply reply) => (reply.Status, reply.Code);

    private Task<string> StateAsync(long unit) =>
        _host.Database.ScalarAsync<string>("select state from coupons.instance where id = $1", unit);

    private async Task<IReadOnlyList<string>> StatesAsync(IEnumerable<long> units)
    {
        var states = new List<string>();
        foreach (var unit in units)
        {
            states.Add(await StateAsync(unit));
        }

        return states;
    }

    private Task<long> PostedAsync(string kind) =>
        _host.Database.ScalarAsync<long>(
            "select coalesce(sum(posted), 0)::bigint from balances.account where kind = $1",
            kind
        );

    private async Task VerifyAsync()
    {
        await foreach (var finding in new Verification(_host.Database.ConnectionString).RunAsync(default))
        {
            Assert.True(finding.Fault is null, $"{finding.Name}: {finding.Fault}");
        }
    }
}
