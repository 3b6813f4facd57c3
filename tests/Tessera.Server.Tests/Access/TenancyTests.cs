using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Server.Access;
using Tessera.Server.Tests.Support;
using Xunit;

namespace Tessera.Server.Tests.Access;

/// <summary>Scope comes from the key and is part of every query (convention 50): one merchant never meets another's.</summary>
[Collection(PostgresCollection.Name)]
public sealed class TenancyTests(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>In every name and code of the other merchant.</summary>
    private const string Mark = "ZEBRA";

    /// <summary>Only the house makes these; of connectors a merchant sees its own, of all else none.</summary>
    private static readonly string[] OfTheHouse =
    [
        "connectors",
        "emergencies",
        "legal-holds",
        "privacy-requests",
        "webhooks",
    ];

    /// <summary>In the statements of a lane that look a code up and that keep a refusal.</summary>
    private static readonly string[] LaneWords = ["coupons.code", "insert into redemptions.refusal"];

    private readonly Dictionary<string, string> _theirs = [];
    private TestHost _host = null!;
    private HttpClient _own = null!;
    private string _customer = "";

    public async Task InitializeAsync()
    {
        _host = await TestHost.StartAsync(postgres);
        var own = await MakeAsync("/api/v1/merchants", new { name = "Own" });
        var other = await MakeAsync("/api/v1/merchants", new { name = Mark, external_id = Mark });
        _own = _host.ClientOf(await _host.KeyAsync([.. Permissions.All], Guid.Parse(own)));
        _customer = await MakeAsync("/api/v1/customers", new { external_id = Mark });
        var key = await _host.PostAsync(
            "/api/v1/api-keys",
            new
            {
                name = Mark,
                permissions = Array.Empty<string>(),
                merchant_id = other,
            }
        );
        var campaign = await MakeAsync(
            "/api/v1/campaigns",
            new
            {
                id = Mark,
                name = Mark,
                start_date = "2026-01-01",
                merchant_id = other,
            }
        );
        var coupons = new Catalogue(_host.Database);
        var coupon = await coupons.CouponAsync(
            Mark,
            "merchant_id, max_uses_per_user, campaign_source",
            $"'{other}', 9, '{Mark}'"
        );
        var redemption = await MakeAsync("/api/v1/redemptions", Attempt(Mark, "1"));
        var reservation = await MakeAsync("/api/v1/reservations", Attempt(Mark, "2"));
        var unique = await coupons.CouponAsync(Mark + "-U", "merchant_id", $"'{other}'", "unique");
        var unit = await coupons.UnitAsync(unique, Mark + "-UNIT");
        var operation = Guid.CreateVersion7().ToString();
        await _host.Database.ExecuteAsync(
            """
            insert into platform.operation (id, kind, status, input, actor)
            values ($1::uuid, 'codes', 'succeeded', jsonb_build_object('merchant_id', $2), 'job:test')
            """,
            operation,
            other
        );
        var person = await Person.MakeAsync(
            _host.Database,
            "merchant",
            Mark.ToLowerInvariant() + "@example.com",
            ["merchant_manager"],
            Guid.Parse(other)
        );
        await MakeByExampleAsync(Guid.Parse(other));
        _theirs["people"] = person.ToString();
        _theirs["merchants"] = other;
        _theirs["instances"] = unit.ToString(System.Globalization.CultureInfo.InvariantCulture);
        _theirs["operations"] = operation;
        _theirs["customers"] = _customer;
        _theirs["api-keys"] = key.Json.GetProperty("api_key").GetProperty("id").GetString()!;
        _theirs["campaigns"] = campaign;
        _theirs["coupons"] = coupon.ToString(System.Globalization.CultureInfo.InvariantCulture);
        _theirs["redemptions"] = redemption;
        _theirs["reservations"] = reservation;
    }

    /// <summary>
    /// Makes one of whatever a merchant's key can make, from the examples of the API's description: a room that comes
    /// is walked through without a line here.
    /// </summary>
    private async Task MakeByExampleAsync(Guid merchant)
    {
        using var other = _host.ClientOf(await _host.KeyAsync([.. Permissions.All], merchant, merchantExists: true));
        foreach (
            var path in Routes("POST").Where(static path => !path.Contains('{', StringComparison.Ordinal)).ToArray()
        )
        {
            if (ExampleOf("POST", path) is not System.Text.Json.Nodes.JsonObject example)
            {
                continue;
            }

            if (example.ContainsKey("name"))
            {
                example["name"] = Mark;
            }

            // Told of the other merchant's coupons alone, so it is that merchant's to see.
            if (path == "/api/v1/connectors")
            {
                example["merchants"] = new System.Text.Json.Nodes.JsonArray(merchant.ToString());
            }

            if (example.ContainsKey("customer_id"))
            {
                example["customer_id"] = _customer;
            }

            // No codes on a cart, no role on a view: the examples name some that are not here.
            example.Remove("codes");
            example.Remove("role");
            var kind = path.Replace("/api/v1/", "", StringComparison.Ordinal);
            var made = await _host.SendAsync(
                HttpMethod.Post,
                path,
                example,
                client: OfTheHouse.Contains(kind) ? _host.Client : other
            );
            if (made.Status is 201 or 202 && made.Json.TryGetProperty("id", out var id))
            {
                _theirs[kind] = id.ToString();
            }
        }

        _theirs["orders"] = _theirs["orders/redemptions"];
        _theirs["receipts"] = await _host.Database.ScalarAsync<string>(
            "select id::text from promotions.receipt limit 1"
        );
        _theirs["approvals"] = await _host.Database.ScalarAsync<string>(
            $$"""
            insert into approvals.request (id, kind, subject, input, effect, effect_hash, size, unit, reason, state,
                merchant_id, requester, requested_by, requested_at, expires_at)
            values (gen_random_uuid(), 'test', 'test:{{Mark}}', '{}', '{}', sha256(''), 1, 'unit', '{{Mark}}', 'pending',
                '{{merchant}}', 'key:test', 'key:test', now(), now() + interval '1 day')
            returning id::text
            """
        );
        _theirs["withdrawals"] = await _host.Database.ScalarAsync<string>(
            $$"""
            with account as (
                insert into balances.account (id, kind, owner_id, subject, unit, posted)
                values (gen_random_uuid(), 'customer_deposit', '{{_customer}}', 'EUR', 'EUR', 100) returning id
            )
            insert into balances.withdrawal (id, account_id, customer_id, amount_minor, currency, destination, state, asked_at,
                changed_at)
            select gen_random_uuid(), id, '{{_customer}}', 10, 'EUR', '{{Mark}}', 'approved', now(), now() from account
            returning id::text
            """
        );
        Assert.Subset(_theirs.Keys.ToHashSet(StringComparer.Ordinal), Rooms);
    }

    /// <summary>Kinds that came to be since, of which there has to be one to try.</summary>
    private static readonly HashSet<string> Rooms =
    [
        .. OfTheHouse,
        "approvals",
        "backtests",
        "orders",
        "orders/reservations",
        "promotions",
        "receipts",
        "segments",
        "withdrawals",
    ];

    public async Task DisposeAsync()
    {
        _own.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task No_list_shows_what_is_another_merchants()
    {
        var lists = Routes("GET").Where(path => !path.Contains('{', StringComparison.Ordinal)).ToArray();
        Assert.Contains("/api/v1/admin/coupons", lists);
        foreach (var path in lists)
        {
            var reply = await _host.GetAsync(path, _own);
            // The caller has a key and no session; and what is a stream is asked for as one, by its own tests.
            var isMissing = (path, reply.Status) is ("/api/v1/session", 401) or ("/ws/coupons", 400);
            Assert.True(isMissing || reply.Status is 200 or 403, $"{path}: {reply.Body}");
            Assert.DoesNotContain(Mark, reply.Body, StringComparison.OrdinalIgnoreCase);
            foreach (var (kind, id) in _theirs.Where(t => t.Key is not ("coupons" or "instances" or "admin/coupons")))
            {
                Assert.False(reply.Body.Contains(id, StringComparison.Ordinal), $"{path} shows their {kind}");
            }
        }
    }

    [Fact]
    public async Task What_is_another_merchants_is_not_there_to_read_or_to_change()
    {
        foreach (var method in (string[])["GET", "POST", "PUT", "PATCH", "DELETE"])
        {
            foreach (var template in Routes(method).Where(path => path.Contains("/{id", StringComparison.Ordinal)))
            {
                var kind = template[..template.IndexOf("/{id", StringComparison.Ordinal)];
                if (
                    !_theirs.TryGetValue(kind.Replace("/api/v1/", "", StringComparison.Ordinal), out var id)
                    && !_theirs.TryGetValue(kind.Split('/')[^1], out id)
                )
                {
                    // A kind that is nobody's own, or of which there is none here: an id that is not there.
                    id = "987654321";
                }

                var path = System.Text.RegularExpressions.Regex.Replace(
                    template.Replace("{id}", id, StringComparison.Ordinal),
                    "{[^}]*}",
                    _ => Guid.CreateVersion7().ToString(),
                    System.Text.RegularExpressions.RegexOptions.NonBacktracking
                );
                var before = await StateAsync();
                var reply = await _host.SendAsync(
                    new HttpMethod(method),
                    path,
                    method is "GET" or "DELETE" ? null : Body(method, template),
                    client: _own,
                    headers: new Dictionary<string, string> { ["If-Match"] = "*" }
                );
                Assert.True(
                    reply.Status is 400 or 403 or 404 || (method, reply.Status) == ("DELETE", 204),
                    $"{method} {path}: {reply.Status} {reply.Body}"
                );
                Assert.DoesNotContain(
                    Mark,
                    reply.Body.Replace(path, "", StringComparison.Ordinal),
                    StringComparison.Ordinal
                );
                Assert.True(before == await StateAsync(), $"{method} {path} changed something");
            }
        }
    }

    [Fact]
    public async Task A_code_of_another_merchant_is_like_one_that_does_not_exist()
    {
        using var till = _host.ClientOf(
            await _host.KeyAsync(
                [Permissions.RedemptionsRedeem, Permissions.RedemptionsValidate],
                Guid.Parse(
                    (await _host.GetAsync("/api/v1/merchants", _own))
                        .Json.GetProperty("data")[0]
                        .GetProperty("id")
                        .GetString()!
                )
            )
        );
        using var trips = new RoundTrips();
        await _host.PostAsync("/api/v1/validations", Attempt("NOTHING", "3"), client: till);
        foreach (var path in (string[])["/api/v1/redemptions", "/api/v1/reservations", "/api/v1/validations"])
        {
            Reply? theirs = null;
            Reply? nothing = null;
            var theirWork = await trips.OfAsync(
                async () => theirs = await _host.PostAsync(path, Attempt(Mark, "3"), client: till),
                LaneWords
            );
            var noWork = await trips.OfAsync(
                async () => nothing = await _host.PostAsync(path, Attempt("NOTHING", "3"), client: till),
                LaneWords
            );
            Assert.Equal("coupon_not_valid", theirs!.Code);
            Assert.Equal((nothing!.Status, nothing.Code), (theirs.Status, theirs.Code));
            AssertSameWork(path, theirWork, noWork);
        }

        Reply? state = null;
        var known = await trips.OfAsync(async () =>
            state = await _host.GetAsync("/api/v1/coupon-states/" + Mark, till)
        );
        Assert.Equal("unknown", state!.Json.GetProperty("state").GetString());
        AssertSameWork(
            "/api/v1/coupon-states",
            known,
            await trips.OfAsync(() => _host.GetAsync("/api/v1/coupon-states/NOTHING", till))
        );
        Assert.NotEmpty(known);
    }

    /// <summary>A code that exists is looked up in as many round trips as one that does not (convention 53).</summary>
    private static void AssertSameWork(string path, IReadOnlyList<string> one, IReadOnlyList<string> other) =>
        Assert.True(
            one.Count == other.Count,
            $"{path}: {one.Count} and {other.Count}\n{string.Join("\n", one)}\nbut:\n{string.Join("\n", other)}"
        );

    /// <summary>What the route would take, so that it is not the body that is refused.</summary>
    private object Body(string method, string template) =>
        template.EndsWith("/audience", StringComparison.Ordinal)
            ? new { customer_ids = (string[])[_customer] }
            : ExampleOf(method, template) ?? (object)new { };

    private object Attempt(string code, string reference) =>
        new
        {
            code,
            customer_id = _customer,
            order = new { reference, amount = new { amount = 5000, currency = "USD" } },
        };

    /// <summary>Everything that a change would move, in one line.</summary>
    private Task<string> StateAsync() =>
        _host.Database.ScalarAsync<string>(
            """
            select concat_ws(' ', (select count(*) from platform.event e where exists (select from access.api_key k
                    join access.merchant m on m.id = k.merchant_id and m.name = 'Own' where e.actor = 'key:' || k.id)),
                (select string_agg(state || version, ',' order by id) from promotions.promotion),
                (select string_agg(version || name, ',' order by id) from promotions.segment),
                (select string_agg(state || version, ',' order by id) from approvals.request),
                (select string_agg(state || version, ',' order by id) from balances.withdrawal),
                (select string_agg(version || name, ',' order by id) from connectors.connector),
                (select count(*) from redemptions.order_return), (select count(*) from redemptions.order_reservation),
                (select string_agg(version || is_active::text, ',' order by id) from coupons.coupon),
                (select count(*) from redemptions.rollback), (select count(*) from campaigns.audience),
                (select count(*) from redemptions.reservation where ended_at is null),
                (select count(*) from access.api_key where revoked_at is null))
            """
        );

    private async Task<string> MakeAsync(string path, object body)
    {
        var reply = await _host.PostAsync(path, JsonSerializer.Serialize(body));
        Assert.True(reply.Status == 201, reply.Body);
        return reply.Json.GetProperty("id").ToString();
    }

    private System.Text.Json.Nodes.JsonNode? ExampleOf(string method, string template) =>
        _host
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains(method) == true)
            .Where(e => TemplateOf(e) == template)
            .Select(e => e.Metadata.GetMetadata<Server.Platform.Http.BodyFact>()?.Example?.DeepClone())
            .FirstOrDefault();

    private static string TemplateOf(RouteEndpoint endpoint) =>
        System.Text.RegularExpressions.Regex.Replace(
            "/" + endpoint.RoutePattern.RawText!.Trim('/'),
            ":[a-z]+}",
            "}",
            System.Text.RegularExpressions.RegexOptions.NonBacktracking
        );

    private IEnumerable<string> Routes(string method) =>
        _host
            .Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<RequiredPermission>() is { Permission: not null })
            .Where(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Contains(method))
            .Select(TemplateOf);
}
