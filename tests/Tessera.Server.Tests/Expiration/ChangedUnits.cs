using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Tessera.Server.Expiration;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Expiration;

/// <summary>A coupon of a campaign with a budget, its units, and changes of them.</summary>
/// <param name="postgres">Where its database is made.</param>
/// <param name="isRunByHand">Whether tests run what goes in batches themselves, and no node does.</param>
public abstract class ChangedUnits(PostgresFixture postgres, bool isRunByHand = false) : IAsyncLifetime
{
    protected const string Path = "/api/v1/expiry/changes";
    protected const string Reason = "The shop was closed for a week";
    private const string Campaign = "summer";

    protected TestHost Host { get; private set; } = null!;

    protected Catalogue Given { get; private set; } = null!;

    protected long Coupon { get; private set; }

    public async Task InitializeAsync()
    {
        Host = await TestHost.StartAsync(
            postgres,
            builder =>
            {
                if (isRunByHand)
                {
                    builder.Services.Remove(
                        builder.Services.Single(static s => s.ImplementationType == typeof(ChangeWorker))
                    );
                }
            }
        );
        Given = new Catalogue(Host.Database);
        await Host.Database.ExecuteAsync(
            """
            insert into campaigns.campaign (id, name, start_at, created_by, budget_minor, budget_currency)
            values ($1, 'Summer', clock_timestamp(), 'test', 100000, 'USD')
            """,
            Campaign
        );
        Coupon = await Given.CouponAsync("CHANGED", "max_discount_minor, campaign_id", $"500, '{Campaign}'", "unique");
    }

    public async Task DisposeAsync() => await Host.DisposeAsync();

    /// <summary>A change of units of the coupon, by their ids.</summary>
    protected object Named(string action, params long[] units) =>
        new
        {
            action,
            reason = Reason,
            coupon_id = Coupon,
            instance_ids = units,
        };

    /// <summary>A change of units by their codes.</summary>
    protected static object Coded(string action, params string[] codes) =>
        new
        {
            action,
            reason = Reason,
            codes,
        };

    /// <summary>A change of all units of the coupon.</summary>
    protected object Whole(string action) =>
        new
        {
            action,
            reason = Reason,
            coupon_id = Coupon,
        };

    /// <summary>A change of all units of the campaign.</summary>
    protected static object OfCampaign(string action) =>
        new
        {
            action,
            reason = Reason,
            campaign_id = Campaign,
        };

    protected Task<Reply> ChangeAsync(object body) => Host.PostAsync(Path, body);

    protected async Task<JsonElement> ChangedAsync(object body) => Ok(await ChangeAsync(body), 200).Json;

    /// <summary>A change that runs as an operation.</summary>
    protected async Task<Guid> AcceptedAsync(object body) => OperationOf(Ok(await ChangeAsync(body), 202));

    /// <summary>Uploads a list; its length is its idempotency key.</summary>
    protected async Task<Guid> UploadAsync(string query, string list)
    {
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            $"{Path}/upload?action={query}&reason={Uri.EscapeDataString(Reason)}"
        );
        request.Content = new StringContent(list, Encoding.UTF8, "text/csv");
        request.Headers.Add("Idempotency-Key", "list-" + list.Length);
        using var response = await Host.Client.SendAsync(request);
        return OperationOf(Ok(await Reply.OfAsync(response), 202));
    }

    /// <summary>Has an operation undone, to the end.</summary>
    protected async Task<JsonElement> UndoneAsync(Guid operation)
    {
        var undo = Ok(await Host.PostAsync($"/api/v1/operations/{operation}/undo"), 202);
        Assert.True(await RunAsync());
        return await Host.EndOfAsync(undo.Header("Location")!);
    }

    /// <summary>What is left of an operation, in this process.</summary>
    protected Task<bool> RunAsync() =>
        new ChangeWorker(
            Host.Services.GetRequiredService<Tessera.Server.Platform.Database>(),
            TimeProvider.System,
            NullLogger<ChangeWorker>.Instance
        ).RunOnceAsync(default);

    protected async Task<Reply> RedeemAsync(string code) =>
        await Host.PostAsync(
            "/api/v1/redemptions",
            new
            {
                code,
                customer_id = await Given.CustomerAsync(),
                order = new
                {
                    reference = Guid.CreateVersion7().ToString(),
                    amount = new { amount = 1000, currency = "USD" },
                },
            }
        );

    /// <summary>A unit of the campaign.</summary>
    protected async Task<long> UnitAsync(string code, string until = "'infinity'")
    {
        var unit = await Given.UnitAsync(Coupon, code, until: until, from: "clock_timestamp() - interval '2 days'");
        await Host.Database.ExecuteAsync("update coupons.instance set campaign_id = $2 where id = $1", unit, Campaign);
        return unit;
    }

    /// <summary>Many units of the coupon, of no campaign.</summary>
    /// <returns>The id of the first; the others follow it.</returns>
    protected Task<long> UnitsAsync(int count) =>
        Host.Database.ScalarAsync<long>(
            """
            with b as (select nextval('coupons.instance_block') * 1024 as first from generate_series(0, $2 / 1024)),
            f as (select min(first) as first from b), e as (
                insert into platform.event (id, aggregatetype, aggregateid, type, sequence, actor, payload, created_at)
                select gen_random_uuid(), 'coupon', $1::text, 'coupon.instances_issued', first, 'job:test',
                    jsonb_build_object('first_id', first, 'last_id', first + $2 - 1), clock_timestamp() from f
            ), i as (
                insert into coupons.instance (id, valid_until, coupon_id, code, valid_from)
                select first + n, 'infinity', $1, 'L' || (first + n), clock_timestamp() - interval '1 day'
                from f, generate_series(0, $2 - 1) n
            )
            select first from f
            """,
            Coupon,
            count
        );

    protected static Reply Ok(Reply reply, int status)
    {
        Assert.True(reply.Status == status, reply.Body);
        return reply;
    }

    protected static (int, string?) CodeOf(Reply reply) => (reply.Status, reply.Code);

    /// <summary>What became of the first unit of a change.</summary>
    protected static string? Outcome(Reply reply) =>
        reply.Json.GetProperty("data")[0].GetProperty("outcome").GetString();

    protected async Task<string[]> StatesAsync(long[] units)
    {
        var states = new string[units.Length];
        for (var i = 0; i < units.Length; i++)
        {
            states[i] = await Host.Database.ScalarAsync<string>(
                "select state from coupons.instance where id = $1",
                units[i]
            );
        }

        return states;
    }

    /// <summary>All of a unit but the count of its transitions.</summary>
    protected Task<string> RowAsync(long unit) =>
        Host.Database.ScalarAsync<string>(
            "select (to_jsonb(i) - 'version')::text from coupons.instance i where id = $1",
            unit
        );

    protected async Task<List<string>> RowsAsync(long[] units)
    {
        var rows = new List<string>();
        foreach (var unit in units)
        {
            rows.Add(await RowAsync(unit));
        }

        return rows;
    }

    /// <summary>How many units are in a state.</summary>
    protected Task<long> CountAsync(string state) =>
        Host.Database.ScalarAsync<long>("select count(*) from coupons.instance where state = $1", state);

    protected Task<long> LiveAsync() => CountAsync("issued");

    protected Task<long> PostedAsync(string kind) =>
        Host.Database.ScalarAsync<long>(
            "select coalesce(sum(posted), 0)::bigint from balances.account where kind = $1",
            kind
        );

    protected Task<string> InDaysAsync(int days) =>
        Host.Database.ScalarAsync<string>(
            "select to_char((clock_timestamp() + $1 * interval '1 day') at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
            days
        );

    protected Task AssertVerifiedAsync() => Verified.AssertAsync(Host);

    private static Guid OperationOf(Reply reply) => reply.Json.GetProperty("operation_id").GetGuid();
}
